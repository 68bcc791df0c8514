import Cryptography
import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// What is handed to the disk, and when. That no fault and no loss of power takes what was
/// acknowledged is held by the tests beside this, which run over the same layer.
@Suite struct GatheredWALTests {
  private static func append(
    _ numbers: ClosedRange<UInt64>, byteCount: Int, to writer: SQLiteWriter
  ) throws {
    var store: any ContractStore = writer
    for number in numbers {
      try store.append(
        Fixture.entry(
          Fixture.identity(number), record: Fixture.key(number),
          body: String(repeating: "b", count: byteCount), hashing: OpenSSLHash()))
    }
  }

  /// Kills: pages that go to the disk one by one; pages that are still at hand when readers look,
  /// or when SQLite syncs.
  @Test func aCommitIsOneWrite() throws {
    let disk = FaultyDisk()
    let opened = try DiskLab.open(disk)
    try opened.writer.begin()
    try Self.append(1...1, byteCount: 10, to: opened.writer)
    try opened.writer.commit()

    try opened.writer.begin()
    try Self.append(2...2, byteCount: 10, to: opened.writer)
    let (writes, syncs, size) = (
      disk.callCount(.write), disk.callCount(.sync), disk.byteCount(of: DiskLab.wal)
    )
    try opened.writer.commit()
    #expect(disk.callCount(.write) == writes + 1)
    #expect(disk.callCount(.sync) == syncs + 1)
    #expect(disk.byteCount(of: DiskLab.wal) >= size + 2 * SQLiteConnection.frameByteCount)
    opened.writer.close()
  }

  /// With a sync at each commit, the sync would hand on what a commit has forgotten.
  ///
  /// Kills: a commit whose last page waits, because the one before it filled the piece.
  @Test func readersSeeAWholeCommitThatNobodySyncs() throws {
    let directory = try TemporaryDirectory()
    let opened = try OpenedStore.open(
      directory.path, site: Fixture.centre, hashing: OpenSSLHash()
    ) { Fixture.storeID }
    try opened.writer.tables.raw.execute("PRAGMA synchronous=OFF")
    var last: UInt64 = 0
    // Commits of every length up to some fifty pages, so that some end where a piece does.
    for count: UInt64 in 1...40 {
      try opened.writer.begin()
      try Self.append(last + 1...last + count, byteCount: 3_500, to: opened.writer)
      try opened.writer.commit()
      last += count
      let reader = try opened.makeReader()
      try reader.inSnapshot { reader throws(StoreError) in
        try reader.tables.raw.execute("PRAGMA quick_check")
      }
    }
    opened.writer.close()
  }

  /// Kills: a call longer than SQLite's layer for Unix can write, which is taken for a full disk.
  @Test func aLargeCommitGoesInPieces() throws {
    let directory = try TemporaryDirectory()
    func withStore(_ body: (SQLiteWriter) throws -> Void) throws {
      let opened = try OpenedStore.open(
        directory.path, site: Fixture.centre, hashing: OpenSSLHash()
      ) { Fixture.storeID }
      try body(opened.writer)
      opened.writer.close()
    }
    try withStore { writer throws in
      try writer.begin()
      try Self.append(1...40, byteCount: 100_000, to: writer)
      try writer.commit()
    }
    try withStore { writer throws in
      #expect(try writer.logEnd().lsn == LSN(40))
      #expect(try writer.entry(Fixture.identity(40))?.body?.count == 100_000)
    }
  }

  /// A transaction that outgrows the page cache reads pages back from the WAL before its commit.
  ///
  /// Kills: a read that passes by what is at hand; a rollback after which it is written.
  @Test func aTransactionReadsWhatItHasHandedOver() throws {
    let disk = FaultyDisk()
    let opened = try DiskLab.open(disk)
    let count = UInt64(SQLiteConnection.writerCacheByteCount / 100_000 + 40)
    for isKept in [false, true] {
      try opened.writer.begin()
      try Self.append(1...count, byteCount: 100_000, to: opened.writer)
      #expect(disk.byteCount(of: DiskLab.wal) > 0)
      for number in 1...count {
        #expect(try opened.writer.entry(Fixture.identity(number))?.body?.count == 100_000)
      }
      if isKept { try opened.writer.commit() } else { try opened.writer.rollback() }
      #expect(try opened.writer.logEnd().lsn == LSN(isKept ? count : 0))
    }
    opened.writer.close()
    let again = try DiskLab.open(disk)
    #expect(try again.writer.entry(Fixture.identity(count))?.body?.count == 100_000)
    again.writer.close()
  }
}
