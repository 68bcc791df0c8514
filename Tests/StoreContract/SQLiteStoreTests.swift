import Glibc
import Replication
import Synchronization
import Testing

@testable import Storage

/// What only a store on disk can promise.
@Suite struct SQLiteStoreTests {
  private let directory: TemporaryDirectory
  private var databasePath: String { "\(directory.path)/store.db" }

  init() throws { directory = try TemporaryDirectory() }

  /// Commits one entry with this sequence.
  private func commit(_ sequence: UInt64, to opened: OpenedStore, body: String = "{}") throws {
    try opened.writer.begin()
    var store: any ContractStore = opened.writer
    try store.append(Fixture.entry(Fixture.identity(sequence), body: body))
    try opened.writer.commit()
  }

  private func lastLSN(_ reader: SQLiteReader) throws -> LSN {
    try reader.inSnapshot { reader throws(StoreError) in try reader.logEnd().lsn }
  }

  @Test func aRollbackLeavesNothing() throws {
    let opened = try openStore(directory)
    let before = try opened.writer.siteState()
    try opened.writer.begin()
    var store: any ContractStore = opened.writer
    let entry = Fixture.entry(Fixture.identity(1, of: Fixture.hue))
    try store.append(entry)
    try store.setSummary(RecordSummary(), of: Fixture.key(1))
    try opened.writer.rollback()
    #expect(try opened.writer.siteState() == before)
    #expect(try opened.writer.entry(entry.identity) == nil)
    #expect(try opened.writer.summary(of: Fixture.key(1)) == nil)
    // The run it had made is made again, not remembered.
    try commit(1, to: opened)
    #expect(try opened.writer.logEnd().lsn == LSN(1))
  }

  /// How far the table of verdicts reaches is remembered. Kills: an end that outlives a rollback, or
  /// a reader's snapshot; one that is not moved by what is written.
  @Test func theLastVerdictIsNotOlderThanTheTable() throws {
    let opened = try openStore(directory)
    let reader = try opened.makeReader()
    let verdict = SignatureVerdict(
      state: .valid, reason: "valid", verifiedAt: WallTime(microseconds: 1),
      registry: RegistryRevision(number: 3, digest: .zero))
    let sequences: [UInt64] = [7, 4, 9, 12]
    for (count, sequence) in sequences.enumerated() {
      for isKept in [false, true] {
        try opened.writer.begin()
        try opened.writer.setVerdict(verdict, of: Fixture.identity(sequence))
        if isKept { try opened.writer.commit() } else { try opened.writer.rollback() }
        let kept = sequences.prefix(isKept ? count + 1 : count)
        for sequence in sequences {
          let signature = Fixture.identity(sequence)
          let expected = kept.contains(sequence) ? verdict : nil
          #expect(try opened.writer.verdict(of: signature) == expected)
          let read = try reader.inSnapshot { reader throws(StoreError) in
            try reader.verdict(of: signature)
          }
          #expect(read == expected)
        }
      }
    }
  }

  @Test func aReaderSeesOneStateThroughout() throws {
    let opened = try openStore(directory)
    try commit(1, to: opened)
    let reader = try opened.makeReader()
    let seen = try reader.inSnapshot { reader throws(StoreError) in
      let first = try reader.logEnd().lsn
      let written = Result { try commit(2, to: opened) }
      return (first, try reader.logEnd().lsn, written)
    }
    try seen.2.get()
    #expect(seen.0 == LSN(1) && seen.1 == LSN(1))
    #expect(try lastLSN(reader) == LSN(2))
  }

