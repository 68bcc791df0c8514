import Glibc
import Operations
import Replication
import Testing
import Transport

extension DaemonTests {
  /// Starting, refusing to start, reading the configuration again, and stopping.
  @Suite struct StopAndStartTests {
    @Test func aRecordReachesTheCentreAndBothEndWithZero() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let written = try lab.api("lang-son").put("finance", try Samples.voucher(1))
      #expect(written.integer("sequence") == 2, "after the genesis")
      try lab.awaitEqual()
      let there = try lab.api(Lab.centre).get("records/finance/\(Samples.id(1))")
      #expect(there.status == 200)
      #expect(try lab.stop("lang-son") == 0)
      #expect(try lab.stop(Lab.centre) == 0)
      #expect(lab.logs("lang-son", "event=site.stopped"))
    }

    /// Clients that never finish what they began do not hold a stop up.
    @Test func openConnectionsDoNotKeepASiteFromStopping() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let admin = try RawSocket(.unix(path: "\(lab.path)/\(Lab.centre)/admin.sock"))
      try admin.write(Array("POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n".utf8))
      let poll = try RawSocket(.unix(path: "\(lab.path)/\(Lab.centre)/admin.sock"))
      let end = try #require(try lab.api(Lab.centre).get("changes").text("next"))
      try poll.write(
        Array(
          ("GET /api/v1/changes?feed=longpoll&timeoutMs=60000&since=\(end) HTTP/1.1\r\n"
            + "Host: localhost\r\n\r\n").utf8))
      let place = try #require(try lab.configuration(of: Lab.centre).link.listen.first)
      let link = try RawSocket(
        try #require(SocketAddress(numeric: place.host, port: place.port)))
      try link.write([22, 3, 1])
      #expect(try lab.stop(Lab.centre) == 0)
      #expect(try lab.stop("lang-son") == 0)
      #expect(try link.read().isEmpty)
    }

    @Test func aBrokenConfigurationEndsWith78AndEveryFault() throws {
      let lab = try Lab("lang-son")
      try lab.edit("lang-son", "Heartbeat=1s", to: "Hartbeat=1s")
      try lab.edit("lang-son", "ReserveBytes=16M", to: "ReserveBytes=plenty")
      try lab.edit("lang-son", "Tier=province", to: "Tier=village")
      #expect(try lab.spawn("lang-son").exitCode() == 78)
      let faults = lab.log("lang-son")
      for piece in ["Hartbeat", "Heartbeat", "plenty", "village", "dongbo.conf:"] {
        #expect(faults.contains(piece), "\(piece) in \(faults)")
      }
    }

    @Test func dataOfAnotherSiteOrInUseIsNotTouched() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.startAll()
      // The same configuration a second time.
      let first = try lab.process("lang-son")
      let second = try SiteProcess(
        configuration: "\(lab.path)/lang-son/dongbo.conf", log: lab.logPath("second"))
      #expect(try second.exitCode() != 0)
      #expect(lab.log("second").contains("process \(first.pid) uses"), "\(lab.log("second"))")
      #expect(try lab.api("lang-son").get("version").status == 200, "the first serves on")

      #expect(try lab.stop("lang-son") == 0)
      #expect(try lab.stop("nghe-an") == 0)
      try lab.edit("nghe-an", "DataDirectory=data", to: "DataDirectory=../lang-son/data")
      #expect(try lab.spawn("nghe-an").exitCode() != 0)
      #expect(
        lab.log("nghe-an").contains("the data is of site lang-son, the configuration of nghe-an"))
      try lab.start("lang-son")
      try lab.awaitEqual(["lang-son"])
    }

    @Test func aFaultyReloadKeepsTheOldConfigurationAndSaysSo() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      func fault() throws -> String? {
        try api.get("status", "format", "json").text("reloadFault")
      }
      try lab.edit("lang-son", "ReserveBytes=16M", to: "ReserveBytes=plenty")
      try lab.process("lang-son").send(SIGHUP)
      try eventually("the status names the fault") { try fault()?.contains("plenty") == true }
      #expect(try lab.metric("lang-son", "dongbo_config_last_reload_successful") == 0)
      let told = try api.post("reload", JSONObject())
      #expect(told.status == 422 && told.code == "configuration-faulty")
      try api.put("finance", try Samples.voucher(1))

      try lab.edit("lang-son", "ReserveBytes=plenty", to: "ReserveBytes=32M")
      try lab.process("lang-son").send(SIGHUP)
      try eventually("the fault is gone") { try fault() == nil }
      #expect(try lab.metric("lang-son", "dongbo_config_last_reload_successful") == 1)
      let status = try api.get("status", "format", "json")
      #expect(status.integer("reserveBytes") == 32 << 20)
      try lab.awaitEqual()
    }

    /// With the waits that are built in, so many dials would take longer than any test is asked.
    @Test func dialsFollowEachOtherAsConfigured() throws {
      let lab = try Lab("lang-son")
      try lab.edit("lang-son", "ReconnectFirst=200ms", to: "ReconnectFirst=10ms")
      try lab.start("lang-son")
      let failures = "dongbo_link_consecutive_failures{site=\"\(Lab.centre)\"}"
      try eventually("ten dials have failed") { try lab.metric("lang-son", failures) >= 10 }
      #expect(try lab.stop("lang-son") == 0)
    }
  }
}
