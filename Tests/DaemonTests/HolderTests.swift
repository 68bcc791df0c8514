import Replication
import Testing

extension DaemonTests {
  /// One identity, two processes: a copied directory, a virtual machine started twice.
  @Suite struct HolderTests {
    @Test func theSecondHolderOfAnIdentityIsRefusedAndAlarmed() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.startAll()
      try lab.api("lang-son").put("finance", try Samples.voucher(1))
      #expect(try lab.stop("lang-son") == 0)
      try lab.addTwin(of: "lang-son", named: "twin")
      try lab.start("lang-son")
      try lab.awaitEqual()
      try lab.start("twin")

      try eventually("the centre refuses the twin") {
        lab.logs(Lab.centre, "event=link.two-holders", "site=lang-son")
      }
      try eventually("the twin's operator is told") {
        try lab.api("twin").peer(Lab.centre)?.text("reason")?.hasPrefix("two-holders") == true
      }
      let row = try #require(try lab.api(Lab.centre).peer("lang-son"))
      #expect(row["twoHolders"] == .bool(true))
      #expect(try lab.refusedConnections(Lab.centre, "hello-two-holders") >= 1)

      // The first holder works on.
      try lab.api("lang-son").put("finance", try Samples.voucher(2))
      try lab.awaitEqual()
      #expect(try lab.api(Lab.centre).get("records/finance/\(Samples.id(2))").status == 200)
    }
  }
}
