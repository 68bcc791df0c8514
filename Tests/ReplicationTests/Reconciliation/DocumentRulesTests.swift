import Storage
import Testing

@testable import Replication

/// D1-D10: what documents say against each other, receipts that sites write by themselves, and
/// which receipts a clerk may write.
@Suite struct DocumentRulesTests {
  let centre = TestNetwork.centre
  let a = TestNetwork.provinces[0]
  let b = TestNetwork.provinces[1]
  let c = TestNetwork.provinces[2]

  /// Which rule refuses the write here; nil when it is written.
  private func refusal(
    _ network: inout TestNetwork, _ site: SiteID, _ operation: Replication.Operation = .put,
    _ json: JSONObject, to record: RecordKey? = nil
  ) throws -> String? {
    let named = operation == .put ? json : json.with("eventId", network.newID())
    let submission: Submission
    do throws(RecordError) {
      submission = try Submission.read(
        kind: .document, operation: operation, id: record?.id, json: named.bytes)
    } catch {
      guard case .field(let fault) = error else { return "\(error)" }
      return ruleID(fault)
    }
    switch try network[site].attempt(submission) {
    case .success: return nil
    case .failure(.rule(let fault)): return ruleID(fault)
    case .failure(let other): return "\(other)"
    }
  }

  private func ruleID(_ fault: FieldFault) -> String {
    guard case .broken(let rule, _) = fault.rule else { return fault.description }
    return rule.id
  }

  private func codes(_ network: TestNetwork, _ site: SiteID, _ json: JSONObject) throws -> [String]
  {
    let receipts = try network[site].content(json.record)?.json["receipts"]?.array ?? []
    return receipts.compactMap(\.object).map { receipt in
      let site = receipt.text("siteId")?.string ?? ""
      return "\(site) \(receipt.text("statusCode")?.string ?? "")"
    }
  }

  private func shown(
    _ network: TestNetwork, _ site: SiteID, _ json: JSONObject, _ field: Text
  ) throws -> JSONValue? {
    try network[site].content(json.record)?.json[field]
  }

  private func progress(
    _ network: TestNetwork, _ json: JSONObject, of site: SiteID
  ) throws -> JSONObject? {
    let content = try #require(try network.centre.content(json.record)).json
    return content["derived"]?.object?["recipients"]?.array?.compactMap(\.object)
      .first { $0.site("siteId") == site }
  }

  // MARK: Arrival and steps

  @Test("each site writes 01 for its organs in the transaction of the document, once")
  func arrival() throws {
    var network = try TestNetwork(seed: 1)
    let put = network.document(from: a, to: [b, centre])
    try network.put(a, .document, put)
    #expect(try codes(network, a, put) == [])
    try network.deliver(a, centre)
    #expect(try codes(network, centre, put) == ["trung-uong 01"])
    let before = try network.centre.leaves().count
    // The same entry again, as after a lost acknowledgement.
    let entry = try #require(try network.centre.store.entries(of: put.record).first)
    #expect(try network.centre.receive(entry, from: a).isDuplicate)
    #expect(try network.centre.leaves().count == before)
    try network.settle()
    #expect(try Set(codes(network, a, put)) == ["trung-uong 01", "nghe-an 01"])
    // A clerk's own 01 changes nothing and is no error.
    #expect(try refusal(&network, b, .append, TestNetwork.receipt(b), to: put.record) == nil)
    try network.settle()
    #expect(try progress(network, put, of: b)?.text("status") == "01")
  }

  @Test("a late addressee writes 01 when it gets the document")
  func lateArrival() throws {
    var network = try TestNetwork(seed: 2)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.append(a, to: put.record, TestNetwork.addressed([c]))
    try network.settle()
    #expect(try Set(codes(network, a, put)) == ["nghe-an 01", "tuyen-quang-2025 01"])
  }

