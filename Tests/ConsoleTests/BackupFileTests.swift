import Cryptography
import Foundation
import Operations
import Replication
import Storage
import Testing

@testable import Console
@testable import Transport

/// The archive that holds a backup.
@Suite struct ArchiveMemberTests {
  @Test(arguments: [0, 1, 511, 512, 513, 1 << 33 - 1, 1 << 33, 1 << 40] as [Int64])
  func aHeaderIsReadBack(byteCount: Int64) {
    let member = ArchiveMember(name: "store.db", byteCount: byteCount, modified: 1_780_000_000)
    #expect(member.header.count == 512)
    #expect(ArchiveMember(header: member.header) == member)
    #expect((Int64(member.padding.count) + byteCount) % 512 == 0)
  }

  @Test func everyChangedByteIsNoticed() {
    let header = ArchiveMember(name: "store.db", byteCount: 12_345, modified: 1).header
    for index in header.indices {
      var changed = header
      changed[index] ^= 1
      // The last byte of the sum's own field is a blank that nobody reads.
      let isIgnored = index == 155
      #expect((ArchiveMember(header: changed) == nil) != isIgnored, "byte \(index)")
    }
    #expect(ArchiveMember(header: Array(header.dropLast())) == nil)
  }
}

/// A backup of a store of lang-son, made without a daemon.
struct SampleBackup {
  let manifest: BackupManifest
  let store: [UInt8]

  init(of site: String = "lang-son") throws {
    let directory = try TemporaryDirectory()
    let id = try #require(SiteID(site))
    let store = try OpenedStore.open(directory.path, site: id, hashing: OpenSSLHash()) {
      Bytes16(high: 7, low: 7)
    }
    let copy = StoreCopy(in: store.directory, hashing: OpenSSLHash(), reserve: 0)
    let facts = try copy.settle(
      try copy.copy(from: try store.makeReader()) { false }, unless: { false })
    self.store = try copy.bytes(at: 0, count: Int(facts.byteCount))
    manifest = try #require(
      BackupManifest([
        "site": .string(Text(site)), "storeId": .string(Text(hexText(facts.state.storeID.bytes))),
        "incarnation": .string(Text(facts.state.end.incarnation.description)),
        "lsn": .integer(Int64(facts.state.end.lsn.value)),
        "head": .string(Text(facts.state.end.head.description)),
        "time": .string("2026-05-20T08:30:00.000000Z"), "schema": .integer(facts.schema),
        "sizeBytes": .integer(facts.byteCount), "digest": .string(facts.digest.tagged),
      ]))
  }

  var archive: [UInt8] { manifest.archiveStart + store + manifest.archiveEnd }

  /// With other members in the manifest.
  func archive(_ change: (inout JSONObject) -> Void) -> [UInt8] {
    var object = manifest.json
    change(&object)
    let text = object.bytes
    let member = ArchiveMember(
      name: BackupManifest.name, byteCount: Int64(text.count), modified: 1)
    return member.header + text + member.padding + manifest.storeMember.header + store
      + manifest.archiveEnd
  }
}

@Suite struct BackupFileTests {
  /// A time that tar cannot say is no reason to end in a trap: the archive was made elsewhere.
  @Test func anyTimeOfAManifestCanBeRead() throws {
    var object = try SampleBackup().manifest.json
    object["time"] = .string("9999-12-31T23:59:59.000000Z")
    let manifest = try #require(BackupManifest(object))
    #expect(manifest.storeMember.modified == ArchiveMember.latest)
    #expect(ArchiveMember(header: manifest.storeMember.header) == manifest.storeMember)
  }

  /// Any tar reads it; an operator can look inside without us.
  @Test func tarReadsABackup() throws {
    let directory = try TemporaryDirectory()
    let backup = try SampleBackup()
    try Files.create(directory.path + "/backup.tar", backup.archive)
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/bin/tar")
    tar.arguments = ["-C", directory.path, "-xf", directory.path + "/backup.tar"]
    try tar.run()
    tar.waitUntilExit()
    #expect(tar.terminationStatus == 0)
    #expect(try Files.read(directory.path + "/store.db", limit: 64 << 20) == backup.store)
    let text = try Files.read(directory.path + "/manifest.json", limit: 4_096)
    #expect(try BackupManifest.read(text) == backup.manifest)
  }

  private static func site(
    _ backup: SampleBackup, pieces: [UInt8]? = nil
  ) throws -> FakeSite {
    var answer = backup.manifest.json
    answer["backup"] = .string("b1")
    let bytes = answer.bytes
    let store = pieces ?? backup.store
    return try FakeSite { request in
      guard request.target.segments.last == "bytes" else {
        return json(String(decoding: bytes, as: UTF8.self))
      }
      let offset = request.target.value(of: "offset").flatMap { Int($0) } ?? 0
      let length = request.target.value(of: "length").flatMap { Int($0) } ?? 0
      return HTTPResponse(
        .ok, contentType: "application/octet-stream",
        body: Array(store.dropFirst(offset).prefix(length)))
    }
  }

  @Test func aBackupIsWrittenForItsOwnerAndEndedAtTheDaemon() throws {
    let backup = try SampleBackup()
    let site = try Self.site(backup)
    defer { site.stop() }
    let file = site.directory.path + "/b.tar"
    let outcome = site.run("backup", file)
    #expect(outcome.exitCode == .done, "\(outcome)")
    #expect(try Files.read(file, limit: 64 << 20) == backup.archive)
    var status = stat()
    #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(site.seen.last == "POST /api/v1/backup/b1/end ")
    // Nothing is written over, and the daemon is not even asked.
    let before = site.seen.count
    let again = site.run("backup", file)
    #expect(again.exitCode == .failed && again.error.contains("b.tar is there already"))
    #expect(site.seen.count == before)
  }

  @Test(arguments: [0, 1]) func aCopyThatIsNotItsDigestBecomesNoFile(kind: Int) throws {
    let backup = try SampleBackup()
    var pieces = backup.store
    if kind == 0 { pieces[pieces.count / 2] ^= 1 } else { pieces.removeLast() }
    let site = try Self.site(backup, pieces: pieces)
    defer { site.stop() }
    let outcome = site.run("backup", site.directory.path + "/b.tar")
    #expect(outcome.exitCode == .failed && outcome.error.contains("not of its digest"))
    let names = try FileManager.default.contentsOfDirectory(atPath: site.directory.path)
    #expect(!names.contains { $0.hasSuffix(".tar") || $0.hasPrefix(".dongbo") }, "\(names)")
    #expect(site.seen.last == "POST /api/v1/backup/b1/end ")
  }
}
