import Glibc
import Replication
import Testing

extension DaemonTests {
  /// What is synced before what, seen from outside: the answer comes last (promises 1 and 2;
  /// reliability.md section 1, finding 1). A test of the store alone cannot see a sync that is
  /// missing, and a kill -9 does not lose what only a power cut would.
  @Suite(.enabled(if: SystemCalls.isAvailable, "needs strace")) struct SyncOrderTests {
    private static let calls =
      "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,renameat,renameat2,mkdirat"
    private static let sent = "HTTP/1.1 200"

    /// Kills: `synchronous=OFF`; the answer before the commit.
    @Test func aWriteIsSyncedBeforeItsOK() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let process = try lab.process("lang-son")
      let trace = try SystemCalls(of: process.pid, in: lab.path, calls: Self.calls)
      try lab.api("lang-son").put("finance", try Samples.voucher(1))
      let lines = try trace.stop()
      let written = try #require(lines.start(of: "pwrite64", on: "-wal>"))
      let synced = try #require(lines.end(of: "fdatasync", "fsync", on: "-wal>", after: written))
      let answered = try #require(
        lines.start(of: "write", "sendto", "sendmsg", on: Self.sent), "no answer in the trace")
      #expect(synced < answered)
    }

    /// Kills: no sync of the file; its name before its bytes; no sync of the directory; the answer
    /// before one of them.
    @Test func aFileAndItsNameAreSyncedBeforeItsOK() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let bytes = UploadTests.content(100_000)
      let digest = UploadTests.digest(bytes)
      let id = try #require(try api.post("files", JSONObject()).text("upload"))
      #expect(try api.post("files/\(id)/bytes", bytes: bytes, "offset", "0").status == 200)

      let process = try lab.process("lang-son")
      let trace = try SystemCalls(of: process.pid, in: lab.path, calls: Self.calls)
      #expect(try api.post("files/\(id)/end", JSONObject()).status == 200)
      let lines = try trace.stop()
      let synced = try #require(lines.end(of: "fsync", "fdatasync", on: "/files/new/"))
      let named = try #require(lines.start(of: "renameat", "renameat2", on: digest))
      let bucket = "/files/\(digest.prefix(2))>"
      let durable = try #require(lines.end(of: "fsync", on: bucket, after: named))
      // A new bucket is a name too.
      if let made = lines.end(of: "mkdirat", on: "\"\(digest.prefix(2))\"") {
        #expect(
          lines.end(of: "fsync", on: "/data/files>", after: made).map { $0 < durable } == true)
      }
      let answered = try #require(lines.start(of: "write", "sendto", "sendmsg", on: Self.sent))
      #expect(synced < named && named < durable && durable < answered)
    }

    /// The witness lags and never leads: with a sync that takes long, nothing is written to it
    /// before the sync is over. Kills: the witness told before the commit.
    @Test func theWitnessIsWrittenAfterTheCommit() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      try lab.stop(Lab.centre)
      try lab.stop("lang-son")
      let witness = "\(lab.path)/lang-son/witness"
      let stopped = try Disk.read(witness)
      try lab.start("lang-son")
      // Once the start has said where the log ends, no other witness is on its way.
      try eventually("the start is witnessed") { try Disk.read(witness) != stopped }
      let before = try Disk.read(witness)
      let process = try lab.process("lang-son")
      let trace = try SystemCalls(
        of: process.pid, in: lab.path, calls: Self.calls,
        extra: ["-e", "inject=fdatasync,fsync:delay_enter=700000"])
      try lab.api("lang-son").put("finance", try Samples.voucher(1))
      try eventually("the witness follows") { try Disk.read(witness) != before }
      let lines = try trace.stop()
      let written = try #require(lines.start(of: "pwrite64", on: "-wal>"))
      let synced = try #require(lines.end(of: "fdatasync", "fsync", on: "-wal>", after: written))
      let witnessed = try #require(lines.start(of: "pwrite64", on: "/witness>"))
      #expect(synced < witnessed)
    }
  }
}
