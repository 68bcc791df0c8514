import Replication
import Testing

@testable import Storage

/// Superseded bodies go, and their room with them.
///
/// Kills: `id = id` left out of `dropBody`; `revision > 1` as `>= 1`.
@Suite struct CompactionTests {
  /// A record's puts, each built on the one before.
  private struct Line {
    let record: RecordKey
    var last: Entry?
    var revision: UInt64 = 0

    init(_ number: UInt64) { record = Fixture.key(number, .finance) }

    mutating func next(_ sequence: UInt64, byteCount: Int) -> Entry {
      revision += 1
      let header = EntryHeader(
        identity: Fixture.identity(sequence),
        time: HybridTime(microseconds: sequence, counter: 0), operation: .put, record: record,
        subject: .revision(Revision(revision)), parents: last.map { [$0.digest] } ?? [],
        depth: Depth(UInt32(revision)), registry: .builtIn, lane: .normal, secrecy: .none,
        audience: [])
      let body =
        Array("{\"n\":\(sequence),\"t\":\"".utf8)
        + [UInt8](repeating: 0x61, count: byteCount) + Array("\"}".utf8)
      let entry = Entry(authoring: header, body: body, hashing: TestHashing())
      last = entry
      return entry
    }
  }

  private static let recordCount = 10
  /// Of one set of records, each time.
  private static let roundCount = 3
  private static let revisionCount = 20

  /// What a revision may leave behind in the file: its stub (header, digest, SHA-256 of the body)
  /// with its row of the log and three index rows, on pages that are at least a third full.
  private static let stubByteCount = 3 * (150 + 32 + 32 + 80 + 90)

  /// Every revision brings a body, and nothing else is written: without compaction the file would
  /// grow by all of them.
  @Test(arguments: [1_000, 6_000])
  func theFileGrowsByStubsAlone(bodyByteCount: Int) throws {
    let directory = try TemporaryDirectory()
    let opened = try openStore(directory)
    let writer = opened.writer
    var lines = (1...Self.recordCount).map { Line(UInt64($0)) }
    var sequence: UInt64 = 0
    var sizes: [Int] = []
    for _ in 1...Self.roundCount {
      try writer.begin()
      var store: any ContractStore = writer
      for _ in 1...Self.revisionCount {
        for index in lines.indices {
          sequence += 1
          try store.append(lines[index].next(sequence, byteCount: bodyByteCount))
        }
      }
      try writer.commit()
      try writer.begin()
      var compacting = writer
      let tally = try compacting.compact(
        lines.map(\.record), supersededBefore: WallTime(microseconds: .max), limit: .max)
      try writer.commit()
      #expect(tally.isComplete && tally.bodyCount >= Self.recordCount * (Self.revisionCount - 1))
      #expect(tally.byteCount > tally.bodyCount * bodyByteCount)
      sizes.append(
        try writer.tables.connection.first("SELECT page_count FROM pragma_page_count()") {
          row throws(StoreError) in Int(row.integer(0)) * SQLiteConnection.pageByteCount
        } ?? 0)
    }
    let revisions = Self.recordCount * Self.revisionCount
    let growth = (sizes[sizes.count - 1] - sizes[0]) / (revisions * (Self.roundCount - 1))
    #expect(growth < Self.stubByteCount, "\(growth) bytes a revision; sizes \(sizes)")
    for line in lines {
      let entries = try writer.entries(of: line.record)
      #expect(entries.count == Self.roundCount * Self.revisionCount)
      #expect(entries.filter { $0.body != nil } == [line.last])
    }
  }

  /// A limit cuts a step short, and the next one goes on where it stopped.
  @Test func aStepIsBounded() throws {
    let directory = try TemporaryDirectory()
    var writer = try openStore(directory).writer
    var line = Line(1)
    try writer.begin()
    var store: any ContractStore = writer
    for sequence in 1...8 { try store.append(line.next(UInt64(sequence), byteCount: 10)) }
    var counts: [Int] = []
    var isComplete = false
    while !isComplete, counts.count < 9 {
      let tally = try writer.compact(
        [line.record], supersededBefore: WallTime(microseconds: .max), limit: 3)
      counts.append(tally.bodyCount)
      isComplete = tally.isComplete
    }
    #expect(counts == [3, 3, 1])
    try writer.commit()
  }

  @Test(arguments: Implementation.allCases)
  func revisedRecordsAreFoundInTurn(_ implementation: Implementation) throws {
    try implementation.run { store in
      for (number, revision) in [(1, 1), (2, 3), (3, 2), (4, 1)] as [(UInt64, UInt64)] {
        var summary = RecordSummary()
        summary.greatestRevision = Revision(revision)
        try store.setSummary(summary, of: Fixture.key(number, number == 3 ? .finance : .directive))
      }
    } read: { store, _ throws in
      let first = try store.revisedRecords(after: nil, limit: 2)
      #expect(first.records == [Fixture.key(2, .directive)])
      #expect(first.last == Fixture.key(2, .directive))
      let second = try store.revisedRecords(after: first.last, limit: 2)
      #expect(second.records == [Fixture.key(3, .finance)])
      #expect(second.last == Fixture.key(3, .finance))
      let end = try store.revisedRecords(after: second.last, limit: 2)
      #expect(end.records.isEmpty && end.last == nil)
    }
  }
}
