import Replication
import Testing

@testable import Storage

/// The log as a stream, on every implementation.
@Suite struct LogContract {
  @Test(arguments: Implementation.allCases)
  func emptyStoreStartsAtZero(_ implementation: Implementation) throws {
    try implementation.run { _ in
    } read: { store, _ throws in
      #expect(try store.logEnd() == .start)
      #expect(try store.siteState() == SiteState(storeID: Fixture.storeID, site: Fixture.centre))
      #expect(try store.row(at: LSN(1)) == nil)
      #expect(try store.entry(Fixture.identity(1)) == nil)
      #expect(try store.counts().isEmpty)
      let batch = try store.rows(
        after: .start, lane: .normal, selection: .province(Fixture.hue), limits: .wide)
      #expect(batch == RowBatch(after: .start, last: .start, entries: []))
    }
  }

  @Test(arguments: Implementation.allCases)
  func rowsAndEntriesComeBackAsWritten(_ implementation: Implementation) throws {
    let genesis = Fixture.entry(Fixture.identity(1), record: nil)
    let put = Fixture.entry(Fixture.identity(9, of: Fixture.hue), body: #"{"a":"Uỷ ban"}"#)
    try implementation.run { store in
      [
        try store.append(genesis),
        try store.append(put, for: Recipients([Fixture.lao]), via: Fixture.hue),
      ]
    } read: { store, rows throws in
      for row in rows { #expect(try store.row(at: row.lsn) == row) }
      #expect(try store.logEnd() == rows[1].end)
      #expect(try store.siteState().end == rows[1].end)
      for entry in [genesis, put] {
        let found = try #require(try store.entry(entry.identity))
        #expect(found == entry && found.headerBytes == entry.headerBytes)
        #expect(try store.entry(digest: entry.digest) == entry)
        #expect(try store.digest(of: entry.identity) == entry.digest)
      }
      #expect(try store.entries(of: Fixture.key(1)) == [put])
      #expect(try store.entry(digest: .zero) == nil)
    }
  }

  @Test(arguments: Implementation.allCases)
  func anIncarnationsLastRowIsKnown(_ implementation: Implementation) throws {
    try implementation.run { store in
      for sequence in 1...3 { try store.append(Fixture.entry(Fixture.identity(UInt64(sequence)))) }
      try store.append(
        Fixture.entry(Fixture.identity(4, of: Fixture.centre, Fixture.later), record: nil),
        incarnation: Fixture.later)
      try store.append(
        Fixture.entry(Fixture.identity(8, of: Fixture.hue)), incarnation: Fixture.later)
    } read: { store, _ throws in
      #expect(try store.lastRow(of: Fixture.home) == LSN(3))
      #expect(try store.lastRow(of: Fixture.later) == LSN(5))
      #expect(try store.lastRow(of: Incarnation(Bytes16(high: 9, low: 9))) == nil)
      #expect(try store.row(at: LSN(3))?.incarnation == Fixture.home)
      #expect(try store.row(at: LSN(4))?.incarnation == Fixture.later)
    }
  }

  @Test(arguments: Implementation.allCases)
  func aSitesNumbersAreCountedByLife(_ implementation: Implementation) throws {
    try implementation.run { store in
      for sequence in [UInt64(1), 2, 5] {
        try store.append(Fixture.entry(Fixture.identity(sequence)))
      }
      try store.append(Fixture.entry(Fixture.identity(4, of: Fixture.centre, Fixture.later)))
      try store.append(Fixture.entry(Fixture.identity(9, of: Fixture.hue)))
      let waiting = Fixture.entry(Fixture.identity(4))
      try store.setWaiting(
        WaitingEntry(
          entry: waiting, via: nil, state: .quarantined, code: .registryAhead, attempts: 1))
    } read: { store, _ throws in
      let spans = [
        LifeSpan(
          incarnation: Fixture.home, first: SequenceNumber(1), last: SequenceNumber(5), count: 4),
        LifeSpan(
          incarnation: Fixture.later, first: SequenceNumber(4), last: SequenceNumber(4), count: 1),
      ]
      #expect(try store.spans(of: Fixture.centre) == spans)
      #expect(try store.spans(of: Fixture.lao).isEmpty)
    }
  }

  /// Rows: 1 everyone normal, 2 urgent, 3 for lao only, 4 hue's own, 5 via hue, 6 for nobody.
  private func writeMixedLog(_ store: inout any ContractStore) throws -> [Entry] {
    let entries = [
      Fixture.entry(Fixture.identity(1)),
      Fixture.entry(Fixture.identity(2), record: Fixture.key(2), lane: .urgent),
      Fixture.entry(Fixture.identity(3)),
      Fixture.entry(Fixture.identity(1, of: Fixture.hue)),
      Fixture.entry(Fixture.identity(1, of: Fixture.lao)),
      Fixture.entry(Fixture.identity(4)),
    ]
    try store.append(entries[0])
    try store.append(entries[1])
    try store.append(entries[2], for: Recipients([Fixture.lao]))
    try store.append(entries[3], for: .none, via: Fixture.hue)
    try store.append(entries[4], via: Fixture.hue)
    try store.append(entries[5], for: .none)
    return entries
  }

  @Test(arguments: Implementation.allCases)
  func aLaneCarriesWhatThePeerIsEntitledTo(_ implementation: Implementation) throws {
    try implementation.run { store in
      try writeMixedLog(&store)
    } read: { store, entries throws in
      func sent(_ selection: RowSelection, _ lane: Lane = .normal) throws -> [Entry] {
        let batch = try store.rows(
          after: .start, lane: lane, selection: selection, limits: .wide)
        #expect(batch.last.lsn == LSN(6))
        return batch.entries
      }
      #expect(try sent(.province(Fixture.hue)) == [entries[0]])
      #expect(try sent(.province(Fixture.hue), .urgent) == [entries[1]])
      #expect(
        try sent(.province(Fixture.hue, recovering: true)) == [entries[0], entries[3], entries[4]])
      #expect(try sent(.province(Fixture.lao)) == [entries[0], entries[2], entries[4]])
      let centre = RowSelection(peer: Fixture.centre, peerIsCentre: true, peerIsRecovering: true)
      #expect(try sent(centre).count == 5)
    }
  }

  /// The origin may not know of it any more.
  @Test(arguments: Implementation.allCases)
  func whatAThirdSiteGaveBackGoesToItsOrigin(_ implementation: Implementation) throws {
    let entry = Fixture.entry(Fixture.identity(1, of: Fixture.hue))
    try implementation.run { store in
      try store.append(entry, for: .none, via: Fixture.lao)
    } read: { store, _ throws in
      func sent(_ selection: RowSelection) throws -> [Entry] {
        try store.rows(after: .start, lane: .normal, selection: selection, limits: .wide).entries
      }
      #expect(try sent(.province(Fixture.hue)) == [entry])
      #expect(try sent(.province(Fixture.lao)).isEmpty)
    }
  }

  @Test(arguments: Implementation.allCases)
  func aBatchKeepsItsBounds(_ implementation: Implementation) throws {
    try implementation.run { store in
      try writeMixedLog(&store)
    } read: { store, entries throws in
      let everything = RowSelection(
        peer: Fixture.centre, peerIsCentre: true, peerIsRecovering: true)
      func batch(_ after: UInt64, entries: Int, bytes: Int, rows: Int) throws -> RowBatch {
        try store.rows(
          after: LSN(after), lane: .normal, selection: everything,
          limits: RowLimits(entries: entries, bytes: bytes, scannedRows: rows))
      }
      let byCount = try batch(0, entries: 2, bytes: 1 << 20, rows: 100)
      #expect(byCount.entries == [entries[0], entries[2]] && byCount.last.lsn == LSN(3))
      let byBytes = try batch(0, entries: 9, bytes: 1, rows: 100)
      #expect(byBytes.entries == [entries[0]] && byBytes.last.lsn == LSN(2))
      let size = entries[0].headerBytes.count + 2
      #expect(try batch(0, entries: 9, bytes: 2 * size, rows: 100).entries.count == 2)
      #expect(try batch(0, entries: 9, bytes: 2 * size - 1, rows: 100).entries.count == 1)
      let byRows = try batch(1, entries: 9, bytes: 1 << 20, rows: 1)
      #expect(byRows.entries.isEmpty && byRows.last.lsn == LSN(2))
      #expect(byRows.last == (try store.row(at: LSN(2))?.end))
      let atEnd = try batch(6, entries: 9, bytes: 1 << 20, rows: 100)
      #expect(atEnd.entries.isEmpty)
      #expect(atEnd.last == (try store.logEnd()))
    }
  }

  @Test(arguments: Implementation.allCases)
  func relogAddsARowAndItsRecipients(_ implementation: Implementation) throws {
    let entry = Fixture.entry(Fixture.identity(1))
    try implementation.run { store in
      try store.append(entry, for: Recipients([Fixture.hue]))
      return try store.append(entry, for: Recipients([Fixture.lao]), isRelog: true)
    } read: { store, row throws in
      #expect(row.lsn == LSN(2))
      #expect(try store.row(at: LSN(2)) == row)
      #expect(
        try store.recipients(of: entry.identity) == Recipients([Fixture.hue, Fixture.lao]))
      #expect(try store.recipients(of: Fixture.identity(2)) == nil)
      #expect(try store.entries(of: Fixture.key(1)) == [entry])
      let late = try store.rows(
        after: LSN(1), lane: .normal, selection: .province(Fixture.lao), limits: .wide)
      #expect(late.entries == [entry])
      #expect(try store.changes(after: .start, limit: 10).map(\.row.lsn) == [LSN(1)])
      #expect(try store.leaves(after: nil, limit: 10).count == 1)
      #expect(try store.counts()[.document]?.entries == 1)
    }
  }

