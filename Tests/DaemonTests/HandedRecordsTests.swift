import Cryptography
import Replication
import Testing

@testable import Daemon

/// What the writer hands to the verifier. Kills: a bound that is not kept, or never freed; entries
/// older than a note; what was passed and waits for ever.
@Suite struct HandedRecordsTests {
  private func key(_ number: UInt64) -> RecordKey {
    RecordKey(kind: .document, id: RecordID(UniqueID(Bytes16(high: 0, low: number))))
  }

  private func record(
    _ number: UInt64, noted lsn: UInt64, entryCount: Int = 1
  ) throws -> SignedRecord {
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: try #require(SiteID("lang-son")),
        incarnation: Incarnation(Bytes16(high: 0, low: 1)),
        sequence: SequenceNumber(lsn)),
      time: HybridTime(microseconds: 1, counter: 0), operation: .put, record: key(number),
      subject: .revision(Revision(1)), parents: [], depth: .zero, registry: .builtIn,
      lane: .normal, secrecy: .none, audience: [])
    let entry = Entry(
      authoring: header, body: [UInt8](repeating: 0, count: 1_000), hashing: OpenSSLHash())
    return SignedRecord(
      key: key(number), noted: LSN(lsn), entries: Array(repeating: entry, count: entryCount))
  }

  /// Kills: a bound on memory that counts the reference to an entry and not the entry.
  @Test func anEntryCountsWithAllThatItHolds() throws {
    let record = try record(1, noted: 5)
    let entry = try #require(record.entries.first)
    let handed = HandedRecords()
    handed.add([record])
    let bytes = entry.headerBytes.count + 1_000
    #expect(handed.byteCount >= bytes + MemoryLayout<EntryHeader>.size)
  }

  @Test func aRecordIsHandedOverOnce() throws {
    let handed = HandedRecords()
    handed.add([try record(1, noted: 5), try record(2, noted: 6, entryCount: 2)])
    #expect(handed.take(key(2), noted: LSN(6))?.count == 2)
    #expect(handed.take(key(2), noted: LSN(6)) == nil)
    #expect(handed.take(key(3), noted: LSN(6)) == nil)
    #expect(handed.take(key(1), noted: LSN(5))?.count == 1)
    #expect(handed.byteCount == 0)
  }

  @Test func theLatestEntriesCount() throws {
    let handed = HandedRecords()
    handed.add([try record(1, noted: 5)])
    handed.add([try record(1, noted: 7, entryCount: 2)])
    #expect(handed.take(key(1), noted: LSN(7))?.count == 2)
    handed.add([try record(2, noted: 8)])
    #expect(handed.take(key(2), noted: LSN(9)) == nil)
    #expect(handed.byteCount == 0)
  }

  @Test func whatFindsNoRoomIsLeftToTheStore() throws {
    let handed = HandedRecords(limit: 5_000)
    handed.add(try (1...9).map { try record($0, noted: $0) })
    #expect((1...5_000).contains(handed.byteCount))
    #expect(handed.take(key(1), noted: LSN(1)) != nil)
    #expect(handed.take(key(9), noted: LSN(9)) == nil)
    // What was taken makes room.
    handed.add([try record(10, noted: 10)])
    #expect(handed.take(key(10), noted: LSN(10)) != nil)
  }

  @Test func whatWasPassedDoesNotWait() throws {
    let handed = HandedRecords()
    handed.add(try (1...3).map { try record($0, noted: $0) })
    handed.pass(LSN(2))
    #expect(handed.take(key(2), noted: LSN(2)) == nil)
    #expect(handed.take(key(3), noted: LSN(3)) != nil)
    // News of a commit that the verifier has seen in its snapshot already.
    handed.add([try record(4, noted: 2)])
    #expect(handed.byteCount == 0)
  }
}
