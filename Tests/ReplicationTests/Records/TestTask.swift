@testable import Replication

/// A directive of `trung-uong` led by `nghe-an`, coordinated by `lang-son`, given on 2026-04-01, due
/// on 2026-05-15, and its events in the one order.
struct TestTask {
  var put = Sample.directives[3].put.with(
    "coordinatingOrgans",
    .array([.object(["siteId": "lang-son", "organId": "A99.P20", "organName": "x"])]))
  var events: [FoldedEvent] = []

  /// Appends an event on a local day, at noon.
  /// - Parameter seen: how many of the events before it its author knew; nil: all.
  /// - Returns: its id.
  @discardableResult
  mutating func tell(
    _ author: String, _ type: Text, on day: String = "2026-05-01", _ fields: JSONObject = [:],
    seen: Int? = nil
  ) -> JSONValue {
    let body = fields.with("type", .string(type)).with("at", .string(Text("\(day)T05:00:00Z")))
    let number = UInt64(events.count)
    let event = FoldedEvent(
      id: EventID(UniqueID(Bytes16(high: 0, low: number))), operation: .append,
      author: site(author), digest: Digest(Bytes32(0, 0, 0, number + 1)),
      parents: events.prefix(seen ?? events.count).map(\.digest), body: body)
    events.append(event)
    return .string(Text(event.id.description))
  }

  mutating func report(_ author: String, _ percent: Int64, seen: Int? = nil) {
    tell(author, "progressReported", ["percentComplete": .integer(percent)], seen: seen)
  }

  mutating func reassign(to lead: String, on day: String = "2026-05-01") {
    tell("trung-uong", "reassigned", on: day, ["leadSite": .string(Text(lead))])
  }

  mutating func decide(
    _ request: JSONValue, _ isApproved: Bool, _ day: JSONValue? = nil, by author: String? = nil
  ) {
    let fields: JSONObject = ["requestEventId": request, "approved": .bool(isApproved)]
    tell(author ?? "trung-uong", "extensionDecided", fields.with("newDueDate", day))
  }

  func state(asOf day: Text = "2026-05-10") -> DirectiveState {
    let date = CalendarDate(day) ?? CalendarDate(dayNumber: 0)
    return DirectiveState(put: put, events: events, asOf: date)
  }

  /// What each event did, as `applied` or `flagged closed`.
  var effects: [String] {
    state().effects.map { effect in
      guard let effect else { return "-" }
      return effect.flag.map { "\(effect.word) \($0.reason)" } ?? "\(effect.word)"
    }
  }

  var flaggedNumbers: [Int] {
    state().flagged.compactMap { id in events.firstIndex { $0.id == id } }
  }
}
