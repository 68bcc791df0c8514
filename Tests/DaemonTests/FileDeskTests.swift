import Cryptography
import Replication
import Storage
import Testing
import Transport

@testable import Daemon

/// What the thread of files does with its jobs, without the thread.
@Suite struct FileDeskTests {
  private let path: String
  private let site: SiteID
  private let files: FileStore
  private let replies: Mailbox<FileReply>
  private let store: OpenedStore

  init() throws {
    path = try Disk.makeTemporary()
    site = try #require(SiteID("lang-son"))
    store = try OpenedStore.open(
      path + "/data", site: site, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
    files = try FileStore(directory: store.directory, hashing: OpenSSLHash())
    replies = try Mailbox<FileReply>(capacity: 16)
  }

  private func desk() throws -> FileDesk {
    let replies = replies
    return FileDesk(
      store: files, reader: try store.makeReader(), centre: site,
      reply: { reply in replies.postReply(reply) })
  }

  /// Kills: waiting for a peer that nobody asked; keeping the part, in which no transfer could go
  /// on until the next start.
  @Test func aFileThatWentBeforeItWasNotedIsFetched() throws {
    defer { try? Disk.remove(path) }
    var desk = try desk()
    let bytes = [UInt8](repeating: 7, count: 5_000)
    let digest = OpenSSLHash().digest(bytes)
    let lead = ContentLead(
      .file(digest), byteCount: UInt64(bytes.count), origins: [], holders: .everyone)

    // The reader of the list saw it whole; the scrub has moved it aside since.
    desk.perform(.open(nil, lead))
    desk.hashStep()
    try #require(replies.drain(limit: 16).count == 1, "the fetcher hears that it must ask a peer")

    let session = SessionNumber(1)
    desk.perform(.open(session, lead))
    desk.perform(
      .write(session, .file(digest), offset: 0, pieces: [bytes[...]], totalByteCount: 5_000))
    desk.hashStep()
    let stored = replies.drain(limit: 16).contains {
      if case .storedFile(digest, _) = $0 { true } else { false }
    }
    #expect(stored)
    #expect(try files.size(of: digest) == 5_000)
  }

  /// Kills: a grant for each piece that waits, and the hash of the first before the second is
  /// written; pieces of different contents or sessions, or with a gap between them, as one.
  @Test func piecesThatWaitOneAfterTheOtherAreGrantedAtOnce() throws {
    defer { try? Disk.remove(path) }
    var desk = try desk()
    let bytes = FileDeskTests.bytes(9_000)
    let wanted = Wanted.file(OpenSSLHash().digest(bytes))
    let session = SessionNumber(1)
    func write(_ range: Range<Int>, of session: SessionNumber = SessionNumber(1)) -> FileJob {
      .write(
        session, wanted, offset: UInt64(range.lowerBound), pieces: [bytes[range]],
        totalByteCount: 9_000)
    }
    let lead = ContentLead(wanted, byteCount: 9_000, origins: [], holders: .everyone)
    desk.perform(.open(session, lead))
    for job in FileJob.joined([write(0..<1_000), write(1_000..<3_000)]) { desk.perform(job) }
    var written: [UInt64] = []
    for case .written(session, wanted, let upTo) in replies.drain() { written.append(upTo) }
    #expect(written == [3_000])
    #expect(FileJob.joined([write(3_000..<4_000), write(5_000..<6_000)]).count == 2)
    #expect(
      FileJob.joined([write(3_000..<4_000), write(4_000..<5_000, of: SessionNumber(2))]).count == 2)
    #expect(
      FileJob.joined([write(3_000..<4_000), .close(wanted), write(4_000..<5_000)]).count == 3)
    let rest = FileJob.joined([write(3_000..<5_000), write(5_000..<6_000), write(6_000..<9_000)])
    #expect(rest.count == 1)
    for job in rest { desk.perform(job) }
    desk.hashStep()
    #expect(try files.size(of: OpenSSLHash().digest(bytes)) == 9_000)
  }

  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  }

  /// Kills: a session that hears of a read it has not asked for, which is our bug to it.
  @Test(arguments: [true, false])
  func whatCannotBeReadAheadIsRefusedOnlyToWhoeverAsks(isAhead: Bool) throws {
    defer { try? Disk.remove(path) }
    var desk = try desk()
    let peer = try #require(SiteID("nghe-an"))
    let wanted = Wanted.file(OpenSSLHash().digest([1]))
    let range = ReadRange(wanted: wanted, offset: 5, pieceByteCount: 10, isAhead: isAhead)
    desk.perform(.read(SessionNumber(1), peer: peer, range))
    let drained = replies.drain(limit: 16)
    try #require(drained.count == 1)
    switch drained[0] {
    case .read(_, let answered, let pieces, _):
      #expect(isAhead && answered == range && pieces.isEmpty)
    case .unavailable(_, let refused, let reason):
      #expect(!isAhead && refused == wanted && reason == .notEntitled)
    default: Issue.record("\(drained[0])")
    }
  }
}
