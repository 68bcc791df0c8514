/// document: an official document and what becomes of it (domain.md sections 3 and 9.2).
///
/// Merge: a put is write-once; receipts, late addressees, signatures and time-stamp tokens are
/// events, united by event id; keywords are last-writer-wins with the losers kept.
package enum DocumentRules: RecordRules {
  // MARK: Put

  static func putSchema(of body: JSONObject) -> Schema { put }

  private static let put = Schema(
    EntryFacts.commonPutFields + [
      .required("documentId", .format(.documentID)),
      .required("from", .object(.organ)),
      .required("to", .list(.object(.organ), 1...Shape.maximumSiteListCount)),
      .required("codeNumber", .text(maximumByteCount: 32)),
      .required("codeNotation", .text(maximumByteCount: 64)),
      // Party bodies number within a term; State bodies have none.
      .optional("committeeTerm", .text(maximumByteCount: 32)),
      .required("documentType", .object(documentType)),
      .required("subject", .prose),
      .optional("content", .prose),
      .required("promulgationPlace", .line),
      .required("promulgationDate", .date),
      .required("signerInfo", .object(signerInfo)),
      .required("priority", .integer(0...4)),
      .optional("dueDate", .date),
      .required("steeringType", .integer(0...2)),
      .optional("sphereOfPromulgation", .line),
      .optional("toPlaces", .list(of: .line)),
      .optional("pageAmount", .integer(0...1_000_000)),
      .optional("promulgationAmount", .integer(0...1_000_000)),
      .optional("appendixes", .list(of: .line)),
      .required("businessDocType", .integer(0...3)),
      .required("businessDocReason", .line),
      .optional("responseFor", .list(of: .object(response))),
      .optional("replacementInfo", .list(of: .object(replacement))),
      .required("attachments", .nonEmptyList(of: .object(.attachment))),
      .optional("keywords", .list(of: .line)),
    ])

  private static let documentType = Schema([
    .required("code", .text(maximumByteCount: 32)), .required("name", .line),
  ])
  /// `fullName` is personal data: optional (domain.md section 4).
  private static let signerInfo = Schema([
    .required("competence", .line), .required("position", .line), .optional("fullName", .line),
  ])
  private static let response = Schema([
    .required("organId", .text(maximumByteCount: 35)), .required("code", .name),
    .required("promulgationDate", .date), .required("documentId", .format(.documentID)),
  ])
  private static let replacement = Schema([
    .required("documentId", .format(.documentID)),
    .optional("organIds", .list(of: .text(maximumByteCount: 35))),
  ])

  static let appendedLists: [Text] = ["receipts", "events", "signatures"]
  /// The state of effect follows from recalls and replacements.
  static let derivedFields: [Text] = ["effectStatus"]

  static func checkPut(_ body: JSONObject) throws(FieldFault) {
    if body[.priority] == .integer(4), body[.dueDate] == nil {
      throw FieldFault("dueDate", .requiredBecause("priority 4"))
    }
    let businessType = body[.businessDocType]?.integer ?? 0
    if businessType != 0, (body[.replacementInfo]?.array ?? []).isEmpty {
      throw FieldFault("replacementInfo", .requiredBecause("businessDocType \(businessType)"))
    }
  }

  /// For whom, how fast, and under which number it may stand only once. Numbers run within a term
  /// at one organ; the owner's site in the key keeps the predecessors of a merged province apart.
  static func putFacts(_ body: JSONObject) -> EntryFacts {
    var facts = EntryFacts(writer: .owner)
    facts.isWriteOnce = true
    facts.speaker = body.organSite(.from)
    facts.audience = (body.organSites(.to) + [body.organSite(.from)]).asAudience
    facts.lane = (body[.priority]?.integer ?? 0) >= 1 ? .urgent : .normal
    if let id = body.text(.documentId) {
      facts.names = [.documentID(id)]
      facts.claims = [.documentID(id), numberKey(body)]
    }
    if body[.businessDocType] != .integer(0) {
      facts.references = (body[.replacementInfo]?.array ?? [])
        .compactMap { $0.object?.text(.documentId) }
        .map { Reference(to: .documentID($0), spreadsAudience: true, hold: .everywhere) }
    }
    return facts
  }

  private static func numberKey(_ body: JSONObject) -> UniqueKey {
    let from = body[.from]?.object ?? JSONObject()
    let type = body[.documentType]?.object?.text(.code)
    let parts = [
      from.text(.siteId), from.text(.organId), type, body.text(.codeNumber),
      body.text(.committeeTerm),
    ]
    return UniqueKey(.documentNumber, parts.map { $0?.bytes ?? [] })
  }

  // MARK: Events

  static let eventTypes: [Text] = ["receipt", "addressed"] + Schema.commonTypes

  static func eventSchema(ofType type: Text) -> Schema? {
    switch type {
    case "receipt": receipt
    case "addressed": addressed
    default: Schema.common(ofType: type)
    }
  }

  private static let receipt = Schema([
    .required("type", .oneOf(["receipt"])), .required("siteId", .site),
    .required("organId", .text(maximumByteCount: 35)), .optional("organName", .line),
    .required("statusCode", .oneOf(statusCodes)), .optional("description", .prose),
    .required("timestamp", .instant), .optional("staffInfo", .object(staffInfo)),
  ])
  /// 01 arrived, 02 refused, 03 registered, 04 assigned, 05 in work, 06 done, 13 recalled,
  /// 15 agrees, 16 disagrees to an update or recall.
  private static let statusCodes: [Text] = [
    "01", "02", "03", "04", "05", "06", "13", "15", "16",
  ]
  /// Personal data: all optional.
  private static let staffInfo = Schema([
    .optional("department", .line), .optional("position", .line), .optional("staff", .line),
    .optional("mobile", .name), .optional("email", .name),
  ])
  private static let addressed = Schema([
    .required("type", .oneOf(["addressed"])),
    .required("to", .list(.object(.organ), 1...Shape.maximumSiteListCount)),
    .optional("bySite", .site), .optional("at", .instant), .optional("reason", .prose),
  ])

  static let eventIDName: Text = "receiptId"

  static func impliedEventType(of body: JSONObject) -> Text? {
    body[.statusCode] == nil ? nil : "receipt"
  }

  static func checkEvent(_ body: JSONObject, type: Text) throws(FieldFault) {
    // D7: who refuses says why.
    if type == "receipt", body[.statusCode] == .string("02"), body[.description] == nil {
      throw FieldFault("description", .requiredBecause("statusCode 02"))
    }
  }

  /// A receipt is for issuer, author and centre, none of which it need name.
  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts {
    guard type != "receipt" else {
      var facts = EntryFacts(writer: .addressee)
      facts.speaker = body.site(.siteId)
      facts.sharesRecordAudience = false
      return facts
    }
    var facts = EntryFacts(writer: .owner)
    facts.speaker = body.site(.bySite)
    if type == "addressed" {
      facts.audience = body.organSites(.to).asAudience
      facts.widensRecordAudience = true
    }
    return facts
  }

  // MARK: Annotations and withdrawal

  static let annotationSchema: Schema? = Schema([
    .required("keywords", .list(of: .line)), .optional("bySite", .site), .optional("at", .instant),
  ])
  static let annotationWriter = Writer.centreOrOwner
  static let withdrawalWriter = Writer.nobody(.promulgated)

  // MARK: Cross-record rules D1-D10
  // D1 claims above; D7 in checkEvent. The others need the registry or other records.

  // MARK: Folds

  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) throws(StoreError) {
    let events = record.events
    let appended = events.filter { $0.operation == .append }
    object["receipts"] = receipts(appended)
    let others = appended.filter { $0.type != "receipt" }
    object["events"] = others.isEmpty ? nil : .array(others.map(\.json))
    let keywords = keywords(put: record.put ?? JSONObject(), events: events)
    object["keywords"] = keywords.current
    object["outrankedKeywords"] = keywords.losers.isEmpty ? nil : .array(keywords.losers)
  }

  /// Keywords of the last annotation in the one order, else the put's own; the losers stay
  /// readable.
  package static func keywords(put: JSONObject, events: [FoldedEvent]) -> LastWriter {
    var versions = [put[.keywords]].compactMap { $0 }
    versions += events.filter { $0.operation == .annotate }.compactMap { $0.body[.keywords] }
    return LastWriter(current: versions.last, losers: Array(versions.dropLast()))
  }

  /// Receipts in the one order, each with its id.
  package static func receipts(_ events: [FoldedEvent]) -> JSONValue {
    .array(
      events.filter { $0.body[.type] == .string("receipt") }.map { event in
        var receipt = event.body
        receipt[.receiptId] = .string(Text(event.id.description))
        return .object(receipt)
      })
  }
}
