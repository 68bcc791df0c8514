import Replication
import Testing

extension DaemonTests {
  /// Superseded bodies go at a running site, and nobody has to be told (laws 2 and 7).
  @Suite struct CompactionTests {
    private static let revisionCount = 12

    /// A directive of the centre for lang-son at one of its revisions.
    static func directive(_ revision: Int) throws -> JSONObject {
      var body = try #require(
        try Samples.lines("Deploy/samples/base/01/trung-uong/put.directive.jsonl").first)
      body["revision"] = .integer(Int64(revision))
      body["title"] = .string(Text("Lần \(revision)"))
      return body
    }

    @Test func supersededBodiesGoAndAProvinceFarBehindCatchesUp() throws {
      let lab = try Lab("lang-son")
      try lab.edit(Lab.centre, "ReserveBytes=16M", to: "ReserveBytes=16M\nKeepSuperseded=30d")
      try lab.startAll()
      let centre = lab.api(Lab.centre)
      try centre.put("directive", try Self.directive(1))
      try lab.awaitEqual()
      try lab.stop("lang-son")
      for revision in 2...Self.revisionCount {
        try centre.put("directive", try Self.directive(revision))
      }
      let id = try #require(try Self.directive(1).text("recordId"))
      func changes(_ site: String) throws -> [JSONObject] {
        try lab.api(site).get("records/directive/\(id)/why").objects("changes")
      }
      func goneCount(_ site: String) throws -> Int {
        try changes(site).filter { $0["bodyGone"] == .bool(true) }.count
      }
      #expect(try goneCount(Lab.centre) == 0, "younger than is kept")
      let before = try centre.get("records/directive/\(id)").json

      // The first put stays: it fixes the dates. The last is current.
      try lab.edit(Lab.centre, "KeepSuperseded=30d", to: "KeepSuperseded=1s")
      #expect(try centre.post("reload", JSONObject()).status == 200)
      try eventually("superseded bodies are gone") {
        if try goneCount(Lab.centre) == Self.revisionCount - 2 { return true }
        #expect(try centre.post("reload", JSONObject()).status == 200)
        return false
      }
      #expect(try centre.get("records/directive/\(id)").json == before)
      let metrics = try lab.monitoring(
        Lab.centre, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(metrics.contains("dongbo_compacted_bodies_total \(Self.revisionCount - 2)\n"))

      // Any old checkpoint is a resume point: what has gone comes as stubs.
      try lab.start("lang-son")
      try lab.awaitEqual()
      #expect(try goneCount("lang-son") == Self.revisionCount - 2)
      let there = try lab.api("lang-son").get("records/directive/\(id)")
      #expect(there.text("title") == "Lần \(Self.revisionCount)")
      #expect(there.json["revision"] == before["revision"])
    }
  }
}
