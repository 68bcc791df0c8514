import Replication

/// Directives: rules T1 to T9, event by event in the one order.
extension ReferenceModel {
  func addDirective(
    _ put: ModelEntry, _ events: [ModelEntry], to said: inout [String: JSONValue]
  ) {
    said["events[].eventId"] = .texts(events.map(\.event))
    guard put.operation == "put" else {
      said["derived.state"] = .null
      return
    }
    var task = ModelTask(put, in: self)
    let flagged = events.filter { task.isFlagged($0) }
    said["derived.state"] = .string(Text(task.state))
    said["derived.leadSite"] = .string(Text(task.lead))
    said["derived.percentComplete"] = .integer(task.percent)
    said["derived.effectiveDueDate"] = task.due.map { .string(Text($0)) } ?? .null
    said["derived.timeliness"] = task.timeliness(on: day).map { .string(Text($0)) } ?? .null
    said["derived.flaggedEventIds"] = .texts(flagged.map(\.event))
    let sources = documents(named: put.body.string("sourceDocumentId"))
    said["derived.sourceNotAvailableHere"] =
      sources.isEmpty && site != centre ? .bool(true) : .null
    said["derived.sourceRevoked"] =
      sources.first.map { isRecalled($0) } == true ? .bool(true) : .null
  }
}

struct ModelTask {
  private let model: ReferenceModel
  private let owner: String
  private let helpers: [String]
  private var work = "notStarted"
  private var suspension: ModelEntry?
  private var closing: (state: String, by: ModelEntry)?
  private(set) var lead: String
  private var appointment: ModelEntry?
  /// By former lead, what replaced it.
  private var replacements: [String: ModelEntry] = [:]
  private(set) var percent: Int64 = 0
  private(set) var due: String?
  private var reportedOn: String?
  private var requests: Set<String> = []
  private var decided: Set<String> = []

  init(_ put: ModelEntry, in model: ReferenceModel) {
    self.model = model
    owner = put.site
    lead = put.body.site(of: "leadOrgan") ?? ""
    helpers = put.body.list("coordinatingOrgans").compactMap { $0.string("siteId") }
    due = put.body.string("dueDate")
  }

  var state: String { closing?.state ?? (suspension == nil ? work : "suspended") }

  func timeliness(on day: CalendarDate) -> String? {
    guard state != "cancelled" else { return nil }
    guard let due, let last = CalendarDate(Text(due)) else { return "noDeadline" }
    if state == "completed" {
      return (reportedOn ?? "") <= due ? "completedOnTime" : "completedLate"
    }
    if day > last { return "overdue" }
    return last.dayNumber - day.dayNumber <= 3 ? "dueSoon" : "onTrack"
  }

  /// Takes an event. Flagged is what its author could have known not to count; what it could not
  /// know is kept and moves nothing.
  mutating func isFlagged(_ event: ModelEntry) -> Bool {
    let ofOwner = [
      "cancelled", "completionConfirmed", "completionRejected", "suspended", "resumed",
      "reassigned", "reminded", "extensionDecided",
    ]
    if event.type == "extensionRequested" { requests.insert(event.event) }
    if ofOwner.contains(event.type) { return event.site != owner || !command(event) }
    guard event.site == lead else {
      if event.type == "progressReported", helpers.contains(event.site) {
        return closing.map { model.knew(event, $0.by) } ?? false
      }
      return replacements[event.site].map { model.knew(event, $0) } ?? true
    }
    if let appointment, !model.knew(event, appointment) {
      let isHelpers = event.type == "progressReported" && helpers.contains(event.site)
      return replacements[event.site] == nil && !isHelpers
    }
    if let closing { return model.knew(event, closing.by) }
    let isOfWork = ["started", "completionReported", "returned"].contains(event.type)
    if isOfWork, let suspension, model.knew(event, suspension) { return true }
    return !report(event)
  }

  private mutating func command(_ event: ModelEntry) -> Bool {
    switch event.type {
    case "reassigned":
      let next = event.body.string("leadSite") ?? ""
      replacements[lead] = event
      (lead, appointment, work, percent) = (next, event, "notStarted", 0)
      (closing, suspension, reportedOn) = (nil, nil, nil)
    case "cancelled", "completionConfirmed":
      guard closing == nil else { return false }
      let isDone = event.type == "completionConfirmed"
      closing = (isDone ? "completed" : "cancelled", event)
      suspension = nil
      if isDone { (percent, reportedOn) = (100, reportedOn ?? localDay(event)) }
    case "completionRejected":
      guard closing == nil, work == "awaitingConfirmation" else { return false }
      (work, reportedOn) = ("inProgress", nil)
    case "suspended":
      guard closing == nil, suspension == nil, work != "returned" else { return false }
      suspension = event
    case "resumed":
      guard closing == nil, suspension != nil else { return false }
      suspension = nil
    case "extensionDecided":
      let date = event.body.string("newDueDate") ?? ""
      let isApproved = event.body["approved"]?.bool == true
      guard closing == nil, let request = event.body.string("requestEventId"),
        requests.contains(request), !decided.contains(request), !isApproved || date > (due ?? "9")
      else { return false }
      decided.insert(request)
      if isApproved { due = date }
    case "reminded": return closing == nil
    default: break
    }
    return true
  }

  private mutating func report(_ event: ModelEntry) -> Bool {
    switch event.type {
    case "accepted":
      if work == "returned" { work = "notStarted" }
    case "started":
      guard work != "awaitingConfirmation" else { return false }
      work = "inProgress"
    case "progressReported":
      percent = event.body["percentComplete"]?.integer ?? 0
      if work == "notStarted" { work = "inProgress" }
    case "completionReported":
      guard work != "returned" else { return false }
      work = "awaitingConfirmation"
      reportedOn = reportedOn ?? localDay(event)
    case "returned":
      guard work != "returned" else { return false }
      (work, reportedOn) = ("returned", nil)
    default: break
    }
    return true
  }

  /// All are told before 17:00 UTC, which is midnight here.
  private func localDay(_ event: ModelEntry) -> String? {
    event.body.string("at").map { String($0.prefix(10)) }
  }
}
