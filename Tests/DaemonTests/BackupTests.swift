import Glibc
import Operations
import Replication
import Synchronization
import Testing
import Transport

@testable import Console

extension DaemonTests {
  /// `dongbo backup` of a site at work, and `dongbo restore` of one that was killed.
  @Suite struct BackupTests {
    /// What came after the backup comes back from the peers, at either tier.
    @Test(arguments: ["lang-son", Lab.centre])
    func aSitePutBackGetsFromItsPeersWhatCameAfter(victim: String) throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let peer = victim == Lab.centre ? "lang-son" : Lab.centre
      let file = "\(lab.path)/backup.tar"
      let load = try BackgroundLoad(lab.socket(of: victim), kind: Self.kind(of: victim)) { number in
        try Self.body(number, of: victim)
      }
      try eventually("some are written") { load.acknowledged.count >= 10 }
      let taken = lab.dongbo(victim, ["backup", file])
      #expect(taken.exitCode == .done, "\(taken)")
      let atBackup = load.acknowledged.count
      try eventually("more are written") { load.acknowledged.count >= atBackup + 10 }
      let numbers = load.stop()
      if victim == Lab.centre { try Self.editRegistry(lab) }
      let registry = try lab.api(victim).get("registry").integer("revision")
      try lab.awaitEqual()

      // What is lost here must come from the peer alone.
      try lab.kill9(victim)
      #expect(try lab.stop(peer) == 0)
      let refused = lab.dongbo(victim, ["restore", file])
      #expect(refused.exitCode == .failed && refused.error.contains("--replace"), "\(refused)")
      let restored = lab.dongbo(victim, ["restore", file, "--replace"])
      try #require(restored.exitCode == .done, "\(restored)")
      try lab.start(victim)
      try Self.expectLocked(lab, victim, waitingFor: peer, without: numbers)

      try lab.start(peer)
      try eventually("\(victim) unlocks") { lab.logs(victim, "event=site.unlocked") }
      if victim == Lab.centre { try Self.releaseRegistry(lab) }
      let rejoined = lab.dongbo(victim, ["rejoin", "--json"])
      #expect(rejoined.exitCode == .done && rejoined.output.contains(#""locked":false"#))
      try lab.awaitEqual()
      for site in lab.sites {
        for number in numbers {
          let path = "records/\(Self.kind(of: victim))/\(Samples.id(number))"
          #expect(try lab.api(site).get(path).status == 200, "\(number) at \(site)")
        }
        #expect(try lab.api(site).get("conflicts").objects("conflicts").isEmpty)
        #expect(try lab.api(site).get("registry").integer("revision") == registry, "\(site)")
      }
      // An application that repeats what was lost gets its old OK back, and new work goes on.
      let last = try #require(numbers.last)
      let kind = Self.kind(of: victim)
      let again = try lab.api(victim).put(kind, try Self.body(last, of: victim))
      #expect(again.json["repeat"] == .bool(true))
      try lab.api(victim).put(kind, try Self.body(9_000, of: victim))
      try lab.awaitEqual()
    }

    private static func kind(of site: String) -> String {
      site == Lab.centre ? "document" : "finance"
    }

    private static func body(_ number: Int, of site: String) throws -> JSONObject {
      try site == Lab.centre ? Samples.centreDocument(number) : Samples.voucher(number)
    }

    /// A revision of the registry that the backup does not hold.
    private static func editRegistry(_ lab: Lab) throws {
      let pin = "sha256:" + String(repeating: "5", count: 64)
      let answer = try lab.api(Lab.centre).post(
        "registry/sites", ["siteId": .string("ca-mau"), "pins": .array([.string(Text(pin))])])
      #expect(answer.status == 200, "\(answer)")
    }

