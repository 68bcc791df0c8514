import Storage

@testable import Replication

/// A centre and provinces without a network: what one site has for another is handed over by call.
struct TestNetwork {
  static let centre = site("trung-uong")
  static let provinces = ["lang-son", "nghe-an", "tuyen-quang-2025", "ha-giang"].map(site)
  static let everyone = [centre] + provinces

  var sites: [SiteID: TestSite] = [:]
  var random: SeededRandom
  private var documentCount = 0

  /// Every site knows the first registry.
  init(seed: UInt64) throws {
    self = try Self.template.get()
    random = SeededRandom(seed: seed)
  }

  private static let template = Result {
    var network = TestNetwork(bare: 0xD0_4B_60)
    try network[Self.centre].writeRegistry(Self.everyone)
    try network.settle()
    return network
  }

  /// No registry yet.
  init(bare seed: UInt64, provinces: [SiteID] = Self.provinces) {
    random = SeededRandom(seed: seed)
    for id in [Self.centre] + provinces {
      sites[id] = TestSite(id, centre: Self.centre, random: &random)
    }
  }

  subscript(id: SiteID) -> TestSite {
    get { sites[id] ?? TestSite(id, centre: Self.centre, hashSeed: 0) }
    set { sites[id] = newValue }
  }

  var centre: TestSite {
    get { self[Self.centre] }
    set { self[Self.centre] = newValue }
  }

  mutating func start(_ id: SiteID) { sites[id]?.start(&random) }

  // MARK: Delivery

  /// What `from` has for `to` beyond its cursor, at most `limit` entries a lane.
  /// - Returns: how many entries and outcomes went over.
  @discardableResult
  mutating func deliver(
    _ from: SiteID, _ to: SiteID, isRecovering: Bool = false, limit: Int = .max
  ) throws -> Int {
    let sender = self[from]
    let selection = RowSelection(
      peer: to, peerIsCentre: to == Self.centre, peerIsRecovering: isRecovering)
    var count = 0
    for lane in Lane.allCases.shuffled(using: &random) {
      let after = self[to].cursors[from]?[lane] ?? .start
      let batch = try sender.store.rows(
        after: after, lane: lane, selection: selection,
        limits: RowLimits(entries: limit, bytes: .max, scannedRows: .max))
      for entry in batch.entries {
        try self[to].receive(
          try entry.overTheWire(), from: from, isRecovering: isRecovering)
      }
      self[to].cursors[from, default: [:]][lane] = batch.last.lsn
      count += batch.entries.count
    }
    let known = self[to].outcomeCursors[from] ?? 0
    for outcome in try sender.store.outcomes(for: to, after: known, limit: .max) {
      try self[to].transact { reconciler, store in
        try reconciler.take(outcome.outcome, from: from, in: &store)
      }
      self[to].outcomeCursors[from] = outcome.number
      count += 1
    }
    return count
  }

  /// Delivers over random links, a few entries at a time, until nothing moves.
  mutating func settle() throws {
    var moved = true
    while moved {
      moved = false
      for (from, to) in links.shuffled(using: &random) {
        let limit = random.chance(50) ? 1 + random.below(3) : .max
        if try deliver(from, to, limit: limit) > 0 { moved = true }
      }
    }
  }

  private var links: [(SiteID, SiteID)] {
    sites.keys.sorted().filter { $0 != Self.centre }
      .flatMap { [($0, Self.centre), (Self.centre, $0)] }
  }

  // MARK: Writing

  mutating func write(
    _ site: SiteID, _ kind: RecordKind, _ operation: Replication.Operation, _ json: JSONObject,
    id: RecordID? = nil
  ) throws -> Authored {
    try self[site].write(
      try Submission.read(kind: kind, operation: operation, id: id, json: json.bytes))
  }

  @discardableResult
  mutating func put(_ site: SiteID, _ kind: RecordKind, _ json: JSONObject) throws -> Authored {
    try write(site, kind, .put, json)
  }

  @discardableResult
  mutating func append(_ site: SiteID, to record: RecordKey, _ json: JSONObject) throws -> Authored
  {
    let event = json["eventId"] == nil ? json.with("eventId", newID()) : json
    return try write(site, record.kind, .append, event, id: record.id)
  }

  @discardableResult
  mutating func annotate(
    _ site: SiteID, _ record: RecordKey, keywords: [Text]
  ) throws -> Authored {
    let json: JSONObject = ["keywords": .array(keywords.map { .string($0) }), "eventId": newID()]
    return try write(site, record.kind, .annotate, json, id: record.id)
  }

