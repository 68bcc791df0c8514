import Cryptography
import Operations
import Replication
import Storage
import Testing
import Transport

@testable import Daemon

/// What the daemon's parts for files do, without a process and with a clock of the test.
@Suite struct UploadTableTests {
  /// A table of uploads on a real disk. Replies wait until the test takes them.
  private final class Table {
    let path: String
    let readers: ReaderPool
    let files: FileStore
    let uploads: Uploads
    private let replies: Mailbox<UploadReply>

    init() throws {
      path = try Disk.makeTemporary()
      let site = try #require(SiteID("lang-son"))
      let store = try OpenedStore.open(
        path + "/data", site: site, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
      files = try FileStore(directory: store.directory, hashing: OpenSSLHash())
      let sealing = try CheckpointKey(derivingFrom: SigningKey.generate())
      readers = try ReaderPool(
        store: store, timeBox: .seconds(5), site: site, sealing: sealing
      ) { _ in }
      let replies = try Mailbox<UploadReply>(capacity: 64)
      self.replies = replies
      uploads = Uploads(store: files, readers: readers, metrics: MetricRegistry()) { reply in
        replies.postReply(reply)
      }
    }

    deinit {
      readers.stop()
      try? Disk.remove(path)
    }

    /// The next reply of a reader, taken as the reactor would.
    func takeReply() throws {
      let taken = try #require(replies.take(limit: 1))
      for reply in taken { uploads.take(reply) }
    }
  }

  private static func at(_ seconds: UInt64) -> Instant {
    Instant(nanoseconds: seconds * 1_000_000_000)
  }

  @Test func whatNobodyContinuesIsAbandoned() throws {
    let table = try Table()
    let uploads = table.uploads
    var ids: [UploadID] = []
    for _ in 0..<UploadLimits.openCount { ids.append(try uploads.begin(at: Self.at(0)).get()) }
    #expect(uploads.begin(at: Self.at(0)) == .failure(.tooManyOpen))
    // One goes on; a late answer to the others' idleness takes nothing from it.
    var answers: [Result<Int64, UploadFault>] = []
    uploads.append([1], at: 0, of: ids[0], quota: 10, now: Self.at(299)) { answers.append($0) }
    // While a piece is being written, no second one is.
    uploads.append([1], at: 0, of: ids[0], quota: 10, now: Self.at(299)) { answers.append($0) }
    #expect(answers == [.failure(.busy)])
    uploads.abandonIdle(now: Self.at(900))
    try table.takeReply()
    #expect(answers == [.failure(.busy), .success(1)])
    #expect(try Disk.names(in: table.path + "/data/files/new").count == 1)
    for id in ids.dropFirst() {
      uploads.append([1], at: 0, of: id, quota: 10, now: Self.at(900)) { answers.append($0) }
    }
    #expect(answers.dropFirst(2).allSatisfy { $0 == .failure(.unknown) })
    #expect(try uploads.begin(at: Self.at(900)).get() != ids[0])
    uploads.abandonIdle(now: Self.at(901))
    var ends: [Result<StoredUpload, UploadFault>] = []
    uploads.end(ids[0], expected: nil, byteCount: nil, now: Self.at(901)) { ends.append($0) }
    #expect(ends == [.failure(.unknown)])
    table.readers.stop()
    #expect(try Disk.names(in: table.path + "/data/files/new").isEmpty)
  }

