import Cryptography
import Foundation
import Operations
import Replication
import Storage
import Testing

@testable import Console

/// `dongbo restore`, without any daemon.
@Suite struct RestoreTests {
  private let site: FakeSite
  private var data: String { site.directory.path + "/data" }

  init() throws { site = try FakeSite() }

  private func restore(_ archive: [UInt8], _ options: String...) throws -> Outcome {
    let file = site.directory.path + "/backup.tar"
    unlink(file)
    try Files.create(file, archive)
    return ConsoleTests.run(["--config", site.configuration, "restore", file] + options)
  }

  private func names(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  private func state() throws -> SiteState {
    let store = try OpenedStore.open(
      data, site: try #require(SiteID("lang-son")), hashing: OpenSSLHash()
    ) { Bytes16(high: 9, low: 9) }
    defer { store.writer.close() }
    return try store.writer.siteState()
  }

  @Test func theStoreComesBackLockedUntilTheCentreConfirms() throws {
    let backup = try SampleBackup()
    let outcome = try restore(backup.archive)
    #expect(outcome.exitCode == .done, "\(outcome)")
    #expect(outcome.error.contains("dongbo rejoin"))
    #expect(!names(data).contains { $0.hasPrefix("restore") || $0.hasPrefix("before") })
    let state = try state()
    #expect(state.lock == .restoredByCommand)
    #expect(state.unconfirmed.map(\.description) == ["trung-uong"])
    #expect(state.storeID == backup.manifest.storeID)
  }

  @Test func aStoreThatIsThereIsOnlySetAsideByCommand() throws {
    let backup = try SampleBackup()
    #expect(try state().lock == nil)
    let refused = try restore(backup.archive)
    #expect(refused.exitCode == .failed && refused.error.contains("--replace"), "\(refused)")
    #expect(try state().storeID == Bytes16(high: 9, low: 9))
    let replaced = try restore(backup.archive, "--replace")
    #expect(replaced.exitCode == .done, "\(replaced)")
    #expect(try state().storeID == backup.manifest.storeID)
    let aside = try #require(names(data).first { $0.hasPrefix("before-restore-") })
    #expect(replaced.output.contains(aside))
    let old = try OpenedStore.open(
      "\(data)/\(aside)", site: try #require(SiteID("lang-son")), hashing: OpenSSLHash()
    ) { Bytes16(high: 1, low: 1) }
    #expect(try old.writer.siteState().storeID == Bytes16(high: 9, low: 9))
  }

  @Test func notWhileTheDaemonRuns() throws {
    let backup = try SampleBackup()
    let directory = try DataDirectory(data)
    let outcome = try restore(backup.archive, "--replace")
    #expect(outcome.exitCode == .failed && outcome.error.contains("systemctl stop dongbod"))
    #expect(outcome.error.contains("process \(getpid())"))
    #expect(names(directory.path) == ["lock"])
  }

  /// Each damage is named, changes nothing, and leaves the next restore free to work.
  @Test(arguments: Language.allCases) func aDamagedBackupChangesNothing(
    language: Language
  ) throws {
    let backup = try SampleBackup()
    let before = try state().storeID
    for damage in try Damage.all(of: backup) {
      let outcome = try restore(damage.archive, "--replace", "--lang", language.rawValue)
      #expect(outcome.exitCode == .failed, "\(damage.name)")
      let expected = language == .en ? damage.english : damage.vietnamese
      #expect(outcome.error.contains(expected), "\(damage.name): \(outcome.error)")
      #expect(
        !names(data).contains { $0.hasPrefix("before") || $0.hasPrefix("restore") },
        "\(damage.name)")
      #expect(try state().storeID == before, "\(damage.name)")
    }
    #expect(try restore(backup.archive, "--replace").exitCode == .done)
  }
}

/// A backup that is not what it was, and what a person is told.
private struct Damage {
  let name: String
  let archive: [UInt8]
  let english: String
  let vietnamese: String

  init(_ name: String, _ archive: [UInt8], _ english: String, _ vietnamese: String) {
    self.name = name
    self.archive = archive
    self.english = english
    self.vietnamese = vietnamese
  }

  static func all(of backup: SampleBackup) throws -> [Damage] {
    let whole = backup.archive
    let start = backup.manifest.archiveStart.count
    func changed(_ index: Int) -> [UInt8] {
      var archive = whole
      archive[index] ^= 1
      return archive
    }
    let other = ArchiveMember(name: "letter.txt", byteCount: 0, modified: 1)
    // A store whose pages contradict each other, under its own right digest.
    var rotten = backup.store
    for index in 4_096 * 2..<4_096 * 3 { rotten[index] = 0xFF }
    return [
      Damage("empty", [], "is no tar archive", "không phải kho lưu trữ tar"),
      Damage("no tar", Array(repeating: 65, count: 2_000), "is no tar archive", "tar"),
      Damage("first header", changed(3), "is no tar archive", "tar"),
      Damage("another archive", other.header + whole, "its first file must be", "tệp đầu tiên"),
      Damage("manifest", changed(512), "manifest.json is damaged", "manifest.json bị hỏng"),
      Damage(
        "member missing", backup.archive { $0["head"] = nil }, "manifest.json is damaged",
        "manifest.json bị hỏng"),
      Damage(
        "newer format", backup.archive { $0["format"] = .integer(2) }, "has format 2", "định dạng 2"
      ),
      Damage(
        "newer schema", backup.archive { $0["schema"] = .integer(99) }, "has schema 99",
        "lược đồ 99"),
      Damage(
        "another site", try SampleBackup(of: "nghe-an").archive, "is of site nghe-an",
        "là của điểm nghe-an"),
      Damage("store header", changed(start - 500), "the header of its store.db", "phần đầu"),
      Damage("store", changed(start + 5_000), "not of the digest", "không khớp mã băm"),
      Damage("end", changed(whole.count - 1), "its end is damaged", "phần cuối bị hỏng"),
      Damage("cut in manifest", Array(whole.prefix(600)), "cut off after 600", "cắt cụt sau 600"),
      Damage(
        "cut in store", Array(whole.prefix(start + 5_000)), "cut off after \(start + 5_000)",
        "cắt cụt"),
      Damage("cut in end", Array(whole.dropLast(700)), "cut off after", "cắt cụt"),
      Damage(
        "another store", backup.archive { $0["lsn"] = .integer(77) },
        "not the store that manifest.json",
        "không phải kho mà manifest.json"),
      Damage("pages", try archive(rotten, backup), "the store in the backup", "kho trong bản sao"),
    ]
  }

  private static func archive(_ store: [UInt8], _ backup: SampleBackup) throws -> [UInt8] {
    var object = backup.manifest.json
    object["digest"] = .string(OpenSSLHash().digest(store).tagged)
    let manifest = try #require(BackupManifest(object))
    return manifest.archiveStart + store + manifest.archiveEnd
  }
}
