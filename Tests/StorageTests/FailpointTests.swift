import Testing

@testable import Storage

/// What `DONGBO_FP` may say, and what it then does.
@Suite struct FailpointTests {
  private typealias Step = FailpointPlan.Step

  @Test func severalStepsAreReadInOrder() throws {
    let plan = try FailpointPlan("group-committing:2:eio,migrating:1:kill,group-begun:300:hold")
    #expect(
      plan.steps == [
        Step(point: .groupCommitting, passage: 2, action: .eio),
        Step(point: .migrating, passage: 1, action: .kill),
        Step(point: .groupBegun, passage: 300, action: .hold),
      ])
  }

  @Test func everyPointMayBeNamed() throws {
    for point in Failpoint.allCases {
      let plan = try FailpointPlan("\(point.rawValue):1:kill")
      #expect(plan.steps == [Step(point: point, passage: 1, action: .kill)])
    }
  }

  @Test(arguments: [
    "", "migrating", "migrating:1", "migrating:1:kill:", ":1:kill", "migratin:1:kill",
    "MIGRATING:1:kill", " migrating:1:kill", "migrating:0:kill", "migrating:-1:kill",
    "migrating::kill", "migrating:one:kill", "migrating:99999999999999999999:kill",
    "migrating:1:", "migrating:1:KILL", "migrating:1:stop", "migrating:1:kill,",
    ",migrating:1:kill", "migrating:1:kill;migrated:1:kill", "migrated:1:eio",
  ])
  func aSlipOfThePenIsAFault(text: String) {
    #expect(throws: FailpointFault.self) { try FailpointPlan(text) }
  }

  @Test func theFaultNamesThePartAndWhatThereIs() throws {
    let fault = try #require(throws: FailpointFault.self) {
      try FailpointPlan("migrating:1:kill,grop-begun:1:kill")
    }
    #expect(fault.description.hasPrefix("DONGBO_FP: 'grop-begun:1:kill': the points are "))
    #expect(fault.description.contains("group-begun"))
  }

  @Test func eachPointCountsItsOwnPassages() throws {
    var plan = try FailpointPlan("migrated:2:kill,migrating:1:eio,migrated:3:hold")
    #expect(plan.pass(.migrated) == nil)
    #expect(plan.pass(.migrating)?.action == .eio)
    #expect(plan.pass(.migrating) == nil, "once")
    #expect(plan.pass(.migrated)?.action == .kill)
    #expect(plan.pass(.migrated)?.action == .hold)
    #expect(plan.pass(.migrated) == nil)
  }

  @Test func aProcessWithoutThemPassesEveryPoint() throws {
    for point in Failpoint.allCases { point.reach() }
    try Failpoint.groupCommitting.reach(failing: FailpointFault(part: "", reason: ""))
  }
}
