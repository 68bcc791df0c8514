import Replication

/// One write as an application sends it: the body holds the envelope.
struct WorkloadChange: Hashable, Sendable {
  let record: RecordKey
  let operation: Operation
  let json: [UInt8]

  /// A record's content at a revision, as the owner's application sends it.
  static func put(
    _ record: RecordKey, revision: Int64, owner: SiteID, _ body: JSONObject
  ) -> WorkloadChange {
    var body = body
    body["recordId"] = .text(record.id.description)
    body["revision"] = .integer(revision)
    body["ownerSite"] = .text(owner.description)
    body["secrecyLevel"] = .text("none")
    return WorkloadChange(
      record: record, operation: .put, json: JSONValue.object(body).canonicalBytes)
  }
}

/// The lawful translation of the baseline workload (design.md section 6): what the other databases
/// update and delete freely, a site writes as the field's rules want it.
///
/// - 60 % documents, 25 % directives, 15 % finance vouchers; an update has the kind of its record.
/// - 30 % updates: annotate a document's keywords, put a directive's next revision, adjust a
///   voucher by another; half of them pick among the newest 5,000 records.
/// - 2 % withdraw a draft directive: one that was never revised.
/// - A directive refers to a document of its own stream, so each stream alone can be sent in order.
/// - All documents name one small file, which the writing site must have before (``file``).
///
/// The same seed, stream and stream count give the same changes, byte for byte. Ids and numbers of
/// different streams of one seed do not meet.
struct Workload: Sendable {
  static let owner: SiteID = siteID("tinh-a")
  static let centre: SiteID = siteID("trung-uong")
  /// What every document has attached, unless it is told otherwise.
  static let file = SeededFile(byteCount: 4_096, seed: 1)

  private var random: SplitMix64
  private let stream: Int
  private let streamCount: Int
  private let office: Office
  private let addressee: Office
  private let named: SeededFile
  /// Of the ids' clock: it moves 0 to 9 ms a change, from 2026-01-01.
  private var milliseconds = firstMilliseconds
  private var lastNumber: Int
  private var live: [Live] = []
  private var documentIDs: [String] = []

  private struct Live {
    let record: RecordKey
    let number: String
    var revision: Int64
  }

  static let firstMilliseconds: UInt64 = 1_767_225_600_000
  private static let updatePercent = 0.30
  private static let deletePercent = 0.02
  private static let recentCount = 5_000
  /// Before there are so many records, all changes are new ones.
  private static let firstUpdateCount = 100
  /// How often a record is drawn until one is a draft directive; a quarter of them are.
  private static let drawCount = 32

  /// - Parameters:
  ///   - office: writes it all, to `addressee`.
  ///   - named: what documents have attached.
  ///   - lastNumber: numbers up to this one are taken, by an earlier workload of the office.
  init(
    seed: UInt64, stream: Int = 0, of streamCount: Int = 1, from office: Office = .province,
    to addressee: Office = .centre, after lastNumber: Int = 0, naming named: SeededFile = Self.file
  ) {
    precondition((0..<streamCount).contains(stream), "stream \(stream) of \(streamCount)")
    var seeds = SplitMix64(seed: seed)
    for _ in 0..<stream { _ = seeds.next() }
    random = SplitMix64(seed: seeds.next())
    self.stream = stream
    self.streamCount = streamCount
    self.office = office
    self.addressee = addressee
    self.named = named
    self.lastNumber = lastNumber
  }

  /// The next `count` changes.
  mutating func take(_ count: Int) -> [WorkloadChange] { (0..<count).map { _ in next() } }

  mutating func next() -> WorkloadChange {
    milliseconds += UInt64(random.below(10))
    let draw = random.fraction()
    guard live.count > Self.firstUpdateCount, draw < Self.updatePercent + Self.deletePercent else {
      return insert()
    }
    return draw < Self.updatePercent ? update() : withdraw() ?? insert()
  }

  // MARK: Changes

  private mutating func insert() -> WorkloadChange {
    let draw = random.below(100)
    let number = nextNumber()
    let record: RecordKey
    let body: JSONObject
    if draw < 60 || documentIDs.isEmpty {
      record = RecordKey(kind: .document, id: RecordID(uniqueID()))
      body = Bodies.document(
        number: number, id: uniqueID(), naming: named, from: office, to: [addressee],
        random: &random)
      documentIDs.append(office.documentID(number))
    } else if draw < 85 {
      record = RecordKey(kind: .directive, id: RecordID(uniqueID()))
      body = Bodies.directive(
        number: number, source: random.pick(documentIDs), from: office, to: addressee,
        random: &random)
    } else {
      record = RecordKey(kind: .finance, id: RecordID(uniqueID()))
      body = Bodies.voucher(number: number, adjusting: nil, of: office, random: &random)
    }
    live.append(Live(record: record, number: number, revision: 1))
    return .put(record, revision: 1, owner: office.site, body)
  }

  private mutating func update() -> WorkloadChange {
    let newest = random.below(2) == 0 ? max(0, live.count - Self.recentCount) : 0
    let index = newest + random.below(live.count - newest)
    let chosen = live[index]
    switch chosen.record.kind {
    case .document: return annotate(chosen.record)
    case .directive:
      live[index].revision += 1
      let body = Bodies.directive(
        number: chosen.number, source: random.pick(documentIDs), from: office, to: addressee,
        random: &random)
      return .put(chosen.record, revision: chosen.revision + 1, owner: office.site, body)
    case .finance:
      let body = Bodies.voucher(
        number: nextNumber(), adjusting: chosen.record.id, of: office, random: &random)
      let record = RecordKey(kind: .finance, id: RecordID(uniqueID()))
      return .put(record, revision: 1, owner: office.site, body)
    case .registry: preconditionFailure("the workload has no registry")
    }
  }

  private mutating func annotate(_ record: RecordKey) -> WorkloadChange {
    var body: JSONObject = ["eventId": .text(uniqueID().description)]
    let keywords = (0..<4).map { _ in JSONValue.text(Bodies.prose(60, &random)) }
    body["keywords"] = .array(keywords)
    return WorkloadChange(
      record: record, operation: .annotate, json: JSONValue.object(body).canonicalBytes)
  }

  private mutating func withdraw() -> WorkloadChange? {
    for _ in 0..<Self.drawCount {
      let index = random.below(live.count)
      let chosen = live[index]
      guard chosen.record.kind == .directive, chosen.revision == 1 else { continue }
      live.swapAt(index, live.count - 1)
      live.removeLast()
      return .withdrawal(of: chosen.record, revision: 2)
    }
    return nil
  }

  // MARK: Names

  /// Unlike every other of all streams.
  private mutating func nextNumber() -> String {
    lastNumber += 1
    return String(lastNumber * streamCount + stream)
  }

  private mutating func uniqueID() -> UniqueID {
    Self.uniqueID(milliseconds: milliseconds, random: &random)
  }

  /// UUID version 7: the clock, then chance.
  static func uniqueID(milliseconds: UInt64, random: inout SplitMix64) -> UniqueID {
    let high = milliseconds << 16 | 0x7000 | random.next() >> 52
    let low = 0x8000_0000_0000_0000 | random.next() >> 2
    return UniqueID(Bytes16(high: high, low: low))
  }

  private static func siteID(_ name: String) -> SiteID {
    guard let site = SiteID(name) else { preconditionFailure("site id \(name)") }
    return site
  }
}