    /// A centre takes no registry above its own number back without a person's word.
    private static func releaseRegistry(_ lab: Lab) throws {
      let api = lab.api(Lab.centre)
      try eventually("the later registry is in quarantine") {
        try api.get("quarantine").objects("entries").contains {
          $0.text("code") == "registry-ahead"
        }
      }
      let entry = try #require(
        try api.get("quarantine").objects("entries").first {
          $0.text("code") == "registry-ahead"
        })
      let released = lab.dongbo(
        Lab.centre,
        [
          "quarantine", "release", Lab.centre, try #require(entry.text("incarnation")),
          "\(try #require(entry["sequence"]?.integer))",
        ])
      #expect(released.exitCode == .done, "\(released)")
    }

    /// The site serves what the backup holds, and writes nothing.
    private static func expectLocked(
      _ lab: Lab, _ site: String, waitingFor peer: String, without numbers: [Int]
    ) throws {
      #expect(lab.logs(site, "event=site.locked", "reason=restored-by-command"))
      let (kind, api) = (kind(of: site), lab.api(site))
      let refused = try api.post("records/\(kind)", try body(9_000, of: site))
      #expect(refused.status == 503 && refused.code == "locked", "\(refused)")
      #expect(try api.get("status", "format", "json").text("state") == "locked")
      let (first, last) = (try #require(numbers.first), try #require(numbers.last))
      #expect(try api.get("records/\(kind)/\(Samples.id(first))").status == 200)
      #expect(try api.get("records/\(kind)/\(Samples.id(last))").status == 404)
      let waiting = lab.dongbo(site, ["rejoin"])
      #expect(waiting.exitCode == .tryAgain && waiting.output.contains(peer), "\(waiting)")
    }

    /// The disk is gone with the witness: nothing but the backup is left. Files come from the peer.
    @Test func aMachineWithoutItsDiskStartsFromABackup() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let content = UploadTests.content(300_000)
      try Self.putDocument(1, with: content, lab)
      let file = "\(lab.path)/backup.tar"
      #expect(lab.dongbo("lang-son", ["backup", file]).exitCode == .done)
      try lab.api("lang-son").put("finance", try Samples.voucher(2))
      try lab.awaitEqual()
      try eventually("the centre has the file") {
        try UploadTests.states(1, at: lab.api(Lab.centre)) == ["here"]
      }
      try lab.kill9("lang-son")
      try Disk.remove("\(lab.path)/lang-son/data")
      #expect(unlink("\(lab.path)/lang-son/witness") == 0)

      let restored = lab.dongbo("lang-son", ["restore", file])
      #expect(restored.exitCode == .done && restored.output.contains(#""filesPending":1"#))
      try lab.start("lang-son")
      try eventually("lang-son unlocks") { lab.logs("lang-son", "event=site.unlocked") }
      try lab.awaitEqual()
      #expect(
        try lab.api("lang-son").get("records/finance/\(Samples.id(2))").status == 200)
      try eventually("the file is back") {
        try UploadTests.states(1, at: lab.api("lang-son")) == ["here"]
      }
    }

    /// Nothing is left of a province, not even a backup: its centre holds all that ever left it.
    @Test func aProvinceWithoutBackupIsRebuiltFromItsCentre() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.startAll()
      try Self.putDocument(1, with: UploadTests.content(70_000), lab)
      for number in 2...20 { try lab.api("lang-son").put("finance", try Samples.voucher(number)) }
      try lab.api(Lab.centre).put("document", try Samples.centreDocument(21))
      try lab.awaitEqual()
      try eventually("the centre has the file") {
        try UploadTests.states(1, at: lab.api(Lab.centre)) == ["here"]
      }
      try lab.kill9("lang-son")
      try Disk.remove("\(lab.path)/lang-son/data")
      #expect(unlink("\(lab.path)/lang-son/witness") == 0)

      try lab.start("lang-son")
      try eventually("the centre proves the loss") {
        lab.logs("lang-son", "event=site.locked", "reason=peer-holds-more")
      }
      try eventually("lang-son unlocks") { lab.logs("lang-son", "event=site.unlocked") }
      try lab.awaitEqual()
      for number in 2...20 {
        let record = try lab.api("lang-son").get("records/finance/\(Samples.id(number))")
        #expect(record.status == 200, "\(number)")
      }
      #expect(
        try lab.api("lang-son").get("records/document/\(Samples.id(21))").status == 200)
      try eventually("the file is back") {
        try UploadTests.states(1, at: lab.api("lang-son")) == ["here"]
      }
      try lab.api("lang-son").put("finance", try Samples.voucher(22))
      try lab.awaitEqual()
      #expect(try lab.api(Lab.centre).get("conflicts").objects("conflicts").isEmpty)
    }

    private static func putDocument(_ number: Int, with content: [UInt8], _ lab: Lab) throws {
      let path = "\(lab.path)/content"
      try Disk.write(path, content)
      var body = try Samples.document(number)
      body["attachments"] = nil
      try Disk.write("\(lab.path)/record.json", body.bytes)
      let put = lab.dongbo(
        "lang-son", ["put", "document", "\(lab.path)/record.json", "--file", "scan.pdf=\(path)"])
      try #require(put.exitCode == .done, "\(put)")
    }

    /// Killed in the middle, the restore has changed nothing; run again, it works.
    @Test func aRestoreThatIsKilledLeavesTheOldStore() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let file = "\(lab.path)/backup.tar"
      #expect(lab.dongbo("lang-son", ["backup", file]).exitCode == .done)
      try lab.api("lang-son").put("finance", try Samples.voucher(1))
      try lab.awaitEqual()
      let running = lab.dongbo("lang-son", ["restore", file, "--replace"])
      #expect(running.exitCode == .failed && running.error.contains("systemctl stop dongbod"))
      #expect(try lab.stop("lang-son") == 0)

      // A pipe that brings the beginning and then nothing.
      let pipe = "\(lab.path)/pipe"
      try #require(mkfifo(pipe, 0o600) == 0)
      let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
      defer { close(descriptor) }
      let start = Array(try Disk.read(file).prefix(32_768))
      #expect(write(descriptor, start, start.count) == start.count)
      let data = "\(lab.path)/lang-son/data"
      let restore = try SiteProcess(
        "dongbo",
        ["--config", "\(lab.path)/lang-son/dongbo.conf", "restore", pipe, "--replace"],
        log: lab.logPath("restore"))
      try eventually("the store is being written") { Disk.exists("\(data)/restore/store.db") }
      restore.killNow()

      try lab.start("lang-son")
      #expect(!lab.logs("lang-son", "event=site.locked"))
      try lab.api("lang-son").put("finance", try Samples.voucher(2))
      try lab.awaitEqual()
      #expect(try lab.stop("lang-son") == 0)
      let restored = lab.dongbo("lang-son", ["restore", file, "--replace"])
      #expect(restored.exitCode == .done, "\(restored)")
      try lab.start("lang-son")
      try eventually("lang-son unlocks") { lab.logs("lang-son", "event=site.unlocked") }
      try lab.awaitEqual()
      #expect(
        try lab.api("lang-son").get("records/finance/\(Samples.id(2))").status == 200)
    }

    /// One at a time; what was not taken, or was ended, is not there.
    @Test func theAdminRoutesKeepOneCopyAtATime() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let taken = try api.post("backup", JSONObject())
      let id = try #require(taken.text("backup"), "\(taken)")
      let byteCount = try #require(taken.integer("sizeBytes"))
      #expect(taken.text("site") == "lang-son" && byteCount > 0)
      let second = try api.post("backup", JSONObject())
      #expect(second.status == 503 && second.code == "backup-busy", "\(second)")
      let start = try api.bytes("backup/\(id)/bytes", "offset", "0", "length", "15")
      #expect(start == Array("SQLite format 3".utf8))
      #expect(try api.bytes("backup/\(id)/bytes", "offset", "\(byteCount)").isEmpty)
      #expect(try api.bytes("backup/\(id)/bytes", "offset", "\(Int64.max)").isEmpty)
      #expect(try api.get("backup/\(id)/bytes", "length", "1048577").code == "malformed-query")
      #expect(try api.get("backup/\(id)/bytes", "offset", "-1").code == "malformed-query")
      #expect(try api.get("backup/none/bytes").code == "backup-unknown")
      let data = "\(lab.path)/lang-son/data"
      #expect(Disk.exists("\(data)/backup.db"))
      #expect(try api.post("backup/\(id)/end", JSONObject()).status == 200)
      #expect(try api.get("backup/\(id)/bytes").code == "backup-unknown")
      try eventually("the copy is gone") { !Disk.exists("\(data)/backup.db") }
      // Left by a client that went away; the next start takes it away.
      _ = try api.post("backup", JSONObject())
      try lab.kill9("lang-son")
      #expect(Disk.exists("\(data)/backup.db"))
      try lab.start("lang-son")
      #expect(!Disk.exists("\(data)/backup.db"))
      #expect(try lab.stop("lang-son") == 0)
    }
  }
}

/// A client that writes records one after the other until it is stopped.
private final class BackgroundLoad: Sendable {
  /// Far more than any test waits for.
  private static let limit = 5_000
  private let numbers = Mutex<[Int]>([])
  private let isStopped = Atomic(false)
  private let thread = Mutex<WorkerThread?>(nil)

  init(
    _ socket: String, kind: String, body: @escaping @Sendable (Int) throws -> JSONObject
  ) throws {
    let worker = try WorkerThread(name: "load") { [self] in
      let api = SiteAPI(socket: socket)
      for number in 1...Self.limit where !isStopped.load(ordering: .relaxed) {
        do {
          try api.put(kind, try body(number))
          numbers.withLock { $0.append(number) }
        } catch {
          Issue.record(error)
          return
        }
      }
    }
    thread.withLock { $0 = worker }
  }

  /// What was answered with OK so far.
  var acknowledged: [Int] { numbers.withLock { $0 } }

  /// - Returns: everything that was answered with OK.
  func stop() -> [Int] {
    isStopped.store(true, ordering: .relaxed)
    thread.withLock { $0 }?.join()
    return acknowledged
  }
}
