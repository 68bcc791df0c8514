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
