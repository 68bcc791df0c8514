import Replication
import Testing

extension DaemonTests {
  /// Bytes that change on disk by themselves: found, neither served nor sent, got back from a peer.
  @Suite struct RotTests {
    private let centre = Lab.centre
    private static let subject = "Báo cáo có một byte sẽ hỏng"

    /// A document of lang-son for the centre and nghe-an.
    private func document(naming file: Content) throws -> JSONObject {
      var body = try Samples.document(1, naming: file)
      body["subject"] = .string(Text(Self.subject))
      var organs = body["to"]?.array ?? []
      organs.append(
        .object([
          "siteId": .string("nghe-an"), "organId": .string("A99.P29"),
          "organName": .string("Văn phòng Tỉnh uỷ Nghệ An (hư cấu)"),
        ]))
      body["to"] = .array(organs)
      return body
    }

    private func flip(_ text: String, inStoreOf site: String, _ lab: Lab) throws {
      try lab.flip(Array(text.utf8), in: "\(lab.path)/\(site)/data/store.db")
    }

    /// Two flipped bytes at the centre, which a third site waits for.
    @Test func aFlippedByteOfAFileAndOfAnEntryAreFoundAndRepaired() throws {
      let lab = try Lab("lang-son", "nghe-an")
      let file = Content(byteCount: 500_000, seed: 21)
      try lab.store(file, at: "lang-son")
      try lab.start(centre, "lang-son")
      try lab.awaitEqual(["lang-son"])
      try lab.api("lang-son").put("document", try document(naming: file))
      try lab.awaitFile(file, at: centre)
      try lab.awaitEqual(["lang-son"])
      try lab.stop("lang-son")
      try lab.stop(centre)
      let place = lab.filePath(file, at: centre)
      try lab.flip(Array(file.bytes[300_000..<300_032]), in: place)
      try flip(Self.subject, inStoreOf: centre, lab)

      try lab.start(centre, "nghe-an")
      try eventually("the scrub finds both") {
        lab.logs(centre, "event=file.rotten") && lab.logs(centre, "event=entry.rotten")
      }
      #expect(!Disk.exists(place))
      #expect(Disk.exists(lab.filePath(file, at: centre, in: "rotten")))
      try eventually("the lane to nghe-an waits in front of it") {
        try lab.api(centre).peer("nghe-an")?.text("state") == "waiting"
      }
      let id = Samples.id(1)
      #expect(try lab.api(centre).get("records/document/\(id)").status == 500)
      #expect(try lab.api("nghe-an").get("records/document/\(id)").status == 404)

      try lab.start("lang-son")
      try lab.awaitFile(file, at: centre)
      try lab.awaitFile(file, at: "nghe-an")
      try lab.awaitEqual()
      let there = try lab.api("nghe-an").get("records/document/\(id)")
      #expect(there.status == 200 && there.text("subject") == Self.subject)
      #expect(try lab.api(centre).get("records/document/\(id)").text("subject") == Self.subject)
      try eventually("the link streams again") {
        try lab.api(centre).peer("nghe-an")?.text("state") == "streaming"
      }
      for content in ["file", "entry"] {
        let label = "{content=\"\(content)\"}"
        #expect(try lab.metric(centre, "dongbo_rotten_found_total\(label)") == 1)
        #expect(try lab.metric(centre, "dongbo_rotten_repaired_total\(label)") == 1)
      }
      #expect(try lab.fileBytes("sent", at: centre, with: "nghe-an") == file.bytes.count)
    }

    /// What a peer writes to a damaged record waits for the repair, which comes over the same link,
    /// when it cannot be placed without the record: a late addressee gets all of it.
    @Test func whatBuildsOnADamagedEntryWaitsForItsRepair() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 1_000, seed: 22)
      try lab.store(file, at: "lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      var body = try Samples.document(1, naming: file)
      body["subject"] = .string(Text(Self.subject))
      try api.put("document", body)
      try lab.awaitFile(file, at: centre)
      try lab.awaitEqual()
      try lab.stop(centre)
      let late: JSONObject = [
        "eventId": .string(Text(Samples.id(77))), "type": .string("addressed"),
        "to": try #require(body["to"]),
      ]
      let answer = try api.post("records/document/\(Samples.id(1))/events", late)
      #expect(answer.status == 200, "\(answer)")
      try flip(Self.subject, inStoreOf: centre, lab)
      try lab.start(centre)
      try lab.awaitEqual()
      #expect(lab.logs(centre, "event=entry.repaired"))
      #expect(lab.logs(centre, "event=link.stalled", "while=receiving"), "\(lab.log(centre))")
      #expect(try lab.process(centre).isRunning)
    }

    /// What stood on disk before the start is hashed before the first byte of it goes out: the scrub,
    /// a mebibyte at a time, is not there yet.
    @Test func aFileIsHashedBeforeItIsServed() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 32 << 20, seed: 23)
      try lab.store(file, at: "lang-son")
      try lab.flip(Array(file.bytes.suffix(16)), in: lab.filePath(file, at: "lang-son"))
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      try eventually("it is found") { lab.logs("lang-son", "event=file.rotten") }
      try eventually("the centre is refused") { lab.logs(centre, "event=file.refused") }
      #expect(try lab.fileBytes("sent", at: "lang-son", with: centre) == 0)
    }
  }
}
