import Foundation
import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// The power goes at every point of a workload, and what was not synced is there or not.
@Suite struct PowerLossTests {
  /// How many states are looked at; `DONGBO_POWER_LOSS_STATES` sets another number for the night.
  static let stateCount =
    ProcessInfo.processInfo.environment["DONGBO_POWER_LOSS_STATES"].flatMap { Int($0) } ?? 2_000
  static let seedsPerPoint: UInt64 = 4
  /// A broken store breaks at many points: enough to see how.
  static let maximumReported = 5

  @Test func whatWasAcknowledgedIsThereAfterAPowerLossAtAnyPoint() throws {
    var states = 0
    var seed: UInt64 = 0
    var violations: [String] = []
    while states < Self.stateCount, violations.isEmpty {
      let workload = DiskWorkload(seed: seed)
      let disk = FaultyDisk()
      var acknowledged = 0
      var point: UInt64 = 0
      try disk.observing {
        point += 1
        for choice in 0..<Self.seedsPerPoint {
          let after = disk.copy()
          after.losePower(seed: seed << 32 | point << 8 | choice)
          states += 1
          guard violations.count < Self.maximumReported,
            let violation = Self.violation(workload, on: after, acknowledged, goesOn: choice == 0)
          else { continue }
          violations.append("workload \(seed), point \(point), choice \(choice): \(violation)")
        }
      } during: {
        try workload.run(on: disk) { acknowledged = $0 }
      }
      seed += 1
    }
    #expect(violations == [])
    #expect(states >= Self.stateCount || !violations.isEmpty)
  }

  private static func violation(
    _ workload: DiskWorkload, on disk: FaultyDisk, _ acknowledged: Int, goesOn: Bool
  ) -> String? {
    if let violation = workload.violation(on: disk, acknowledged: acknowledged) { return violation }
    guard goesOn else { return nil }
    return workload.violationGoingOn(on: disk, seed: UInt64(acknowledged))
  }

  /// The disk itself: what is synced stays, and what is not can go.
  @Test func aDiskForgetsWhatWasNotSyncedAndNothingElse() throws {
    let disk = FaultyDisk()
    let workload = DiskWorkload(seed: 1)
    let writer = try DiskLab.open(disk).writer
    try workload.commit(0, to: writer)
    try writer.tables.connection.execute("PRAGMA synchronous=OFF")
    try workload.commit(1, to: writer)
    var ends: Set<LogEnd> = []
    for seed in 0..<64 as Range<UInt64> {
      let after = disk.copy()
      after.losePower(seed: seed)
      ends.insert(try DiskLab.open(after).writer.logEnd())
    }
    #expect(ends == [workload.ends[1], workload.ends[2]])
  }
}
