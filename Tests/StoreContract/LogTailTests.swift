import Replication
import Testing

@testable import Storage

/// What is sent without being read back: the same as would have been read, or nothing.
@Suite struct LogTailTests {
  /// A log of mixed rows: lanes, recipients, ways, relogs and lives take turns.
  private static func write(
    _ count: UInt64, to store: inout any ContractStore
  ) throws -> [AppendedRow] {
    var written: [AppendedRow] = []
    for number in 1...count {
      let isRelog = number % 7 == 0
      let entry =
        isRelog
        ? written[Int(number) - 3].entry
        : Fixture.entry(
          Fixture.identity(number, of: number % 3 == 0 ? Fixture.hue : Fixture.centre),
          lane: number % 4 == 0 ? .urgent : .normal,
          body: #"{"a":"\#(String(repeating: "x", count: Int(number % 5) * 40))"}"#)
      let recipients: [Recipients] = [.everyone, .none, Recipients([Fixture.lao])]
      let row = try store.append(
        entry, for: recipients[Int(number) % 3], via: number % 3 == 0 ? Fixture.hue : nil,
        isRelog: isRelog, incarnation: number > count / 2 ? Fixture.later : Fixture.home)
      written.append(AppendedRow(row: row, entry: entry))
    }
    return written
  }

  private static let selections = [
    RowSelection.province(Fixture.hue), .province(Fixture.lao),
    .province(Fixture.hue, recovering: true),
    RowSelection(peer: Fixture.centre, peerIsCentre: true, peerIsRecovering: false),
  ]
  private static let limits = [
    RowLimits.wide, RowLimits(entries: 2, bytes: 1 << 20, scannedRows: 100),
    RowLimits(entries: 9, bytes: 400, scannedRows: 100),
    RowLimits(entries: 9, bytes: 1 << 20, scannedRows: 3),
  ]

  /// Kills: a bound, a lane or a selection that is not looked at; a row left out or sent twice; an
  /// end that is not the last scanned row's.
  @Test func itAnswersAsTheStoreDoes() throws {
    try Implementation.memory.run { store in
      try Self.write(40, to: &store)
    } read: { store, rows throws in
      var tail = LogTail()
      tail.append(AppendedRows(rows[10..<25]), end: LSN(25))
      tail.append(AppendedRows(rows[25...]), end: LSN(40))
      var askedCount = 0
      for after in 0...40 {
        for lane in Lane.allCases {
          for selection in Self.selections {
            for limits in Self.limits {
              let found = tail.rows(
                after: LSN(UInt64(after)), lane: lane, selection: selection, limits: limits)
              guard after >= 10, after < 40 else {
                #expect(found == nil)
                continue
              }
              let stored = try store.rows(
                after: LSN(UInt64(after)), lane: lane, selection: selection, limits: limits)
              #expect(found == stored)
              askedCount += 1
            }
          }
        }
      }
      #expect(askedCount == 30 * 2 * 4 * 4)
    }
  }

  /// Kills: rows that go on where others are missing; a tail that stays behind the log's end.
  @Test func rowsBehindAGapBeginItAnew() throws {
    try Implementation.memory.run { store in
      try Self.write(12, to: &store)
    } read: { _, rows throws in
      var tail = LogTail()
      tail.append(AppendedRows(rows[..<4]), end: LSN(4))
      tail.append(AppendedRows(), end: LSN(4))
      #expect(tail.count == 4)
      tail.append(AppendedRows(), end: LSN(8))
      #expect(tail.count == 0)
      tail.append(AppendedRows(rows[..<4]), end: LSN(4))
      tail.append(AppendedRows(rows[8...]), end: LSN(12))
      #expect(tail.count == 4)
      let everything = RowSelection(
        peer: Fixture.centre, peerIsCentre: true, peerIsRecovering: true)
      func found(_ after: UInt64) -> RowBatch? {
        tail.rows(after: LSN(after), lane: .normal, selection: everything, limits: .wide)
      }
      #expect(found(3) == nil && found(7) == nil && found(8)?.last == rows[11].row.end)
    }
  }

  /// Kills: a tail that grows with the log, in rows or in bytes; one that keeps no large row.
  @Test func itKeepsItsBounds() throws {
    var tail = LogTail()
    func row(_ number: UInt64, byteCount: Int) -> AppendedRow {
      let entry = Fixture.entry(
        Fixture.identity(number), body: String(repeating: " ", count: byteCount))
      let row = LogRow(
        lsn: LSN(number), incarnation: Fixture.home, head: .zero, entry: entry.identity,
        digest: entry.digest, lane: .normal, recipients: .everyone, via: nil)
      return AppendedRow(row: row, entry: entry)
    }
    let small = UInt64(3 * LogTail.maximumRowCount)
    for number in 1...small {
      tail.append(AppendedRows([row(number, byteCount: 1)]), end: LSN(number))
    }
    #expect(tail.count == LogTail.maximumRowCount)
    let large = Entry.maximumBodyByteCount
    let end = small + UInt64(2 * LogTail.maximumByteCount / large)
    for number in small + 1...end {
      tail.append(AppendedRows([row(number, byteCount: large)]), end: LSN(number))
    }
    #expect(tail.count == LogTail.maximumByteCount / large - 1)
    let everything = RowSelection(
      peer: Fixture.centre, peerIsCentre: true, peerIsRecovering: true)
    let last = tail.rows(
      after: LSN(end - 1), lane: .normal, selection: everything, limits: .wide)
    #expect(last?.entries.map(\.identity) == [Fixture.identity(end)])
  }
}
