/// What the entries held say against a record as a whole: it waits, or it is in conflict. A pure
/// function of the entries held here, so sites that hold the same find the same.
package struct Finding: Hashable, Sendable {
  /// `isHold`: the record waits. Every other code is a conflict.
  package let code: OutcomeCode
  /// The field, its value and the rule, for people; nil where the code says all.
  package let fault: FieldFault?

  init(_ code: OutcomeCode, _ fault: FieldFault? = nil) {
    self.code = code
    self.fault = fault
  }
}

/// A record as far as it is held here: what its rules read.
package struct HeldRecord: Sendable {
  package let key: RecordKey
  package let entries: [Entry]
  package let resolution: Resolution
  /// Of the current puts, in their order; nil for a stub.
  private let bodies: [JSONObject?]
  /// Of the same; empty when nobody was expected to ask for facts.
  private let readings: [BodyReading?]

  /// - Parameters:
  ///   - read: what was read already of the entry with this digest.
  ///   - readsFacts: whether the facts of current puts will be asked for, more than once each: for
  ///     most rules the bodies say enough.
  package init(
    _ key: RecordKey, entries: [Entry], read: (digest: Digest, reading: BodyReading)? = nil,
    readsFacts: Bool = true
  ) {
    self.key = key
    self.entries = entries
    resolution = Resolution(of: entries)
    var bodies: [JSONObject?] = []
    var readings: [BodyReading?] = []
    for put in resolution.current {
      let known = read.flatMap { $0.digest == put.digest ? $0.reading : nil }
      let body = known?.object ?? put.bodyObject
      bodies.append(body)
      if readsFacts { readings.append(known ?? body.flatMap { put.reading(of: $0) }) }
    }
    self.bodies = bodies
    self.readings = readings
  }

  /// Of an entry of the record; nil for a stub.
  func body(of entry: Entry) -> JSONObject? {
    let position = resolution.current.firstIndex { $0.digest == entry.digest }
    return position.map { bodies[$0] } ?? entry.bodyObject
  }

  /// Of an entry of the record; nil for a stub.
  func facts(of entry: Entry) -> EntryFacts? {
    guard let position = resolution.current.firstIndex(where: { $0.digest == entry.digest })
    else { return entry.facts ?? nil }
    guard readings.isEmpty else { return readings[position]?.facts }
    return bodies[position].flatMap { entry.reading(of: $0)?.facts }
  }

  /// The put or withdrawal that is shown: the current one, the last in fold order when there are
  /// several. nil while only events are here.
  package var shown: Entry? { resolution.current.last }
  package var owner: SiteID? { shown?.origin }
  /// The shown put's body; nil when it is not here or has gone.
  package var put: JSONObject? { bodies.last ?? nil }

  /// Appends and annotations in the one order, each event id once for each body.
  package var events: [FoldedEvent] {
    if resolution.events.isEmpty && resolution.annotations.isEmpty { return [] }
    return (resolution.events + resolution.annotations).sorted { $0.foldPosition < $1.foldPosition }
      .compactMap(FoldedEvent.init(entry:))
  }
}

extension Entry {
  /// The body, read; nil for a stub.
  package var bodyObject: JSONObject? {
    body.flatMap { (try? JSONValue.parseCanonical($0))?.object }
  }
}

/// How two entries of one origin stand to each other (law 5).
package enum BranchOrder: Hashable, Sendable {
  case before
  case after
  /// On two branches of a log that was rolled back or cloned: no order.
  case unordered
}

/// What the rules of a kind may ask about other records. Answers are bounded.
protocol RuleView {
  var site: SiteID { get }
  var centre: SiteID { get }
  /// nil while no entry of the record is here.
  func record(_ key: RecordKey) throws(StoreError) -> HeldRecord?
  /// Records that claim the key, ascending.
  func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey]
  /// Entries that refer to the name, ascending by identity.
  func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity]
  /// The record of an entry that has a row here.
  func recordKey(of entry: EntryIdentity) throws(StoreError) -> RecordKey?
  /// How the entries stand in their origin's log.
  func order(
    _ first: EntryIdentity, _ second: EntryIdentity
  ) throws(StoreError) -> BranchOrder
  /// The registry an entry was written under; every site judges it by the same one.
  func registry(of entry: Entry) throws(StoreError) -> RegistrySnapshot?
  /// What this site found about the record's signatures: not for content, which must be the same
  /// everywhere.
  func signatures(of record: HeldRecord) throws(StoreError) -> SignatureReport
  /// The first file the shown put names whose content is not here; not for content either.
  func missingFile(of record: HeldRecord) throws(StoreError) -> FileReference?
}

