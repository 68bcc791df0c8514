import Cryptography
import Replication
import Storage
import Testing
import Transport

@testable import Daemon

/// What the thread of files does with its jobs, without the thread.
@Suite struct FileDeskTests {
  /// Kills: waiting for a peer that nobody asked; keeping the part, in which no transfer could go
  /// on until the next start.
  @Test func aFileThatWentBeforeItWasNotedIsFetched() throws {
    let path = try Disk.makeTemporary()
    defer { try? Disk.remove(path) }
    let site = try #require(SiteID("lang-son"))
    let store = try OpenedStore.open(
      path + "/data", site: site, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
    let files = try FileStore(directory: store.directory, hashing: OpenSSLHash())
    let replies = try Mailbox<FileReply>(capacity: 16)
    var desk = FileDesk(
      store: files, reader: try store.makeReader(), centre: site,
      reply: { reply in replies.postReply(reply) })
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
}
