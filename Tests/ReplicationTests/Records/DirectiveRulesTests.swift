import Testing

@testable import Replication

/// T1-T3 as the fold knows them: what each event does, by who had seen what.
@Suite struct DirectiveRulesTests {
  static let centre = "trung-uong"
  static let lead = "nghe-an"
  static let coordinator = "lang-son"

  // MARK: T1

  /// Situation 3: the lead works offline while the centre ends the matter. Wherever its events stand
  /// in the one order, they move nothing; whoever knew better is flagged.
  @Test(arguments: [("cancelled", "cancelled"), ("completionConfirmed", "completed")])
  func t1TheAssignersWordIsNeverUndone(word: Text, expected: String) {
    let types: [Text] = ["accepted", "started", "completionReported", "returned"]
    for (seen, effect) in [(0, "outranked closed"), (1, "flagged closed")] {
      var task = TestTask()
      task.tell(Self.centre, word)
      for type in types { task.tell(Self.lead, type, seen: seen) }
      task.report(Self.lead, 3, seen: seen)
      task.report(Self.coordinator, 3, seen: seen)
      #expect(task.state().state.rawValue == expected)
      #expect(task.state().percentComplete == (expected == "completed" ? 100 : 0))
      #expect(task.state().coordinatingProgress.isEmpty)
      #expect(task.effects == ["applied"] + Array(repeating: effect, count: 6))
      // The same events before the centre's in the one order.
      var before = TestTask()
      before.tell(Self.lead, "started")
      before.tell(Self.lead, "completionReported")
      before.tell(Self.centre, word, seen: 0)
      #expect(before.state().state.rawValue == expected && before.flaggedNumbers.isEmpty)
    }
  }

  @Test func t1OnlyReassigningOpensAgain() {
    var task = TestTask()
    let request = task.tell(Self.lead, "extensionRequested")
    task.tell(Self.centre, "cancelled")
    for type: Text in ["reminded", "suspended", "resumed", "completionRejected"] {
      task.tell(Self.centre, type)
    }
    task.tell(Self.centre, "completionConfirmed")
    task.tell(Self.centre, "cancelled")
    task.decide(request, true, "2026-06-15")
    #expect(task.state().state == .cancelled && task.state().timeliness == nil)
    #expect(task.flaggedNumbers == Array(2...8))
    // To the same lead: what it wrote before it heard of the cancellation starts nothing anew.
    task.reassign(to: Self.lead)
    task.tell(Self.lead, "completionReported", seen: 1)
    #expect(task.state().state == .notStarted && task.effects[10] == "outranked replaced")
    task.tell(Self.lead, "started")
    #expect(task.state().state == .inProgress)
    #expect(task.state().effectiveDueDate?.description == "2026-05-15")
  }

  /// Nothing else is absorbing: a report that crosses a suspension counts once it is lifted.
  @Test func t1ASuspensionLosesNothing() {
    var task = TestTask()
    task.tell(Self.centre, "suspended")
    task.tell(Self.lead, "completionReported", on: "2026-05-14", seen: 0)
    task.tell(Self.lead, "completionReported", on: "2026-05-15", seen: 1)
    #expect(task.state().state == .suspended)
    task.tell(Self.centre, "resumed", on: "2026-05-20")
    #expect(task.state().state == .awaitingConfirmation)
    #expect(task.effects == ["applied", "applied", "flagged suspended", "applied"])
    task.tell(Self.centre, "suspended")
    task.tell(Self.centre, "completionConfirmed", on: "2026-06-01")
    #expect(task.state().state == .completed)
    #expect(task.state().timeliness == .completedOnTime)
  }

  @Test func t1OnlyTheAssignerWritesItsEvents() {
    var task = TestTask()
    for type: Text in ["cancelled", "completionConfirmed", "suspended", "reassigned"] {
      task.tell(Self.lead, type, ["leadSite": "ca-mau"])
    }
    #expect(task.state().state == .notStarted)
    #expect(task.effects == Array(repeating: "flagged notAssigner", count: 4))
  }

  @Test(arguments: [
    (["returned"], "completionReported", "flagged otherState"),
    (["completionReported"], "started", "flagged otherState"),
    (["completionReported"], "completionReported", "applied"),
    (["started"], "started", "applied"), (["returned"], "started", "applied"),
    (["returned"], "returned", "flagged otherState"),
    (["completionReported", "returned", "accepted"], "completionReported", "applied"),
  ])
  func t1AStepFitsTheState(before: [String], step: String, expected: String) {
    var task = TestTask()
    for type in before { task.tell(Self.lead, Text(type)) }
    task.tell(Self.lead, Text(step))
    #expect(task.effects.last == expected)
  }

  // MARK: T2

  @Test func t2OnlyTheLeadsPercentCounts() {
    var task = TestTask()
    task.report(Self.lead, 30)
    task.report(Self.coordinator, 90)
    task.report(Self.coordinator, 100)
    #expect(task.state().percentComplete == 30)
    #expect(task.effects == ["applied", "shown", "shown"])
    let shown: [JSONValue] = [
      .object(["siteId": "lang-son", "percentComplete": 100, "at": "2026-05-01T05:00:00Z"])
    ]
    #expect(task.state().json.object?["coordinatingProgress"] == .array(shown))
    #expect(task.events.count == 3)
  }

  // MARK: T3

  @Test func t3NeverLeadNorCoordinating() {
    var task = TestTask()
    task.report("ca-mau", 90)
    task.tell("ca-mau", "completionReported")
    task.tell(Self.coordinator, "started")
    task.report(Self.centre, 80)
    #expect(task.state().state == .notStarted && task.state().percentComplete == 0)
    #expect(task.effects == Array(repeating: "flagged notLead", count: 4))
  }

