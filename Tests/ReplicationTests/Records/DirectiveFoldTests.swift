import Testing

@testable import Replication

@Suite struct DirectiveFoldTests {
  @Test(arguments: [
    ("2026-05-11", "onTrack"), ("2026-05-12", "dueSoon"), ("2026-05-15", "dueSoon"),
    ("2026-05-16", "overdue"),
  ])
  func timelinessOfAnOpenTask(day: String, expected: String) {
    #expect(TestTask().state(asOf: Text(day)).timeliness?.rawValue == expected)
  }

  /// The assigner's last word stands against every later event of an assignee (T1).
  @Test(arguments: [("cancelled", "cancelled"), ("completionConfirmed", "completed")])
  func theAssignersWordIsFinal(word: String, state: String) {
    var task = TestTask()
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
    var task = TestTask()
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
    var task = TestTask()
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

  /// T5, T7: on time by the first report since the last rejection, by its local day.
  @Test(arguments: [
    (["2026-05-15"], "completedOnTime"), (["2026-05-16"], "completedLate"),
    (["2026-05-15", "2026-05-16"], "completedOnTime"),
    (["2026-05-14", "rejected", "2026-05-16"], "completedLate"),
    (["2026-05-14", "rejected", "2026-05-15"], "completedOnTime"),
  ])
  func completionIsOnTimeByItsReport(days: [String], expected: String) {
    var task = TestTask()
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
    var task = TestTask()
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
    var task = TestTask()
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
