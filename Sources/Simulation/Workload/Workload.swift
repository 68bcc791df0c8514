import Replication
import Storage

/// Writes that people could make, chosen at random from what stands at the site where they are
/// made.
struct Workload {
  private var documentCount = 0
  private var directiveCount = 0
  private var voucherCounts: [SiteID: Int] = [:]
  private var documents: [(key: RecordKey, owner: SiteID, name: Text)] = []
  private var directives: [(key: RecordKey, owner: SiteID, lead: SiteID, number: Int)] = []
  private var vouchers: [(key: RecordKey, owner: SiteID)] = []

  /// One write, somewhere.
  mutating func step(in world: SimulatedWorld) {
    guard let site = world.random.pick(world.sites.filter { world.members.contains($0.id) })
    else { return }
    switch world.random.below(100) {
    case 0..<18: document(at: site, in: world)
    case 18..<34: receipt(in: world)
    case 34..<40: lateAddressee(in: world)
    case 40..<46: keywords(in: world)
    case 46..<56: directive(at: site, in: world)
    case 56..<66: directiveEvent(in: world)
    case 66..<72: directiveRevision(in: world)
    case 72..<75: withdrawal(in: world)
    case 75..<86: voucher(at: site, in: world)
    case 86..<90: recall(in: world)
    case 90..<94: secret(at: site, in: world)
    default: decision(at: site, in: world)
    }
  }

  private func id(_ world: SimulatedWorld) -> UniqueID { UniqueID(world.randomBytes16()) }

  private func others(than site: SiteID, in world: SimulatedWorld) -> [SiteID] {
    world.members.filter { $0 != site }
  }

  private func write(
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
    documentCount += 1
    let body = Bodies.document(
      record, number: documentCount, from: site.id, to: to,
      isUrgent: world.random.chance(30))
    documents.append(
      (
        RecordKey(kind: .document, id: RecordID(record)), site.id,
        Bodies.documentID(number: documentCount, from: site.id)
      ))
    write(.document, .put, body, at: site.id, in: world)
  }

  private func receipt(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents),
      let site = world.random.pick(others(than: document.owner, in: world))
    else { return }
    let body = Bodies.receipt(id(world), of: document.key, by: site)
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

  private mutating func recall(in world: SimulatedWorld) {
    guard let document = world.random.pick(documents),
      let to = world.random.pick(others(than: document.owner, in: world))
    else { return }
    documentCount += 1
    let body = Bodies.document(
      id(world), number: documentCount, from: document.owner, to: [to], isUrgent: true,
      recalls: document.name)
    write(.document, .put, body, at: document.owner, in: world)
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

  // MARK: Directives

  private mutating func directive(at site: SimulatedSite, in world: SimulatedWorld) {
    guard let lead = world.random.pick(others(than: site.id, in: world)) else { return }
    let record = id(world)
    directiveCount += 1
    directives.append(
      (RecordKey(kind: .directive, id: RecordID(record)), site.id, lead, directiveCount))
    put(record, revision: 1, directives[directives.count - 1], in: world)
  }

  private func put(
    _ record: UniqueID, revision: UInt64,
    _ directive: (key: RecordKey, owner: SiteID, lead: SiteID, number: Int),
    in world: SimulatedWorld
  ) {
    let source = documents.first?.name ?? Bodies.documentID(number: 999, from: directive.owner)
    let body = Bodies.directive(
      record, revision: revision, number: directive.number, source: source,
      from: directive.owner, lead: directive.lead)
    write(.directive, .put, body, at: directive.owner, in: world)
  }

  private func directiveEvent(in world: SimulatedWorld) {
    guard let directive = world.random.pick(directives) else { return }
    let ofLead = ["accepted", "started", "progressReported"]
    let ofOwner = ["reminded", "suspended", "resumed", "cancelled"]
    let isLead = world.random.chance(60)
    guard let type = world.random.pick(isLead ? ofLead : ofOwner) else { return }
    let site = isLead ? directive.lead : directive.owner
    let body = Bodies.directiveEvent(id(world), directive.key, type: type, by: site)
    write(.directive, .append, body, at: site, in: world)
  }

  private func directiveRevision(in world: SimulatedWorld) {
    guard let directive = world.random.pick(directives) else { return }
    let revision = nextRevision(of: directive.key, at: directive.owner, in: world)
    put(directive.key.id.raw, revision: revision, directive, in: world)
  }

  private func withdrawal(in world: SimulatedWorld) {
    guard let directive = world.random.pick(directives) else { return }
    let revision = nextRevision(of: directive.key, at: directive.owner, in: world)
    let body = Bodies.withdrawal(directive.key, revision: revision)
    write(.directive, .withdraw, body, at: directive.owner, in: world)
  }

  private func nextRevision(
    of record: RecordKey, at site: SiteID, in world: SimulatedWorld
  ) -> UInt64 {
    var revision: UInt64 = 1
    world.attempt("next revision") { () throws(StoreError) in
      let summary = try world.site(site)?.store.summary(of: record)
      revision = (summary?.greatestRevision.value ?? 0) + 1
    }
    return revision
  }

  // MARK: Finance

  private mutating func voucher(at site: SimulatedSite, in world: SimulatedWorld) {
    let record = id(world)
    let unit = world.sites.firstIndex { $0 === site } ?? 0
    // Now and then a number that is in use already: a conflict the owner must decide.
    let isNew = !world.random.chance(10)
    if isNew { voucherCounts[site.id, default: 0] += 1 }
    let adjusted = vouchers.filter { $0.owner == site.id }.map(\.key)
    let adjusts = world.random.chance(25) ? world.random.pick(adjusted) : nil
    let body = Bodies.voucher(
      record, number: voucherCounts[site.id] ?? 0, unit: unit, of: site.id,
      amount: Int64(1_000 * (1 + world.random.below(100))), adjusts: adjusts)
    vouchers.append((RecordKey(kind: .finance, id: RecordID(record)), site.id))
    write(.finance, .put, body, at: site.id, in: world)
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
