/// What a record says, as applications see it: the envelope merged with the body, its events, and
/// what every site derives alike. A pure function of the entries held (promise 4).
package struct RecordContent: Hashable, Sendable {
  package let json: JSONObject

  /// - Parameters:
  ///   - record: all entries of the record held here.
  ///   - day: the local day for which derived states are asked.
  ///   - view: where the records it refers to are read.
  /// - Returns: nil while no put of the record is here, or its body was dropped.
  package init?(
    _ record: HeldRecord, asOf day: CalendarDate, site: SiteID, centre: SiteID,
    in view: some RecordView
  ) throws(StoreError) {
    guard let shown = record.shown, let put = shown.bodyObject else { return nil }
    var object = put
    Self.merge(envelopeOf: shown, record.key, into: &object)
    let lookup = RuleLookup(view: view, site: site, centre: centre)
    try record.key.kind.rules.show(record, asOf: day, in: lookup, into: &object)
    let conflicts = record.resolution.conflicts.map { JSONValue.string(Text($0.description)) }
    object["conflicts"] = conflicts.isEmpty ? nil : .array(conflicts)
    if record.resolution.current.count > 1 {
      let isHidden = object[.contentHidden] != nil
      object["versions"] = .array(
        record.resolution.current.map { Self.version(of: $0, isHidden: isHidden) })
    }
    json = object
  }

  /// One version of a record in conflict: who wrote it, what its digest is, what it says.
  /// - Parameter isHidden: its body is kept from readers here.
  package static func version(of entry: Entry, isHidden: Bool = false) -> JSONValue {
    var object: JSONObject = [
      "digest": .string(Text(entry.digest.description)),
      "origin": .string(Text(entry.origin.description)),
      "writtenAtMicroseconds": .integer(Int64(clamping: entry.header.time.microseconds)),
      "operation": .string(Text(entry.header.operation.description)),
    ]
    if case .revision(let revision) = entry.header.subject {
      object["revision"] = .integer(Int64(clamping: revision.value))
    }
    object["body"] = isHidden ? nil : entry.bodyObject.map { .object($0) }
    return .object(object)
  }

  private static func merge(
    envelopeOf put: Entry, _ record: RecordKey, into object: inout JSONObject
  ) {
    object["kind"] = .string(Text(record.kind.description))
    object["recordId"] = .string(Text(record.id.description))
    object["ownerSite"] = .string(Text(put.origin.description))
    object["secrecyLevel"] = .string(Text(put.header.secrecy.description))
    object["contentDigest"] = .string(put.bodyDigest.tagged)
    object["writtenAtMicroseconds"] = .integer(Int64(clamping: put.header.time.microseconds))
    if case .revision(let revision) = put.header.subject {
      object["revision"] = .integer(Int64(clamping: revision.value))
    }
    if put.header.operation == .withdraw { object["withdrawn"] = .bool(true) }
  }
}

extension FoldedEvent {
  /// - Returns: nil for an entry that is no event.
  init?(entry: Entry) {
    guard let body = entry.bodyObject else { return nil }
    self.init(entry: entry, body: body)
  }

  /// - Parameter body: the entry's.
  init?(entry: Entry, body: JSONObject) {
    guard case .event(let id) = entry.header.subject else { return nil }
    self.init(
      id: id, operation: entry.header.operation, author: entry.origin, time: entry.header.time,
      digest: entry.digest, parents: entry.header.parents, body: body)
  }

  /// As the API shows it: the body with its id and its author.
  var json: JSONValue {
    var object = body
    object["eventId"] = .string(Text(id.description))
    object["author"] = .string(Text(author.description))
    return .object(object)
  }
}
