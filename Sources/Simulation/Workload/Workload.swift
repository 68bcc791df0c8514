import Replication
import Storage

/// Writes that people could make, chosen at random from what stands at the site where they are
/// made.
struct Workload {
  struct Document {
    let key: RecordKey
    let owner: SiteID
    let name: Text
    let number: Int
  }

  private var documentCount = 0
  var documents: [Document] = []
  var tasks: [Task] = []
  var voucherCounts: [SiteID: Int] = [:]
  var vouchers: [Voucher] = []
  var assets: [Asset] = []

  /// One write, somewhere.
  mutating func step(in world: SimulatedWorld) {
    guard let site = world.random.pick(world.sites.filter { world.members.contains($0.id) })
    else { return }
    if let copied = world.copiedSite, world.random.chance(25) {
      return taskRevision(of: copied, in: world)
    }
    switch world.random.below(100) {
    case 0..<14: document(at: site, in: world)
    case 14..<27: receipt(in: world)
    case 27..<33: lateAddressee(in: world)
    case 33..<38: keywords(in: world)
    case 38..<44: task(at: site, in: world)
    case 44..<62: taskEvent(in: world)
    case 62..<66: taskRevision(in: world)
    case 66..<68: withdrawal(in: world)
    case 68..<76: voucher(at: site, in: world)
    case 76..<79: asset(at: site, in: world)
    case 79..<87: movement(in: world)
    case 87..<92: change(in: world)
    case 92..<94: secret(at: site, in: world)
    default: decision(at: site, in: world)
    }
  }

  func id(_ world: SimulatedWorld) -> UniqueID { UniqueID(world.randomBytes16()) }

  func others(than site: SiteID, in world: SimulatedWorld) -> [SiteID] {
    world.members.filter { $0 != site }
  }

  func write(
    _ kind: RecordKind, _ operation: Operation, _ body: JSONObject, at site: SiteID,
    in world: SimulatedWorld
  ) {
    guard let site = world.site(site) else { return }
    do throws(RecordError) {
      world.submit(
        try Submission.read(
          kind: kind, operation: operation, json: JSONValue.object(body).canonicalBytes),
        at: site)
    } catch {
      world.fail("the workload writes no lawful \(kind) \(operation): \(error)")
    }
  }

  // MARK: Documents

  private mutating func document(at site: SimulatedSite, in world: SimulatedWorld) {
    var to = others(than: site.id, in: world)
    to.shuffle(using: &world.random)
    to = Array(to.prefix(1 + world.random.below(2)))
    let record = id(world)
    // Now and then a number that is in use already: a conflict the owner must decide.
    let used = documents.filter { $0.owner == site.id }
    let isNew = !world.random.chance(8)
    if isNew { documentCount += 1 }
    let number = isNew ? documentCount : world.random.pick(used)?.number ?? documentCount
    let body = Bodies.document(
      record, number: number, from: site.id, to: to, isUrgent: world.random.chance(30))
    note(record, number, site.id)
    write(.document, .put, body, at: site.id, in: world)
  }

  private mutating func note(_ record: UniqueID, _ number: Int, _ owner: SiteID) {
    documents.append(
      Document(
        key: RecordKey(kind: .document, id: RecordID(record)), owner: owner,
        name: Bodies.documentID(number: number, from: owner), number: number))
  }

  private func receipt(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents),
      let site = world.random.pick(others(than: document.owner, in: world))
    else { return }
    let codes = ["01", "02", "03", "03", "04", "05", "06", "15", "16"]
    let body = Bodies.receipt(
      id(world), of: document.key, by: site, code: world.random.pick(codes) ?? "01")
    write(.document, .append, body, at: site, in: world)
  }

  private func lateAddressee(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents),
      let site = world.random.pick(others(than: document.owner, in: world))
    else { return }
    let body = Bodies.addressed(id(world), document.key, to: site)
    write(.document, .append, body, at: document.owner, in: world)
  }

  private func keywords(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents) else { return }
    let site = world.random.chance(50) ? document.owner : world.centre.id
    let body = Bodies.keywords(id(world), document.key, world.random.below(9))
    write(.document, .annotate, body, at: site, in: world)
  }

  /// Recalls, updates or replaces a document, in the name of its issuer or of the centre.
  private mutating func change(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents) else { return }
    let author = world.random.chance(70) ? document.owner : world.centre.id
    guard let to = world.random.pick(others(than: author, in: world)) else { return }
    documentCount += 1
    let record = id(world)
    let body = Bodies.document(
      record, number: documentCount, from: author, to: [to], isUrgent: world.random.chance(50),
      recalls: document.name, business: world.random.pick([1, 1, 2, 3]) ?? 1)
    note(record, documentCount, author)
    write(.document, .put, body, at: author, in: world)
  }

  /// Must be refused before anything else is looked at (promise 7).
  private func secret(at site: SimulatedSite, in world: SimulatedWorld) {
    guard let to = world.random.pick(others(than: site.id, in: world)) else { return }
    var body = Bodies.document(
      id(world), number: 1, from: site.id, to: [to], isUrgent: false)
    body["subject"] = .string(Text(String(decoding: SimulatedWorld.canary, as: UTF8.self)))
    body["secrecyLevel"] = Bodies.text("mat")
    do throws(RecordError) {
      world.submit(
        try Submission.read(
          kind: .document, operation: .put, json: JSONValue.object(body).canonicalBytes), at: site)
      world.fail("O5: a secret was let in at \(site.id)")
    } catch {
      if error != .secrecy { world.fail("O5: a secret was refused for \(error)") }
    }
  }

  // MARK: Conflicts

  /// The owner of a record in conflict keeps one of its versions.
  private func decision(at site: SimulatedSite, in world: SimulatedWorld) {
    world.attempt("decision", at: site) { () throws(StoreError) in
      let records = try site.store.conflicts(after: nil, limit: 100)
      guard let record = world.random.pick(records) else { return }
      let current = Resolution(of: try site.store.entries(of: record)).current
      let keep: Keep
      if current.count > 1 {
        keep = .version(current[world.random.below(current.count)].digest)
      } else {
        keep = .record(record.id)
      }
      world.decide(record, keep: keep, at: site)
    }
  }
}
