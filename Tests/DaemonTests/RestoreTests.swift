import Glibc
import Replication
import Testing

extension DaemonTests {
  /// A province's data directory is put back from an older copy: proof of loss locks it until the
  /// centre has given back what was lost (design.md section 4, Recovery).
  @Suite struct RestoreTests {
    @Test(arguments: [(true, "witness-ahead"), (false, "witness-missing")])
    func anOlderCopyLocksRecoversAndWorksOn(keepsWitness: Bool, reason: String) throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      try lab.api("lang-son").put("finance", try Samples.voucher(1))
      try lab.awaitEqual()
      #expect(try lab.stop("lang-son") == 0)
      try Disk.copy("\(lab.path)/lang-son/data", to: "\(lab.path)/copy")

      try lab.start("lang-son")
      for number in 2...20 { try lab.api("lang-son").put("finance", try Samples.voucher(number)) }
      try lab.awaitEqual()
      #expect(try lab.stop("lang-son") == 0)
      // What is lost here must come from the centre alone.
      #expect(try lab.stop(Lab.centre) == 0)
      try Disk.copy("\(lab.path)/copy", to: "\(lab.path)/lang-son/data")
      if !keepsWitness { #expect(unlink("\(lab.path)/lang-son/witness") == 0) }

      try lab.start("lang-son")
      #expect(lab.logs("lang-son", "event=site.locked", "reason=\(reason)"))
      let refused = try lab.api("lang-son").post("records/finance", try Samples.voucher(99))
      #expect(refused.status == 503 && refused.code == "locked", "\(refused)")
      #expect(try lab.api("lang-son").get("status", "format", "json").text("state") == "locked")

      try lab.start(Lab.centre)
      try eventually("lang-son unlocks") { lab.logs("lang-son", "event=site.unlocked") }
      for number in 1...20 {
        let record = try lab.api("lang-son").get("records/finance/\(Samples.id(number))")
        #expect(record.status == 200, "\(number)")
      }
      try lab.api("lang-son").put("finance", try Samples.voucher(99))
      // An application that repeats what was lost gets its old OK back.
      let again = try lab.api("lang-son").put("finance", try Samples.voucher(7))
      #expect(again.json["repeat"] == .bool(true))
      try lab.awaitEqual()
      #expect(try lab.api(Lab.centre).get("conflicts").objects("conflicts").isEmpty)
      #expect(try lab.api(Lab.centre).get("records/finance/\(Samples.id(99))").status == 200)
    }

    /// A checkpoint with a wrong tag proves nothing (law 6): the link is refused, nothing locks.
    @Test func aForgedCheckpointLocksNothing() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.startAll()
      #expect(try lab.stop("lang-son") == 0)
      let hostile = try LinkClient(LinkIdentity(of: "lang-son", in: lab), as: "lang-son", in: lab)
      var hello = hostile.hello()
      hello.witness = Checkpoint(
        incarnation: Incarnation(Bytes16(high: 9, low: 9)), lsn: LSN(1_000_000), head: .zero,
        tag: Bytes16(high: 9, low: 9))
      try hostile.send(.hello(hello))
      #expect(try hostile.refusal() == .badTag)
      #expect(lab.logs(Lab.centre, "event=link.bad-tag", "site=lang-son"))
      let status = try lab.api(Lab.centre).get("status", "format", "json")
      #expect(status.text("state") == "normal")
      let row = try #require(try lab.api(Lab.centre).peer("lang-son"))
      #expect(row.text("state") == "refused" && row.text("reason")?.hasPrefix("bad-tag") == true)
      // The others work on.
      let report = try lab.api(Lab.centre).post("rejoin", JSONObject())
      #expect(report.json["locked"] == .bool(false))
      try lab.awaitEqual(["nghe-an"])
    }
  }
}
