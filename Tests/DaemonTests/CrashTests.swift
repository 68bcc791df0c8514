import Replication
import Testing

extension DaemonTests {
  /// An entry that kills the daemon (reliability.md T23).
  @Suite struct CrashTests {
    @Test func anEntryThatKillsTheCentreTwiceIsQuarantinedAtTheThirdStart() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      try lab.kill9(Lab.centre)
      _ = try api.put("finance", try Samples.voucher(1))
      let written = try api.get("records/finance/\(Samples.id(1))")
      let digest = try #require(written.text("contentDigest")).dropFirst("sha-256:".count)
      let trap = ["DONGBO_TEST_TRAP=\(digest)"]
      for _ in 0..<2 {
        #expect(try lab.spawn(Lab.centre, environment: trap).exitCode() > 128)
      }
      try lab.spawn(Lab.centre, environment: trap)
      try lab.awaitReady(Lab.centre)
      try eventually("the entry is in quarantine") {
        try lab.api(Lab.centre).get("quarantine").objects("entries")
          .contains { $0.text("code") == "crashed" }
      }
      // Others pass it by, and its author learns of it.
      _ = try api.put("finance", try Samples.voucher(2))
      try eventually("the next entry is applied") {
        try lab.api(Lab.centre).get("records/finance/\(Samples.id(2))").status == 200
      }
      #expect(try lab.api(Lab.centre).get("records/finance/\(Samples.id(1))").status == 404)
    }
  }
}
