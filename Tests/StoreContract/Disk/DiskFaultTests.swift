import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// Each call of a workload fails once: number 1, number 2, and so on until a run meets no fault.
@Suite struct DiskFaultTests {
  struct Plan: Sendable, CustomTestStringConvertible {
    let calls: DiskCalls
    let fault: DiskFault
    /// How many calls fail from the first on.
    let count: UInt64
    let testDescription: String
  }

  static let plans = [
    Plan(calls: .all, fault: .error, count: 1, testDescription: "one EIO"),
    Plan(calls: .all, fault: .error, count: .max, testDescription: "EIO from there on"),
    Plan(calls: .sync, fault: .error, count: 1, testDescription: "one failed sync"),
    Plan(calls: .growing, fault: .full, count: 1, testDescription: "one ENOSPC"),
    Plan(calls: .growing, fault: .full, count: .max, testDescription: "ENOSPC from there on"),
  ]
  static let maximumCalls: UInt64 = 20_000

  /// How a run ended: what it acknowledged, and what stopped it.
  private struct Ending {
    var acknowledged = 0
    var error: (any Error)?
    /// A full disk was met, and the group written again.
    var madeRoom = false
  }

  @Test(arguments: plans)
  func noCallThatFailsLosesOrHalvesAnything(_ plan: Plan) throws {
    let workload = DiskWorkload(seed: 3, groupCount: 6)
    var first: UInt64 = 0
    var failures = 0
    while true {
      first += 1
      try #require(first < Self.maximumCalls)
      let disk = FaultyDisk()
      disk.fail(plan.calls, first: first, count: plan.count, with: plan.fault)
      let ending = run(workload, on: disk, makesRoom: plan.fault == .full)
      let injected = disk.injectedCount(plan.fault)
      if injected == 0 {
        #expect(ending.error == nil && ending.acknowledged == workload.groups.count)
        break
      }
      if ending.error != nil || ending.madeRoom { failures += 1 }
      try expectTyped(ending.error, first)
      // The process has ended; the machine has not.
      let killed = disk.copy()
      let violation = workload.violation(on: killed, acknowledged: ending.acknowledged)
      try #require(violation == nil, "call \(first) failed")
      // Nor does it matter when the machine goes down as well.
      let down = disk.copy()
      down.losePower(seed: first)
      let later = workload.violation(on: down, acknowledged: ending.acknowledged)
      try #require(later == nil, "call \(first) failed, and then the power")
      // What a failed sync left unsynced no later sync keeps; the next start reads it all the same.
      let restarted = workload.violationGoingOn(on: disk.copy(), seed: first)
      try #require(restarted == nil, "call \(first) failed, then a start, then the power")
    }
    #expect(failures > 0)
  }

  private func run(_ workload: DiskWorkload, on disk: FaultyDisk, makesRoom: Bool) -> Ending {
    var ending = Ending()
    do {
      try workload.run(on: disk) {
        disk.heal()
        ending.madeRoom = true
        return makesRoom
      } acknowledged: {
        ending.acknowledged = $0
      }
    } catch {
      ending.error = error
    }
    return ending
  }

  /// A disk that fails is called that: neither corrupt, nor another program's, nor another site's.
  private func expectTyped(_ error: (any Error)?, _ first: UInt64) throws {
    let found: StoreError?
    switch error {
    case nil: found = nil
    case let error as StoreError: found = error
    case StoreOpenError.store(let error)?: found = error
    case let error?: throw TestFailure("call \(first): \(error)")
    }
    switch found {
    case nil, .full, .failed: break
    case .corrupt, .rotten, .tookTooLong: throw TestFailure("call \(first): \(found ?? .full)")
    }
  }
}
