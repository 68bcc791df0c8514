/// What makes a directive's events its state: takes them in the one order (T1). The assigner's
/// cancelled, completionConfirmed and reassigned are absorbing against assignees' events, nothing
/// else is: a suspension only lies over the state of the work, so what a lead reported before it
/// heard of it is not lost.
struct DirectiveFold {
  let assigner: SiteID?
  private let coordinators: [SiteID]
  private let history: DirectiveHistory

  private(set) var lead: SiteID?
  /// Whether an event named the lead: from then on only `reassigned` does.
  private var isLeadNamed = false
  /// When the lead was given the task.
  private var leadSince: CalendarDate?
  /// `at` of the lead's last event.
  private(set) var lastWord: Text?
  /// The event that made the lead what it is; nil: the put.
  private var appointment: FoldedEvent?
  /// Who was lead once, by the event that replaced it.
  private var replacements: [SiteID: FoldedEvent] = [:]

  private(set) var dueDate: CalendarDate?
  private(set) var percent: Int64 = 0
  private(set) var coordinating: [SiteID: DirectiveState.Progress] = [:]
  private var workState = DirectiveState.State.notStarted
  private var suspension: FoldedEvent?
  /// What cancelled or confirmed the task.
  private var closing: FoldedEvent?
  /// Local day of the completion report that waits for an answer, or was confirmed (T5): the first
  /// since the last rejection.
  private(set) var reportedDay: CalendarDate?
  private var requests: Set<Text> = []
  private var decidedRequests: Set<Text> = []

  /// - Parameter events: all that will be taken.
  init(put: JSONObject, events: [FoldedEvent], history: DirectiveHistory) {
    assigner = put.organSite(.assigningOrgan)
    coordinators = put.organSites(.coordinatingOrgans)
    self.history = history
    lead = put.organSite(.leadOrgan)
    leadSince = put.date(.assignedDate)
    dueDate = put[.deadlineType] == .string("fixed") ? put.date(.dueDate) : nil
    if let first = leadBeforeReplacement(events) { lead = first }
  }

  /// Who led before the first replacement. Superseded puts may be gone (law 2), so they have no
  /// say; where the current one was written after a replacement that no `assigned` with a name
  /// precedes, the lead was who spoke as one without knowing of the replacement: at home nobody
  /// else could (see `objection`), and the replacement resets what it said.
  private func leadBeforeReplacement(_ events: [FoldedEvent]) -> SiteID? {
    let naming = events.filter { $0.author == assigner && $0.namedLead != nil }
    guard let first = naming.first, first.type == "reassigned",
      naming.contains(where: { $0.namedLead == lead })
    else { return nil }
    var early: [SiteID] = []
    for event in events where DirectiveRules.isAssignees(event.type) {
      guard event.author != assigner, !coordinators.contains(event.author) else { continue }
      if !history.hasSeen(first, by: event) { early.append(event.author) }
    }
    return early.first { $0 == lead } ?? early.first
  }

  var state: DirectiveState.State { suspension == nil ? workState : .suspended }

  /// - Returns: nil for what every kind has: it says nothing about the task.
  mutating func take(_ event: FoldedEvent) -> DirectiveEffect? {
    if DirectiveRules.isAssigners(event.type) {
      guard event.author == assigner else { return .flagged(DirectiveFlag(.notAssigner)) }
      return takeAssigners(event).map { .flagged($0) } ?? .applied
    }
    guard DirectiveRules.isAssignees(event.type) else { return nil }
    // Whoever asked, the assigner may answer: the date is the task's, and hangs on no other rule.
    if event.type == "extensionRequested" { requests.insert(Text(event.id.description)) }
    return takeAssignees(event)
  }