  @Test("while a site is locked it owes its receipts; unlocked, it writes each once")
  func owedWhileLocked() throws {
    var network = try TestNetwork(seed: 3)
    let put = network.document(from: a, to: [b])
    try network[b].lock()
    try network.put(a, .document, put)
    try network.settle()
    #expect(try codes(network, b, put) == [])
    #expect(try network[b].store.owed(limit: 9).count == 1)
    try network[b].unlock()
    #expect(try codes(network, b, put) == ["nghe-an 01"])
    #expect(try network[b].store.owed(limit: 9).isEmpty)
  }

  @Test(
    "01 -> 02 or 03, 03 -> 04 -> 05 -> 06, 04 and 05 may be skipped",
    arguments: [
      (["02"], nil), (["03"], nil), (["03", "04", "05", "06"], nil), (["03", "06"], nil),
      (["03", "05", "05", "06"], nil), (["03", "04", "04"], nil),
      (["04"], "3.4"), (["06"], "3.4"), (["02", "03"], "3.4"), (["03", "02"], "3.4"),
      (["03", "05", "04"], "3.4"), (["03", "06", "05"], "3.4"), (["03", "03"], "3.4"),
    ] as [([Text], String?)])
  func steps(codes: [Text], last: String?) throws {
    var network = try TestNetwork(seed: 4)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    try network[b].takeFiles()
    for (index, code) in codes.enumerated() {
      let found = try refusal(
        &network, b, .append, TestNetwork.receipt(b, code), to: put.record)
      #expect(found == (index == codes.count - 1 ? last : nil), "\(codes) at \(code)")
    }
  }