  @Test(arguments: ["body", "header", "digest"])
  func whatDoesNotMatchItsDigestIsNeverServed(_ column: String) throws {
    let entry = Fixture.entry(Fixture.identity(1), body: #"{"amount":"000007"}"#)
    do {
      let opened = try openStore(directory)
      try commit(1, to: opened, body: #"{"amount":"000007"}"#)
    }
    do {
      let raw = try SQLiteConnection(path: databasePath, role: .writer)
      let flipped = "CAST(x'ff' || substr(\(column), 2) AS BLOB)"
      try raw.execute("UPDATE entry SET \(column) = \(flipped)")
    }
    let opened = try openStore(directory)
    func isCorrupt(_ read: () throws -> Void) -> Bool {
      do { try read() } catch StoreError.rotten { return true } catch {}
      return false
    }
    let writer = opened.writer
    #expect(isCorrupt { _ = try writer.entry(entry.identity) })
    #expect(isCorrupt { _ = try writer.entries(of: Fixture.key(1)) })
    #expect(isCorrupt { _ = try writer.changes(after: .start, limit: 1) })
    #expect(isCorrupt { try writer.dropBody(of: entry.identity) })
    #expect(
      isCorrupt {
        _ = try writer.rows(
          after: .start, lane: .normal, selection: .province(Fixture.hue), limits: .wide)
      })
  }

  /// The scrub names what has changed and goes on; the bytes come back under their digest only.
  @Test(arguments: ["body", "header"])
  func whatHasChangedIsFoundAndRepaired(_ column: String) throws {
    let entries = (1...3).map {
      Fixture.entry(Fixture.identity($0), body: #"{"amount":"00000\#($0)"}"#)
    }
    do {
      let opened = try openStore(directory)
      for number in 1...3 as ClosedRange<UInt64> {
        try commit(number, to: opened, body: #"{"amount":"00000\#(number)"}"#)
      }
    }
    do {
      let raw = try SQLiteConnection(path: databasePath, role: .writer)
      let flipped = "CAST(x'ff' || substr(\(column), 2) AS BLOB)"
      try raw.execute("UPDATE entry SET \(column) = \(flipped) WHERE id = 2")
    }
    let opened = try openStore(directory)
    let writer = opened.writer
    func page(after lsn: LSN, limit: Int = 9, byteCount: Int = 1 << 20) throws -> EntryScrubPage {
      try writer.scrubEntries(after: lsn, limit: limit, byteCount: byteCount)
    }
    let all = try page(after: .start)
    #expect(all.rotten == [entries[1].digest] && all.last == LSN(3) && all.entryCount == 3)
    #expect(try page(after: LSN(3)).last == nil)
    #expect(try page(after: .start, limit: 1).last == LSN(1))
    #expect(try page(after: .start, byteCount: 1).last == LSN(1))
    let lead = try #require(try writer.lead(toEntry: entries[1].digest))
    #expect(lead.wanted == .entry(entries[1].digest) && lead.origins == [Fixture.centre])
    #expect(try writer.lead(toEntry: .zero) == nil)

    // A link gets what stands before it, and then nothing.
    func rows(after lsn: LSN) throws -> RowBatch {
      try writer.rows(
        after: lsn, lane: .normal, selection: .province(Fixture.hue), limits: .wide)
    }
    let before = try rows(after: .start)
    #expect(before.entries.map(\.identity) == [entries[0].identity] && before.last.lsn == LSN(1))
    #expect(throws: StoreError.rotten(entries[1].digest)) { try rows(after: LSN(1)) }

    try writer.begin()
    #expect(try !writer.repair(Fixture.entry(Fixture.identity(2), body: "{}")))
    #expect(throws: StoreError.rotten(entries[1].digest)) {
      try writer.entry(entries[1].identity)
    }
    // A peer that keeps the stub helps when the body here is intact.
    let stub = entries[1].stub
    #expect(try writer.repair(column == "header" ? stub : entries[1]))
    try writer.commit()
    #expect(try writer.entry(entries[1].identity) == entries[1])
    #expect(try page(after: .start).rotten == [])
    #expect(try rows(after: LSN(1)).entries == [entries[1], entries[2]])
  }

  /// Commits some 400 KB, then takes a checkpoint step.
  /// - Returns: bytes in the WAL.
  private func commitMuch(_ number: UInt64, to opened: OpenedStore) throws -> Int {
    let revision = RegistryRevision(number: number, digest: .zero)
    try opened.writer.begin()
    try opened.writer.setRegistry(revision, body: [UInt8](repeating: 1, count: 400_000))
    try opened.writer.commit()
    return try opened.writer.checkpointStep()
  }

  @Test func aReaderNeitherBlocksTheCheckpointNorIsBlocked() throws {
    let opened = try openStore(directory)
    try commit(1, to: opened)
    let reader = try opened.makeReader { Instant(nanoseconds: 0) }
    let sizes = try reader.inSnapshot { reader throws(StoreError) in
      let end = try reader.logEnd().lsn
      let sizes = Result { try (UInt64(1)...64).map { try commitMuch($0, to: opened) } }
      let written = Result { try commit(2, to: opened) }
      return (end, try reader.logEnd().lsn, sizes, written)
    }
    try sizes.3.get()
    #expect(sizes.0 == LSN(1) && sizes.1 == LSN(1))
    // Pinned by the reader, the WAL grows past the limit, and the writer goes on.
    #expect(try sizes.2.get().last ?? 0 > SQLiteWriter.restartWALByteCount)
    let later = try (UInt64(65)...128).map { try commitMuch($0, to: opened) }
    #expect(later.suffix(32).max() ?? 0 < SQLiteWriter.restartWALByteCount)
    #expect(later.contains(0))
    #expect(try lastLSN(reader) == LSN(2))
  }

  @Test func aFullDiskLosesNothing() throws {
    let opened = try openStore(directory)
    try commit(1, to: opened)
    let pageCount = try opened.writer.tables.connection.first("PRAGMA page_count") {
      row throws(StoreError) in row.integer(0)
    }
    let limit = try #require(pageCount) + 4
    try opened.writer.tables.connection.execute("PRAGMA max_page_count=\(limit)")
    #expect(throws: StoreError.full) {
      try commit(2, to: opened, body: String(repeating: "x", count: 100_000))
    }
    try opened.writer.rollback()
    #expect(try opened.writer.entry(Fixture.identity(1)) != nil)
    #expect(try opened.writer.logEnd().lsn == LSN(1))
    #expect(try lastLSN(try opened.makeReader()) == LSN(1))
    // Room again: the same entry goes in.
    try opened.writer.tables.connection.execute("PRAGMA max_page_count=1000000")
    try commit(2, to: opened, body: String(repeating: "x", count: 100_000))
    #expect(try opened.writer.logEnd().lsn == LSN(2))
  }

  @Test func aReadersTimeRunsOut() throws {
    let opened = try openStore(directory)
    for sequence in UInt64(1)...40 { try commit(sequence, to: opened) }
    let clock = Mutex(UInt64(0))
    let step = Mutex(UInt64(0))
    let reader = try opened.makeReader(timeBox: .seconds(2)) {
      Instant(
        nanoseconds: clock.withLock { now in
          now += step.withLock { $0 }
          return now
        })
    }
    // Between statements.
    #expect(throws: StoreError.tookTooLong) {
      try reader.inSnapshot { reader throws(StoreError) in
        _ = try reader.logEnd()
        clock.withLock { $0 += 2_000_000_000 }
        _ = try reader.logEnd()
      }
    }
    // Within one: time passes only as SQLite asks, long after the statement began.
    step.withLock { $0 = 500_000_000 }
    #expect(throws: StoreError.tookTooLong) {
      try reader.inSnapshot { reader throws(StoreError) in
        try reader.tables.connection.run(
          "SELECT count(*) FROM log AS a, log AS b, log AS c, log AS d")
      }
    }
    step.withLock { $0 = 0 }
    #expect(try lastLSN(reader) == LSN(40))
  }

  @Test func aReaderCannotWrite() throws {
    let opened = try openStore(directory)
    let reader = try opened.makeReader()
    #expect(throws: StoreError.self) {
      try reader.inSnapshot { reader throws(StoreError) in
        try reader.tables.connection.run("DELETE FROM site_state")
      }
    }
    #expect(try opened.writer.siteState().site == Fixture.centre)
  }

  @Test func anUncleanEndIsSeen() throws {
    do {
      let opened = try openStore(directory)
      try commit(1, to: opened)
      #expect(!opened.wasLeftUnclean)
      #expect(opened.directory.hasLeftWAL)
    }
    do { #expect(try !openStore(directory).wasLeftUnclean) }
    // What a process leaves that was killed before its first commit was whole.
    let wal = open("\(databasePath)-wal", O_WRONLY | O_CREAT, 0o600)
    try #require(write(wal, "torn", 4) == 4)
    close(wal)
    let opened = try openStore(directory)
    #expect(opened.wasLeftUnclean)
    #expect(try opened.writer.logEnd().lsn == LSN(1))
  }

  /// An operator's shell that stands idle keeps the WAL's name there.
  @Test func anIdleForeignReaderKeepsNoSiteFromStarting() throws {
    let foreign: SQLiteConnection
    do {
      let opened = try openStore(directory)
      try commit(1, to: opened)
      foreign = try SQLiteConnection(path: databasePath, role: .reader)
      try foreign.execute("SELECT count(*) FROM site_state")
    }
    let opened = try openStore(directory)
    #expect(opened.wasLeftUnclean)
    #expect(try opened.writer.logEnd().lsn == LSN(1))
    try commit(2, to: opened)
    foreign.close()
  }

  @Test func anotherSitesDataIsRefused() throws {
    do { _ = try openStore(directory) }
    #expect(
      throws: StoreOpenError.ofAnotherSite(found: "centre", configured: "hue")
    ) { _ = try openStore(directory, site: Fixture.hue) }
    #expect(try openStore(directory).writer.siteState().storeID == Fixture.storeID)
  }

  @Test func aDirectoryHasOneProcess() throws {
    let opened = try openStore(directory)
    #expect(throws: StoreOpenError.inUse(path: directory.path, processID: getpid())) {
      _ = try openStore(directory)
    }
    #expect(try opened.directory.freeByteCount() > 0)
  }

  @Test func theSchemaIsRaisedFromZeroAndNeverLowered() throws {
    do {
      // An empty database of version 0.
      let raw = try SQLiteConnection(path: databasePath, role: .writer)
      try raw.execute("VACUUM")
    }
    do {
      let opened = try openStore(directory)
      try commit(1, to: opened)
      let connection = try opened.writer.tables.connection
      func pragma(_ sql: StaticString) throws -> Int64? {
        try connection.first(sql) { row throws(StoreError) in row.integer(0) }
      }
      #expect(try pragma("PRAGMA user_version") == SchemaMigration.currentVersion)
      #expect(try pragma("PRAGMA application_id") == SchemaMigration.applicationID)
      #expect(try pragma("PRAGMA synchronous") == 2)
      #expect(try pragma("PRAGMA foreign_keys") == 1)
      #expect(try pragma("PRAGMA wal_autocheckpoint") == 0)
      try connection.execute("PRAGMA user_version=9")
    }
    #expect(throws: StoreOpenError.newerSchema(found: 9, known: SchemaMigration.currentVersion)) {
      _ = try openStore(directory)
    }
  }

  /// No step begins at what a turned bit makes of a version.
  @Test func aVersionThatNeverWasIsDamage() throws {
    do {
      let raw = try SQLiteConnection(path: databasePath, role: .writer)
      try raw.execute("PRAGMA user_version=-5; VACUUM")
    }
    #expect(throws: StoreOpenError.store(.corrupt("schema version -5"))) {
      _ = try openStore(directory)
    }
  }

  @Test func anotherProgramsDatabaseIsLeftAlone() throws {
    do {
      let raw = try SQLiteConnection(path: databasePath, role: .writer)
      try raw.execute("CREATE TABLE theirs (a)")
    }
    #expect(throws: StoreOpenError.notAStore) { _ = try openStore(directory) }
  }
}
