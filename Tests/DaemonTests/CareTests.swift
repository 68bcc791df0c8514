import Replication
import Testing

extension DaemonTests {
  /// What administrators look after: the registry's parts, and the way of a change.
  @Suite struct CareTests {
    @Test func codeListsAreRegistryDataAndJudgeByTheirDays() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let centre = lab.api(Lab.centre)
      let lists: JSONObject = [
        "documentTypes": .array([
          .object([
            "code": .string("CL"), "name": .string("Chiến lược"),
            "validTo": .string("2020-12-31"),
          ])
        ])
      ]
      let before = try #require(centre.get("registry").integer("revision"))
      let set = try centre.post("registry/code-lists", lists)
      #expect(set.integer("revision") == before + 1, "\(set)")
      try eventually("the province has the new registry") {
        try lab.api("lang-son").get("registry").integer("revision") == before + 1
      }
      for kind in ["code-lists", "signers", "nothing"] {
        let status = try lab.api("lang-son").post("registry/\(kind)", lists).status
        #expect(status == (kind == "nothing" ? 404 : 403), "\(kind) at a province")
      }
      #expect(try centre.post("registry/signers", lists).status == 422)
    }

    @Test func theWayOfAChangeIsShownHopByHop() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.startAll()
      let centre = lab.api(Lab.centre)
      let put = try centre.put("document", try Samples.centreDocument(1))
      let id = try #require(put.text("recordId"))
      try lab.awaitEqual()
      try eventually("the document is acknowledged") {
        let answer = try centre.get("records/document/\(id)/why")
        let hops = answer.objects("changes").first?["sites"]?.array ?? []
        let there = hops.compactMap(\.object).first { $0.text("site") == "lang-son" }
        return there?.text("delivery") == "acknowledged" && there?.text("rule") == "named"
      }
      let there = try lab.api("lang-son").get("records/document/\(id)/why")
      #expect(there.objects("changes").first?.text("via") == Lab.centre)
      #expect(there.text("state") == "applied" && there.text("owner") == Lab.centre)
      #expect(try lab.api("nghe-an").get("records/document/\(id)/why").status == 404)
    }
  }
}