  /// A peer's clerk may have been let through by an older program: kept, flagged, not counted.
  @Test("a step that is no next one is kept and flagged when it comes from a peer")
  func flaggedSteps() throws {
    var network = try TestNetwork(seed: 5)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    for (organ, code) in [("A99.X", "06"), ("A99.Y", "02")] as [(Text, Text)] {
      let receipt = TestNetwork.receipt(b, code).with("organId", .string(organ))
        .with("eventId", network.newID())
      var other = network
      other.start(b)
      let entry = try other.draft(b, .document, .append, receipt, id: put.record.id)
      #expect(try network.centre.receive(entry, from: b).state == .applied)
    }
    let receipts = try shown(network, centre, put, "receipts")?.array ?? []
    #expect(
      receipts.compactMap { $0.object?.text("flag") }.sorted()
        == ["no-next-step", "not-addressed"])
    #expect(try progress(network, put, of: b)?.text("status") == "01")
  }

  // MARK: D2, D3, D6, D7

  @Test("D2: 03 needs a valid signature of each role")
  func signatures() throws {
    var network = try TestNetwork(seed: 6)
    try network[centre].writeRegistry(TestNetwork.everyone, signatures: .require)
    try network.settle()
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    var signatures: [EntryIdentity] = []
    for role: JSONValue in ["person", "organ"] {
      let event: JSONObject = ["type": "signature", "signerRole": role, "value": "MAA="]
      signatures.append(try network.append(a, to: put.record, event).identity)
    }
    try network.settle()
    try network[b].takeFiles()
    func register() throws -> String? {
      try refusal(&network, b, .append, TestNetwork.receipt(b, "03"), to: put.record)
    }
    for signature in signatures {
      #expect(try register() == "D2")
      let registry = try network[b].store.siteState().registry
      let valid = SignatureVerdict(
        state: .valid, reason: "valid", verifiedAt: network[b].now, registry: registry)
      try network[b].transact { _, store in try store.setVerdict(valid, of: signature) }
    }
    #expect(try register() == nil)
  }

  @Test("D3: 03 needs every file; 02 does not")
  func files() throws {
    for code: Text in ["03", "02"] {
      var network = try TestNetwork(seed: 7)
      let put = network.document(from: a, to: [b])
      try network.put(a, .document, put)
      try network.settle()
      let receipt = TestNetwork.receipt(b, code)
      let found = try refusal(&network, b, .append, receipt, to: put.record)
      #expect(found == (code == "03" ? "D3" : nil))
      guard code == "03" else { continue }
      try network[b].takeFiles()
      #expect(try refusal(&network, b, .append, receipt, to: put.record) == nil)
    }
  }

  @Test("D6: a receipt is of an organ that the document is for, at the site that sends it")
  func ownOrgan() throws {
    var network = try TestNetwork(seed: 8)
    let put = network.document(from: a, to: [b, c])
    try network.put(a, .document, put)
    try network.settle()
    let other = TestNetwork.receipt(b, "02").with("organId", "A99.Y")
    #expect(try refusal(&network, b, .append, other, to: put.record) == "D6")
    // The issuer's organ is no addressee.
    let own = TestNetwork.receipt(a, "02")
    #expect(try refusal(&network, a, .append, own, to: put.record) != nil)
  }

  @Test("D7: who refuses says why")
  func refusalSaysWhy() throws {
    var network = try TestNetwork(seed: 9)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    let silent = TestNetwork.receipt(b, "02").with("description", nil)
    #expect(try refusal(&network, b, .append, silent, to: put.record) == "D7")
  }

  // MARK: D1, D8, D10

  @Test("D1: one number once per organ, type and term; D8: gaps are legal")
  func numbers() throws {
    var network = try TestNetwork(seed: 10)
    let first = network.document(from: a, to: [b]).with("codeNumber", "7")
    let variants: [(JSONObject, Bool)] = [
      (network.document(from: a, to: [b]).with("codeNumber", "7"), true),
      (network.document(from: a, to: [b]).with("codeNumber", "9"), false),
      (
        network.document(from: a, to: [b]).with("codeNumber", "7")
          .with("committeeTerm", "2020-2025"), false
      ),
      (
        network.document(from: a, to: [b]).with("codeNumber", "7")
          .with("documentType", .object(["code": "TB", "name": "Thông báo"])), false
      ),
      (network.document(from: b, to: [a]).with("codeNumber", "7"), false),
    ]
    for (other, isConflict) in variants {
      var copy = network
      try copy.put(a, .document, first)
      let owner = try #require(other.site("ownerSite"))
      #expect(try refusal(&copy, owner, .put, other) == nil)
      try copy.settle()
      let found = try copy.centre.store.summary(of: other.record)?.conflicts
      #expect(found == (isConflict ? [.duplicateKey] : []))
    }
  }

  @Test("situation 8: two predecessors' 02-TB/TU at one new site are two numbers")
  func generations() throws {
    var network = try TestNetwork(seed: 11)
    let organs: [JSONValue] = ["A99.P08", "A99.P09"].map {
      .object([
        "siteId": .string(Text(c.description)), "organId": $0, "organName": "Văn phòng Tỉnh uỷ",
      ])
    }
    for organ in organs {
      let put = network.document(from: c, to: [b]).with("codeNumber", "02").with("from", organ)
      #expect(try refusal(&network, c, .put, put) == nil)
      try network.settle()
      #expect(try network.centre.store.summary(of: put.record)?.conflicts == [])
    }
  }

  @Test("D10: promulgated no later than recorded, and at most one day ahead of the clock")
  func dates() throws {
    var network = try TestNetwork(seed: 12)
    let today = CalendarDate(localDayOf: network[a].now)
    for (ahead, expected) in [(0, nil), (1, nil), (2, "D10")] as [(Int, String?)] {
      let day = CalendarDate(dayNumber: today.dayNumber + ahead)
      let put = network.document(from: a, to: [b]).with("recordedAt", nil)
        .with("promulgationDate", .string(Text(day.description)))
      #expect(try refusal(&network, a, .put, put) == expected)
    }
    // 17:30 UTC is the next day already in Viet Nam.
    for (recorded, expected) in [
      ("2026-03-01T17:30:00Z", nil), ("2026-03-01T16:30:00Z", "D10"),
    ] as [(Text, String?)] {
      let put = network.document(from: a, to: [b]).with("recordedAt", .string(recorded))
      #expect(try refusal(&network, a, .put, put) == expected)
    }
  }

  // MARK: D4, D5, D9

  @Test("D4: who recalls, updates or replaces names another document")
  func namesTarget() throws {
    var network = try TestNetwork(seed: 13)
    for type: Int64 in 1...3 {
      let put = network.document(from: a, to: [b]).with("businessDocType", .integer(type))
      #expect(try refusal(&network, a, .put, put) == "D4")
      let own: JSONObject = ["documentId": put["documentId"] ?? .null]
      let itself = put.with("replacementInfo", .array([.object(own)]))
      #expect(try refusal(&network, a, .put, itself) == "D4")
    }
  }

  /// Kills: the centre not above; any province above; another organ of the site as the issuer.
  @Test("D4: only the issuing organ and the centre may change a document, in either order")
  func superiors() throws {
    var network = try TestNetwork(seed: 14)
    let target = network.document(from: a, to: [b, c])
    let byIssuer = network.document(from: a, to: [b], revoking: target["documentId"])
    let byCentre = network.document(from: centre, to: [b], revoking: target["documentId"])
    let bySister = network.document(from: b, to: [a], revoking: target["documentId"])
    let byNeighbour = network.document(from: a, to: [b], revoking: target["documentId"])
      .with(
        "from",
        .object([
          "siteId": .string(Text(a.description)), "organId": "A99.OTHER", "organName": "Ban khác",
        ]))
    let cases: [(JSONObject, SiteID, [OutcomeCode], Text)] = [
      (byIssuer, a, [], "revoked"), (byCentre, centre, [], "abolished"),
      (bySister, b, [.notSuperior], "effective"), (byNeighbour, a, [.notSuperior], "effective"),
    ]
    for (recall, author, conflicts, effect) in cases {
      // Written before the target is known there: held, then judged.
      var early = network
      try early.put(author, .document, recall)
      try early.settle()
      #expect(try early.centre.store.summary(of: recall.record)?.holds == [.referenceMissing])
      try early.put(a, .document, target)
      try early.settle()
      // Written after it: refused at once when it is not lawful.
      var late = network
      try late.put(a, .document, target)
      try late.settle()
      let refused = try refusal(&late, author, .put, recall)
      #expect(refused == (conflicts.isEmpty ? nil : "D4"))
      try late.settle()
      for id in [a, b, c, centre] {
        let summary = try early[id].store.summary(of: recall.record)
        #expect(summary?.conflicts == conflicts && summary?.holds == [], "at \(id)")
        #expect(try shown(early, id, target, "effectStatus") == .string(effect), "at \(id)")
        guard conflicts.isEmpty else { continue }
        #expect(try shown(late, id, target, "effectStatus") == .string(effect), "at \(id)")
      }
    }
  }

  @Test("D4: a successor in the registry may change what its predecessor issued")
  func successors() throws {
    var network = try TestNetwork(seed: 20)
    let target = network.document(from: a, to: [b, c])
    try network.put(a, .document, target)
    let organ: JSONObject = [
      "siteId": .string(Text(b.description)), "organId": "A99.NEW", "organName": "Văn phòng mới",
    ]
    let recall = network.document(from: b, to: [a], revoking: target["documentId"])
      .with("from", .object(organ))
    try network.settle()
    #expect(try refusal(&network, b, .put, recall) == "D4")
    try network[centre].writeRegistry(TestNetwork.everyone, successor: b)
    try network.settle()
    #expect(try refusal(&network, b, .put, recall) == nil)
    try network.settle()
    #expect(try shown(network, c, target, "effectStatus") == "revoked")
  }

  @Test("D5, D9: a recall hides the content at recipients, who answer 13, in either order")
  func recall() throws {
    for isRecallFirst in [true, false] {
      var network = try TestNetwork(seed: 15)
      let target = network.document(from: a, to: [b, c])
      // Only b is named again: c hears of it because the target went there.
      let recall = network.document(from: a, to: [b], revoking: target["documentId"])
      try network.put(a, .document, target)
      if isRecallFirst {
        let entry = try #require(try network[a].store.entries(of: target.record).first)
        try network.put(a, .document, recall)
        let early = try #require(try network[a].store.entries(of: recall.record).first)
        for id in [centre, b, c] {
          var lone = network[id]
          let via = id == centre ? a : centre
          #expect(try lone.receive(early, from: via).code == .referenceMissing)
          #expect(try lone.receive(entry, from: via).state == .applied)
          #expect(try lone.store.summary(of: recall.record)?.holds == [])
          network[id] = lone
        }
      } else {
        try network.settle()
        try network.put(a, .document, recall)
      }
      try network.settle()
      #expect(
        try Set(codes(network, a, recall))
          == ["nghe-an 01", "nghe-an 13", "tuyen-quang-2025 13"])
      #expect(try Set(codes(network, a, target)) == ["nghe-an 01", "tuyen-quang-2025 01"])
      for id in [b, c] {
        let content = try #require(try network[id].content(target.record)).json
        #expect(content["subject"] == nil && content["attachments"] == nil)
        #expect(content["contentHidden"] == .bool(true) && content["contentDigest"] != nil)
      }
      #expect(try shown(network, a, target, "subject") != nil)
      #expect(try progress(network, recall, of: c)?.text("answer") == "13")
    }
  }

  @Test("situation 2: recalled while a province works on: both histories are kept")
  func recallDuringWork() throws {
    var network = try TestNetwork(seed: 16)
    let target = network.document(from: centre, to: [b])
    try network.put(centre, .document, target)
    try network.settle()
    try network[b].takeFiles()
    let recall = network.document(from: centre, to: [b], revoking: target["documentId"])
    try network.put(centre, .document, recall)
    for code: Text in ["03", "05"] {
      #expect(
        try refusal(&network, b, .append, TestNetwork.receipt(b, code), to: target.record) == nil)
    }
    try network.settle()
    #expect(
      try codes(network, centre, target) == ["nghe-an 01", "nghe-an 03", "nghe-an 05"])
    #expect(try Set(codes(network, centre, recall)) == ["nghe-an 01", "nghe-an 13"])
    // From now on the clerk knows.
    let done = TestNetwork.receipt(b, "06")
    #expect(try refusal(&network, b, .append, done, to: target.record) == "D5")
  }

  @Test("D5: 13, 15 and 16 answer a recall, update or replacement")
  func answers() throws {
    var network = try TestNetwork(seed: 17)
    let target = network.document(from: a, to: [b])
    let update = network.document(from: a, to: [b], revoking: target["documentId"])
      .with("businessDocType", 2)
    for put in [target, update] { try network.put(a, .document, put) }
    try network.settle()
    for code: Text in ["13", "15", "16"] {
      let receipt = TestNetwork.receipt(b, code)
      #expect(try refusal(&network, b, .append, receipt, to: target.record) == "D5")
      #expect(try refusal(&network, b, .append, receipt, to: update.record) == nil)
    }
    try network.settle()
    #expect(try progress(network, update, of: b)?.text("answer") == "16")
    #expect(try shown(network, b, target, "effectStatus") == "effective")
    #expect(try shown(network, b, target, "subject") != nil)
  }

  @Test("the chain decides: a recalled recall has no effect, a replacement replaces")
  func chain() throws {
    var network = try TestNetwork(seed: 18)
    let target = network.document(from: a, to: [b])
    let recall = network.document(from: a, to: [b], revoking: target["documentId"])
    let regret = network.document(from: a, to: [b], revoking: recall["documentId"])
    let replacement = network.document(from: a, to: [b], revoking: target["documentId"])
      .with("businessDocType", 3)
    var effects: [JSONValue?] = []
    for put in [target, recall, regret, replacement] {
      try network.put(a, .document, put)
      try network.settle()
      effects.append(try shown(network, b, target, "effectStatus"))
    }
    #expect(effects == ["effective", "revoked", "effective", "replaced"])
  }

  /// Kills: the walk without its memory of where it was.
  @Test("documents that recall each other end the walk")
  func circle() throws {
    var network = try TestNetwork(seed: 19)
    let first = network.document(from: a, to: [b])
    let second = network.document(from: a, to: [b], revoking: first["documentId"])
    let target: JSONObject = ["documentId": second["documentId"] ?? .null]
    let circular = first.with("businessDocType", 1)
      .with("replacementInfo", .array([.object(target)]))
    for put in [circular, second] { try network.put(a, .document, put) }
    try network.settle()
    for put in [circular, second] {
      #expect(try shown(network, b, put, "effectStatus") != nil)
    }
  }
}
