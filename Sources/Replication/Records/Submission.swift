/// What an application asks to be written, taken apart: the envelope goes to the header, the rest
/// is the body in canonical form.
package struct Submission: Hashable, Sendable {
  package let record: RecordKey
  package let operation: Operation
  /// The revision of a put or withdrawal, the event id of an append or annotation: with the record,
  /// the idempotency key.
  package let subject: Subject
  /// The owner as the application names it; must be this site where only the owner may write.
  package let ownerSite: SiteID?
  package let secrecy: SecrecyLevel
  /// Digests of the entries a put builds on or decides between.
  package let parents: [Digest]
  /// Canonical bytes without the envelope.
  package let body: [UInt8]
  /// The body as every site reads it.
  let reading: BodyReading

  package var facts: EntryFacts { reading.facts }

  static let openLevel = JSONValue.string(Text(SecrecyLevel.none.description))

  /// - Parameters:
  ///   - id: the record's id when the request names it outside the body.
  ///   - ceiling: the highest level let in; above `none` only where a test opens this check.
  /// - Throws: `.secrecy` before anything else is judged; `.json`, `.operation`, `.field`.
  package static func read(
    kind: RecordKind, operation: Operation, id: RecordID? = nil, json: [UInt8],
    ceiling: SecrecyLevel = .none
  ) throws(RecordError) -> Submission {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(json) } catch { throw .json(error) }
    guard let input = value.object else {
      throw .field(FieldFault("body", .type(.object), found: value))
    }
    let secrecy = input[.secrecyLevel].map(Self.level) ?? SecrecyLevel.none
    guard let secrecy, secrecy <= ceiling else { throw .secrecy }
    var envelope = Envelope(kind: kind, operation: operation, input: input)
    let header: Envelope.Header
    do throws(FieldFault) { header = try envelope.takeHeader(id: id) } catch { throw .field(error) }
    let body = envelope.rest
    let reading = try BodyReading.read(
      record: header.record, operation: operation, body: body, unknown: .refused)
    return Submission(
      record: header.record, operation: operation, subject: header.subject,
      ownerSite: header.owner, secrecy: secrecy, parents: header.parents,
      body: JSONValue.object(body).canonicalBytes(reserving: json.count), reading: reading)
  }

  /// nil for what is no level: nobody knows how secret that is.
  private static func level(_ value: JSONValue) -> SecrecyLevel? {
    value.text.flatMap { SecrecyLevel(name: $0.string) }
  }
}

extension Submission {
  /// An event of this site's own making.
  /// - Parameter body: canonical, without its envelope.
  init(answering record: RecordKey, event: EventID, _ body: [UInt8]) throws(RecordError) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parseCanonical(body) } catch { throw .json(error) }
    let object = value.object ?? JSONObject()
    let reading = try BodyReading.read(
      record: record, operation: .append, body: object, unknown: .refused)
    self.init(
      record: record, operation: .append, subject: .event(event), ownerSite: nil, secrecy: .none,
      parents: [], body: body, reading: reading)
  }
}

/// Takes the header's fields out of what an application wrote and drops what is never stored.
private struct Envelope {
  struct Header {
    let record: RecordKey
    let subject: Subject
    let owner: SiteID?
    let parents: [Digest]
  }

  let kind: RecordKind
  let operation: Operation
  let input: JSONObject
  /// Names of what goes elsewhere or nowhere.
  private var taken: [Text] = []

  init(kind: RecordKind, operation: Operation, input: JSONObject) {
    self.kind = kind
    self.operation = operation
    self.input = input
  }

  /// What is stored as the body, once the header is taken.
  var rest: JSONObject {
    var body = input.removing(taken)
    if operation == .append, body[.type] == nil,
      let type = kind.rules.impliedEventType(of: body)
    {
      body[.type] = .string(type)
    }
    return body
  }

  mutating func takeHeader(id: RecordID?) throws(FieldFault) -> Header {
    guard operation != .put || input[.secrecyLevel] != nil else {
      throw FieldFault("secrecyLevel", .required)
    }
    taken.append(.secrecyLevel)
    if let named = input[.kind] {
      guard named == .string(Text(kind.description)) else {
        throw FieldFault("kind", .mustEqual("\(kind)"), found: named)
      }
      taken.append(.kind)
    }
    let record = RecordKey(kind: kind, id: try takeRecordID(id))
    let subject = try takeSubject()
    let owner = try take(.ownerSite, Self.site)?.text.flatMap { SiteID($0) }
    let parents = try takeParents()
    if operation == .put { try dropWhatIsNotStored() }
    return Header(record: record, subject: subject, owner: owner, parents: parents)
  }

  private mutating func take(_ name: Text, _ shape: ShapeTable) throws(FieldFault) -> JSONValue? {
    guard let place = input.place?.member(name) else { return nil }
    do throws(FieldFault) { try shape.check(place, unknown: .refused) } catch {
      throw error.inside(name.string)
    }
    taken.append(name)
    return place.value
  }

  private static let site = ShapeTable(.site)
  private static let uniqueID = ShapeTable(.uniqueID)
  private static let revision = ShapeTable(.integer(1...JSONValue.maximumInteger))
  private static let digests = ShapeTable(
    .list(.format(.hexDigest), 0...EntryHeader.maximumParentCount))

  private mutating func takeRecordID(_ given: RecordID?) throws(FieldFault) -> RecordID {
    let value = try take(.recordId, Self.uniqueID)
    let own = value?.text.flatMap { UniqueID(spelling: $0) }.map { RecordID($0) }
    guard let id = own ?? given else { throw FieldFault("recordId", .required) }
    guard given == nil || given == id else {
      throw FieldFault("recordId", .otherRecord, found: value)
    }
    return id
  }

  private mutating func takeSubject() throws(FieldFault) -> Subject {
    switch operation {
    case .put, .withdraw:
      guard let number = try take(.revision, Self.revision)?.integer else {
        throw FieldFault("revision", .required)
      }
      return .revision(Revision(UInt64(number)))
    case .append, .annotate:
      let alias = kind.rules.eventIDName
      let own = try take(alias, Self.uniqueID)
      let value = try take(.eventId, Self.uniqueID) ?? own
      guard own == nil || own == value else {
        throw FieldFault(alias.string, .mustEqual("eventId"), found: own)
      }
      guard let id = value?.text.flatMap({ UniqueID(spelling: $0) }).map({ EventID($0) }) else {
        throw FieldFault("eventId", .required)
      }
      return .event(id)
    case .genesis, .offer, .accept, .unknown: return .none
    }
  }

  private mutating func takeParents() throws(FieldFault) -> [Digest] {
    let texts = try take(.parents, Self.digests)?.array ?? []
    let parents = texts.compactMap { $0.text.flatMap { hexBytes($0.string) } }
      .compactMap { Bytes32($0).map { Digest($0) } }.sorted()
    guard !zip(parents, parents.dropFirst()).contains(where: { $0 == $1 }) else {
      throw FieldFault("parents", .repeated)
    }
    return parents
  }

  /// Derived fields are what every site computes for itself, and the digest is the header's: stored
  /// copies could only contradict them. Empty lists of events say nothing; others must be appended.
  private mutating func dropWhatIsNotStored() throws(FieldFault) {
    taken += [.derived, .contentDigest]
    taken += kind.rules.derivedFields
    for name in kind.rules.appendedLists {
      guard let value = input[name] else { continue }
      guard value == .array([]) else {
        throw FieldFault(name.string, .appendInstead, found: value)
      }
      taken.append(name)
    }
  }
}