  private mutating func takeAssignees(_ event: FoldedEvent) -> DirectiveEffect {
    let isCoordinators =
      event.type == "progressReported" && coordinators.contains(event.author)
    // A coordinator that is the lead by now reported as what it was.
    if event.author == lead, !isCoordinators || knowsAppointment(event) { return takeLeads(event) }
    if isCoordinators { return takeCoordinators(event) }
    let lead = lead.map { "\($0)" }
    guard let replacement = replacements[event.author] else {
      return .flagged(DirectiveFlag(.notLead, lead))
    }
    return lose(event, to: replacement, DirectiveFlag(.replaced, lead))
  }

  private func knowsAppointment(_ event: FoldedEvent) -> Bool {
    appointment.map { history.hasSeen($0, by: event) } ?? true
  }

  /// An assignee's event that the assigner's word outranks: its author's fault only if it knew.
  private func lose(
    _ event: FoldedEvent, to mark: FoldedEvent, _ flag: DirectiveFlag
  ) -> DirectiveEffect {
    history.hasSeen(mark, by: event) ? .flagged(flag) : .outranked(flag)
  }

  private var isOpen: Bool {
    switch workState {
    case .notStarted, .inProgress, .awaitingConfirmation: true
    case .completed, .suspended, .returned, .cancelled: false
    }
  }

  private var inThisState: DirectiveFlag {
    DirectiveFlag(closing == nil ? .otherState : .closed, state.rawValue)
  }

  // MARK: The assigner's events

  /// - Returns: why it does not count; nil when it does.
  private mutating func takeAssigners(_ event: FoldedEvent) -> DirectiveFlag? {
    switch event.type {
    case "assigned": return assign(event)
    case "reassigned": reassign(event)
    case "reminded": if closing != nil { return inThisState }
    case "extensionDecided": return decide(event.body)
    case "completionConfirmed":
      guard closing == nil else { return inThisState }
      close(event, as: .completed)
      percent = 100
      reportedDay = reportedDay ?? event.localDay
    case "completionRejected":
      guard workState == .awaitingConfirmation else {
        return closing == nil ? DirectiveFlag(.nothingReported) : inThisState
      }
      workState = .inProgress
      reportedDay = nil
    case "suspended":
      guard isOpen, suspension == nil else { return inThisState }
      suspension = event
    case "resumed":
      guard suspension != nil else { return inThisState }
      suspension = nil
    case "cancelled":
      guard closing == nil else { return inThisState }
      close(event, as: .cancelled)
    default: break
    }
    return nil
  }

  private mutating func close(_ event: FoldedEvent, as state: DirectiveState.State) {
    workState = state
    suspension = nil
    closing = event
  }

  /// The first name stands, and replaces the put's lead where it is another; any later one takes a
  /// `reassigned`.
  private mutating func assign(_ event: FoldedEvent) -> DirectiveFlag? {
    guard let named = event.namedLead else { return nil }
    guard named == lead || !isLeadNamed else {
      return DirectiveFlag(.leadNamed, lead.map { "\($0)" })
    }
    if named != lead { reassign(event) }
    isLeadNamed = true
    return nil
  }

  /// A new lead starts anew: what the old one reports does not move its state (T3). Also opens a
  /// task again that was closed or returned.
  private mutating func reassign(_ event: FoldedEvent) {
    if let lead { replacements[lead] = event }
    lead = event.namedLead
    appointment = event
    isLeadNamed = true
    leadSince = [leadSince, event.localDay].compactMap { $0 }.max()
    lastWord = nil
    workState = .notStarted
    suspension = nil
    closing = nil
    percent = 0
    reportedDay = nil
  }

  /// T4: later than the current date, and one decision a request. A decision that does not count
  /// leaves its request open.
  private mutating func decide(_ body: JSONObject) -> DirectiveFlag? {
    guard closing == nil else { return inThisState }
    guard let request = body.text(.requestEventId), requests.contains(request) else {
      return DirectiveFlag(.unknownRequest)
    }
    guard !decidedRequests.contains(request) else { return DirectiveFlag(.decidedBefore) }
    if body[.approved] == .bool(true) {
      guard let newDate = body.date(.newDueDate), let current = dueDate, newDate > current else {
        return DirectiveFlag(.notLater, dueDate.map { "\($0)" } ?? "-")
      }
      dueDate = newDate
    }
    decidedRequests.insert(request)
    return nil
  }

