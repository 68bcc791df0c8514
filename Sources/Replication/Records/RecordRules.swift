/// The rules of one kind: what its bodies look like, who may write what, whom an entry is for, what
/// must be unique. One file a kind; everything is a pure function of the body.
protocol RecordRules {
  /// Ids that records of this kind may have; any, unless a kind says otherwise.
  static func checkRecord(_ id: RecordID) throws(FieldFault)

  /// Fields of a put's body. A kind with several forms chooses by the body.
  static func putSchema(of body: JSONObject) throws(FieldFault) -> Schema
  /// Fields of an event's body; nil: no such type.
  static func eventSchema(ofType type: Text) -> Schema?
  static var eventTypes: [Text] { get }
  /// Last-writer-wins fields; nil: the kind has none.
  static var annotationSchema: Schema? { get }
  /// Lists that applications know inside the record and that are events of their own here.
  static var appendedLists: [Text] { get }
  /// Derived fields that applications may send and that are never stored.
  static var derivedFields: [Text] { get }
  /// Fields that a later revision may not change. They are read from the first put, whose body
  /// therefore never goes (law 7).
  static var writeOnceFields: [Text] { get }
  /// Whether the body of no put ever goes, superseded or not.
  static var keepsEveryPut: Bool { get }
  /// What an application may call the event id instead of `eventId`.
  static var eventIDName: Text { get }
  /// Type of an event that names none.
  static func impliedEventType(of body: JSONObject) -> Text?

  /// Rules between the fields of one put; the schema holds already.
  static func checkPut(_ body: JSONObject) throws(FieldFault)
  /// Rules between the fields of one event; the schema holds already.
  static func checkEvent(_ body: JSONObject, type: Text) throws(FieldFault)

  static func putFacts(_ body: JSONObject) -> EntryFacts
  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts
  static var annotationWriter: Writer { get }
  static var withdrawalWriter: Writer { get }

  /// The rules between records, beside unique keys and held references: what the entries held say
  /// against this record. At ingest the record holds the new entry already, and a finding refuses
  /// it; a received entry is kept, in the open.
  static func findings(
    of record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Finding]
  /// Whether there is nothing to find, in this or any other record, when a record begins with this
  /// put, has no rival for its keys and refers to nothing that it is judged with. Asked before
  /// ``findings(of:in:)``, of most records, so it must be cheap.
  static func standsAlone(_ body: JSONObject, in view: some RuleView) throws(StoreError) -> Bool
  /// Other records whose findings the record's newest entry may change, beside those that share
  /// its keys and references.
  static func judgedWith(
    _ record: HeldRecord, newest: Entry, in view: some RuleView
  ) throws(StoreError) -> [RecordKey]
  /// Why an application may not append this event now; nil when it may. What a peer sends is kept
  /// and flagged by the fold instead.
  static func objection(
    to event: FoldedEvent, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault?
  /// The same of a put, beside its findings.
  static func objection(
    toPut put: Entry, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault?
  /// Events that this site owes once `newest` is in the record.
  static func owed(
    for newest: Entry, in record: HeldRecord, by view: some RuleView,
    hashing: some SHA256Hashing
  ) throws(StoreError) -> [OwedEvent]
  /// Shows what is folded and derived, beside the put's own fields.
  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) throws(StoreError)
}

extension RecordRules {
  static var writeOnceFields: [Text] { [] }
  static var keepsEveryPut: Bool { false }
  static func checkRecord(_ id: RecordID) {}
  static func findings(
    of record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Finding] { [] }
  static func standsAlone(_ body: JSONObject, in view: some RuleView) -> Bool { true }
  static func judgedWith(
    _ record: HeldRecord, newest: Entry, in view: some RuleView
  ) throws(StoreError) -> [RecordKey] { [] }
  static func objection(
    to event: FoldedEvent, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault? { nil }
  static func objection(
    toPut put: Entry, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault? { nil }
  static func owed(
    for newest: Entry, in record: HeldRecord, by view: some RuleView,
    hashing: some SHA256Hashing
  ) throws(StoreError) -> [OwedEvent] { [] }
}

extension RecordKind {
  var rules: any RecordRules.Type {
    switch self {
    case .document: DocumentRules.self
    case .directive: DirectiveRules.self
    case .finance: FinanceRules.self
    case .registry: RegistryRules.self
    }
  }
}

extension BodyReading {
  /// Checks the structure of a body and reads what it says. The body of a put, event or annotation
  /// is without its envelope.
  /// - Throws: `.secrecy`, `.operation` or `.field`.
  static func read(
    record: RecordKey, operation: Operation, body: JSONObject, unknown: UnknownFields
  ) throws(RecordError) -> BodyReading {
    // The level lives in the header; a peer's body that says another one is refused whole.
    if let level = body[.secrecyLevel] {
      guard level == Submission.openLevel else { throw .secrecy }
      throw .field(FieldFault("secrecyLevel", .unknown(nearest: nil)))
    }
    do throws(FieldFault) {
      if let reading = try readKnown(record, operation, body, unknown) { return reading }
    } catch {
      throw .field(error)
    }
    throw .operation(operation, record.kind)
  }

  private static func readKnown(
    _ record: RecordKey, _ operation: Operation, _ body: JSONObject, _ unknown: UnknownFields
  ) throws(FieldFault) -> BodyReading? {
    let rules = record.kind.rules
    try rules.checkRecord(record.id)
    switch operation {
    case .put:
      do throws(FieldFault) {
        try rules.putSchema(of: body).check(body, unknown: unknown)
      } catch {
        try checkVersion(body)
        throw error
      }
      try rules.checkPut(body)
      var facts = rules.putFacts(body)
      facts.names.append(.record(record))
      return BodyReading(object: body, facts: facts)
    case .append:
      guard let type = body.text(.type), let schema = rules.eventSchema(ofType: type) else {
        guard let value = body[.type] else { throw FieldFault("type", .required) }
        throw FieldFault("type", .oneOf(rules.eventTypes), found: value)
      }
      try schema.check(body, unknown: unknown)
      try rules.checkEvent(body, type: type)
      var facts = rules.eventFacts(body, type: type)
      facts.eventType = type
      return BodyReading(object: body, facts: facts)
    case .annotate:
      guard let schema = rules.annotationSchema else { return nil }
      try schema.check(body, unknown: unknown)
      return BodyReading(object: body, facts: EntryFacts(writer: rules.annotationWriter))
    case .withdraw:
      try withdrawalSchema.check(body, unknown: unknown)
      return BodyReading(object: body, facts: EntryFacts(writer: rules.withdrawalWriter))
    case .genesis, .offer, .accept, .unknown: return nil
    }
  }

  /// Asked when the fields of this version, of which it is one, do not fit: the body of another
  /// version is not judged by them.
  private static func checkVersion(_ body: JSONObject) throws(FieldFault) {
    guard let version = body[.schemaVersion] else { return }
    guard version == .integer(1) else {
      throw FieldFault("schemaVersion", .range(1, 1), found: version)
    }
  }

  private static let withdrawalSchema = Schema([
    .optional("reason", .prose), .optional("recordedAt", .instant),
  ])
}

extension EntryFacts {
  /// Of the ``BodyReading`` of a body.
  package static func read(
    record: RecordKey, operation: Operation, body: JSONObject, unknown: UnknownFields
  ) throws(RecordError) -> EntryFacts {
    try BodyReading.read(record: record, operation: operation, body: body, unknown: unknown).facts
  }

  /// What any put may carry beside its own fields.
  static let commonPutFields: [Field] = [
    .optional("schemaVersion", .integer(1...1)), .optional("recordedAt", .instant),
  ]
}
