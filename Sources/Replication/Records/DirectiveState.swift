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

  /// A coordinating site's last word on its part (T2).
  package struct Progress: Hashable, Sendable {
    package let site: SiteID
    package let percentComplete: Int64
    /// As its author claims.
    package let at: Text?
  }

  package let state: State
  /// nil once the task is cancelled: nobody is late any more.
  package let timeliness: Timeliness?
  package let effectiveDueDate: CalendarDate?
  package let percentComplete: Int64
  package let leadSite: SiteID?
  /// `at` of the last event of the lead; nil while it has not spoken.
  package let lastWord: Text?
  /// For an overdue task whose lead has not spoken since the due date: since when, counted from the
  /// day it was given the task if it never spoke.
  package let noWordSince: CalendarDate?
  /// Ascending by site.
  package let coordinatingProgress: [Progress]
  /// What each event did, in the order of the events given; nil: it says nothing about the task.
  package let effects: [DirectiveEffect?]
  /// Events kept but not applied: not the writer's to say, or not in that state (T3, T4).
  package let flagged: [EventID]

  /// Days before the due date from which a task is `dueSoon`.
  package static let dueSoonDayCount = 3

  /// - Parameters:
  ///   - put: the current put.
  ///   - events: in the one order, each id once; who had seen what is read from their parents.
  ///   - day: the local day for which timeliness is asked.
  package init(put: JSONObject, events: [FoldedEvent], asOf day: CalendarDate) {
    let history = DirectiveHistory(of: events)
    self.init(DirectiveFold(put: put, events: events, history: history), events, asOf: day)
  }

  /// - Parameter events: the appended events of `record`, in the one order.
  init(of record: HeldRecord, put: JSONObject, events: [FoldedEvent], asOf day: CalendarDate) {
    let history = DirectiveHistory(of: record.entries, events: events)
    self.init(DirectiveFold(put: put, events: events, history: history), events, asOf: day)
  }

  private init(_ start: DirectiveFold, _ events: [FoldedEvent], asOf day: CalendarDate) {
    var fold = start
    effects = events.map { $0.operation == .append ? fold.take($0) : nil }
    state = fold.state
    timeliness = fold.timeliness(asOf: day)
    effectiveDueDate = fold.dueDate
    percentComplete = fold.percent
    leadSite = fold.lead
    lastWord = fold.lastWord
    noWordSince = fold.silence(asOf: day)
    coordinatingProgress = fold.coordinating.sorted { $0.key < $1.key }.map(\.value)
    flagged = zip(events, effects).compactMap { event, effect in
      guard case .flagged? = effect else { return nil }
      return event.id
    }
  }

  /// As the API shows it.
  package var json: JSONValue {
    let due = effectiveDueDate.map { JSONValue.string(Text($0.description)) }
    var object: JSONObject = [
      "state": .string(Text(state.rawValue)),
      "timeliness": timeliness.map { .string(Text($0.rawValue)) } ?? .null,
      "effectiveDueDate": due ?? .null,
      "percentComplete": .integer(percentComplete),
      "leadSite": leadSite.map { .string(Text($0.description)) } ?? .null,
      "flaggedEventIds": .array(flagged.map { .string(Text($0.description)) }),
    ]
    object["lastWord"] = lastWord.map { .string($0) }
    object["noWordSince"] = noWordSince.map { .string(Text($0.description)) }
    if !coordinatingProgress.isEmpty {
      object["coordinatingProgress"] = .array(coordinatingProgress.map(Self.json(of:)))
    }
    return .object(object)
  }

  private static func json(of progress: Progress) -> JSONValue {
    var object: JSONObject = [
      "siteId": .string(Text(progress.site.description)),
      "percentComplete": .integer(progress.percentComplete),
    ]
    object[.at] = progress.at.map { .string($0) }
    return .object(object)
  }
}
