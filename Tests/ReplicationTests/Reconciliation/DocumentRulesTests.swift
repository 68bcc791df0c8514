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
  func refusal(
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

  func codes(_ network: TestNetwork, _ site: SiteID, _ json: JSONObject) throws -> [String] {
    let receipts = try network[site].content(json.record)?.json["receipts"]?.array ?? []
    return receipts.compactMap(\.object).map { receipt in
      let site = receipt.text("siteId")?.string ?? ""
      return "\(site) \(receipt.text("statusCode")?.string ?? "")"
    }
  }

  func shown(
    _ network: TestNetwork, _ site: SiteID, _ json: JSONObject, _ field: Text
  ) throws -> JSONValue? {
    try network[site].content(json.record)?.json[field]
  }

  func progress(
    _ network: TestNetwork, _ json: JSONObject, of site: SiteID
  ) throws -> JSONObject? {
    let content = try #require(try network.centre.content(json.record)).json
    return content["derived"]?.object?["recipients"]?.array?.compactMap(\.object)
      .first { $0.site("siteId") == site }
  }

  // MARK: Arrival and steps

  /// What came back while a site was locked has answered it. Kills: a repeat that takes the room.
  @Test("receipts that are owed and here already do not use up what a transaction may write")
  func owedAgain() throws {
    var network = try TestNetwork(seed: 42)
    for _ in 0..<2 { try network.put(a, .document, network.document(from: a, to: [b])) }
    try network.settle()
    var site = network[b]
    let receipts = try site.store.rows(
      after: .start, lane: .normal,
      selection: RowSelection(peer: centre, peerIsCentre: true, peerIsRecovering: false),
      limits: RowLimits(entries: .max, bytes: .max, scannedRows: .max)
    ).entries.filter { $0.origin == b && $0.header.operation == .append }
    #expect(receipts.count == 2)
    let end = try site.store.logEnd()
    try site.transact { reconciler, store in
      reconciler.limits.owedPerTransaction = 1
      for receipt in receipts {
        guard case .event(let id) = receipt.header.subject, let record = receipt.header.record,
          let body = receipt.body
        else { continue }
        try store.owe(OwedEvent(record: record, event: id, body: body))
      }
    }
    #expect(try site.store.owed(limit: 2).isEmpty)
    #expect(try site.store.logEnd() == end, "nothing is written twice")
  }

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

  /// Kills: events that read all of their record. A document may have thousands of receipts.
  @Test("a receipt is placed without reading what else is in its record")
  func arrivalIsPlacedAlone() throws {
    var network = try TestNetwork(seed: 1)
    let put = network.document(from: a, to: [centre])
    try network.put(a, .document, put)
    try network.deliver(a, centre)
    let entry = try #require(try network[a].store.entries(of: put.record).first)
    network[a].store.rot(entry.digest)
    #expect(throws: StoreError.rotten(entry.digest)) {
      try network[a].store.entries(of: put.record)
    }
    try network.deliver(centre, a)
    #expect(try network[a].store.repair(entry))
    #expect(try codes(network, a, put) == ["trung-uong 01"])
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

  /// Kills: an event of the owner that is placed as if it concerned nobody.
  @Test("another organ of a site that has the document writes 01 as well")
  func lateOrgan() throws {
    var network = try TestNetwork(seed: 2)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    let organ = try #require(TestNetwork.organ(b).object).with("organId", "A99.Y")
    let late: JSONObject = ["type": "addressed", "to": .array([.object(organ)])]
    try network.append(a, to: put.record, late)
    try network.settle()
    #expect(try codes(network, a, put) == ["nghe-an 01", "nghe-an 01"])
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

  /// Kills: tokens of another signature taken; a token that came later left out.
  @Test("a time-stamp token that comes later is verified with its signature")
  func timestamps() throws {
    var network = try TestNetwork(seed: 21)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    var ids: [JSONValue] = []
    for role: JSONValue in ["person", "organ"] {
      let id = network.newID()
      ids.append(id)
      let event: JSONObject = [
        "type": "signature", "signerRole": role, "value": "MAA=", "eventId": id,
      ]
      try network.append(a, to: put.record, event)
    }
    func tokens(_ site: SiteID) throws -> [[UInt8]?] {
      let held = HeldRecord(put.record, entries: try network[site].store.entries(of: put.record))
      let settled = try SignatureReport.tasks(of: held) { _ throws(StoreError) in true }
      #expect(settled.isEmpty)
      return try SignatureReport.tasks(of: held) { _ throws(StoreError) in false }
        .map(\.timestamp)
    }
    #expect(try tokens(a) == [nil, nil])
    let token: JSONObject = ["type": "timestamp", "signatureEventId": ids[1], "token": "MAED"]
    try network.append(a, to: put.record, token)
    try network.settle()
    for id in [a, b, centre] { #expect(try tokens(id) == [nil, [0x30, 0x01, 0x03]]) }
  }

  /// Kills: a signature, a token or the put that comes after them not told to the verifier;
  /// everything told to it.
  @Test("the verifier hears of what concerns signatures, wherever it comes from")
  func signedRecordsAreNoted() throws {
    var network = try TestNetwork(seed: 22)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    func noted(_ site: SiteID, after lsn: LSN = .start) throws -> [RecordKey] {
      try network[site].store.signedRecords(after: lsn, limit: 9).records
    }
    // Its arrival is answered, and that is no signature.
    for id in [a, b, centre] { #expect(try noted(id).isEmpty) }
    let id = network.newID()
    try network.append(
      a, to: put.record,
      ["type": "signature", "signerRole": "person", "value": "MAA=", "eventId": id])
    try network.settle()
    for id in [a, b, centre] { #expect(try noted(id) == [put.record]) }
    let ends = try [a, b, centre].map { try network[$0].store.logEnd().lsn }
    try network.append(
      a, to: put.record, ["type": "timestamp", "signatureEventId": id, "token": "MAED"])
    try network.settle()
    for (id, end) in zip([a, b, centre], ends) {
      #expect(try noted(id, after: end) == [put.record])
    }
  }

  /// Kills: events that overtook their put, which are judged when it comes.
  @Test("a put that joins earlier events is looked at")
  func latePuts() throws {
    var network = try TestNetwork(seed: 23)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.append(
      a, to: put.record, ["type": "signature", "signerRole": "person", "value": "MAA="])
    let entries = try network[a].store.entries(of: put.record)
    // A province holds an event without its put; what the centre says of it came first.
    try network[b].receive(entries[1], from: centre)
    let end = try network[b].store.logEnd().lsn
    try network[b].receive(entries[0], from: centre)
    #expect(try network[b].store.signedRecords(after: end, limit: 9).records == [put.record])
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
}
