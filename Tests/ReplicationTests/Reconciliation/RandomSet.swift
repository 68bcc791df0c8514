import Testing

@testable import Replication

/// A few entries of one kind, with causes drawn at random: each names some of those before it, so
/// histories fork, join, and are written without knowing of each other.
struct RandomSet {
  enum Family: CaseIterable { case document, documentNumber, directive, voucher, asset }

  private(set) var entries: [Entry] = []
  private var network: TestNetwork
  private let registry: RegistryRevision
  private var lanes: [RecordKey: Lane] = [:]
  private var sequence = SequenceNumber.start
  private let centre = TestNetwork.centre
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]
  private let c = TestNetwork.provinces[2]

  /// - Parameter count: 2 to 6.
  static func entries(
    of family: Family, count: Int, seed: UInt64, registry: RegistryRevision
  ) throws -> [Entry] {
    var set = RandomSet(network: try TestNetwork(seed: seed), registry: registry)
    try set.draw(family, count: count)
    return set.entries
  }

  private init(network: TestNetwork, registry: RegistryRevision) {
    self.network = network
    self.registry = registry
  }

  private mutating func chance(_ percent: UInt64) -> Bool { network.random.chance(percent) }

  private mutating func draw(_ family: Family, count: Int) throws {
    switch family {
    case .document: try drawDocument(count)
    case .documentNumber: try drawNumbers(.document, count)
    case .directive: try drawDirective(count)
    case .voucher: try drawNumbers(.finance, count)
    case .asset: try drawAsset(count)
    }
  }

  // MARK: Kinds

  private mutating func drawDocument(_ count: Int) throws {
    let put = network.document(from: a, to: [b])
    try write(a, .document, .put, put)
    while entries.count < count {
      switch network.random.below(7) {
      case 0: try event(a, put.record, TestNetwork.addressed([c]))
      case 1, 2:
        let code: Text = chance(50) ? "01" : "03"
        try event(b, put.record, TestNetwork.receipt(b, code))
      case 3:
        let words: JSONObject = ["keywords": .array([.string(chance(50) ? "một" : "hai")])]
        try event(chance(50) ? a : centre, put.record, words, .annotate)
      case 4:
        let recall = network.document(
          from: chance(50) ? a : centre, to: [c], revoking: put["documentId"])
        try write(recall["from"]?.object?.site("siteId") ?? a, .document, .put, recall)
      case 5: try fork(a, put, "subject")
      default: try repeatOne()
      }
    }
  }

  /// Records that claim one number, and what their owner decides between them.
  private mutating func drawNumbers(_ kind: RecordKind, _ count: Int) throws {
    var puts: [JSONObject] = []
    while entries.count < count {
      let number = Text("\(1 + network.random.below(2))")
      if puts.count < 2 || chance(40) {
        var put =
          kind == .finance
          ? network.voucher(of: a, number: number)
          : network.document(from: a, to: [b]).with("codeNumber", .string(number))
        if kind == .finance, let first = puts.first, chance(40) {
          put["correction"] = .object([
            "method": "adjustment", "adjustsRecordId": first["recordId"] ?? .null,
            "fullReversal": .bool(chance(50)), "reason": "sai",
          ])
        }
        puts.append(put)
        try write(a, kind, .put, put)
      } else if chance(70), let kept = puts.randomElement(using: &network.random) {
        let named = entries.filter { $0.header.operation == .put }.map(\.digest)
        try event(
          a, kept.record, TestNetwork.decision(keep: kept["recordId"] ?? .null, parents: named),
          parents: named)
      } else {
        try repeatOne()
      }
    }
  }

  private mutating func drawDirective(_ count: Int) throws {
    let put = network.directive(from: centre, lead: a, others: [c])
    try write(centre, .directive, .put, put)
    while entries.count < count {
      let revision = JSONValue.integer(Int64(1 + network.random.below(3)))
      switch network.random.below(8) {
      case 0, 1:
        try write(
          centre, .directive, .put,
          put.with("revision", revision).with("title", chance(50) ? "một" : "hai"))
      case 2:
        let last: JSONObject = ["revision": revision, "recordId": put["recordId"] ?? .null]
        try write(centre, .directive, .withdraw, last.with("reason", "nhầm"))
      case 3:
        let lead: JSONObject = ["leadSite": .string(Text((chance(50) ? a : b).description))]
        try event(centre, put.record, TestNetwork.event("reassigned", by: centre, lead))
      case 4:
        let type = ["suspended", "resumed", "cancelled"][network.random.below(3)]
        try event(centre, put.record, TestNetwork.event(Text(type), by: centre))
      case 5, 6:
        let author = [a, b, c][network.random.below(3)]
        let percent: JSONObject = ["percentComplete": .integer(Int64(network.random.below(101)))]
        try event(
          author, put.record, TestNetwork.event("progressReported", by: author, percent))
      default: try repeatOne()
      }
    }
  }

  private mutating func drawAsset(_ count: Int) throws {
    let card = network.assetCard(of: a)
    try write(a, .finance, .put, card)
    var transfers: [(id: JSONValue, to: SiteID)] = []
    while entries.count < count {
      switch network.random.below(6) {
      case 0:
        let revision = JSONValue.integer(Int64(1 + network.random.below(3)))
        try write(
          a, .finance, .put,
          card.with("revision", revision).with("assetName", chance(50) ? "một" : "hai"))
      case 1: try event(a, card.record, TestNetwork.movement("wear"))
      case 2, 3:
        let (id, to) = (network.newID(), chance(50) ? b : c)
        transfers.append((id, to))
        try event(
          a, card.record, TestNetwork.movement("transferredOut", to: to).with("eventId", id))
      case 4:
        guard let half = transfers.randomElement(using: &network.random) else { continue }
        try event(
          half.to, card.record,
          TestNetwork.movement("received", to: half.to).with("transferMovementId", half.id)
            .with("fromSite", .string(Text(a.description))))
      default: try repeatOne()
      }
    }
  }

  // MARK: Entries

  /// Another body under a number that is taken, as after a restore; or the owner's choice between.
  private mutating func fork(_ author: SiteID, _ put: JSONObject, _ field: Text) throws {
    let puts = entries.filter { $0.header.record == put.record && $0.header.operation == .put }
    guard puts.count > 1 else {
      return try write(author, put.record.kind, .put, put.with(field, "khác"))
    }
    try write(
      author, put.record.kind, .put,
      put.with("revision", .integer(Int64(puts.count))), parents: puts.map(\.digest))
  }

  /// A write that was tried again after a restore: the same body, a new entry.
  private mutating func repeatOne() throws {
    guard let old = entries.randomElement(using: &network.random), let body = old.body else {
      return
    }
    var header = old.header
    header.identity = identity(old.origin)
    header.time = time()
    entries.append(Entry(authoring: header, body: body, hashing: TestSite.hashing))
  }

  private mutating func event(
    _ author: SiteID, _ record: RecordKey, _ json: JSONObject,
    _ operation: Replication.Operation = .append, parents: [Digest]? = nil
  ) throws {
    let body = json["eventId"] == nil ? json.with("eventId", network.newID()) : json
    try write(author, record.kind, operation, body, of: record.id, parents: parents)
  }

  private mutating func write(
    _ author: SiteID, _ kind: RecordKind, _ operation: Replication.Operation, _ json: JSONObject,
    of id: RecordID? = nil, parents chosen: [Digest]? = nil
  ) throws {
    let submission = try Submission.read(
      kind: kind, operation: operation, id: id, json: json.bytes)
    let lane = lanes[submission.record] ?? submission.facts.lane ?? .normal
    lanes[submission.record] = lane
    let known = entries.filter { $0.header.record == submission.record }
    let parents = chosen ?? known.filter { _ in network.random.chance(50) }.map(\.digest)
    let deepest = entries.filter { parents.contains($0.digest) }.map(\.header.depth).max()
    let header = EntryHeader(
      identity: identity(author), time: time(), operation: operation, record: submission.record,
      subject: submission.subject, parents: parents, depth: (deepest ?? .zero).next,
      registry: registry, lane: lane, secrecy: .none, audience: submission.facts.audience)
    entries.append(Entry(authoring: header, body: submission.body, hashing: TestSite.hashing))
  }

  /// Each entry stands alone on a branch of its own: no order but what parents say.
  private mutating func identity(_ author: SiteID) -> EntryIdentity {
    sequence = sequence.next
    return EntryIdentity(
      origin: author,
      incarnation: Incarnation(Bytes16(high: network.random.next(), low: network.random.next())),
      sequence: sequence)
  }

  /// Clocks that say little.
  private mutating func time() -> HybridTime {
    HybridTime(
      microseconds: 1_780_000_000_000_000 + UInt64(network.random.below(5)), counter: 0)
  }
}
