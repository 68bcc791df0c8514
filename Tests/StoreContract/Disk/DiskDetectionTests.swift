import Cryptography
import Foundation
import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// A disk that lies or rots cannot be prevented from losing rows: the loss is found, by an error or
/// by a checkpoint kept elsewhere (law 6), and nothing wrong is served meanwhile.
@Suite struct DiskDetectionTests {
  /// How many stores are looked at; `DONGBO_DISK_TRIALS` sets another number for the night.
  static let trialCount =
    ProcessInfo.processInfo.environment["DONGBO_DISK_TRIALS"].flatMap { Int($0) } ?? 300

  /// What is found when a store is opened, compared with a checkpoint of what was acknowledged, and
  /// read from end to end as links and people read it.
  private enum Finding: Hashable {
    /// Everything acknowledged is there and right.
    case whole
    /// It does not open, or a read ends with an error.
    case error
    /// Rows are gone: the checkpoint that the witness file or a peer quotes says so.
    case lost
    /// The checkpoint names another row than the one here: the link stops, with an alarm.
    case forked
    /// No error and no proof, and yet not what was acknowledged.
    case hidden
    /// Bytes of an entry that nobody wrote.
    case wrong
  }

  private func finding(
    on disk: FaultyDisk, _ workload: DiskWorkload, acknowledged: Int
  ) throws -> Finding {
    do {
      let store = try DiskLab.open(disk).writer
      let served = try serve(store)
      // The store computes the digest of what it returns.
      if !served.isSubset(of: workload.digests) { return .wrong }
      let end = workload.ends[acknowledged]
      let witness = Checkpoint(
        of: Fixture.centre, incarnation: end.incarnation, lsn: end.lsn, head: end.head,
        sealing: TestSealing())
      switch try judge(witness, of: Fixture.centre, in: store, sealing: TestSealing()) {
      case .lost: return .lost
      case .forked: return .forked
      case .badTag: return .wrong
      case .resume: break
      }
      let count = workload.ends.firstIndex(of: try store.logEnd()) ?? acknowledged
      return try workload.violation(in: store, groupCount: count) == nil ? .whole : .hidden
    } catch is StoreOpenError {
      return .error
    } catch is StoreError {
      return .error
    }
  }

  /// Every entry that a link or an application gets to see.
  private func serve(_ store: SQLiteWriter) throws(StoreError) -> Set<Digest> {
    var served: Set<Digest> = []
    var last = LSN.start
    while true {
      let batch = try store.rows(
        after: last, lane: .normal, selection: .province(Fixture.hue), limits: .wide)
      served.formUnion(batch.entries.map(\.digest))
      guard batch.last.lsn > last else { break }
      last = batch.last.lsn
    }
    for number in 1...5 as ClosedRange<UInt64> {
      served.formUnion(try store.entries(of: Fixture.key(number)).map(\.digest))
    }
    return served
  }

  private static func sorted(_ counts: [Finding: Int]) -> String {
    counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
  }

  @Test func whatALyingDiskLosesIsProved() throws {
    let workloads = (0..<8 as Range<UInt64>).map { DiskWorkload(seed: $0) }
    var counts: [Finding: Int] = [:]
    for trial in 0..<UInt64(Self.trialCount / 2) {
      let workload = workloads[Int(trial % 8)]
      let disk = FaultyDisk()
      let honest = Int(trial) % workload.groups.count
      var acknowledged = 0
      try workload.run(on: disk) {
        acknowledged = $0
        if acknowledged > honest { disk.isLying = true }
      }
      disk.losePower(seed: trial)
      let found = try finding(on: disk, workload, acknowledged: acknowledged)
      counts[found, default: 0] += 1
    }
    #expect(counts[.wrong] == nil && counts[.hidden] == nil, "\(Self.sorted(counts))")
    #expect(counts[.lost] ?? 0 > 0, "\(Self.sorted(counts))")
  }

  /// Half of what is read, and then zeros, as at the end of a file. SQLite takes that for the page
  /// and may write it back: entries can go, and none changes.
  @Test func halfAPageIsNeverServed() throws {
    let workload = DiskWorkload(seed: 3, groupCount: 6)
    var counts: [Finding: Int] = [:]
    var first: UInt64 = 0
    while true {
      first += 1
      let disk = FaultyDisk()
      disk.fail(.read, first: first, with: .shortRead)
      var acknowledged = 0
      do { try workload.run(on: disk) { acknowledged = $0 } } catch is StoreError {
        counts[.error, default: 0] += 1
      } catch is StoreOpenError {
        counts[.error, default: 0] += 1
      }
      guard disk.injectedCount(.shortRead) > 0 else { break }
      let found = try finding(on: disk.copy(), workload, acknowledged: acknowledged)
      counts[found, default: 0] += 1
    }
    #expect(counts[.wrong] == nil && counts[.error] ?? 0 > 0, "\(Self.sorted(counts))")
  }

  /// One bit turns in the database, after a clean end, or in the WAL that a killed process left.
  @Test(arguments: [DiskLab.database, DiskLab.wal])
  func aTurnedBitIsNeverServed(_ path: String) throws {
    let workload = DiskWorkload(seed: 5)
    let disk = FaultyDisk()
    var killed: FaultyDisk?
    try workload.run(on: disk) {
      // Some groups after the last checkpoint are in the WAL alone.
      if $0 == workload.groups.count - 1 { killed = disk.copy() }
    }
    let isWAL = path == DiskLab.wal
    let original = try #require(isWAL ? killed : disk)
    let acknowledged = workload.groups.count - (isWAL ? 1 : 0)
    let bitCount = original.byteCount(of: path) * 8
    try #require(bitCount > 0)
    var numbers = SeededNumbers(state: 11)
    var counts: [Finding: Int] = [:]
    for _ in 0..<Self.trialCount {
      let bit = Int.random(in: 0..<bitCount, using: &numbers)
      let rotten = original.copy()
      try #require(rotten.flip(bit: bit, of: path))
      let found = try finding(on: rotten, workload, acknowledged: acknowledged)
      counts[found, default: 0] += 1
    }
    #expect(counts[.wrong] == nil, "\(Self.sorted(counts))")
    // A torn WAL loses whole transactions, which the checkpoint shows.
    if isWAL { #expect(counts[.hidden] == nil, "\(Self.sorted(counts))") }
    #expect(counts[isWAL ? .lost : .error] ?? 0 > 0, "\(Self.sorted(counts))")
  }
}
