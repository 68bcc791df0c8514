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
      .write(session, .file(digest), offset: 0, bytes: bytes[...], totalByteCount: 5_000))
    desk.hashStep()
    let stored = replies.drain(limit: 16).contains {
      if case .storedFile(digest, _) = $0 { true } else { false }
    }
    #expect(stored)
    #expect(try files.size(of: digest) == 5_000)
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
