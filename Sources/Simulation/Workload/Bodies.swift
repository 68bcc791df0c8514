import Replication

/// Lawful records, as small as the schemas allow (reference/domain.md): what applications write.
enum Bodies {
  static func text(_ value: some CustomStringConvertible) -> JSONValue {
    .string(Text(value.description))
  }

  static func organ(of site: SiteID) -> JSONValue {
    .object([
      "siteId": text(site), "organId": text("A99.\(site)"), "organName": text("VP \(site)"),
    ])
  }

  private static func put(_ id: UniqueID, revision: UInt64) -> JSONObject {
    [
      "recordId": text(id), "revision": .integer(Int64(clamping: revision)),
      "secrecyLevel": text("none"),
    ]
  }

  static func documentID(number: Int, from site: SiteID) -> Text {
    Text("A99.\(site),2026/03/02,\(number)-CV/VP")
  }

  /// - Parameters:
  ///   - recalls: the document that this one takes back, or, by `business`, updates or replaces.
  ///   - business: its national code, 1 to 3.
  static func document(
    _ id: UniqueID, number: Int, from: SiteID, to: [SiteID], isUrgent: Bool,
    recalls: Text? = nil, business: Int64 = 1
  ) -> JSONObject {
    var body = put(id, revision: 1)
    body["documentId"] = .string(documentID(number: number, from: from))
    body["from"] = organ(of: from)
    body["to"] = .array(to.map(organ(of:)))
    body["codeNumber"] = text(number)
    body["codeNotation"] = text("CV/VP")
    body["documentType"] = .object(["code": text("CV"), "name": text("Công văn")])
    body["subject"] = text("V/v \(number)")
    body["promulgationPlace"] = text("Hà Nội")
    body["promulgationDate"] = text("2026-03-02")
    body["signerInfo"] = .object(["competence": text("T/L"), "position": text("CVP")])
    body["priority"] = .integer(isUrgent ? 1 : 0)
    body["steeringType"] = .integer(0)
    body["businessDocType"] = .integer(recalls == nil ? 0 : business)
    body["businessDocReason"] = text(recalls == nil ? "Mới" : "Thu hồi")
    body["replacementInfo"] = recalls.map { .array([.object(["documentId": .string($0)])]) }
    body["attachments"] = .array([
      .object([
        "contentId": text(id), "attachmentName": text("a.pdf"),
        "contentType": text("application/pdf"), "sizeBytes": .integer(1),
        "digest": text("sha-256:" + String(repeating: "0", count: 64)),
      ])
    ])
    return body
  }

  static func receipt(
    _ id: UniqueID, of record: RecordKey, by site: SiteID, code: String = "01"
  ) -> JSONObject {
    [
      "receiptId": text(id), "recordId": text(record.id), "siteId": text(site),
      "organId": text("A99.\(site)"), "statusCode": text(code),
      "timestamp": text("2026-03-02T02:15:07Z"), "description": text("lý do"),
    ]
  }

  static func addressed(_ id: UniqueID, _ record: RecordKey, to site: SiteID) -> JSONObject {
    [
      "eventId": text(id), "recordId": text(record.id), "type": text("addressed"),
      "to": .array([organ(of: site)]),
    ]
  }

  static func keywords(_ id: UniqueID, _ record: RecordKey, _ word: Int) -> JSONObject {
    [
      "eventId": text(id), "recordId": text(record.id),
      "keywords": .array([text("tu-khoa-\(word)")]),
    ]
  }

  static func directive(
    _ id: UniqueID, revision: UInt64, number: Int, source: Text, from: SiteID, lead: SiteID,
    helpers: [SiteID] = []
  ) -> JSONObject {
    var body = put(id, revision: revision)
    body["sourceDocumentId"] = .string(source)
    body["sourceDocumentType"] = text("CV")
    body["taskNumber"] = text("\(number)/NV")
    body["title"] = text("Nhiệm vụ \(number) lần \(revision)")
    body["content"] = text("Nội dung \(number)")
    body["assigningOrgan"] = organ(of: from)
    body["monitoringOrgan"] = organ(of: from)
    body["leadOrgan"] = organ(of: lead)
    body["coordinatingOrgans"] = helpers.isEmpty ? nil : .array(helpers.map(organ(of:)))
    body["assignedDate"] = text("2026-03-02")
    body["deadlineType"] = text("none")
    return body
  }

