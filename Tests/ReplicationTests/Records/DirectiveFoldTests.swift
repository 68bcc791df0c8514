import Testing

@testable import Replication

/// A directive of `trung-uong` led by `nghe-an`, coordinated by `lang-son`, due on 2026-05-15.
private struct Task {
  let put = Sample.directives[3].put.with(
    "coordinatingOrgans",
    .array([.object(["siteId": "lang-son", "organId": "A99.P20", "organName": "x"])]))
  var events: [FoldedEvent] = []

  /// Appends an event on a local day, at noon.
  mutating func tell(
    _ author: String, _ type: Text, on day: String = "2026-05-01", _ fields: JSONObject = [:]
  ) {
    let number = Bytes16(high: 0, low: UInt64(events.count))
    let body = fields.with("type", .string(type)).with("at", .string(Text("\(day)T05:00:00Z")))
    events.append(
      FoldedEvent(
        id: EventID(UniqueID(number)), operation: .append, author: site(author), body: body))
  }

  func state(asOf day: Text = "2026-05-10") -> DirectiveState {
    let date = CalendarDate(day) ?? CalendarDate(dayNumber: 0)
    return DirectiveState(put: put, events: events, asOf: date)
  }

  var flaggedNumbers: [Int] {
    state().flagged.compactMap { id in events.firstIndex { $0.id == id } }
  }
}

@Suite struct DirectiveFoldTests {
  @Test(arguments: [
    ("2026-05-11", "onTrack"), ("2026-05-12", "dueSoon"), ("2026-05-15", "dueSoon"),
    ("2026-05-16", "overdue"),
  ])
  func timelinessOfAnOpenTask(day: String, expected: String) {
    #expect(Task().state(asOf: Text(day)).timeliness?.rawValue == expected)
  }

  /// The assigner's last word stands against every later event of an assignee (T1).
  @Test(arguments: [("cancelled", "cancelled"), ("completionConfirmed", "completed")])
  func theAssignersWordIsFinal(word: String, state: String) {
    var task = Task()
    task.tell("trung-uong", Text(word))
    for type: Text in ["accepted", "started", "completionReported", "returned"] {
      task.tell("nghe-an", type)
    }
    task.tell("nghe-an", "progressReported", ["percentComplete": 3])
    #expect(task.state().state.rawValue == state)
    #expect(task.state().percentComplete == (state == "completed" ? 100 : 0))
    #expect(task.flaggedNumbers == [1, 2, 3, 4, 5])
  }

  /// T2, T3: coordinators' percent is shown only; a stranger's is flagged.
  @Test func onlyTheLeadsPercentCounts() {
    var task = Task()
    task.tell("nghe-an", "progressReported", ["percentComplete": 30])
    task.tell("lang-son", "progressReported", ["percentComplete": 100])
    task.tell("ca-mau", "progressReported", ["percentComplete": 90])
    task.tell("lang-son", "started")
    // Signatures and decisions are nobody's progress: neither applied nor flagged.
    task.tell("trung-uong", "signature")
    task.tell("trung-uong", "progressReported", ["percentComplete": 80])
    #expect(task.state().percentComplete == 30)
    #expect(task.state().state == .inProgress)
    #expect(task.flaggedNumbers == [2, 3, 5])
  }

  /// T3: the old lead's reports, before or after, do not move the new lead's state.
  @Test func aNewLeadStartsAnew() {
    var task = Task()
    task.tell("nghe-an", "progressReported", ["percentComplete": 40])
    task.tell("nghe-an", "completionReported", on: "2026-05-02")
    task.tell("trung-uong", "reassigned", ["leadSite": "ha-giang"])
    #expect(task.state().percentComplete == 0 && task.state().state == .notStarted)
    task.tell("nghe-an", "progressReported", ["percentComplete": 60])
    task.tell("ha-giang", "progressReported", ["percentComplete": 10])
    #expect(task.state().percentComplete == 10)
    #expect(task.state().leadSite == site("ha-giang"))
    #expect(task.flaggedNumbers == [3])
    task.tell("trung-uong", "completionConfirmed", on: "2026-05-16")
    #expect(task.state().timeliness == .completedLate)
  }