  // MARK: What is written

  mutating func newID() -> JSONValue { .string(Text(random.uniqueID().description)) }

  static func organ(_ site: SiteID) -> JSONValue {
    .object([
      "siteId": .string(Text(site.description)), "organId": "A99.X", "organName": "Văn phòng",
    ])
  }

  /// A document of its own number; `target` is the documentId it revokes.
  mutating func document(
    from: SiteID, to: [SiteID], revoking target: JSONValue? = nil, priority: Int64 = 0
  ) -> JSONObject {
    documentCount += 1
    let number = "\(documentCount)"
    var json = Sample.documents[0].put.with("recordId", newID())
      .with("ownerSite", .string(Text(from.description)))
      .with("documentId", .string(Text("A99.X,2026/03/02,\(number)-KL/VPTW")))
      .with("codeNumber", .string(Text(number))).with("priority", .integer(priority))
      .with("from", Self.organ(from)).with("to", .array(to.map(Self.organ)))
    if let target {
      json["businessDocType"] = 1
      json["replacementInfo"] = .array([.object(["documentId": target])])
    }
    return json
  }

  mutating func directive(
    from: SiteID, lead: SiteID, others: [SiteID] = []
  ) -> JSONObject {
    Sample.directives[0].put.with("recordId", newID())
      .with("ownerSite", .string(Text(from.description)))
      .with("assigningOrgan", Self.organ(from)).with("monitoringOrgan", Self.organ(from))
      .with("leadOrgan", Self.organ(lead))
      .with("coordinatingOrgans", .array(others.map(Self.organ)))
  }

  mutating func voucher(of site: SiteID, number: Text) -> JSONObject {
    finance(Sample.finance[0].put, of: site).with("voucherNumber", .string(number))
  }

  mutating func assetCard(of site: SiteID) -> JSONObject {
    finance(Sample.finance[3].put, of: site).with("revision", 1)
  }

  private mutating func finance(_ json: JSONObject, of site: SiteID) -> JSONObject {
    let unit = (json["accountingUnit"]?.object ?? JSONObject())
      .with("siteId", .string(Text(site.description)))
    return json.with("recordId", newID()).with("ownerSite", .string(Text(site.description)))
      .with("accountingUnit", .object(unit))
  }

  static func receipt(_ site: SiteID, _ code: Text = "01") -> JSONObject {
    [
      "siteId": .string(Text(site.description)), "organId": "A99.X",
      "statusCode": .string(code), "timestamp": "2026-03-02T02:15:41.002117Z",
      "description": "vì",
    ]
  }

  static func addressed(_ sites: [SiteID]) -> JSONObject {
    ["type": "addressed", "to": .array(sites.map(organ))]
  }

  static func event(_ type: Text, by site: SiteID, _ more: JSONObject = JSONObject()) -> JSONObject
  {
    var json = more
    json["type"] = .string(type)
    json["bySite"] = .string(Text(site.description))
    json["byOrgan"] = "A99.X"
    json["at"] = "2026-03-03T01:00:00.000120Z"
    return json
  }

  static func movement(_ type: Text, to other: SiteID? = nil) -> JSONObject {
    let date: JSONValue = type == "wear" ? "2026-12-31" : "2026-06-01"
    var json: JSONObject = ["type": .string(type), "date": date, "amount": 7]
    json["toSite"] = other.map { .string(Text($0.description)) }
    return json
  }
}

extension TestSite {
  init(_ id: SiteID, centre: SiteID, hashSeed: UInt64) {
    var random = SeededRandom(seed: hashSeed)
    self.init(id, centre: centre, random: &random)
  }
}

extension Entry {
  /// As the receiver decodes it.
  func overTheWire() throws -> Entry {
    guard let body else {
      return try Entry(
        headerBytes: headerBytes, bodyDigest: bodyDigest, hashing: TestSite.hashing)
    }
    return try Entry(headerBytes: headerBytes, body: body, hashing: TestSite.hashing)
  }
}

extension JSONObject {
  var record: RecordKey {
    let kind = text("kind").flatMap { RecordKind(name: $0.string) } ?? .document
    let id = text("recordId").flatMap { RecordID($0.string) }
    return RecordKey(kind: kind, id: id ?? RegistryRules.record.id)
  }
}