  @Test func theQuotaCountsWhatIsUnderWayAndWhatNobodyNames() throws {
    let table = try Table()
    let uploads = table.uploads
    var unnamed = UnnamedFiles()
    unnamed.insert(Digest(Bytes32(1, 0, 0, 0)), byteCount: 5)
    unnamed.insert(Digest(Bytes32(1, 0, 0, 0)), byteCount: 5)
    unnamed.remove(Digest(Bytes32(2, 0, 0, 0)))
    #expect(unnamed.byteCount == 5)
    uploads.unnamed = unnamed
    let ids = try [uploads.begin(at: Self.at(0)).get(), uploads.begin(at: Self.at(0)).get()]
    var answers: [Result<Int64, UploadFault>] = []
    func append(_ count: Int, to id: UploadID) {
      uploads.append(
        [UInt8](repeating: 1, count: count), at: 0, of: id, quota: 10, now: Self.at(0)
      ) { answers.append($0) }
    }
    append(3, to: ids[0])
    try table.takeReply()
    append(3, to: ids[1])
    #expect(answers == [.success(3), .failure(.overQuota(byteCount: 11, quota: 10))])
    // Refused is gone: nothing of it waits for its time to run out.
    append(2, to: ids[1])
    #expect(answers.last == .failure(.unknown))
    uploads.named([Digest(Bytes32(1, 0, 0, 0))])
    #expect(uploads.unnamed.byteCount == 0)
  }
}

/// Which files may not be removed, as the entries held say.
@Suite struct NamedFilesTests {
  private static let file = Digest(Bytes32(9, 9, 9, 9))
  private let site: SiteID
  private var store: MemoryStore
  private let hashing = OpenSSLHash()

  init() throws {
    site = try #require(SiteID("lang-son"))
    store = MemoryStore(storeID: Bytes16(high: 1, low: 1), site: site)
  }

  private static func record(_ number: UInt64) -> RecordKey {
    RecordKey(kind: .directive, id: RecordID(UniqueID(Bytes16(high: 0, low: number))))
  }

  /// Appends an entry of a record at a second of the clock.
  @discardableResult
  private mutating func write(
    _ operation: Replication.Operation, _ revision: UInt64, of record: RecordKey, at second: UInt64,
    parents: [Digest] = []
  ) throws -> Entry {
    let end = try store.logEnd()
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: site, incarnation: Incarnation(Bytes16(high: 1, low: 1)),
        sequence: SequenceNumber(end.lsn.value + 1)),
      time: HybridTime(microseconds: second * 1_000_000, counter: 0), operation: operation,
      record: record, subject: .revision(Revision(revision)), parents: parents,
      depth: Depth(UInt32(revision)), registry: RegistryRevision(number: 0, digest: .zero),
      lane: .normal, secrecy: .none, audience: [])
    let entry = Entry(authoring: header, body: Array("{}".utf8), hashing: hashing)
    try store.append(
      LogRow(
        lsn: end.lsn.next, incarnation: header.identity.incarnation,
        head: hashing.digest(end.head.bytes, entry.digest.bytes), entry: entry.identity,
        digest: entry.digest, lane: .normal, recipients: .everyone, via: nil),
      entry: entry)
    return entry
  }

  private func isLiving(withdrawnBefore second: UInt64) throws -> Bool {
    try NamedFiles.isLiving(
      Self.file, withdrawnBefore: WallTime(microseconds: second * 1_000_000), in: store)
  }

  @Test mutating func aFileLivesAsLongAsARecordThatNamesIt() throws {
    #expect(try !isLiving(withdrawnBefore: 1_000), "nobody names it")
    let put = try write(.put, 1, of: Self.record(1), at: 10)
    #expect(try !isLiving(withdrawnBefore: 1_000), "another record's put")
    try store.refer(put.identity, to: .file(Self.file))
    #expect(try isLiving(withdrawnBefore: 1_000))
    try write(.withdraw, 2, of: Self.record(1), at: 100, parents: [put.digest])
    #expect(try isLiving(withdrawnBefore: 100), "the grace period is not over")
    #expect(try !isLiving(withdrawnBefore: 101))
    let other = try write(.put, 1, of: Self.record(2), at: 50)
    try store.refer(other.identity, to: .file(Self.file))
    #expect(try isLiving(withdrawnBefore: 1_000), "a second record names it")
    // Its body went, as a later put superseded it: nobody can read the name any more.
    try store.dropBody(of: other.identity)
    #expect(try !isLiving(withdrawnBefore: 1_000))
  }

  @Test func graceCountsBackFromNow() {
    let age = FileAge(now: WallTime(microseconds: 1_000_000_000), grace: .seconds(60))
    #expect(age.writtenBefore == 940)
    #expect(age.withdrawnBefore == WallTime(microseconds: 940_000_000))
    #expect(FileAge(now: .init(microseconds: 0), grace: .seconds(60)).writtenBefore == -60)
  }
}