  @Test(arguments: Implementation.allCases)
  func theBacklogCountsWhatIsWanted(_ implementation: Implementation) throws {
    try implementation.run { store in
      for sequence in 1...5 {
        let recipients = sequence == 1 ? Recipients.none : .everyone
        try store.append(Fixture.entry(Fixture.identity(UInt64(sequence))), for: recipients)
      }
    } read: { store, _ throws in
      func backlog(_ after: UInt64, _ lane: Lane = .normal, limit: Int = 100) throws -> Backlog {
        try store.backlog(
          after: LSN(after), lane: lane, selection: .province(Fixture.hue), limit: limit)
      }
      #expect(
        try backlog(0) == Backlog(count: 4, oldest: HybridTime(microseconds: 1_002, counter: 0)))
      #expect(try backlog(0, limit: 3).count == 3)
      #expect(try backlog(5) == Backlog(count: 0, oldest: nil))
      #expect(try backlog(0, .urgent) == Backlog(count: 0, oldest: nil))
    }
  }

  @Test(arguments: Implementation.allCases)
  func changesAreFirstRowsOfRecords(_ implementation: Implementation) throws {
    let genesis = Fixture.entry(Fixture.identity(1), record: nil)
    let puts = (2...4).map { Fixture.entry(Fixture.identity(UInt64($0))) }
    try implementation.run { store in
      try store.append(genesis)
      for put in puts { try store.append(put) }
    } read: { store, _ throws in
      let changes = try store.changes(after: .start, limit: 2)
      #expect(changes.map(\.header) == [puts[0].header, puts[1].header])
      #expect(changes.last?.row == (try store.row(at: LSN(3))))
      #expect(try store.changes(after: LSN(3), limit: 2).map(\.header) == [puts[2].header])
    }
  }

  @Test func aCopyOfTheMemoryStoreIsAnOlderBackup() throws {
    var store: any ContractStore = MemoryStore(storeID: Fixture.storeID, site: Fixture.centre)
    try store.append(Fixture.entry(Fixture.identity(1)))
    let backup = store
    try store.append(Fixture.entry(Fixture.identity(2)))
    #expect(try backup.logEnd().lsn == LSN(1))
    #expect(try backup.entries(of: Fixture.key(1)).count == 1)
    #expect(try store.logEnd().lsn == LSN(2))
  }
}
