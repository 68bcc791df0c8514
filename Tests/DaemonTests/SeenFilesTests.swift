import Cryptography
import Replication
import Storage
import Testing
import Transport

@testable import Daemon

/// What a group has looked for once it does not look for again, and it never takes a false size for
/// a true one.
@Suite struct SeenFilesTests {
  private let path: String
  private let store: OpenedStore
  private let files: FileStore
  private let context: WriterContext
  private let file = Content(byteCount: 100, seed: 1)

  init() throws {
    path = try Disk.makeTemporary()
    let site = try #require(SiteID("trung-uong"))
    store = try OpenedStore.open(
      path + "/data", site: site, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
    files = try FileStore(directory: store.directory, hashing: OpenSSLHash())
    let key = try SigningKey.generate()
    context = WriterContext(
      site: site, centre: site, configuredPins: [pin(ofPublicKeyInfo: key.publicKeyInfo)],
      sealing: try CheckpointKey(derivingFrom: key), signingKey: key, hashing: OpenSSLHash(),
      attempts: try AttemptNote(store.directory), files: files,
      incarnation: Incarnation(Bytes16(high: 2, low: 2)), groupEntryCount: 10,
      groupByteCount: 4 << 20, disk: DiskGauge())
  }

  /// A transaction that has a registry.
  private func begin() throws -> WriterGroup {
    try store.writer.begin()
    var group = WriterGroup(
      context: context, state: try store.writer.siteState(), unopened: context.incarnation,
      now: WallClock.now())
    let own = RegistrySnapshot.Site(
      id: context.site, tier: .centre, generation: 1, pins: context.configuredPins)
    let other = RegistrySnapshot.Site(
      id: try #require(SiteID("lang-son")), tier: .province, generation: 1,
      pins: [OpenSSLHash().digest([1])])
    let seed = RegistrySnapshot.adding(
      other, to: RegistrySnapshot.adding(own, to: JSONObject(), number: 1), number: 1)
    try group.perform(.editRegistry(nil, .bootstrap(seed: seed)), in: store.writer)
    return group
  }

  private func put(_ number: Int, size: Int64? = nil, in group: inout WriterGroup) throws {
    var body = try Samples.centreDocument(number)
    var attachment = try #require(file.attachment.object)
    if let size { attachment["sizeBytes"] = .integer(size) }
    body["attachments"] = .array([.object(attachment)])
    let submission = try Submission.read(
      kind: .document, operation: .put, json: JSONValue.object(body).canonicalBytes)
    try group.perform(.submit(RequestID(value: UInt64(number)), submission), in: store.writer)
  }

  /// Of each put in order: files that are pending, nil when it was refused for a size.
  private func end(_ group: inout WriterGroup) throws -> [Int?] {
    let (replies, _) = try group.finish(in: store.writer)
    try store.writer.commit()
    return try replies.compactMap { reply -> Int?? in
      guard case .submitted(_, let result, let pendingFileCount) = reply else { return nil }
      switch result {
      case .success: return pendingFileCount
      case .failure(.fileSize): return .some(nil)
      case .failure(let refusal): throw refusal
      }
    }
  }

  @Test func aFalseSizeIsRefusedBesideATrueOne() throws {
    defer { try? Disk.remove(path) }
    try bring()
    var group = try begin()
    try put(1, in: &group)
    try put(2, size: 99, in: &group)
    try put(3, in: &group)
    #expect(try end(&group) == [0, nil, 0])
    #expect(try store.writer.fileState(of: file.digest) == .here)
  }

  @Test func aFileThatComesMeanwhileIsSeen() throws {
    defer { try? Disk.remove(path) }
    var group = try begin()
    try put(1, in: &group)
    try put(2, in: &group)
    try bring()
    try put(3, in: &group)
    try group.perform(
      .setFiles([FileChange(file.digest, .pending)]), in: store.writer)
    try put(4, in: &group)
    #expect(try end(&group) == [1, 1, 0, 0])
    #expect(try store.writer.fileState(of: file.digest) == .here)
  }

  private func bring() throws {
    let writing = try files.begin()
    try writing.append(file.bytes.span)
    #expect(try writing.finish() == file.digest)
  }
}
