import Replication
import Storage

/// Directives: tasks that are given, reported on, extended, moved to another lead and closed.
extension Workload {
  struct Task {
    let key: RecordKey
    let owner: SiteID
    let firstLead: SiteID
    let helpers: [SiteID]
    let number: Int
    let source: Text
    /// By the last `reassigned` that was tried.
    var lead: SiteID
    var requests: [UniqueID] = []
  }

  mutating func task(at site: SimulatedSite, in world: SimulatedWorld) {
    var others = others(than: site.id, in: world)
    others.shuffle(using: &world.random)
    guard let lead = others.popLast() else { return }
    let record = id(world)
    let unknown = Bodies.documentID(number: 999, from: site.id)
    let task = Task(
      key: RecordKey(kind: .directive, id: RecordID(record)), owner: site.id, firstLead: lead,
      helpers: world.random.chance(40) ? Array(others.prefix(1)) : [], number: tasks.count + 1,
      source: world.random.pick(documents)?.name ?? unknown, lead: lead)
    tasks.append(task)
    put(task, revision: 1, in: world)
  }

  private func put(_ task: Task, revision: UInt64, in world: SimulatedWorld) {
    var body = Bodies.directive(
      task.key.id.raw, revision: revision, number: task.number, source: task.source,
      from: task.owner, lead: task.firstLead, helpers: task.helpers)
    if world.copiedSite == task.owner {
      body["content"] = Bodies.text("Nội dung \(task.number).\(world.random.below(3))")
    }
    if let due = ["2026-03-03", "2026-03-20", nil][task.number % 3] {
      body["deadlineType"] = Bodies.text("fixed")
      body["dueDate"] = Bodies.text(due)
    }
    write(.directive, .put, body, at: task.owner, in: world)
  }

  /// Something of the lead, something of the owner, or both before either hears of the other.
  mutating func taskEvent(in world: SimulatedWorld) {
    guard !tasks.isEmpty else { return }
    let index = max(0, tasks.count - 1 - world.random.below(3))
    let side = world.random.below(10)
    if side < 7 { leadsEvent(of: index, in: world) }
    if side > 3 { ownersEvent(of: index, in: world) }
  }

  /// A former lead or a helper speaks too, and is kept or refused.
  private mutating func leadsEvent(of index: Int, in world: SimulatedWorld) {
    let task = tasks[index]
    let types = [
      "accepted", "started", "progressReported", "progressReported", "completionReported",
      "returned", "extensionRequested",
    ]
    let speakers = [task.lead, task.lead, task.firstLead] + task.helpers
    guard let type = world.random.pick(types), let site = world.random.pick(speakers)
    else { return }
    let event = id(world)
    if type == "extensionRequested" { tasks[index].requests.append(event) }
    let body = Bodies.directiveEvent(
      event, task.key, type: type, by: site, on: day(in: world), fields(of: type, in: world))
    write(.directive, .append, body, at: site, in: world)
  }

  private mutating func ownersEvent(of index: Int, in world: SimulatedWorld) {
    let task = tasks[index]
    let types = [
      "reminded", "suspended", "resumed", "cancelled", "cancelled", "completionConfirmed",
      "completionConfirmed", "completionRejected", "reassigned", "extensionDecided",
    ]
    guard let type = world.random.pick(types) else { return }
    var more = fields(of: type, in: world)
    if type == "reassigned" {
      let heirs = others(than: task.owner, in: world).filter { $0 != task.lead }
      guard let heir = world.random.pick(heirs) else { return }
      tasks[index].lead = heir
      more["leadSite"] = Bodies.text(heir)
    }
    if type == "extensionDecided" {
      guard let request = world.random.pick(task.requests) else { return }
      more["requestEventId"] = Bodies.text(request)
    }
    let body = Bodies.directiveEvent(
      id(world), task.key, type: type, by: task.owner, on: day(in: world), more)
    write(.directive, .append, body, at: task.owner, in: world)
  }

  private func day(in world: SimulatedWorld) -> String {
    world.random.chance(50) ? "2026-03-03" : "2026-03-04"
  }

  private func fields(of type: String, in world: SimulatedWorld) -> JSONObject {
    let day = Bodies.text("2026-03-\(10 + world.random.below(20))")
    switch type {
    case "progressReported": return ["percentComplete": .integer(Int64(world.random.below(101)))]
    case "completionReported": return ["summary": Bodies.text("xong")]
    case "extensionRequested": return ["requestedDueDate": day, "reason": Bodies.text("chậm")]
    case "extensionDecided": return ["approved": .bool(world.random.chance(80)), "newDueDate": day]
    case "accepted", "started": return JSONObject()
    default: return ["reason": Bodies.text("lý do")]
    }
  }

  /// - Parameter owner: nil: of anyone.
  func taskRevision(of owner: SiteID? = nil, in world: SimulatedWorld) {
    let mine = tasks.filter { owner == nil || $0.owner == owner }
    guard let task = world.random.pick(mine) else { return }
    put(task, revision: nextRevision(of: task.key, at: task.owner, in: world), in: world)
  }

  func withdrawal(in world: SimulatedWorld) {
    guard let task = world.random.pick(tasks) else { return }
    let revision = nextRevision(of: task.key, at: task.owner, in: world)
    let body = Bodies.withdrawal(task.key, revision: revision)
    write(.directive, .withdraw, body, at: task.owner, in: world)
  }

  func nextRevision(
    of record: RecordKey, at site: SiteID, in world: SimulatedWorld
  ) -> UInt64 {
    var revision: UInt64 = 1
    world.attempt("next revision") { () throws(StoreError) in
      let summary = try world.site(site)?.store.summary(of: record)
      revision = (summary?.greatestRevision.value ?? 0) + 1
    }
    return revision
  }
}
