/// What a record says, as applications see it: the envelope merged with the body, its events, and
/// what every site derives alike. A pure function of the entries held (promise 4).
package struct RecordContent: Hashable, Sendable {
  package let json: JSONObject

  /// - Parameters:
  ///   - entries: all entries of the record held here, in any order.
  ///   - day: the local day for which derived states are asked.
  /// - Returns: nil while no put of the record is here, or its body was dropped.
  package init?(_ record: RecordKey, entries: [Entry], asOf day: CalendarDate) {
    let resolution = Resolution(of: entries)
    guard let shown = resolution.current.last, let put = Self.body(of: shown) else { return nil }
    var object = put
    Self.merge(envelopeOf: shown, record, into: &object)
    let events = (resolution.events + resolution.annotations)
      .sorted { $0.foldPosition < $1.foldPosition }.compactMap(FoldedEvent.init(entry:))
    Self.merge(events, kind: record.kind, put: put, asOf: day, into: &object)
    let conflicts = resolution.conflicts.map { JSONValue.string(Text($0.description)) }
    object["conflicts"] = conflicts.isEmpty ? nil : .array(conflicts)
    if resolution.current.count > 1 {
      object["versions"] = .array(resolution.current.map(Self.version(of:)))
    }
    json = object
  }

  /// One version of a record in conflict: who wrote it, what its digest is, what it says.
  package static func version(of entry: Entry) -> JSONValue {
    var object: JSONObject = [
      "digest": .string(Text(entry.digest.description)),
      "origin": .string(Text(entry.origin.description)),
      "writtenAtMicroseconds": .integer(Int64(clamping: entry.header.time.microseconds)),
      "operation": .string(Text(entry.header.operation.description)),
    ]
    if case .revision(let revision) = entry.header.subject {
      object["revision"] = .integer(Int64(clamping: revision.value))
    }
    object["body"] = body(of: entry).map { .object($0) }
    return .object(object)
  }

  private static func body(of entry: Entry) -> JSONObject? {
    entry.body.flatMap { (try? JSONValue.parseCanonical($0))?.object }
  }

  private static func merge(
    envelopeOf put: Entry, _ record: RecordKey, into object: inout JSONObject
  ) {
    object["kind"] = .string(Text(record.kind.description))
    object["recordId"] = .string(Text(record.id.description))
    object["ownerSite"] = .string(Text(put.origin.description))
    object["secrecyLevel"] = .string(Text(put.header.secrecy.description))
    object["contentDigest"] = .string(Text("sha-256:\(put.bodyDigest)"))
    object["writtenAtMicroseconds"] = .integer(Int64(clamping: put.header.time.microseconds))
    if case .revision(let revision) = put.header.subject {
      object["revision"] = .integer(Int64(clamping: revision.value))
    }
    if put.header.operation == .withdraw { object["withdrawn"] = .bool(true) }
  }

  private static func merge(
    _ events: [FoldedEvent], kind: RecordKind, put: JSONObject, asOf day: CalendarDate,
    into object: inout JSONObject
  ) {
    let appended = events.filter { $0.operation == .append }
    switch kind {
    case .document:
      object["receipts"] = DocumentRules.receipts(appended)
      let others = appended.filter { $0.body["type"] != .string("receipt") }
      object["events"] = others.isEmpty ? nil : .array(others.map(\.json))
      let keywords = DocumentRules.keywords(put: put, events: events)
      object["keywords"] = keywords.current
      object["outrankedKeywords"] = keywords.losers.isEmpty ? nil : .array(keywords.losers)
    case .directive:
      object["events"] = .array(appended.map(\.json))
      object["derived"] = DirectiveState(put: put, events: events, asOf: day).json
    case .finance:
      object["events"] = appended.isEmpty ? nil : .array(appended.map(\.json))
      if put["entryKind"] == .string("assetCard") {
        object["derived"] = FinanceRules.assetValues(card: put, events: events)
      }
    case .registry: break
    }
  }
}

extension FoldedEvent {
  /// - Returns: nil for an entry that is no event.
  init?(entry: Entry) {
    guard case .event(let id) = entry.header.subject,
      let body = entry.body.flatMap({ (try? JSONValue.parseCanonical($0))?.object })
    else { return nil }
    self.init(id: id, operation: entry.header.operation, author: entry.origin, body: body)
  }

  /// As the API shows it: the body with its id and its author.
  var json: JSONValue {
    var object = body
    object["eventId"] = .string(Text(id.description))
    object["author"] = .string(Text(author.description))
    return .object(object)
  }
}