  /// T4: only later than the current date, one decision a request.
  @Test func extensionsMoveTheDateForward() {
    let request: JSONValue = "248becac-9fb9-589f-9d53-6b91b12b26dd"
    let other: JSONValue = "e512f1a2-76f3-588e-85d8-ec3191f818f3"
    let third: JSONValue = "c56a65b1-45da-50f7-854e-25466ef55423"
    var task = Task()
    func decision(_ id: JSONValue, _ approved: Bool, _ day: JSONValue?) -> JSONObject {
      JSONObject().with("requestEventId", id).with("approved", .bool(approved))
        .with("newDueDate", day)
    }
    task.tell("trung-uong", "extensionDecided", decision(request, false, "2026-09-01"))
    #expect(task.state().effectiveDueDate?.description == "2026-05-15")
    task.tell("trung-uong", "extensionDecided", decision(other, true, "2026-06-15"))
    #expect(task.state().effectiveDueDate?.description == "2026-06-15")
    task.tell("trung-uong", "extensionDecided", decision(other, true, "2026-07-15"))
    task.tell("trung-uong", "extensionDecided", decision(third, true, "2026-06-15"))
    task.tell("nghe-an", "extensionDecided", decision(third, true, "2026-12-15"))
    #expect(task.state().effectiveDueDate?.description == "2026-06-15")
    #expect(task.flaggedNumbers == [2, 3, 4])
  }

  /// T5, T7: on time by the first report since the last rejection, by its local day.
  @Test(arguments: [
    (["2026-05-15"], "completedOnTime"), (["2026-05-16"], "completedLate"),
    (["2026-05-15", "2026-05-16"], "completedOnTime"),
    (["2026-05-14", "rejected", "2026-05-16"], "completedLate"),
    (["2026-05-14", "rejected", "2026-05-15"], "completedOnTime"),
  ])
  func completionIsOnTimeByItsReport(days: [String], expected: String) {
    var task = Task()
    for day in days {
      if day == "rejected" {
        task.tell("trung-uong", "completionRejected")
        #expect(task.state().state == .inProgress)
      } else {
        task.tell("nghe-an", "completionReported", on: day)
        #expect(task.state().state == .awaitingConfirmation)
      }
    }
    task.tell("trung-uong", "completionConfirmed", on: "2026-06-20")
    #expect(task.state().timeliness?.rawValue == expected)
    #expect(task.state().percentComplete == 100 && task.flaggedNumbers.isEmpty)
  }

  @Test func suspensionIsTakenBack() {
    var task = Task()
    task.tell("nghe-an", "started")
    task.tell("trung-uong", "suspended")
    #expect(task.state().state == .suspended)
    task.tell("nghe-an", "completionReported")
    task.tell("trung-uong", "resumed")
    #expect(task.state().state == .inProgress)
    task.tell("nghe-an", "returned")
    #expect(task.state().state == .returned)
    task.tell("nghe-an", "accepted")
    #expect(task.state().state == .notStarted)
    #expect(task.flaggedNumbers == [2])
  }

  @Test func withoutADateNobodyIsLate() {
    var task = Task()
    let put = task.put.with("deadlineType", "none").with("dueDate", nil)
    task.tell("nghe-an", "started")
    let day = CalendarDate(dayNumber: 30_000)
    let state = DirectiveState(put: put, events: task.events, asOf: day)
    #expect(state.timeliness == .noDeadline && state.effectiveDueDate == nil)
    #expect(state.json.object?["effectiveDueDate"] == .null)
    task.tell("trung-uong", "cancelled")
    #expect(task.state(asOf: "2026-12-01").timeliness == nil)
  }
}
