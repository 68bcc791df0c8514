/// document: an official document and what becomes of it (domain.md sections 3 and 9.2). Receipts
/// are in DocumentReceipts.swift, what documents do to each other in DocumentChain.swift.
///
/// Merge: a put is write-once; receipts, late addressees, signatures and time-stamp tokens are
/// events, united by event id; keywords are last-writer-wins with the losers kept.
package enum DocumentRules: RecordRules {
  // MARK: Put

  /// Each is write-once.
  static let keepsEveryPut = true
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

  private static let namesTarget = Rule(
    "D4", vi: "phải nêu văn bản khác, đã ban hành trước; hãy bổ sung mã văn bản",
    en: "must name another, earlier document; add its id")
  private static let notAhead = Rule(
    "D10", vi: "không được sau ngày ghi nhận; hãy sửa ngày ban hành",
    en: "must not be after the day of recording; correct the date")

  static func checkPut(_ body: JSONObject) throws(FieldFault) {
    if body.integer(.priority) == 4, !body.has(.dueDate) {
      throw FieldFault("dueDate", .requiredBecause("priority 4"))
    }
    let targets = targetIDs(of: body)
    let isAboutAnother = businessType(of: body) != .new
    if isAboutAnother, targets.isEmpty || targets.contains(where: { $0 == body.text(.documentId) })
    {
      throw FieldFault(
        "replacementInfo",
        .broken(namesTarget, detail: "businessDocType \(businessType(of: body).rawValue)"),
        found: body[.replacementInfo])
    }
    if let recorded = body.text(.recordedAt).flatMap({ WallTime($0) }),
      let promulgated = body.date(.promulgationDate),
      promulgated > CalendarDate(localDayOf: recorded)
    {
      throw FieldFault(
        "promulgationDate", .broken(notAhead, detail: nil), found: body[.promulgationDate])
    }
  }

  /// D10, by this site's clock: one day is left for clocks that differ. Only at ingest: what a peer
  /// took is kept.
  static func objection(
    toPut put: Entry, on record: HeldRecord, in view: some RuleView
  ) -> FieldFault? {
    let body = record.body(of: put) ?? JSONObject()
    let today = CalendarDate(
      localDayOf: WallTime(microseconds: put.header.time.microseconds))
    guard let promulgated = body.date(.promulgationDate),
      promulgated.dayNumber > today.dayNumber + 1
    else { return nil }
    return FieldFault(
      "promulgationDate", .broken(notAhead, detail: "\(today)"), found: body[.promulgationDate])
  }

  /// For whom, how fast, and under which number it may stand only once (D1). Numbers run within a
  /// term at one organ; the owner's site in the key keeps the predecessors of a merged province
  /// apart. Gaps are legal: secret documents take numbers too (D8).
  static func putFacts(_ body: JSONObject) -> EntryFacts {
    var facts = EntryFacts(writer: .owner)
    facts.isWriteOnce = true
    facts.speaker = body.organSite(.from)
    facts.address(facts.speaker)
    facts.address(organsUnder: .to, of: body)
    facts.lane = (body.integer(.priority) ?? 0) >= 1 ? .urgent : .normal
    if let id = body.text(.documentId) {
      let name = UniqueKey.documentID(id)
      // And the record's own.
      facts.names.reserveCapacity(2)
      facts.names.append(name)
      facts.claims = [name, numberKey(body)]
    }
    // D9: a recall may come before what it recalls, and waits for it.
    facts.references = targetIDs(of: body).map {
      Reference(to: .documentID($0), spreadsAudience: true, hold: .everywhere)
    }
    if let code = body.object(.documentType)?.text(.code) {
      facts.codes = [
        CodeUse(.documentTypes, code, on: body.date(.promulgationDate), at: "documentType.code")
      ]
    }
    facts.files = body.files(.attachments)
    return facts
  }

  private static func numberKey(_ body: JSONObject) -> UniqueKey {
    let from = body.object(.from)
    let type = body.object(.documentType)?.text(.code)
    return UniqueKey(
      .documentNumber, from?.text(.siteId), from?.text(.organId), type, body.text(.codeNumber),
      body.text(.committeeTerm))
  }

  // MARK: Events

  static let eventTypes: [Text] = ["receipt", "addressed"] + Schema.commonTypes

  static func eventSchema(ofType type: Text) -> Schema? {
    switch type {
    case .receipt: receipt
    case .addressed: addressed
    default: Schema.common(ofType: type)
    }
  }

  private static let receipt = Schema([
    .required("type", .oneOf(["receipt"])), .required("siteId", .site),
    .required("organId", .text(maximumByteCount: 35)), .optional("organName", .line),
    .required("statusCode", .oneOf(ReceiptCode.allTexts)), .optional("description", .prose),
    .optional("timestamp", .instant), .optional("staffInfo", .object(staffInfo)),
  ])
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

  private static let saysWhy = Rule(
    "D7", vi: "phải nêu lý do khi từ chối (02); hãy bổ sung",
    en: "must say why the document is refused (02); add it")

  private static let refusal = ReceiptCode.status(.refused).text

  static func checkEvent(_ body: JSONObject, type: Text) throws(FieldFault) {
    if type == .receipt, body.text(.statusCode) == refusal, !body.has(.description) {
      throw FieldFault("description", .broken(saysWhy, detail: nil))
    }
  }

  /// A receipt is for issuer, author and centre, none of which it need name.
  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts {
    guard type != .receipt else {
      var facts = EntryFacts(writer: .addressee)
      facts.speaker = body.site(.siteId)
      facts.sharesRecordAudience = false
      if let code = body.text(.statusCode) {
        facts.codes = [CodeUse(.documentStatuses, code, at: "statusCode")]
      }
      return facts
    }
    var facts = EntryFacts(writer: .owner)
    facts.speaker = body.site(.bySite)
    if type == .addressed {
      facts.address(organsUnder: .to, of: body)
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

  // MARK: Folds

  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) throws(StoreError) {
    let events = record.events
    try showReceipts(of: record, in: view, into: &object)
    let others = events.filter { $0.operation == .append && $0.type != .receipt }
    object["events"] = others.isEmpty ? nil : .array(others.map(\.json))
    let keywords = keywords(put: record.put ?? JSONObject(), events: events)
    object["keywords"] = keywords.current
    object["outrankedKeywords"] = keywords.losers.isEmpty ? nil : .array(keywords.losers)
    try showEffect(of: record, in: view, into: &object)
  }

  /// Keywords of the last annotation in the one order, else the put's own; the losers stay
  /// readable.
  package static func keywords(put: JSONObject, events: [FoldedEvent]) -> LastWriter {
    var versions = [put[.keywords]].compactMap { $0 }
    versions += events.filter { $0.operation == .annotate }.compactMap { $0.body[.keywords] }
    return LastWriter(current: versions.last, losers: Array(versions.dropLast()))
  }
}
