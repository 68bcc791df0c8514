import Operations
import Replication
import Testing

@testable import Transport

extension DaemonTests {
  /// Promise 7: three checks, one behind the other. A debug build opens the first two, so that each
  /// is seen to hold alone; the third has no door.
  @Suite struct SecrecyTests {
    /// Unique, and short enough that a message which shows codes as they are would show it.
    static let canary = "CHIM-HOANG-YEN-7319"
    private static let id = Samples.id(1)

    @Test func aSecretIsRefusedAtIngestThenAtSendThenAtReceive() throws {
      let lab = try Lab("lang-son")
      let relay = try RecordingRelay(
        to: try #require(try lab.configuration(of: Lab.centre).link.listen.first))
      let centre = try lab.configuration(of: "lang-son").link.centreAddresses[0]
      try lab.edit(
        "lang-son", "CentreAddress=\(centre)", to: "CentreAddress=127.0.0.1:\(relay.port)")
      try lab.startAll()

      // 1. At ingest: it is nowhere, the sender's own store included.
      let answer = try lab.api("lang-son").post("records/document", try Self.secret())
      #expect(answer.status == 422 && answer.code == "secrecy", "\(answer)")
      #expect(!"\(answer)".contains(Self.canary))
      #expect(try lab.refusedEntries("lang-son", "secrecy") == 1)
      #expect(lab.logs("lang-son", "level=error", "event=write.secret-refused"))
      #expect(try lab.api("lang-son").get("records/document/\(Self.id)").status == 404)
      #expect(try Self.traces(in: lab, relay).isEmpty)
      #expect(try lab.stop("lang-son") == 0)
      #expect(try Self.traces(in: lab, relay).isEmpty)

      // 2. Forced into lang-son's store, it does not leave. From here on that store holds it: the
      // test put it there, and it shows that the search finds what is there.
      try Self.start("lang-son", open: "ingest", in: lab)
      try lab.api("lang-son").put("document", try Self.secret())
      try Self.awaitStop(of: "lang-son", in: lab)
      try lab.api("lang-son").put("finance", try Samples.voucher(2))
      try eventually("its link stops again, before what came later") {
        try lab.refusedEntries("lang-son", "secrecy") >= 3
      }
      #expect(try lab.refusedEntries(Lab.centre, "secrecy") == 0, "the peer never saw it")
      #expect(lab.logs(Lab.centre, "event=link.down", "site=lang-son", "above-ceiling"))
      for path in ["records/document/\(Self.id)", "records/finance/\(Samples.id(2))"] {
        #expect(try lab.api(Lab.centre).get(path).status == 404, "\(path)")
      }
      #expect(try Self.traces(in: lab, relay) == ["files of lang-son"])

      // 3. Sent all the same, it is refused where it arrives, and its author learns of it.
      #expect(try lab.stop("lang-son") == 0)
      try Self.start("lang-son", open: "ingest,send", in: lab)
      try eventually("the outcome is back") { try Self.outcomeAtCentre(in: lab) == "secrecy" }
      #expect(try lab.refusedEntries(Lab.centre, "secrecy") == 1)
      #expect(
        lab.logs(Lab.centre, "level=error", "event=entry.secret-refused", "site=lang-son"))
      // Refused, not stuck: what came later arrives.
      try eventually("the voucher is at the centre") {
        try lab.api(Lab.centre).get("records/finance/\(Samples.id(2))").status == 200
      }
      #expect(try lab.api(Lab.centre).get("records/document/\(Self.id)").status == 404)
      #expect(try Self.traces(in: lab, relay) == ["files of lang-son"])
      for site in lab.sites { #expect(try lab.stop(site) == 0) }
      #expect(try Self.traces(in: lab, relay) == ["files of lang-son"])
    }

    /// The same from inside TLS: the test is the peer and reads every frame.
    @Test(arguments: [(open: "ingest", isSent: false), (open: "ingest,send", isSent: true)])
    func noFrameCarriesIt(open: String, isSent: Bool) throws {
      let lab = try Lab("lang-son")
      try Self.start(Lab.centre, open: open, in: lab)
      try eventually("the centre has a registry") {
        try lab.api(Lab.centre).get("registry").integer("revision") == 1
      }
      var secret = try Samples.centreDocument(1)
      secret["subject"] = .string(Text(Self.canary))
      secret["secrecyLevel"] = .string("mat")
      try lab.api(Lab.centre).put("document", secret)

      let client = try LinkClient(
        try LinkIdentity(of: "lang-son", in: lab), as: "lang-son", in: lab)
      try client.open()
      var plaintext: [UInt8] = []
      var refused: Refuse?
      while refused == nil, !Self.holdsCanary(plaintext) {
        guard let message = try client.receive() else { break }
        plaintext += message.frame.bytes
        if case .refuse(let reason) = message { refused = reason }
      }
      #expect(Self.holdsCanary(plaintext) == isSent, "the search finds it where it is")
      #expect(refused?.code == (isSent ? nil : .aboveCeiling))
      #expect(refused?.text.contains(Self.id) != true, "the peer learns nothing of the record")
    }

    // MARK: Steps

    private static func secret() throws -> JSONObject {
      var body = try Samples.document(1, subject: canary)
      body["secrecyLevel"] = .string("mat")
      return body
    }

    private static func start(_ site: String, open checks: String, in lab: Lab) throws {
      try lab.spawn(site, environment: ["DONGBO_TEST_OPEN=\(checks)"])
      try lab.awaitReady(site)
    }

    /// The link says which entry stops it and what to do; not what is in it.
    private static func awaitStop(of site: String, in lab: Lab) throws {
      try eventually("\(site) stops its link") {
        lab.logs(
          site, "event=link.above-ceiling", "entry=\(site)/", "record=\"document \(id)\"",
          "dongbo explain DB-SECR-001")
      }
      try eventually("the operator sees why") {
        let row = try lab.api(site).peer(Lab.centre)
        return row?.text("state") == "refused"
          && row?.text("reason")?.contains("dongbo explain DB-SECR-001") == true
          && row?.text("aboveCeiling")?.contains("document \(id)") == true
      }
      let findings = try lab.api(site).get("status", "format", "json").objects("findings")
      #expect(findings.contains { $0.text("id") == "DB-SECR-001" }, "\(findings)")
      #expect(try lab.metric(site, "dongbo_check_status{check=\"DB-SECR-001\"}") == 2)
    }

    /// What the centre did with the secret, as lang-son knows it.
    private static func outcomeAtCentre(in lab: Lab) throws -> String? {
      let why = try lab.api("lang-son").get("records/document/\(id)/why")
      let sites = why.objects("changes").first?["sites"]?.array ?? []
      let hop = sites.compactMap(\.object).first { $0.text("site") == Lab.centre }
      return hop?.text("state") == "refused" ? hop?.text("code") : nil
    }

    /// Where the canary is, of everything that outlives a request: logs, metrics pages, the bytes
    /// on the line, files.
    private static func traces(in lab: Lab, _ relay: RecordingRelay) throws -> [String] {
      var places: [(String, [UInt8])] = [("line", relay.bytes)]
      for site in lab.sites {
        places.append(("log of \(site)", Array(lab.log(site).utf8)))
        // A site that is stopped has no page.
        if let page = try? lab.monitoring(site, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        {
          places.append(("metrics of \(site)", Array(page.utf8)))
        }
        for file in try Disk.files(below: "\(lab.path)/\(site)/data") {
          // A file of the store may go between the listing and the reading.
          if let bytes = try? Disk.read(file) { places.append(("files of \(site)", bytes)) }
        }
      }
      #expect(!relay.bytes.isEmpty)
      return Set(places.filter { holdsCanary($0.1) }.map(\.0)).sorted()
    }

    private static func holdsCanary(_ bytes: [UInt8]) -> Bool {
      bytes.firstRange(of: Array(canary.utf8)) != nil
    }
  }
}
