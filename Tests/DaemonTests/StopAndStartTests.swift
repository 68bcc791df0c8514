import Glibc
import Replication
import Testing

extension DaemonTests {
  /// Starting, refusing to start, reloading and stopping.
  @Suite struct StopAndStartTests {
    @Test func aRecordReachesTheCentreAndBothEndWithZero() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let written = try lab.api("lang-son").put("finance", try Samples.voucher(1))
      try lab.awaitEqual()
      let there = try lab.api(Lab.centre).get("records/finance/\(Samples.id(1))")
      #expect(there.status == 200)
      #expect(written.integer("sequence") == 2, "after the genesis")
      #expect(try lab.stop("lang-son") == 0)
      #expect(try lab.stop(Lab.centre) == 0)
      #expect(lab.logs("lang-son", "event=site.stopped"))
    }
  }
}
