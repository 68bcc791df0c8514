import Cryptography
import Operations
import Replication
import Storage
import Testing
import Transport

@testable import Daemon

private func record(_ number: UInt64) -> RecordKey {
  RecordKey(kind: .directive, id: RecordID(UniqueID(Bytes16(high: 0, low: number))))
}

extension StoreTransaction where Self: LogReader {
  /// Appends an entry of a record at a second of the clock.
  @discardableResult
  fileprivate mutating func write(
    _ operation: Replication.Operation, _ revision: UInt64, of record: RecordKey, at second: UInt64,
    parents: [Digest] = []
  ) throws -> Entry {
    let hashing = OpenSSLHash()
    let end = try logEnd()
    let site = try #require(SiteID("lang-son"))
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: site, incarnation: Incarnation(Bytes16(high: 1, low: 1)),
        sequence: SequenceNumber(end.lsn.value + 1)),
      time: HybridTime(microseconds: second * 1_000_000, counter: 0), operation: operation,
      record: record, subject: .revision(Revision(revision)), parents: parents,
      depth: Depth(UInt32(revision)), registry: RegistryRevision(number: 0, digest: .zero),
      lane: .normal, secrecy: .none, audience: [])
    let entry = Entry(authoring: header, body: Array("{}".utf8), hashing: hashing)
    try append(
      LogRow(
        lsn: end.lsn.next, incarnation: header.identity.incarnation,
        head: hashing.digest(end.head.bytes, entry.digest.bytes), entry: entry.identity,
        digest: entry.digest, lane: .normal, recipients: .everyone, via: nil),
      entry: entry)
    return entry
  }
}

/// Which files may not be removed, as the entries held say.
@Suite struct NamedFilesTests {
  private static let file = Digest(Bytes32(9, 9, 9, 9))
  private let site: SiteID
  private var store: MemoryStore

  init() throws {
    site = try #require(SiteID("lang-son"))
    store = MemoryStore(storeID: Bytes16(high: 1, low: 1), site: site)
  }

  private func isLiving(withdrawnBefore second: UInt64) throws -> Bool {
    try NamedFiles.isLiving(
      Self.file, withdrawnBefore: WallTime(microseconds: second * 1_000_000), in: store)
  }

  @Test mutating func aFileLivesAsLongAsARecordThatNamesIt() throws {
    #expect(try !isLiving(withdrawnBefore: 1_000), "nobody names it")
    let put = try store.write(.put, 1, of: record(1), at: 10)
    #expect(try !isLiving(withdrawnBefore: 1_000), "another record's put")
    try store.refer(put.identity, to: .file(Self.file))
    #expect(try isLiving(withdrawnBefore: 1_000))
    try store.write(.withdraw, 2, of: record(1), at: 100, parents: [put.digest])
    #expect(try isLiving(withdrawnBefore: 100), "the grace period is not over")
    #expect(try !isLiving(withdrawnBefore: 101))
    let other = try store.write(.put, 1, of: record(2), at: 50)
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

/// The writer alone removes files: it asks again, in its own transaction.
@Suite struct CollectingTests {
  private let path: String
  private let store: OpenedStore
  private let files: FileStore
  private let context: WriterContext

  init() throws {
    path = try Disk.makeTemporary()
    let site = try #require(SiteID("lang-son"))
    store = try OpenedStore.open(
      path + "/data", site: site, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
    files = try FileStore(directory: store.directory, hashing: OpenSSLHash())
    let key = try SigningKey.generate()
    context = WriterContext(
      site: site, centre: try #require(SiteID("trung-uong")), configuredPins: [],
      sealing: try CheckpointKey(derivingFrom: key), signingKey: key, hashing: OpenSSLHash(),
      attempts: try AttemptNote(store.directory), files: files,
      incarnation: Incarnation(Bytes16(high: 2, low: 2)), groupEntryCount: 10,
      groupByteCount: 4 << 20, disk: DiskGauge())
  }

  private func put(_ content: [UInt8]) throws -> Digest {
    let file = try files.begin()
    try file.append(content.span)
    return try file.finish()
  }

  /// Collects `digests` as if a reader had found all of them dead.
  /// - Returns: those that are gone.
  private func collect(
    _ digests: [Digest], writtenBefore: Int64 = .max, lock: LockReason? = nil
  ) throws -> [Digest] {
    var state = try store.writer.siteState()
    state.lock = lock
    var group = WriterGroup(context: context, state: state, unopened: nil, now: WallClock.now())
    var age = FileAge(now: WallClock.now(), grace: .zero)
    age.writtenBefore = writtenBefore
    try group.perform(.collectFiles(digests, age), in: store.writer)
    return try digests.filter { try !files.contains($0) }
  }

  @Test func onlyWhatIsDeadAtThatMomentIsRemoved() throws {
    defer { try? Disk.remove(path) }
    var writer = store.writer
    try writer.begin()
    let (named, unnamed, fresh) = (try put([1]), try put([2]), try put([3]))
    // Since the reader looked, an entry came that names it; its transaction is this one.
    let entry = try writer.write(.put, 1, of: record(1), at: 10)
    try writer.refer(entry.identity, to: .file(named))
    for digest in [named, unnamed] {
      try writer.name(FileReference(digest: digest, size: 1))
      try writer.setFileState(.here, of: digest)
    }
    #expect(try collect([named, unnamed], lock: .witnessMissing) == [], "rows may be lost")
    #expect(try collect([fresh], writtenBefore: 0) == [], "it came again meanwhile")
    #expect(try collect([named, unnamed]) == [unnamed])
    #expect(try writer.fileState(of: named) == .here)
    // Named again it is to be fetched, not taken for here.
    #expect(try writer.fileState(of: unnamed) == nil)
    try writer.rollback()
  }
}
