import Testing

@testable import Replication

/// T4-T7 and the calendar as the fold knows them.
@Suite struct DirectiveDeadlineTests {
  static let centre = DirectiveRulesTests.centre
  static let lead = DirectiveRulesTests.lead
  static let coordinator = DirectiveRulesTests.coordinator

  // MARK: T4

  @Test func t4LaterThanTheCurrentDate() {
    for (day, effect): (JSONValue, String) in [
      ("2026-05-14", "flagged notLater"), ("2026-05-15", "flagged notLater"),
      ("2026-05-16", "applied"),
    ] {
      var task = TestTask()
      let request = task.tell(Self.lead, "extensionRequested")
      task.decide(request, true, day)
      #expect(task.effects.last == effect)
      let due = effect == "applied" ? day : "2026-05-15"
      #expect(task.state().json.object?["effectiveDueDate"] == due)
    }
  }

  @Test func t4OneDecisionARequest() {
    var task = TestTask()
    let first = task.tell(Self.lead, "extensionRequested")
    let second = task.tell(Self.lead, "extensionRequested")
    // A decision that does not count leaves its request open.
    task.decide(first, true, "2026-05-01")
    task.decide(first, true, "2026-06-15")
    task.decide(first, true, "2026-07-15")
    task.decide(second, false, "2026-09-01")
    task.decide(second, true, "2026-09-01")
    task.decide("248becac-9fb9-589f-9d53-6b91b12b26dd", true, "2026-10-01")
    task.decide(second, true, "2026-12-15", by: Self.lead)
    #expect(task.state().effectiveDueDate?.description == "2026-06-15")
    #expect(
      task.effects[2...] == [
        "flagged notLater", "applied", "flagged decidedBefore", "applied",
        "flagged decidedBefore", "flagged unknownRequest", "flagged notAssigner",
      ])
  }

  /// The date is the task's: who asked does not matter once the assigner has answered.
  @Test func t4TheAnswerCountsWhoeverAsked() {
    var task = TestTask()
    let old = task.tell(Self.lead, "extensionRequested")
    let stranger = task.tell(Self.coordinator, "extensionRequested")
    task.reassign(to: "ha-giang")
    let unaware = task.tell(Self.lead, "extensionRequested", seen: 1)
    for (index, request) in [old, stranger, unaware].enumerated() {
      task.decide(request, true, .string(Text("2026-06-1\(index)")))
    }
    #expect(task.effects[4...] == ["applied", "applied", "applied"])
    #expect(task.state().effectiveDueDate?.description == "2026-06-12")
  }

  @Test func t4WithoutADateThereIsNothingToExtend() {
    for type: JSONValue in ["none", "periodic"] {
      var task = TestTask()
      task.put = task.put.with("deadlineType", type)
      let request = task.tell(Self.lead, "extensionRequested")
      task.decide(request, true, "2026-06-15")
      #expect(task.effects.last == "flagged notLater" && task.state().effectiveDueDate == nil)
    }
  }

  // MARK: T5-T7

  /// `r` a report, `x` a rejection, `b` the task handed back and taken up again.
  @Test(arguments: [
    (["r 2026-05-15"], "completedOnTime"), (["r 2026-05-16"], "completedLate"),
    (["r 2026-05-15", "r 2026-05-16"], "completedOnTime"),
    (["r 2026-05-14", "x", "r 2026-05-16"], "completedLate"),
    (["r 2026-05-14", "x", "r 2026-05-15"], "completedOnTime"),
    (["r 2026-05-14", "b", "r 2026-05-16"], "completedLate"), ([], "completedLate"),
  ])
  func t5OnTimeByTheFirstConfirmedReport(steps: [String], expected: String) {
    var task = TestTask()
    for step in steps {
      let parts = step.split(separator: " ").map(String.init)
      switch parts[0] {
      case "r": task.tell(Self.lead, "completionReported", on: parts[1])
      case "x": task.tell(Self.centre, "completionRejected")
      default:
        task.tell(Self.lead, "returned")
        task.tell(Self.lead, "accepted")
      }
    }
    task.tell(Self.centre, "completionConfirmed", on: "2026-06-20")
    #expect(task.state(asOf: "2026-07-01").timeliness?.rawValue == expected)
    #expect(task.state().percentComplete == 100 && task.flaggedNumbers.isEmpty)
  }

  /// 17:00 UTC is the next day in Viet Nam.
  @Test(arguments: [
    ("2026-05-15T16:59:59.999999Z", "completedOnTime"), ("2026-05-15T17:00:00Z", "completedLate"),
  ])
  func t5TheDayIsLocal(at: String, expected: String) {
    var task = TestTask()
    task.tell(Self.lead, "completionReported")
    let report = task.events[0]
    task.events[0] = FoldedEvent(
      id: report.id, operation: .append, author: report.author, digest: report.digest,
      body: report.body.with("at", .string(Text(at))))
    task.tell(Self.centre, "completionConfirmed", on: "2026-06-20")
    #expect(task.state().timeliness?.rawValue == expected)
  }

  @Test func t5AnExtensionCounts() {
    var task = TestTask()
    let request = task.tell(Self.lead, "extensionRequested")
    task.tell(Self.lead, "completionReported", on: "2026-06-15")
    task.decide(request, true, "2026-06-15")
    task.tell(Self.centre, "completionConfirmed")
    #expect(task.state().timeliness == .completedOnTime)
  }

  @Test func t6AHundredDoesNotComplete() throws {
    var task = TestTask()
    task.report(Self.lead, 100)
    #expect(task.state().state == .inProgress && task.state().percentComplete == 100)
    #expect(task.state(asOf: "2026-05-16").timeliness == .overdue)
    for (percent, isLawful): (Int64, Bool) in [(-1, false), (0, true), (100, true), (101, false)] {
      let event = TestNetwork.event(
        "progressReported", by: site(Self.lead), ["percentComplete": .integer(percent)])
      let json = event.with("eventId", "248becac-9fb9-589f-9d53-6b91b12b26dd").bytes
      let id = Sample.directives[3].id
      let read = try? Submission.read(kind: .directive, operation: .append, id: id, json: json)
      #expect((read != nil) == isLawful, "\(percent)")
    }
  }

  @Test func t7ARejectionSendsBackToWork() {
    var task = TestTask()
    task.tell(Self.centre, "completionRejected")
    task.tell(Self.lead, "completionReported")
    #expect(task.state().state == .awaitingConfirmation)
    task.tell(Self.centre, "completionRejected")
    #expect(task.state().state == .inProgress)
    task.tell(Self.centre, "completionRejected")
    #expect(
      task.effects == [
        "flagged nothingReported", "applied", "applied", "flagged nothingReported",
      ])
  }

  // MARK: Overdue

  @Test func silenceIsShownOnceOverdue() {
    func shown(_ task: TestTask, _ day: Text) -> [String?] {
      let state = task.state(asOf: day)
      return [state.timeliness?.rawValue, state.lastWord?.string, state.noWordSince?.description]
    }
    var task = TestTask()
    #expect(shown(task, "2026-05-15") == ["dueSoon", nil, nil])
    #expect(shown(task, "2026-05-16") == ["overdue", nil, "2026-04-01"])
    task.tell(Self.centre, "reminded", on: "2026-05-18")
    task.report(Self.coordinator, 50)
    #expect(shown(task, "2026-05-19") == ["overdue", nil, "2026-04-01"])
    task.tell(Self.lead, "started", on: "2026-05-20")
    let word = "2026-05-20T05:00:00Z"
    #expect(shown(task, "2026-05-20") == ["overdue", word, nil])
    #expect(shown(task, "2026-05-21") == ["overdue", word, "2026-05-20"])
    // What waits for the assigner is not the lead's silence.
    var reported = task
    reported.tell(Self.lead, "completionReported", on: "2026-05-20")
    #expect(shown(reported, "2026-05-21") == ["overdue", word, nil])
    // A new lead is silent since it has the task.
    task.reassign(to: "ha-giang", on: "2026-06-01")
    #expect(shown(task, "2026-06-02") == ["overdue", nil, "2026-06-01"])
    task.tell(Self.lead, "accepted", on: "2026-06-02")
    #expect(shown(task, "2026-06-02") == ["overdue", nil, "2026-06-01"])
  }

  // MARK: Texts

  @Test(arguments: DirectiveFlag.Reason.allCases) func everyFlagHasItsRule(
    reason: DirectiveFlag.Reason
  ) {
    var task = TestTask()
    task.tell(Self.lead, "accepted")
    let fault = DirectiveFlag(reason, "x").fault(of: task.events[0])
    let tag = "(x) [\(reason.rule.id)]"
    #expect(fault.description.hasSuffix(tag) && fault.vietnamese.hasSuffix(tag))
    #expect(reason.rule.english.contains(";") && reason.rule.vietnamese.contains(";"))
  }
}