/// The rules' view of a store.
struct RuleLookup<View: RecordView>: RuleView {
  let view: View
  let site: SiteID
  let centre: SiteID

  func record(_ key: RecordKey) throws(StoreError) -> HeldRecord? {
    let entries = try view.entries(of: key)
    return entries.isEmpty ? nil : HeldRecord(key, entries: entries, readsFacts: false)
  }

  func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    try view.claimants(of: key)
  }

  func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity] {
    try view.referrers(of: key)
  }

  func recordKey(of entry: EntryIdentity) throws(StoreError) -> RecordKey? {
    try view.record(of: entry)
  }

  func order(
    _ first: EntryIdentity, _ second: EntryIdentity
  ) throws(StoreError) -> BranchOrder {
    precondition(first.origin == second.origin, "\(first) and \(second) have two origins")
    if first.incarnation == second.incarnation {
      return first.sequence < second.sequence ? .before : .after
    }
    // Sequence numbers run on through incarnations, so only the lower one can be the ancestor.
    if first.sequence < second.sequence {
      return try descends(second, from: first) ? .before : .unordered
    }
    return try descends(first, from: second) ? .after : .unordered
  }

  func registry(of entry: Entry) throws(StoreError) -> RegistrySnapshot? {
    try view.registry(entry.header.registry)
  }

  func signatures(of record: HeldRecord) throws(StoreError) -> SignatureReport {
    try SignatureReport(of: record, in: view)
  }

  func missingFile(of record: HeldRecord) throws(StoreError) -> FileReference? {
    for file in record.shown.flatMap(record.facts(of:))?.files ?? [] {
      guard try view.fileState(of: file.digest) == .here else { return file }
    }
    return nil
  }

  /// Starts of one site that are walked; more than a restart a day for a decade.
  private static var maximumIncarnationCount: Int { 4_096 }

  /// Whether the life that wrote `later` goes on from the one that wrote `earlier`, at or after it.
  private func descends(
    _ later: EntryIdentity, from earlier: EntryIdentity
  ) throws(StoreError) -> Bool {
    var open = [earlier]
    var visited = 0
    while let next = open.popLast(), visited < Self.maximumIncarnationCount {
      visited += 1
      let key = Genesis.childrenKey(of: next.incarnation, at: next.origin)
      for child in try view.referrers(of: key) {
        guard let body = try view.entry(child)?.body, let genesis = Genesis(body: body),
          genesis.sequence >= next.sequence
        else { continue }
        if child.incarnation == later.incarnation { return child.sequence <= later.sequence }
        open.append(child)
      }
    }
    return false
  }
}

/// An event that a site writes by itself, derived from an entry: the arrival receipt and the answer
/// to a recall. Id and body follow from what they answer, so the same one is never written twice.
package struct OwedEvent: Hashable, Sendable {
  package let record: RecordKey
  package let event: EventID
  /// Canonical bytes.
  package let body: [UInt8]

  package init(record: RecordKey, event: EventID, body: [UInt8]) {
    self.record = record
    self.event = event
    self.body = body
  }

  /// - Parameter parts: what the id is made of, beside record and body.
  init(_ body: JSONObject, on record: RecordKey, hashing: some SHA256Hashing, parts: [[UInt8]]) {
    let bytes = JSONValue.object(body).canonicalBytes
    var name = ByteWriter(reserving: 32 * (parts.count + 1))
    name.write("owed:")
    name.write(record.kind.rawValue)
    name.write(record.id.raw.raw)
    for part in parts { name.write(hashing.digest(part).raw) }
    let digest = hashing.digest(name.bytes).raw
    self.init(
      record: record, event: EventID(UniqueID(Bytes16(high: digest.first, low: digest.second))),
      body: bytes)
  }
}
