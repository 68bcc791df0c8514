import Replication

/// Who writes a record, or whom it goes to.
struct Office: Hashable, Sendable {
  let site: SiteID
  let organ: String
  let name: String
  /// Ends the notation of its documents.
  let mark: String

  /// The organ that `dongbo lab create` gives its first province.
  static let province = Office(
    site: Workload.owner, organ: "A99.X01", name: "Văn phòng Tỉnh A", mark: "TUA")
  static let centre = Office(
    site: Workload.centre, organ: "A99.00", name: "Văn phòng TW", mark: "VPTW")

  var json: JSONValue {
    .object([
      "siteId": .text(site.description), "organId": .text(organ), "organName": .text(name),
    ])
  }

  func documentID(_ number: String) -> String { "\(organ),2026/03/02,\(number)-CV/\(mark)" }
}

/// Contents of the workload's records.
enum Bodies {
  /// Bytes of a body: most often 600, as in the baselines.
  private static func targetByteCount(_ random: inout SplitMix64) -> Int {
    Int(random.triangular(300, 900, mode: 600))
  }
  /// Even a body that is long without it has a sentence.
  private static let minimumProseByteCount = 40

  /// - Parameters:
  ///   - id: of the attachment.
  ///   - file: what it names. A file that nobody has would be asked for again and again, which is
  ///     no part of what is measured.
  static func document(
    number: String, id: UniqueID, naming file: SeededFile, from office: Office = .province,
    to addressees: [Office] = [.centre], random: inout SplitMix64
  ) -> JSONObject {
    let type = random.pick(Vocabulary.documentTypes)
    let attachment: JSONObject = [
      "contentId": .text(id.description), "attachmentName": .text("vanban.pdf"),
      "contentType": .text("application/pdf"), "sizeBytes": .integer(Int64(file.byteCount)),
      "digest": .text(file.digestText),
    ]
    let body: JSONObject = [
      "documentId": .text(office.documentID(number)), "from": office.json,
      "to": .array(addressees.map(\.json)), "codeNumber": .text(number),
      "codeNotation": .text("CV/\(office.mark)"),
      "documentType": .object(["code": .text(type.code), "name": .text(type.name)]),
      "promulgationPlace": .text("Tỉnh A"), "promulgationDate": .text("2026-03-02"),
      "signerInfo": .object([
        "competence": .text("T/M"), "position": .text(random.pick(Vocabulary.positions)),
      ]),
      "priority": .integer(0), "steeringType": .integer(Int64(random.below(3))),
      "businessDocType": .integer(0), "businessDocReason": .text("Văn bản mới"),
      "attachments": .array([.object(attachment)]),
    ]
    return filled(body, "subject", &random)
  }

  /// - Parameters:
  ///   - assigner: writes it.
  ///   - lead: is to do the task.
  static func directive(
    number: String, source: String, from assigner: Office = .province, to lead: Office = .centre,
    random: inout SplitMix64
  ) -> JSONObject {
    let body: JSONObject = [
      "sourceDocumentId": .text(source), "sourceDocumentType": .text("CV"),
      "taskNumber": .text("NV-\(number)"), "title": .text(prose(40, &random)),
      "assigningOrgan": assigner.json, "monitoringOrgan": assigner.json, "leadOrgan": lead.json,
      "assignedDate": .text("2026-03-03"), "deadlineType": .text("fixed"),
      "dueDate": .text("2026-0\(4 + (Int(number) ?? 0) % 5)-15"),
      "priority": .integer(Int64(random.below(4))),
    ]
    return filled(body, "content", &random)
  }

  /// - Parameter adjusted: the voucher that this one corrects.
  static func voucher(
    number: String, adjusting adjusted: RecordID?, of office: Office = .province,
    random: inout SplitMix64
  ) -> JSONObject {
    let amount = Int64(100_000 + random.below(1_000_000_000))
    var body: JSONObject = [
      "entryKind": .text("voucher"), "currency": .text("VND"), "fiscalYear": .integer(2026),
      "accountingUnit": .object([
        "siteId": .text(office.site.description), "organId": .text(office.organ),
        "budgetUnitCode": .text("1990001"), "unitName": .text(office.name),
      ]),
      "accountingPeriod": .text("2026-03"), "voucherForm": .text("CTGS"),
      "voucherTypeName": .text("Ghi sổ"),
      "voucherNumber": .text("GS\(number)"), "voucherDate": .text("2026-03-02"),
      "postingDate": .text("2026-03-02"), "postingStatus": .text("posted"),
      "counterparty": .object(["role": .text(random.pick(Vocabulary.counterparties))]),
      "originalDocumentCount": .integer(Int64(random.below(6))), "totalAmount": .integer(amount),
      "lines": .array([
        line(1, .text("debit"), amount, &random), line(2, .text("credit"), amount, &random),
      ]),
      "approvals": .array([
        .object(["role": .text("Kế toán trưởng"), "signedAt": .text("2026-03-02T07:41:00Z")]),
        .object(["role": .text("Thủ trưởng đơn vị"), "signedAt": .text("2026-03-02T07:58:00Z")]),
      ]),
    ]
    if let adjusted {
      body["correction"] = .object([
        "method": .text("adjustment"), "adjustsRecordId": .text(adjusted.description),
        "fullReversal": .bool(false), "reason": .text("Điều chỉnh số tiền"),
      ])
    }
    return filled(body, "description", &random)
  }

  private static func line(
    _ number: Int64, _ side: JSONValue, _ amount: Int64, _ random: inout SplitMix64
  ) -> JSONValue {
    .object([
      "lineNo": .integer(number), "account": .text(random.pick(Vocabulary.accounts)),
      "side": side, "amount": .integer(amount),
    ])
  }

  /// `body` with prose under `name`, so that the whole reaches the drawn size where it can.
  private static func filled(
    _ body: JSONObject, _ name: Text, _ random: inout SplitMix64
  ) -> JSONObject {
    let base = JSONValue.object(body).canonicalBytes.count + name.bytes.count + 6
    let room = max(minimumProseByteCount, targetByteCount(&random) - base)
    var body = body
    body[name] = .text(prose(room, &random))
    return body
  }

  /// Words with spaces between, at most `byteCount` bytes and at least one word.
  static func prose(_ byteCount: Int, _ random: inout SplitMix64) -> String {
    var text = random.pick(Vocabulary.words)
    while true {
      let word = random.pick(Vocabulary.words)
      guard text.utf8.count + 1 + word.utf8.count <= byteCount else { return text }
      text += " " + word
    }
  }
}

extension JSONValue {
  static func text(_ string: String) -> JSONValue { .string(Text(string)) }
}
