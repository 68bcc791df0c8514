import Storage
import Testing

@testable import Replication

/// D4, D5 and D9: what documents do to each other, whichever comes first.
extension DocumentRulesTests {
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

  /// A document may have given more tasks than a question about its chain reads entries.
  @Test("what changes a document is found without reading the tasks that it gave")
  func changesStandApart() throws {
    var network = try TestNetwork(seed: 41)
    let target = network.document(from: a, to: [b])
    let task = network.directive(from: a, lead: b)
      .with("sourceDocumentId", target["documentId"] ?? .null)
    let recall = network.document(from: a, to: [b], revoking: target["documentId"])
    for (kind, put) in [(RecordKind.document, target), (.directive, task), (.document, recall)] {
      try network.put(a, kind, put)
      try network.settle()
    }
    let name = UniqueKey.documentID(try #require(target["documentId"]?.text))
    for id in [a, b, centre] {
      let store = network[id].store
      for (key, record) in [(name, task.record), (.changes(of: name), recall.record)] {
        let referring = try store.referrers(of: key).map { try store.entry($0)?.header.record }
        #expect(referring == [record], "at \(id)")
      }
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

  /// Kills: counting a document in force because another path has met it.
  @Test("a recall of a document and of its update, itself recalled, takes nothing back")
  func recallOfTwo() throws {
    for isUpdateFirst in [true, false] {
      var network = try TestNetwork(seed: 17)
      let target = network.document(from: a, to: [b])
      var update = network.document(from: a, to: [b], revoking: target["documentId"])
        .with("businessDocType", 2)
      var recall = network.document(from: a, to: [b], revoking: target["documentId"])
        .with(
          "replacementInfo",
          .array(
            [target, update].map { .object(["documentId": $0["documentId"] ?? .null]) }))
      // Documents that name one are looked at in the order of their ids.
      if (update.record < recall.record) != isUpdateFirst {
        let ids = (update["recordId"] ?? .null, recall["recordId"] ?? .null)
        (update, recall) = (update.with("recordId", ids.1), recall.with("recordId", ids.0))
      }
      for put in [target, update, recall] { try network.put(a, .document, put) }
      try network.settle()
      #expect(try shown(network, b, target, "effectStatus") == "revoked")
      let back = network.document(from: a, to: [b], revoking: recall["documentId"])
      try network.put(a, .document, back)
      try network.settle()
      for id in [a, b, centre] {
        #expect(try shown(network, id, target, "effectStatus") == "effective", "at \(id)")
        let changes = try shown(network, id, target, "effectChangedBy")?.array ?? []
        #expect(changes.compactMap { $0.object?["recordId"] } == [update["recordId"]])
      }
    }
  }

  /// Kills: asking everybody who names a document whether the newest one may; reading a document
  /// again for each time that it is named.
  @Test("what a recall makes due is read from what it names, however many name the same")
  func workOfRecall() throws {
    var network = try TestNetwork(seed: 18)
    let targets = (0..<4).map { _ in network.document(from: a, to: [b]) }
    let named = JSONValue.array(
      (targets + targets).map { .object(["documentId": $0["documentId"] ?? .null]) })
    let recalls = (0..<4).map { _ in
      network.document(from: a, to: [b], revoking: .null).with("replacementInfo", named)
    }
    for put in targets + recalls { try network.put(a, .document, put) }
    try network.settle()
    let newest = try #require(try network[b].store.entries(of: recalls[3].record).first)
    let counting = CountingView(
      lookup: RuleLookup(view: network[b].store, site: b, centre: centre))
    let held = HeldRecord(
      recalls[3].record, entries: try network[b].store.entries(of: recalls[3].record))
    let owed = try DocumentRules.owed(
      for: newest, in: held, by: counting, hashing: TestSite.hashing)
    #expect(owed.count == 5, "01, and 13 for each")
    #expect(counting.reads.count == targets.count)
  }

  /// Kills: the rules asked again for what follows from them; what is here written again.
  @Test("a late addressee at a site with many organs makes only its own receipt due")
  func manyOrgans() throws {
    var network = try TestNetwork(seed: 19)
    func organs(_ numbers: Range<Int>) -> JSONValue {
      .array(
        numbers.map {
          .object([
            "siteId": .string(Text(b.description)), "organId": .string(Text("B\($0)")),
            "organName": "Phòng",
          ])
        })
    }
    let put = network.document(from: a, to: [b]).with("to", organs(0..<20))
    try network.put(a, .document, put)
    try network.settle()
    try network.append(a, to: put.record, ["type": "addressed", "to": organs(19..<22)])
    try network.settle()
    #expect(try codes(network, a, put) == Array(repeating: "nghe-an 01", count: 22))
    try network[b].lock()
    try network.append(a, to: put.record, ["type": "addressed", "to": organs(22..<23)])
    try network.settle()
    #expect(try network[b].store.owed(limit: 99).count == 1)
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

/// Counts the records that rules read.
private final class CountingView: RuleView {
  let lookup: RuleLookup<MemoryStore>
  var reads: [RecordKey] = []
  init(lookup: RuleLookup<MemoryStore>) { self.lookup = lookup }

  var site: SiteID { lookup.site }
  var centre: SiteID { lookup.centre }
  func record(_ key: RecordKey) throws(StoreError) -> HeldRecord? {
    reads.append(key)
    return try lookup.record(key)
  }
  func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    try lookup.claimants(of: key)
  }
  func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity] {
    try lookup.referrers(of: key)
  }
  func recordKey(of entry: EntryIdentity) throws(StoreError) -> RecordKey? {
    try lookup.recordKey(of: entry)
  }
  func order(
    _ first: EntryIdentity, _ second: EntryIdentity
  ) throws(StoreError) -> BranchOrder { try lookup.order(first, second) }
  func registry(of entry: Entry) throws(StoreError) -> RegistrySnapshot? {
    try lookup.registry(of: entry)
  }
  func signatures(of record: HeldRecord) throws(StoreError) -> SignatureReport {
    try lookup.signatures(of: record)
  }
  func missingFile(of record: HeldRecord) throws(StoreError) -> FileReference? {
    try lookup.missingFile(of: record)
  }
}