  /// - Parameter more: the fields of this type of event.
  static func directiveEvent(
    _ id: UniqueID, _ record: RecordKey, type: String, by site: SiteID,
    on day: String = "2026-03-03", _ more: JSONObject = JSONObject()
  ) -> JSONObject {
    var body: JSONObject = [
      "eventId": text(id), "recordId": text(record.id), "type": text(type),
      "bySite": text(site), "byOrgan": text("A99.\(site)"), "at": text("\(day)T02:15:07Z"),
    ]
    if type == "progressReported" { body["percentComplete"] = .integer(40) }
    for field in more.members { body[field.key] = field.value }
    return body
  }

  static func withdrawal(_ record: RecordKey, revision: UInt64) -> JSONObject {
    [
      "recordId": text(record.id), "revision": .integer(Int64(clamping: revision)),
      "reason": text("nhầm"),
    ]
  }

  static func unit(_ unit: Int, of site: SiteID) -> JSONValue {
    .object([
      "siteId": text(site), "organId": text("A99.\(site)"),
      "budgetUnitCode": text(1_990_000 + unit), "unitName": text("VP \(site)"),
    ])
  }

  /// - Parameters:
  ///   - adjusts: the voucher that this one corrects.
  ///   - isReversal: whether it brings that one to nothing.
  static func voucher(
    _ id: UniqueID, number: Int, unit: Int, of site: SiteID, amount: Int64,
    adjusts: RecordKey? = nil, isReversal: Bool = false
  ) -> JSONObject {
    var body = put(id, revision: 1)
    body["entryKind"] = text("voucher")
    body["accountingUnit"] = Self.unit(unit, of: site)
    body["fiscalYear"] = .integer(2026)
    body["accountingPeriod"] = text("2026-03")
    body["voucherForm"] = text("CTGS")
    body["voucherTypeName"] = text("Chứng từ")
    body["voucherNumber"] = text("CT\(number)")
    body["voucherDate"] = text("2026-03-02")
    body["postingDate"] = text("2026-03-02")
    body["description"] = text("Chi \(number)")
    body["counterparty"] = .object(["role": text("Bên bán")])
    body["originalDocumentCount"] = .integer(1)
    body["totalAmount"] = .integer(amount)
    body["lines"] = .array([line(1, "611", "debit", amount), line(2, "1111", "credit", amount)])
    body["postingStatus"] = text("posted")
    body["approvals"] = .array([
      .object(["role": text("Kế toán trưởng"), "signedAt": text("2026-03-02T02:15:07Z")]),
      .object(["role": text("Thủ trưởng đơn vị"), "signedAt": text("2026-03-02T02:15:09Z")]),
    ])
    body["currency"] = text("VND")
    body["correction"] = adjusts.map {
      .object([
        "method": text("adjustment"), "adjustsRecordId": text($0.id),
        "fullReversal": .bool(isReversal), "reason": text("sai"),
      ])
    }
    return body
  }

  static func assetCard(
    _ id: UniqueID, number: Int, unit: Int, of site: SiteID, cost: Int64
  ) -> JSONObject {
    var body = put(id, revision: 1)
    body["entryKind"] = text("assetCard")
    body["accountingUnit"] = Self.unit(unit, of: site)
    body["assetCardNumber"] = text("TS\(number)")
    body["assetName"] = text("Máy chủ")
    body["assetNature"] = text("tangible")
    body["assetClass"] = .integer(5)
    body["inServiceDate"] = text("2026-01-05")
    body["originalCost"] = .integer(cost)
    body["wearRatePercent"] = text("20")
    body["currency"] = text("VND")
    return body
  }

  static func movement(
    _ id: UniqueID, _ record: RecordKey, type: String, amount: Int64
  ) -> JSONObject {
    [
      "movementId": text(id), "recordId": text(record.id), "type": text(type),
      "date": text(type == "wear" ? "2026-12-31" : "2026-03-02"), "amount": .integer(amount),
    ]
  }

  private static func line(
    _ number: Int64, _ account: String, _ side: String, _ amount: Int64
  ) -> JSONValue {
    .object([
      "lineNo": .integer(number), "account": text(account), "side": text(side),
      "amount": .integer(amount),
    ])
  }
}
