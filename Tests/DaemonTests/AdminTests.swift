import Replication
import Synchronization
import Testing
import Transport

extension DaemonTests {
  /// The admin API as applications meet it: each refusal has its status and its stable code.
  @Suite struct AdminTests {
    @Test func refusalsHaveTheirStatusAndCode() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      try lab.api(Lab.centre).put("document", try Samples.centreDocument(1))
      try lab.awaitEqual()
      let api = lab.api("lang-son")
      try api.put("finance", try Samples.voucher(2))

      func expect(
        _ status: Int, _ code: String, _ answer: Answer,
        sourceLocation: SourceLocation = #_sourceLocation
      ) {
        #expect(
          answer.status == status && answer.code == code, "\(answer)",
          sourceLocation: sourceLocation)
      }
      // Repeated is the same OK; another body under that id is not.
      #expect(try api.put("finance", try Samples.voucher(2)).json["repeat"] == .bool(true))
      expect(
        409, "used-before",
        try api.post("records/finance", try Samples.voucher(2, description: "khác")))
      try api.put("finance", try Samples.assetCard())
      var later = try Samples.assetCard()
      later["revision"] = .integer(4)
      expect(409, "revision-expected", try api.post("records/finance", later))
      // Of the centre's record, in its own name and in the centre's.
      var foreign = try Samples.document(1)
      foreign["revision"] = .integer(2)
      expect(403, "not-owner", try api.post("records/document", foreign))
      expect(403, "not-owner", try api.post("records/document", try Samples.centreDocument(8)))
      var strange = try Samples.document(4)
      strange["to"] = .array([
        .object([
          "siteId": .string("ca-mau"), "organId": .string("A99.P96"),
          "organName": .string("Tỉnh uỷ Cà Mau"),
        ])
      ])
      expect(422, "unknown-site", try api.post("records/document", strange))
      var incomplete = try Samples.voucher(5)
      incomplete["lines"] = nil
      expect(422, "field-invalid", try api.post("records/finance", incomplete))
      expect(404, "not-here", try api.get("records/finance/\(Samples.id(6))"))
      expect(404, "unknown-kind", try api.get("records/secret/\(Samples.id(6))"))
      expect(400, "malformed-id", try api.get("records/finance/6"))
      expect(400, "json-invalid", try api.post("records/finance", bytes: Array("{\"a\":".utf8)))
      expect(400, "json-invalid", try api.post("records/finance", bytes: Array("{\"a\":1.5}".utf8)))
      let site: JSONObject = [
        "siteId": .string("ca-mau"), "tier": .string("province"),
        "pins": .array([.string(Text("sha256:" + String(repeating: "0", count: 64)))]),
      ]
      expect(403, "not-owner", try api.post("registry/sites", site))
      var long = try Samples.voucher(7)
      long["description"] = .string(Text(String(repeating: "x", count: 300 << 10)))
      expect(413, "too-large", try api.post("records/finance", long))
      let huge = [UInt8](repeating: UInt8(ascii: " "), count: 2 << 20)
      #expect(try api.post("records/finance", bytes: huge).status == 413)
    }

    @Test func aSecretRecordIsRefusedAndNothingOfItIsKept() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let canary = "CHIM-HOANG-YEN"
      var secret = try Samples.document(1, subject: canary)
      secret["secrecyLevel"] = .string("mat")
      let answer = try lab.api("lang-son").post("records/document", secret)
      #expect(answer.status == 422 && answer.code == "secrecy", "\(answer)")
      #expect(!"\(answer)".contains(canary))
      #expect(try lab.refusedEntries("lang-son", "secrecy") == 1)
      #expect(try !lab.keeps(canary, at: "lang-son"))
      #expect(try lab.stop("lang-son") == 0)
      #expect(try !lab.keeps(canary, at: "lang-son"))
    }

    @Test func listsAndTheChangeFeedPageOnAndWait() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let ids = (1...5).map(Samples.id)
      for number in 1...5 { try api.put("finance", try Samples.voucher(number)) }

      var listed: [String] = []
      var page = try api.get("records/finance", "limit", "2")
      for _ in 0..<3 {
        listed += page.objects("records").compactMap { $0.text("recordId") }
        guard let next = page.text("next") else { break }
        page = try api.get("records/finance", "limit", "2", "after", next)
      }
      #expect(listed == ids)
      #expect(page.json["next"] == .null)

      let first = try api.get("changes", "limit", "3")
      let token = try #require(first.text("next"))
      let rest = try api.get("changes", "since", token)
      let changed = (first.objects("changes") + rest.objects("changes"))
        .filter { $0.text("kind") == "finance" }
      #expect(changed.compactMap { $0.text("recordId") } == ids)

      // A long poll waits for the next change, which comes from another client.
      let end = try #require(rest.text("next"))
      let socket = "\(lab.path)/lang-son/admin.sock"
      let woken = Mutex<[String?]>([])
      let waiter = try WorkerThread(name: "long poll") {
        let answer = try? SiteAPI(socket: socket)
          .get("changes", "since", end, "feed", "longpoll", "timeoutMs", "50000")
        woken.withLock { $0 = answer?.objects("changes").map { $0.text("recordId") } ?? [] }
      }
      try api.put("finance", try Samples.voucher(6))
      waiter.join()
      #expect(woken.withLock { $0 } == [Samples.id(6)])
      let empty = try api.get(
        "changes", "since", try #require(api.get("changes", "since", end).text("next")), "feed",
        "longpoll", "timeoutMs", "1")
      #expect(empty.status == 200 && empty.objects("changes").isEmpty)
      #expect(try api.get("changes", "since", "nonsense").status == 400)
    }

    @Test func waitingForTheCentreSaysWhatItDidOrThatNobodyKnows() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let applied = try api.post(
        "records/finance", try Samples.voucher(1), "wait", "centre", "timeoutMs", "50000")
      #expect(applied.object("centre")?.text("state") == "applied", "\(applied)")
      // The same voucher number again: kept there, but in conflict.
      var rival = try Samples.voucher(2)
      rival["voucherNumber"] = .string("PC-1")
      let conflict = try api.post(
        "records/finance", rival, "wait", "centre", "timeoutMs", "50000")
      #expect(conflict.object("centre")?.text("state") == "conflict", "\(conflict)")
      #expect(conflict.object("centre")?.text("code") == "duplicate-key", "\(conflict)")

      #expect(try lab.stop(Lab.centre) == 0)
      let unknown = try api.post(
        "records/finance", try Samples.voucher(3), "wait", "centre", "timeoutMs", "100")
      #expect(unknown.status == 200)
      #expect(unknown.object("centre")?.text("state") == "unknown", "\(unknown)")
      // The same command again, when the centre is back, gives the answer.
      try lab.start(Lab.centre)
      let later = try api.post(
        "records/finance", try Samples.voucher(3), "wait", "centre", "timeoutMs", "50000")
      #expect(later.object("centre")?.text("state") == "applied", "\(later)")
    }
  }
}
