/// finance: vouchers, asset cards and period closings (domain.md sections 6 and 9.4), three forms
/// of one kind, told apart by `entryKind`.
///
/// Merge: voucher and closing are write-once; an asset card is its owner's and grows by movements,
/// united by event id. Nothing is ever withdrawn: books are corrected by adjustment vouchers.
package enum FinanceRules: RecordRules {
  // MARK: Put

  static func putSchema(of body: JSONObject) throws(FieldFault) -> Schema {
    guard let form = body[.entryKind] else { throw FieldFault("entryKind", .required) }
    switch form.text {
    case .voucher?: return voucher
    case .assetCard?: return assetCard
    case .periodClosing?: return periodClosing
    default: throw FieldFault("entryKind", .oneOf(entryKinds), found: form)
    }
  }

  private static let entryKinds: [Text] = [.voucher, .assetCard, .periodClosing]

  /// Bounds of section 6: JSON integers then survive every parser.
  static let maximumLineAmount: Int64 = 1_000_000_000_000_000
  private static let lineAmount = Shape.integer(-maximumLineAmount...maximumLineAmount)
  private static let total = Shape.integer(-JSONValue.maximumInteger...JSONValue.maximumInteger)
  private static let account = Shape.format(.digits(3, 8))
  private static let side = Shape.oneOf(["debit", "credit"])

  private static let envelope: [Field] =
    EntryFacts.commonPutFields + [
      .required("entryKind", .oneOf(entryKinds)),
      .required("accountingUnit", .object(accountingUnit)),
      .required("currency", .oneOf(["VND"])),
    ]

  /// A unit's code is one for its whole life and dies with it.
  private static let accountingUnit = Schema([
    .required("siteId", .site), .required("organId", .text(maximumByteCount: 35)),
    .required("budgetUnitCode", .format(.digits(7, 7))), .required("unitName", .line),
  ])
  static let fiscalYears: ClosedRange<Int64> = 1900...2999
  private static let period: [Field] = [
    .required("fiscalYear", .integer(fiscalYears)), .required("accountingPeriod", .format(.month)),
  ]
  private static let approvals = Field.required(
    "approvals", .nonEmptyList(of: .object(Schema(Schema.approval))))

  private static let voucher = Schema(
    envelope + period + [
      .required("voucherForm", .text(maximumByteCount: 32)),
      .required("voucherTypeName", .line),
      .required("voucherNumber", .text(maximumByteCount: 64)),
      .required("voucherDate", .date),
      .required("postingDate", .date),
      .required("description", .prose),
      .required("counterparty", .object(counterparty)),
      .required("originalDocumentCount", .integer(0...1_000_000)),
      .required("totalAmount", total),
      .optional("totalAmountInWords", .line),
      .required("lines", .nonEmptyList(of: .object(line))),
      // Drafts never leave the site.
      .required("postingStatus", .oneOf(["posted"])),
      .optional("correction", .orNull(.object(correction))),
      approvals,
    ])
  private static let counterparty = Schema([
    .required("role", .line), .optional("name", .line), .optional("organId", .name),
  ])
  private static let line = Schema([
    .required("lineNo", .integer(1...100_000)), .required("account", account),
    .required("side", side), .required("amount", lineAmount),
    .optional("budgetLine", .object(budgetLine)),
  ])
  /// Chương, khoản, mục, tiểu mục, nguồn, chương trình mục tiêu.
  private static let budgetLine = Schema([
    .required("chapter", .format(.digits(3, 3))), .required("subCategory", .format(.digits(3, 3))),
    .required("item", .format(.digits(4, 4))), .required("subItem", .format(.digits(4, 4))),
    .required("fundSource", .format(.digits(1, 4))), .optional("programCode", .name),
  ])
  private static let correction = Schema([
    .required("method", .oneOf(["adjustment", "negativeEntry"])),
    .required("adjustsRecordId", .uniqueID), .optional("adjustsVoucherNumber", .name),
    .required("fullReversal", .bool), .required("reason", .prose),
  ])
  /// Receipts and payments in cash state the amount in words too (Law on Accounting, art. 16).
  private static let cashForms: [Text] = ["C40-BB", "C41-BB"]

  private static let assetCard = Schema(
    envelope + [
      .required("assetCardNumber", .name),
      .required("assetName", .line),
      .required("assetNature", .oneOf(["tangible", "intangible"])),
      .required("assetClass", .integer(1...7)),
      .optional("assetClassName", .line),
      .optional("unitOfCount", .name),
      .optional("quantity", .integer(1...1_000_000_000)),
      .required("inServiceDate", .date),
      .required("originalCost", .integer(0...JSONValue.maximumInteger)),
      .required("wearRatePercent", .format(.decimal)),
      .optional("usingDepartment", .line),
      .optional("fundSource", .line),
    ])

  private static let periodClosing = Schema(
    envelope + period + [
      .required("closingType", .oneOf(["period", "year", "handover"])),
      .required("closingDate", .date),
      .optional("closingReason", .prose),
      .optional("successorSite", .site),
      .required("voucherCount", .integer(0...JSONValue.maximumInteger)),
      .required("lastVoucherNumbers", .map(.name)),
      .required("closingBalances", .list(of: .object(balance))),
      approvals,
    ])
  private static let balance = Schema([
    .required("account", account), .required("side", side), .required("amount", total),
  ])

  static let appendedLists: [Text] = ["movements", "events", "signatures"]
  static let derivedFields: [Text] = ["accumulatedWear", "remainingValue"]

  static func checkPut(_ body: JSONObject) throws(FieldFault) {
    if body.isVoucher { try checkVoucher(body) }
    if body.isAssetCard { try checkAssetCard(body) }
    if body.isClosing { try checkClosing(body) }
    if let form = body.text(.voucherForm), cashForms.contains(form),
      !body.has(.totalAmountInWords)
    {
      throw FieldFault("totalAmountInWords", .requiredBecause("voucherForm \(form)"))
    }
    if body.text(.closingType) == .handover, !body.has(.successorSite) {
      throw FieldFault("successorSite", .requiredBecause("closingType handover"))
    }
  }

  /// Accounts are the centre's to read and nobody else's: no audience.
  static func putFacts(_ body: JSONObject) -> EntryFacts {
    var facts = EntryFacts(writer: .owner)
    facts.speaker = body.organSite(.accountingUnit)
    facts.lane = .normal
    // An asset card describes; a voucher or a closing is posted.
    facts.isWriteOnce = !body.isAssetCard
    facts.codes = codes(body)
    if body.isVoucher {
      facts.claims = [voucherKey(body)]
      facts.references = references(ofVoucher: body)
    }
    if body.isClosing { facts.claims = [closingKey(body)] }
    return facts
  }

  /// F5: an adjustment waits for its voucher. The other keys only make the voucher found.
  private static func references(ofVoucher body: JSONObject) -> [Reference] {
    var references = periodKey(body).map { [Reference(to: $0)] } ?? []
    if let adjusted = adjusted(by: body) {
      references.append(Reference(to: adjusted, hold: .everywhere, judgesTogether: true))
      if isFullReversal(body) { references.append(Reference(to: .reversals(of: adjusted))) }
    }
    return references
  }

  /// Codes from the registry's lists, on the day on which they are used.
  private static func codes(_ body: JSONObject) -> [CodeUse] {
    var codes: [CodeUse] = []
    if body.isAssetCard, let nature = body.text(.assetNature),
      let number = body.integer(.assetClass)
    {
      let code = Text("\(nature)-\(number)")
      codes.append(CodeUse(.assetClasses, code, on: body.date(.inServiceDate), at: "assetClass"))
    }
    let day = body.date(body.isClosing ? .closingDate : .postingDate)
    if let form = body.text(.voucherForm) {
      codes.append(CodeUse(.voucherForms, form, on: day, at: "voucherForm"))
    }
    let name: Text = body.isClosing ? .closingBalances : .lines
    for (index, line) in body.objects(name).enumerated() {
      if let account = line.text(.account) {
        codes.append(CodeUse(.accounts, account, on: day, at: "\(name)[\(index)].account"))
      }
      if let subItem = line.object(.budgetLine)?.text(.subItem) {
        let path = "lines[\(index)].budgetLine.subItem"
        codes.append(CodeUse(.budgetLines, subItem, on: day, at: path))
      }
    }
    return codes
  }

  /// F3: (budgetUnitCode, fiscalYear, voucherForm, voucherNumber) at its site: nobody else can put
  /// a unit's vouchers into conflict.
  private static func voucherKey(_ body: JSONObject) -> UniqueKey {
    let unit = body.object(.accountingUnit)
    return UniqueKey(
      .voucherNumber, unit?.text(.siteId), unit?.text(.budgetUnitCode),
      Text(yearText(body)), body.text(.voucherForm),
      body.text(.voucherNumber))
  }

  // MARK: Events

  static let eventTypes: [Text] =
    movementTypes + ["received", "approval"] + Schema.commonTypes

  /// Tăng, giảm, điều chuyển đi, đánh giá lại, hao mòn: the owner's.
  private static let movementTypes: [Text] = [
    "increase", "decrease", "transferredOut", "revaluation", "wear",
  ]

  static func eventSchema(ofType type: Text) -> Schema? {
    switch type {
    case "received": received
    case "approval": approval
    case let type where movementTypes.contains(type): movement
    case let type: Schema.common(ofType: type)
    }
  }

  private static let movementFields: [Field] = [
    .required("date", .date), .required("amount", total),
    .optional("voucherRecordId", .uniqueID), .optional("handoverMinutes", .name),
    .optional("description", .prose), .optional("bySite", .site), .optional("at", .instant),
  ]
  private static let movement = Schema(
    movementFields + [
      .required("type", .oneOf(movementTypes)), .optional("fromSite", .site),
      .optional("toSite", .site),
    ])
  /// The other half of a transfer, by the site that has the asset now. It has an id of its own and
  /// names the half it answers.
  private static let received = Schema(
    movementFields + [
      .required("type", .oneOf(["received"])), .required("transferMovementId", .uniqueID),
      .required("fromSite", .site), .required("toSite", .site),
    ])
  /// `approvals` of a put may only grow.
  private static let approval = Schema(
    Schema.approval + [
      .required("type", .oneOf(["approval"])), .optional("bySite", .site),
      .optional("at", .instant),
    ])

  static let eventIDName: Text = "movementId"
  static func impliedEventType(of body: JSONObject) -> Text? { nil }

  static func checkEvent(_ body: JSONObject, type: Text) throws(FieldFault) {
    if type == "transferredOut", body[.toSite] == nil {
      throw FieldFault("toSite", .requiredBecause("type transferredOut"))
    }
    try checkMovement(body, type: type)
  }

  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts {
    var writer = Writer.owner
    if type == .received, let receiver = body.site(.toSite) { writer = .site(receiver) }
    var facts = EntryFacts(writer: writer)
    facts.speaker = body.site(.bySite)
    facts.address(body.site(.fromSite))
    facts.address(body.site(.toSite))
    // The owner's transfer takes the card and itself to the other site, its other movements do not
    // go there; the other half goes back to whom it names.
    facts.sharesRecordAudience = !movementTypes.contains(type) && type != .received
    facts.widensRecordAudience = movementTypes.contains(type) && !facts.audience.isEmpty
    return facts
  }

  // MARK: Annotations and withdrawal

  static let annotationSchema: Schema? = nil
  static let annotationWriter = Writer.owner
  static let withdrawalWriter = Writer.nobody(.bookkeeping)

  // MARK: Rules between records
  // F3 is a claim, F12 and F13 are authority: see `voucherKey`, `withdrawalWriter` and the writer
  // of every put and event above.

  static func findings(
    of record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Finding] {
    guard let body = record.put else { return [] }
    if body.isVoucher {
      return try correctionFindings(of: record, body, in: view)
        + periodFindings(of: record, body, in: view)
    }
    return body.isClosing ? try closingFindings(of: record, body, in: view) : []
  }

  /// A voucher of a period that nothing closes.
  static func standsAlone(_ body: JSONObject, in view: some RuleView) throws(StoreError) -> Bool {
    guard body.isVoucher else { return false }
    for key in closingKeys(ofVoucher: body) where try !view.claimants(of: key).isEmpty {
      return false
    }
    return true
  }

  static func judgedWith(
    _ record: HeldRecord, newest: Entry, in view: some RuleView
  ) throws(StoreError) -> [RecordKey] {
    guard newest.header.operation == .put, let body = record.body(of: newest) else { return [] }
    return try periodJudgedWith(newest, body, in: view)
  }

  /// F9 and F10.
  static func objection(
    to event: FoldedEvent, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault? {
    guard let card = record.put, card.isAssetCard else { return nil }
    let value = AssetValue(of: record, card: card, events: record.events, newest: event)
    return value.flagged.first { $0.id == event.id }?.fault
  }

  // MARK: Folds

  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) throws(StoreError) {
    let events = record.events.filter { $0.operation == .append }
    object["events"] = events.isEmpty ? nil : .array(events.map(\.json))
    guard let put = record.put else { return }
    if put.isAssetCard {
      object["derived"] = AssetValue(of: record, card: put, events: events).json
    }
    if put.isVoucher { try showCorrections(of: record.key, in: view, into: &object) }
    guard put.isClosing else { return }
    let matches: JSONValue =
      switch try compare(record, put, in: view) {
      case .match: .bool(true)
      case .mismatch: .bool(false)
      case .notCompared: .null
      }
    object["derived"] = .object(["matches": matches])
  }
}