  @Test func t3HadSeenItsReplacement() {
    var task = TestTask()
    task.report(Self.lead, 40)
    task.reassign(to: "ha-giang")
    task.report(Self.lead, 60)
    task.report("ha-giang", 10)
    #expect(task.state().percentComplete == 10)
    #expect(task.state().leadSite == site("ha-giang"))
    #expect(task.effects == ["applied", "applied", "flagged replaced", "applied"])
  }

  /// Situation 4: the old lead reports 40 percent without knowing; wherever that stands in the one
  /// order, the new lead's state does not move and nobody is blamed.
  @Test func t3ConcurrentWithTheReplacement() {
    for type: Text in ["progressReported", "completionReported", "returned", "started"] {
      var after = TestTask()
      after.reassign(to: "ha-giang")
      after.report("ha-giang", 10)
      after.tell(Self.lead, type, ["percentComplete": 40], seen: 0)
      #expect(after.effects == ["applied", "applied", "outranked replaced"])
      var before = TestTask()
      before.tell(Self.lead, type, ["percentComplete": 40])
      before.tell(
        Self.centre, "reassigned", ["leadSite": "ha-giang"], seen: 0)
      before.report("ha-giang", 10)
      for task in [after, before] {
        #expect(task.state().percentComplete == 10 && task.state().state == .inProgress)
        #expect(task.flaggedNumbers.isEmpty)
      }
    }
  }

  /// A lead that leads again answers for what it wrote since, not for what it wrote before it knew.
  @Test func t3LeadAgain() {
    var task = TestTask()
    task.reassign(to: "ha-giang")
    task.reassign(to: Self.lead)
    task.report(Self.lead, 40, seen: 0)
    #expect(task.state().percentComplete == 0)
    task.report(Self.lead, 50)
    #expect(task.state().percentComplete == 50)
    #expect(task.effects[2...] == ["outranked replaced", "applied"])
    // What a site wrote before it was the lead was not its to write.
    task.reassign(to: "ca-mau")
    task.report("ca-mau", 60, seen: 4)
    #expect(task.state().percentComplete == 0 && task.effects.last == "flagged notLead")
  }

  /// A coordinator reports as one, and hears only later that it is the lead: nobody is to blame, and
  /// the new lead's state does not move.
  @Test func t3TheCoordinatorThatIsTheLeadNow() {
    var task = TestTask()
    task.reassign(to: Self.coordinator)
    task.report(Self.coordinator, 70, seen: 0)
    task.tell(Self.coordinator, "started", seen: 0)
    task.report(Self.coordinator, 20)
    #expect(task.effects == ["applied", "shown", "flagged notLead", "applied"])
    #expect(task.state().percentComplete == 20)
    #expect(task.state().leadSite == site(Self.coordinator))
  }

  /// The put that names the new lead is all that is left of the puts: who led before is who spoke.
  @Test func t3TheOldLeadOfASupersededPut() {
    var task = TestTask()
    task.put = task.put.with("leadOrgan", .object(["siteId": "ha-giang"]))
    task.tell(Self.lead, "accepted")
    task.reassign(to: "ha-giang")
    task.report(Self.lead, 40, seen: 1)
    #expect(task.effects == ["applied", "applied", "outranked replaced"])
    var silent = TestTask()
    silent.put = task.put
    silent.reassign(to: "ha-giang")
    silent.report(Self.lead, 40, seen: 0)
    #expect(silent.effects == ["applied", "outranked replaced"])
    #expect(silent.state().percentComplete == 0 && silent.state().leadSite == site("ha-giang"))
    // Where the put's lead spoke before, it was the lead.
    var back = TestTask()
    back.report("ca-mau", 10)
    back.report(Self.lead, 40)
    back.reassign(to: "ha-giang")
    back.reassign(to: Self.lead)
    #expect(back.effects == ["flagged notLead", "applied", "applied", "applied"])
  }

  @Test func t3TheLeadIsNamedOnce() {
    var task = TestTask()
    task.tell(Self.centre, "assigned", ["leadSite": "ha-giang"])
    task.tell(Self.centre, "assigned", ["leadSite": "ha-giang"])
    task.tell(Self.centre, "assigned", ["leadSite": "ca-mau"])
    task.tell(Self.centre, "assigned")
    #expect(task.state().leadSite == site("ha-giang"))
    #expect(task.effects == ["applied", "applied", "flagged leadNamed", "applied"])
  }

  /// However often the lead changes, what each had seen is told apart.
  @Test func t3ManyReplacements() {
    var task = TestTask()
    for number in 0..<150 { task.reassign(to: number.isMultiple(of: 2) ? "ha-giang" : Self.lead) }
    task.report(Self.lead, 10, seen: 149)
    task.report(Self.lead, 20)
    task.report("ha-giang", 30, seen: 149)
    task.report("ha-giang", 40)
    #expect(task.state().percentComplete == 20)
    #expect(
      task.effects[150...] == [
        "outranked replaced", "applied", "outranked replaced", "flagged replaced",
      ])
  }

  /// The put's own lead may have spoken before an `assigned` names another.
  @Test func t3ANameDisplacesThePutsLead() {
    var task = TestTask()
    task.report(Self.lead, 10)
    task.tell(Self.centre, "assigned", ["leadSite": "ha-giang"])
    task.report(Self.lead, 20, seen: 1)
    task.report(Self.lead, 30)
    #expect(task.effects == ["applied", "applied", "outranked replaced", "flagged replaced"])
    #expect(task.state().percentComplete == 0 && task.state().lastWord == nil)
  }
}