  // MARK: The assignees' events

  private mutating func takeLeads(_ event: FoldedEvent) -> DirectiveEffect {
    // Who leads now answers for what it wrote as the lead, not for what it wrote before it knew.
    if !knowsAppointment(event) {
      return replacements[event.author] == nil
        ? .flagged(DirectiveFlag(.notLead, "-"))
        : .outranked(DirectiveFlag(.replaced, "\(event.author)"))
    }
    lastWord = event.body.text(.at) ?? lastWord
    if let closing { return lose(event, to: closing, inThisState) }
    switch event.type {
    case "accepted": if workState == .returned { workState = .notStarted }
    case "progressReported":
      // T6: 100 percent does not complete.
      percent = event.body[.percentComplete]?.integer ?? percent
      if workState == .notStarted { workState = .inProgress }
    case "extensionRequested": break
    default:
      if let suspension, history.hasSeen(suspension, by: event) {
        return .flagged(DirectiveFlag(.suspended))
      }
      return step(event) ? .applied : .flagged(inThisState)
    }
    return .applied
  }

  /// - Returns: false when the event does not fit the state of the work.
  private mutating func step(_ event: FoldedEvent) -> Bool {
    switch event.type {
    case "started":
      guard workState != .awaitingConfirmation else { return false }
      workState = .inProgress
    case "completionReported":
      guard isOpen else { return false }
      workState = .awaitingConfirmation
      reportedDay = reportedDay ?? event.localDay
    case "returned":
      guard isOpen else { return false }
      // Who hands the task back takes its report back too.
      workState = .returned
      reportedDay = nil
    default: return false
    }
    return true
  }

  private mutating func takeCoordinators(_ event: FoldedEvent) -> DirectiveEffect {
    if let closing { return lose(event, to: closing, inThisState) }
    coordinating[event.author] = DirectiveState.Progress(
      site: event.author, percentComplete: event.body[.percentComplete]?.integer ?? 0,
      at: event.body.text(.at))
    return .shown
  }

  // MARK: Against the calendar

  func timeliness(asOf day: CalendarDate) -> DirectiveState.Timeliness? {
    guard workState != .cancelled else { return nil }
    guard let dueDate else { return .noDeadline }
    if workState == .completed {
      // T5: by the day of the confirmed report; a day nobody claims is late.
      return reportedDay.map { $0 <= dueDate } == true ? .completedOnTime : .completedLate
    }
    if day > dueDate { return .overdue }
    let daysLeft = dueDate.dayNumber - day.dayNumber
    return daysLeft <= DirectiveState.dueSoonDayCount ? .dueSoon : .onTrack
  }

  /// Since when nothing is heard of an overdue task that is the lead's to carry on: its last word,
  /// unless it spoke that very day; the day it was given the task if it never spoke.
  func silence(asOf day: CalendarDate) -> CalendarDate? {
    guard timeliness(asOf: day) == .overdue, state == .notStarted || state == .inProgress else {
      return nil
    }
    let heard = lastWord.flatMap { WallTime($0) }.map { CalendarDate(localDayOf: $0) }
    guard let heard else { return leadSince }
    return heard < day ? heard : nil
  }
}

extension FoldedEvent {
  /// The lead that an `assigned` or `reassigned` names.
  fileprivate var namedLead: SiteID? {
    type == "assigned" || type == "reassigned" ? body.site(.leadSite) : nil
  }

  /// `at` is the author's claim; dates come from it, order does not.
  fileprivate var localDay: CalendarDate? {
    body.text(.at).flatMap { WallTime($0) }.map { CalendarDate(localDayOf: $0) }
  }
}
