import Storage
import Testing

@testable import Replication

/// T1-T9 between sites: what a site refuses to write, what it keeps from a peer, and that all come to
/// the same, in whatever order it came.
@Suite struct DirectiveBetweenSitesTests {
  let centre = TestNetwork.centre
  let lead = TestNetwork.provinces[0]
  let other = TestNetwork.provinces[1]
  let next = TestNetwork.provinces[2]

  /// A task of the centre, led by `lead`, coordinated by `other`, due on 2026-06-30.
  private func task(_ network: inout TestNetwork) throws -> JSONObject {
    let put = network.directive(from: centre, lead: lead, others: [other])
    try network.put(centre, .directive, put)
    try network.settle()
    return put
  }

  private func leadSite(_ site: SiteID) -> JSONObject {
    ["leadSite": .string(Text(site.description))]
  }

  /// Which rule refuses the event here, with the language-free part; nil when it is written.
  private func refusal(
    _ network: inout TestNetwork, _ site: SiteID, _ put: JSONObject, _ type: Text,
    _ fields: JSONObject = [:]
  ) throws -> String? {
    let json = TestNetwork.event(type, by: site, fields).with("eventId", network.newID())
    let submission = try Submission.read(
      kind: .directive, operation: .append, id: put.record.id, json: json.bytes)
    switch try network[site].attempt(submission) {
    case .success: return nil
    case .failure(.rule(let fault)):
      guard case .broken(let rule, let detail) = fault.rule else { return fault.description }
      return "\(rule.id) \(fault.path)\(detail.map { " \($0)" } ?? "")"
    case .failure(let other): return "\(other)"
    }
  }

  private func decision(_ request: JSONValue, _ day: JSONValue?) -> JSONObject {
    JSONObject().with("requestEventId", request).with("approved", .bool(true))
      .with("newDueDate", day)
  }

  private func derived(
    _ network: TestNetwork, _ site: SiteID, _ put: JSONObject, asOf day: Text = "2026-06-01"
  ) throws -> JSONObject {
    let day = try #require(CalendarDate(day))
    let content = try network[site].content(put.record, asOf: day)
    return try #require(content?.json["derived"]?.object)
  }

  /// Type and effect of each event, alike at these sites.
  private func effects(
    _ network: TestNetwork, _ put: JSONObject, at sites: [SiteID]
  ) throws -> [String] {
    var shown: [[String]] = []
    for site in sites {
      let events = try network[site].content(put.record)?.json["events"]?.array ?? []
      shown.append(
        events.compactMap(\.object).map { event in
          let words = [event.text("type"), event.text("effect"), event.text("flag")]
          return words.compactMap { $0?.string }.joined(separator: " ")
        })
    }
    #expect(Set(shown).count == 1)
    return shown[0].sorted()
  }

  // MARK: Situations 3 and 4

  @Test(arguments: [("cancelled", "cancelled"), ("completionConfirmed", "completed")])
  func t1AWordWrittenMeanwhileStands(word: Text, state: JSONValue) throws {
    for minutesAhead: UInt64 in [0, 20] {
      var network = try TestNetwork(seed: 31)
      let put = try task(&network)
      try network.append(
        lead, to: put.record,
        TestNetwork.event(
          "completionReported", by: lead,
          ["summary": "xong"]))
      try network.settle()
      // The line is cut; the province's clock runs ahead.
      network[lead].now = WallTime(
        microseconds: network[lead].now.microseconds + minutesAhead * 60_000_000)
      for _ in 0..<3 {
        try network.append(
          lead, to: put.record,
          TestNetwork.event("progressReported", by: lead, ["percentComplete": 40]))
      }
      try network.append(
        lead, to: put.record, TestNetwork.event("returned", by: lead, ["reason": "bận"]))
      try network.append(centre, to: put.record, TestNetwork.event(word, by: centre))
      try network.settle()
      for site in [centre, lead, other] {
        let shown = try derived(network, site, put)
        #expect(shown["state"] == state && shown["flaggedEventIds"] == .array([]))
      }
      let found = try effects(network, put, at: [centre, lead, other])
      #expect(found.contains("\(word) applied") && found.count == 6)
      // From now on the province knows, and does not write it.
      #expect(try refusal(&network, lead, put, "started")?.hasPrefix("T1 type") == true)
    }
  }

