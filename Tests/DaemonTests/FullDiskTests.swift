import Replication
import Storage
import Testing

extension DaemonTests {
  /// The reserve of the disk is reached: applications are told early, everything else goes on.
  @Suite struct FullDiskTests {
    /// The largest reserve that the configuration takes.
    private static let largestReserve: UInt64 = 1 << 40

    @Test(.enabled("a smaller disk than the largest reserve") { try isDiskSmall() })
    func aFullDiskRefusesWritesKeepsLinksAndEndsWithSpace() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      // More than the disk has free: as good as a full one.
      try lab.edit("lang-son", "ReserveBytes=16M", to: "ReserveBytes=1T")
      #expect(try api.post("reload", JSONObject()).status == 200)
      try eventually("lang-son finds its disk full") {
        lab.logs("lang-son", "event=disk.room", "enough=false")
      }
      let refused = try api.post("records/finance", try Samples.voucher(1))
      #expect(refused.status == 507 && refused.code == "storage-full", "\(refused)")
      #expect(try api.get("records/finance/\(Samples.id(1))").status == 404)
      // The status is drawn from facts that may be a second old.
      try eventually("the link streams on") {
        try api.peer(Lab.centre)?.text("state") == "streaming"
      }
      #expect(try lab.refusedEntries("lang-son", "storage-full") == 1)
      let ready = try lab.monitoring(
        "lang-son", "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(ready.hasPrefix("HTTP/1.1 503 ") && ready.contains("storage full"), "\(ready)")
      // What the centre writes waits there; the credit is zero.
      try lab.api(Lab.centre).put("document", try Samples.centreDocument(2))

      try lab.edit("lang-son", "ReserveBytes=1T", to: "ReserveBytes=16M")
      #expect(try api.post("reload", JSONObject()).status == 200)
      try eventually("lang-son has room again") {
        lab.logs("lang-son", "event=disk.room", "enough=true")
      }
      try api.put("finance", try Samples.voucher(1))
      try lab.awaitEqual()
      #expect(try api.get("records/document/\(Samples.id(2))").status == 200)
    }

    private static func isDiskSmall() throws -> Bool {
      let directory = try Disk.makeTemporary()
      defer { try? Disk.remove(directory) }
      return try DataDirectory(directory).freeByteCount() < largestReserve
    }
  }
}
