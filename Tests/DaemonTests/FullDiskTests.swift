import Glibc
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

    /// A disk that somebody else fills up to the last byte, and empties again.
    @Test(.enabled("file systems of a test's own") { try SiteProcess.canMount() })
    func aDiskFilledToTheBrimStopsTheWorkAndNothingElse() throws {
      let lab = try Lab("lang-son")
      try lab.start(Lab.centre)
      let disk = try lab.start("lang-son", onSmallDiskOf: 64)
      try lab.awaitEqual()
      let (api, centre) = (lab.api("lang-son"), lab.api(Lab.centre))
      try api.put("finance", try Samples.voucher(1))
      try lab.awaitEqual()

      let ballast = try Ballast("\(disk)/ballast")
      try ballast.fill()
      try ballast.leave(megabytes: 8)
      try eventually("lang-son finds its disk full") {
        lab.logs("lang-son", "event=disk.room", "enough=false")
      }
      let refused = try api.post("records/finance", try Samples.voucher(2))
      #expect(refused.status == 507 && refused.code == "storage-full", "\(refused)")
      #expect(refused.text("detail")?.contains("DataDirectory") == true, "\(refused)")
      let status = try api.get("status", "format", "json")
      #expect(status.objects("findings").contains { $0.text("id") == "DB-DISK-001" }, "\(status)")
      #expect(try metrics(lab).contains("dongbo_store_full 1\n"))
      // The link stays, on the reserve; what the centre writes waits there.
      try centre.put("document", try Samples.centreDocument(3))
      try eventually("the link streams on") {
        try api.peer(Lab.centre)?.text("state") == "streaming"
      }
      #expect(try api.get("records/document/\(Samples.id(3))").status == 404)
      // Somebody eats the reserve too: links may go, the site does not.
      try ballast.fill()
      try centre.put("document", try Samples.centreDocument(4))
      #expect(try api.post("records/finance", try Samples.voucher(2)).status == 507)
      #expect(try lab.process("lang-son").isRunning)

      // A little above the reserve is not enough; then everything goes on by itself.
      try ballast.leave(megabytes: 17)
      try eventually("the room is seen") {
        try api.get("status", "format", "json").integer("freeBytes").map { $0 > 16 << 20 } ?? false
      }
      #expect(try api.post("records/finance", try Samples.voucher(2)).status == 507)
      try ballast.leave(megabytes: 40)
      try eventually("lang-son has room again") {
        lab.logs("lang-son", "event=disk.room", "enough=true")
      }
      try api.put("finance", try Samples.voucher(2))
      try lab.awaitEqual()
      for number in 3...4 {
        #expect(try api.get("records/document/\(Samples.id(number))").status == 200)
      }
      #expect(try metrics(lab).contains("dongbo_store_full 0\n"))
    }

    private func metrics(_ lab: Lab) throws -> String {
      try lab.monitoring("lang-son", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    private static func isDiskSmall() throws -> Bool {
      let directory = try Disk.makeTemporary()
      defer { try? Disk.remove(directory) }
      return try DataDirectory(directory).freeByteCount() < largestReserve
    }
  }
}

/// A file that takes room away.
private final class Ballast {
  private let path: String
  private let file: CInt

  init(_ path: String) throws {
    self.path = path
    file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    try #require(file >= 0, "\(path): errno \(errno)")
  }

  deinit { close(file) }

  /// To the last byte.
  func fill() throws {
    let block = [UInt8](repeating: 0x62, count: 1 << 20)
    var length = block.count
    while length > 0 {
      let written = write(file, block, length)
      if written > 0 { continue }
      try #require(errno == ENOSPC, "\(path): errno \(errno)")
      length /= 2
    }
  }

  /// Shrinks until so much is free.
  func leave(megabytes: Int) throws {
    var status = stat()
    var system = statvfs()
    try #require(fstat(file, &status) == 0 && fstatvfs(file, &system) == 0)
    let free = Int(system.f_bavail) * Int(system.f_frsize)
    let length = Int(status.st_size) - (megabytes << 20) + free
    try #require(length >= 0 && ftruncate(file, off_t(length)) == 0, "\(path)")
  }
}