  @Test func t3TheOldLeadReportsWithoutKnowing() throws {
    for isNamedFirst in [true, false] {
      var network = try TestNetwork(seed: 32)
      let put = try task(&network)
      if isNamedFirst {
        try network.append(
          centre, to: put.record, TestNetwork.event("assigned", by: centre, leadSite(lead)))
      }
      try network.settle()
      for _ in 0..<4 {
        try network.append(
          lead, to: put.record,
          TestNetwork.event("progressReported", by: lead, ["percentComplete": 40]))
      }
      try network.append(
        centre, to: put.record, TestNetwork.event("reassigned", by: centre, leadSite(next)))
      let second = put.with("revision", 2).with("leadOrgan", TestNetwork.organ(next))
      try network.put(centre, .directive, second)
      try network.settle()
      try network.append(
        next, to: put.record,
        TestNetwork.event("progressReported", by: next, ["percentComplete": 5]))
      try network.settle()
      for site in [centre, lead, next] { try network[site].compact() }
      let found = try effects(network, put, at: [centre, lead, other, next])
      #expect(found.contains("progressReported outranked replaced"))
      for site in [centre, lead, other, next] {
        let shown = try derived(network, site, put)
        #expect(shown["percentComplete"] == 5 && shown["flaggedEventIds"] == .array([]))
        #expect(shown["leadSite"] == .string(Text(next.description)))
      }
      #expect(
        try refusal(
          &network, lead, put, "progressReported", ["percentComplete": 50]
        )?.hasPrefix("T3 type \(next)") == true)
    }
  }

  /// A replacement that was written once more after a restore is one event, whichever copy the old
  /// lead had seen; and puts carry causality as well as events do.
  @Test func t3AnyCopyOfTheReplacementCounts() throws {
    let put = Sample.directives[0].put
    var number: UInt64 = 0
    func entry(
      _ author: SiteID, _ operation: Replication.Operation, _ subject: Subject, _ body: JSONObject,
      parents: [Entry]
    ) -> Entry {
      number += 1
      let header = EntryHeader(
        identity: EntryIdentity(
          origin: author, incarnation: Incarnation(Bytes16(high: 0, low: number)),
          sequence: SequenceNumber(number)),
        time: HybridTime(microseconds: number, counter: 0), operation: operation,
        record: put.record, subject: subject, parents: parents.map(\.digest),
        depth: Depth(UInt32(number)), registry: .builtIn, lane: .normal, secrecy: .none,
        audience: [])
      return Entry(authoring: header, body: body.bytes, hashing: TestSite.hashing)
    }
    func event(
      _ id: UInt64, _ author: SiteID, _ type: Text, _ fields: JSONObject = [:], parents: [Entry]
    ) -> Entry {
      let subject = Subject.event(EventID(UniqueID(Bytes16(high: 1, low: id))))
      return entry(
        author, .append, subject, TestNetwork.event(type, by: author, fields), parents: parents)
    }
    let first = entry(centre, .put, .revision(Revision(1)), put, parents: [])
    let replacement = event(1, centre, "reassigned", leadSite(next), parents: [first])
    let copy = event(1, centre, "reassigned", leadSite(next), parents: [first])
    let second = entry(
      centre, .put, .revision(Revision(2)), put.with("title", "khác"), parents: [first, copy])
    let aware = event(2, lead, "started", parents: [second.stub])
    let unaware = event(3, lead, "accepted", parents: [first])
    let record = HeldRecord(
      put.record, entries: [first.stub, replacement, copy, second, aware, unaware])
    let state = DirectiveState(
      of: record, put: put, events: record.events, asOf: CalendarDate(dayNumber: 20_000))
    #expect(
      state.effects.map { $0?.word } == ["applied", "flagged", "outranked"])
  }

  // MARK: Refused at ingest

  @Test func t3WhoMayWrite() throws {
    var network = try TestNetwork(seed: 33)
    let put = try task(&network)
    let percent: JSONObject = ["percentComplete": 10]
    #expect(try refusal(&network, other, put, "started") == "T3 type \(lead)")
    #expect(try refusal(&network, other, put, "progressReported", percent) == nil)
    #expect(try refusal(&network, centre, put, "accepted") == "T3 type \(lead)")
    #expect(try refusal(&network, lead, put, "progressReported", percent) == nil)
    // The assigner's events are a matter of authority.
    #expect(try refusal(&network, lead, put, "cancelled")?.contains("notAllowed") == true)
    #expect(try refusal(&network, centre, put, "assigned", leadSite(lead)) == nil)
    #expect(
      try refusal(&network, centre, put, "assigned", leadSite(next)) == "T3 leadSite \(lead)")
  }

  @Test func t4DecisionsOfRequests() throws {
    var network = try TestNetwork(seed: 34)
    let put = try task(&network)
    let request = network.newID()
    #expect(
      try refusal(&network, centre, put, "extensionDecided", decision(request, "2026-07-01"))
        == "T4 requestEventId")
    let asked = TestNetwork.event(
      "extensionRequested", by: lead, ["requestedDueDate": "2026-07-31", "reason": "chậm"])
    try network.append(lead, to: put.record, asked.with("eventId", request))
    try network.settle()
    for (day, expected): (JSONValue, String?) in [
      ("2026-06-30", "T4 newDueDate 2026-06-30"), ("2026-07-31", nil),
      ("2026-08-31", "T4 requestEventId"),
    ] {
      let found = try refusal(
        &network, centre, put, "extensionDecided", decision(request, day))
      #expect(found == expected)
    }
    try network.settle()
    for site in [centre, lead, other] {
      #expect(try derived(network, site, put)["effectiveDueDate"] == "2026-07-31")
    }
  }

  @Test func t7AnswersNeedAReport() throws {
    var network = try TestNetwork(seed: 37)
    let put = try task(&network)
    let reason: JSONObject = ["reason": "thiếu"]
    for type: Text in ["completionConfirmed", "completionRejected"] {
      #expect(try refusal(&network, centre, put, type, reason) == "T7 type")
    }
    #expect(try refusal(&network, lead, put, "completionReported", ["summary": "xong"]) == nil)
    try network.settle()
    #expect(try refusal(&network, centre, put, "completionRejected", reason) == nil)
    #expect(try refusal(&network, centre, put, "completionConfirmed") == "T7 type")
    try network.settle()
    #expect(try derived(network, lead, put)["state"] == "inProgress")
    #expect(try refusal(&network, lead, put, "completionReported", ["summary": "xong"]) == nil)
    try network.settle()
    #expect(try refusal(&network, centre, put, "completionConfirmed") == nil)
    #expect(try refusal(&network, centre, put, "cancelled") == "T1 type completed")
  }

  /// A centre that works on an old backup decides once more: both decisions stay, one counts.
  @Test func t4ASecondDecisionOfAPeerIsKept() throws {
    var network = try TestNetwork(seed: 38)
    let put = try task(&network)
    let request = network.newID()
    let asked = TestNetwork.event(
      "extensionRequested", by: lead, ["requestedDueDate": "2026-07-31", "reason": "chậm"])
    try network.append(lead, to: put.record, asked.with("eventId", request))
    try network.settle()
    var restored = network.centre
    let first = TestNetwork.event(
      "extensionDecided", by: centre, decision(request, "2026-07-31"))
    try network.append(centre, to: put.record, first)
    try network.settle()
    restored.start(&network.random)
    let json = TestNetwork.event(
      "extensionDecided", by: centre, decision(request, "2026-08-31"))
    let again = try restored.write(
      try Submission.read(
        kind: .directive, operation: .append, id: put.record.id,
        json: json.with("eventId", network.newID()).bytes))
    for entry in try restored.entries()
    where entry.identity.incarnation == again.identity.incarnation {
      for site in [centre, lead, other] {
        try network[site].receive(entry, from: centre, isRecovering: true)
      }
    }
    let found = try effects(network, put, at: [centre, lead, other])
    #expect(
      found == [
        "extensionDecided applied", "extensionDecided flagged decidedBefore",
        "extensionRequested applied",
      ])
  }

  // MARK: T8, T9

  @Test func t8TheCentreWaitsAndAProvinceSaysSo() throws {
    var network = try TestNetwork(seed: 35)
    let source = network.document(from: centre, to: [other])
    let put = network.directive(from: centre, lead: lead, others: [other])
      .with("sourceDocumentId", source["documentId"])
    let held = try network.put(centre, .directive, put)
    #expect(held.state == .held && held.code == .referenceMissing)
    try network.settle()
    for site in [lead, other] {
      #expect(try network[site].store.summary(of: put.record)?.holds == [])
      #expect(try derived(network, site, put)["sourceNotAvailableHere"] == .bool(true))
    }
    #expect(try derived(network, centre, put)["sourceNotAvailableHere"] == nil)
    try network.put(centre, .document, source)
    try network.settle()
    #expect(try network.centre.store.summary(of: put.record)?.holds == [])
    #expect(try derived(network, lead, put)["sourceNotAvailableHere"] == .bool(true))
    #expect(try derived(network, other, put)["sourceNotAvailableHere"] == nil)
    #expect(try refusal(&network, lead, put, "accepted") == nil)
  }

  @Test func t9ARecalledSourceCancelsNothing() throws {
    var network = try TestNetwork(seed: 36)
    let source = network.document(from: centre, to: [lead, other])
    try network.put(centre, .document, source)
    let put = network.directive(from: centre, lead: lead)
      .with("sourceDocumentId", source["documentId"])
    try network.put(centre, .directive, put)
    try network.settle()
    try network.append(lead, to: put.record, TestNetwork.event("started", by: lead))
    try network.settle()
    for site in [centre, lead] {
      #expect(try derived(network, site, put)["sourceRevoked"] == nil)
    }
    let recall = network.document(from: centre, to: [lead], revoking: source["documentId"])
    try network.put(centre, .document, recall)
    try network.settle()
    for site in [centre, lead] {
      let shown = try derived(network, site, put)
      #expect(shown["sourceRevoked"] == .bool(true) && shown["state"] == "inProgress")
    }
    #expect(try refusal(&network, lead, put, "progressReported", ["percentComplete": 9]) == nil)
  }

  // MARK: Overdue

  @Test func overdueShowsAtTheCentreThoughTheProvinceIsSilent() throws {
    var network = try TestNetwork(seed: 39)
    let put = try task(&network)
    let shown = try derived(network, centre, put, asOf: "2026-07-01")
    #expect(shown["timeliness"] == "overdue" && shown["lastWord"] == nil)
    #expect(shown["noWordSince"] == put["assignedDate"])
    try network.append(lead, to: put.record, TestNetwork.event("accepted", by: lead))
    try network.settle()
    let heard = try derived(network, centre, put, asOf: "2026-07-01")
    #expect(heard["noWordSince"] == "2026-03-03" && heard["lastWord"]?.text != nil)
  }

  // MARK: Facts

  @Test func eventTypesAreCodesAndAttachmentsAreFiles() throws {
    let digest = String(repeating: "0b", count: 32)
    let file: JSONObject = [
      "contentId": "248becac-9fb9-589f-9d53-6b91b12b26dd", "attachmentName": "bien-ban.pdf",
      "contentType": "application/pdf", "sizeBytes": 7,
      "digest": .string(Text("sha-256:\(digest)")),
    ]
    let body = TestNetwork.event(
      "completionReported", by: lead, ["summary": "xong", "attachments": .array([.object(file)])])
    func facts(_ body: JSONObject) throws -> EntryFacts {
      let record = Sample.directives[0].put.record
      return try EntryFacts.read(
        record: record, operation: .append, body: body, unknown: .refused)
    }
    let report = try facts(body)
    #expect(report.files.map(\.size) == [7])
    #expect(report.files.map { "\($0.digest)" } == [digest])
    #expect(
      report.codes == [CodeUse(.directiveEventTypes, "completionReported", at: "type")])
    // What every kind has is no event type of directives.
    let signature: JSONObject = ["type": "signature", "signerRole": "x"]
    #expect(try facts(signature).codes.isEmpty && facts(signature).files.isEmpty)
    let lists = CodeLists(lists: [.directiveEventTypes: [CodeLists.Item(code: "started")]])
    let day = CalendarDate(dayNumber: 20_000)
    for (type, isListed): (Text, Bool) in [("started", true), ("accepted", false)] {
      let use = try #require(try facts(TestNetwork.event(type, by: lead)).codes.first)
      #expect((lists.fault(of: use, entryDay: day) == nil) == isListed)
      #expect(CodeLists().fault(of: use, entryDay: day) == nil)
    }
  }
}
