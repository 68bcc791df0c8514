/// What a directive's events make of it, at a day. Derived alike at every site, never stored.
package struct DirectiveState: Hashable, Sendable {
  /// Where the task stands; raw values are what the API shows.
  package enum State: String, Hashable, Sendable {
    /// chưa thực hiện
    case notStarted
    /// đang thực hiện
    case inProgress
    /// chờ xác nhận
    case awaitingConfirmation
    /// đã hoàn thành
    case completed
    /// tạm hoãn
    case suspended
    /// từ chối nhiệm vụ
    case returned
    /// huỷ
    case cancelled
  }

  /// The task against its due date on the day asked for; raw values are what the API shows.
  package enum Timeliness: String, Hashable, Sendable {
    case onTrack, dueSoon, overdue, completedOnTime, completedLate, noDeadline
  }

  package let state: State
  /// nil once the task is cancelled: nobody is late any more.
  package let timeliness: Timeliness?
  package let effectiveDueDate: CalendarDate?
  package let percentComplete: Int64
  package let leadSite: SiteID?
  /// Events kept but not applied: not the writer's to say, or not in that state (T3, T4).
  package let flagged: [EventID]

  /// Days before the due date from which a task is `dueSoon`.
  package static let dueSoonDayCount = 3

  /// - Parameters:
  ///   - put: the current put.
  ///   - events: in the one order, each id once.
  ///   - day: the local day for which timeliness is asked.
  package init(put: JSONObject, events: [FoldedEvent], asOf day: CalendarDate) {
    var fold = DirectiveFold(put: put, events: events)
    for event in events where event.operation == .append { fold.apply(event) }
    state = fold.state
    timeliness = fold.timeliness(asOf: day)
    effectiveDueDate = fold.dueDate
    percentComplete = fold.percent
    leadSite = fold.lead
    flagged = fold.flagged
  }

  /// As the API shows it.
  package var json: JSONValue {
    let due = effectiveDueDate.map { JSONValue.string(Text($0.description)) }
    return .object([
      "state": .string(Text(state.rawValue)),
      "timeliness": timeliness.map { .string(Text($0.rawValue)) } ?? .null,
      "effectiveDueDate": due ?? .null,
      "percentComplete": .integer(percentComplete),
      "leadSite": leadSite.map { .string(Text($0.description)) } ?? .null,
      "flaggedEventIds": .array(flagged.map { .string(Text($0.description)) }),
    ])
  }
}

private struct DirectiveFold {
  let assigner: SiteID?
  let coordinators: [SiteID]
  var lead: SiteID?
  var dueDate: CalendarDate?
  var state = DirectiveState.State.notStarted
  var stateBeforeSuspension = DirectiveState.State.notStarted
  var percent: Int64 = 0
  /// Local day of the first completion report since the last rejection: the one a confirmation
  /// means.
  var reportedDay: CalendarDate?
  var decidedRequests: Set<Text> = []
  var flagged: [EventID] = []

  /// The lead before the first event that names one is the current put's: superseded puts may be
  /// gone (law 2), so they have no say.
  init(put: JSONObject, events: [FoldedEvent]) {
    assigner = put.organSite(.assigningOrgan)
    coordinators = put.organSites(.coordinatingOrgans).compactMap { $0 }
    lead = put.organSite(.leadOrgan)
    dueDate = put[.deadlineType] == .string("fixed") ? put.date(.dueDate) : nil
  }

  mutating func apply(_ event: FoldedEvent) {
    let type = event.body.text(.type) ?? ""
    // What every kind has says nothing about the task.
    guard Schema.common(ofType: type) == nil else { return }
    let isApplied =
      switch event.author {
      case assigner where DirectiveRules.isAssigners(type): applyAssigners(type, event.body)
      case lead where !DirectiveRules.isAssigners(type): applyLeads(type, event.body)
      // T2: a coordinating site's percent is shown and does not count.
      case let site where coordinators.contains(site): type == "progressReported"
      default: false
      }
    if !isApplied { flagged.append(event.id) }
  }

  private var isOpen: Bool {
    switch state {
    case .notStarted, .inProgress, .awaitingConfirmation: true
    case .completed, .suspended, .returned, .cancelled: false
    }
  }

  /// The assigner's word always stands. Cancelled and completed end the matter for assignees (T1).
  private mutating func applyAssigners(_ type: Text, _ body: JSONObject) -> Bool {
    switch type {
    case "assigned": lead = body.site(.leadSite) ?? lead
    case "reassigned":
      // A new lead starts anew: what the old one reports does not move its state (T3).
      lead = body.site(.leadSite)
      state = .notStarted
      percent = 0
      reportedDay = nil
    case "extensionDecided": return applyDecision(body)
    case "completionConfirmed":
      state = .completed
      percent = 100
      reportedDay = reportedDay ?? Self.localDay(body)
    case "completionRejected":
      guard state == .awaitingConfirmation else { return false }
      state = .inProgress
      reportedDay = nil
    case "suspended":
      guard isOpen else { return false }
      stateBeforeSuspension = state
      state = .suspended
    case "resumed":
      guard state == .suspended else { return false }
      state = stateBeforeSuspension
    case "cancelled": state = .cancelled
    case "reminded": break
    default: return false
    }
    return true
  }

  /// T4: later than the current date, and one decision a request.
  private mutating func applyDecision(_ body: JSONObject) -> Bool {
    guard let request = body.text(.requestEventId), decidedRequests.insert(request).inserted else {
      return false
    }
    guard body[.approved] == .bool(true) else { return true }
    guard let newDate = body.date(.newDueDate), let current = dueDate, newDate > current else {
      return false
    }
    dueDate = newDate
    return true
  }

  private mutating func applyLeads(_ type: Text, _ body: JSONObject) -> Bool {
    guard state != .completed, state != .cancelled else { return false }
    switch type {
    case "accepted": if state == .returned { state = .notStarted }
    case "started":
      guard state == .notStarted || state == .returned else { return false }
      state = .inProgress
    case "progressReported":
      percent = body[.percentComplete]?.integer ?? percent
      if state == .notStarted { state = .inProgress }
    case "completionReported":
      guard isOpen else { return false }
      state = .awaitingConfirmation
      reportedDay = reportedDay ?? Self.localDay(body)
    case "returned":
      guard isOpen else { return false }
      state = .returned
    case "extensionRequested": break
    default: return false
    }
    return true
  }

  func timeliness(asOf day: CalendarDate) -> DirectiveState.Timeliness? {
    guard state != .cancelled else { return nil }
    guard let dueDate else { return .noDeadline }
    if state == .completed {
      // T5: by the day of the confirmed report; a day nobody claims is late.
      return reportedDay.map { $0 <= dueDate } == true ? .completedOnTime : .completedLate
    }
    if day > dueDate { return .overdue }
    let daysLeft = dueDate.dayNumber - day.dayNumber
    return daysLeft <= DirectiveState.dueSoonDayCount ? .dueSoon : .onTrack
  }

  /// `at` is the author's claim; dates come from it, order does not.
  private static func localDay(_ body: JSONObject) -> CalendarDate? {
    body.text(.at).flatMap { WallTime($0) }.map { CalendarDate(localDayOf: $0) }
  }
}
