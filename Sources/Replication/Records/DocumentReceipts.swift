/// Receipts of a document: who has it and what became of it there (domain.md section 3.4). Rules
/// D2, D3, D5, D6 and D7.
extension DocumentRules {
  // MARK: At ingest

  private static let namedOrgan = Rule(
    "D6", vi: "phải là cơ quan nhận văn bản này tại đơn vị gửi trạng thái; hãy sửa mã",
    en: "must be an organ of this site that the document is addressed to; correct the code")
  private static let nextStep = Rule(
    "3.4", vi: "không phải bước tiếp theo; 01 -> 02 hoặc 03, 03 -> 04 -> 05 -> 06",
    en: "is no next step; 01 -> 02 or 03, 03 -> 04 -> 05 -> 06")
  private static let signed = Rule(
    "D2", vi: "cần đủ chữ ký số hợp lệ; hãy chờ hoặc trả lại bằng 02",
    en: "needs every valid signature; wait, or return it with 02")
  private static let complete = Rule(
    "D3", vi: "cần đủ tệp đính kèm; hãy chờ tệp đến hoặc trả lại bằng 02",
    en: "needs every attached file; wait for it, or return the document with 02")
  private static let recalled = Rule(
    "D5", vi: "văn bản đã bị thu hồi; không xử lý tiếp",
    en: "the document was recalled; do nothing further with it")
  private static let answersOther = Rule(
    "D5", vi: "chỉ trả lời văn bản thu hồi, cập nhật hoặc thay thế; hãy bỏ trạng thái này",
    en: "answers a recall, update or replacement, and this is none; leave it out")

  static func objection(
    to event: FoldedEvent, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault? {
    guard event.type == .receipt, let text = event.body.text(.statusCode),
      let code = ReceiptCode(text)
    else { return nil }
    func fault(_ rule: Rule, _ detail: String? = nil) -> FieldFault {
      FieldFault("statusCode", .broken(rule, detail: detail), found: .string(text))
    }
    let organ = event.body.text(.organId) ?? ""
    let recipient = Recipient(site: event.author, organ: organ)
    guard try organs(of: record, in: view).contains(recipient) else {
      return FieldFault("organId", .broken(namedOrgan, detail: nil), found: .string(organ))
    }
    switch code {
    case .answer:
      let type = record.put.map(businessType(of:))
      return type == .new ? fault(answersOther) : nil
    case .status(.arrived): return nil
    case .status(let status):
      if try isRecalled(record, in: view) { return fault(recalled) }
      let before = try fold(record, in: view).progress.first { $0.recipient == recipient }?.status
      guard status.mayFollow(before) else { return fault(nextStep, before?.rawValue) }
      return status == .registered ? try incompleteness(of: record, in: view, fault) : nil
    }
  }

  /// D2 and D3: signatures and files are verified where they are, so only this site's own clerk is
  /// held to them; what another site says of itself stands.
  private static func incompleteness(
    of record: HeldRecord, in view: some RuleView, _ fault: (Rule, String?) -> FieldFault
  ) throws(StoreError) -> FieldFault? {
    let signatures = try view.signatures(of: record)
    if !signatures.isUsable, case .incomplete(let missing, let reasons) = signatures.standing {
      return fault(signed, (missing + reasons).map(\.string).joined(separator: ", "))
    }
    return try view.missingFile(of: record).map { fault(complete, "\($0.digest)") }
  }

  // MARK: Written by the site itself

  /// Arrival (01) for each organ that this site serves, and for each document of theirs that a
  /// lawful recall took away the answer (13) to the recall, whichever of the two came first. Bodies
  /// and ids follow from what they answer, so a site that lost them writes the same ones again, and
  /// one that has them none.
  static func owed(
    for newest: Entry, in record: HeldRecord, by view: some RuleView,
    hashing: some SHA256Hashing
  ) throws(StoreError) -> [OwedEvent] {
    var owed = ownOrgans(of: record, in: view).compactMap { organ in
      record.shown.map { receipt(.status(.arrived), of: organ, on: record.key, $0, hashing) }
    }
    for recall in try actions(on: record, in: view) where recall.type == .revoke {
      guard let put = recall.document.shown else { continue }
      owed += answers(to: recall.document, put, on: record, in: view, hashing)
    }
    guard let put = record.shown, let body = record.put, businessType(of: body) == .revoke
    else { return owed }
    // Whether this one is lawful is asked of it alone: others may name the same documents.
    for id in Set(targetIDs(of: body)).sorted() {
      for key in try view.claimants(of: .documentID(id)) where key != record.key {
        guard let target = try view.record(key), let its = target.put,
          its.text(.documentId) == id, try isLawful(record, on: its, in: view)
        else { continue }
        owed += answers(to: record, put, on: target, in: view, hashing)
      }
    }
    return owed
  }

  /// They stand on the recall, whose issuer waits for them, and name what was recalled.
  private static func answers(
    to recall: HeldRecord, _ put: Entry, on target: HeldRecord, in view: some RuleView,
    _ hashing: some SHA256Hashing
  ) -> [OwedEvent] {
    guard let id = target.put?.text(.documentId) else { return [] }
    return ownOrgans(of: target, in: view).map {
      receipt(.answer(.recalled), of: $0, on: recall.key, put, about: id, hashing)
    }
  }

  /// The issuer does not send itself receipts.
  private static func ownOrgans(of record: HeldRecord, in view: some RuleView) -> [Recipient] {
    record.owner == view.site ? [] : addressees(of: record).filter { $0.site == view.site }
  }

  /// The id is of site, organ, code and the body that is answered: a decision that repeats the body
  /// is answered already.
  private static func receipt(
    _ code: ReceiptCode, of recipient: Recipient, on record: RecordKey, _ put: Entry,
    about id: Text? = nil, _ hashing: some SHA256Hashing
  ) -> OwedEvent {
    var body: JSONObject = [
      .type: .string(.receipt), .siteId: .string(Text(recipient.site.description)),
      .organId: .string(recipient.organ), .statusCode: .string(code.text),
    ]
    body[.description] = id.map { .string($0) }
    return OwedEvent(
      body, on: record, hashing: hashing,
      parts: [
        recipient.site.bytes, put.bodyDigest.bytes, recipient.organ.bytes.array,
        code.text.bytes.array, id?.bytes.array ?? [],
      ])
  }

  // MARK: The fold

  /// An organ that the document is for, and the site that serves it.
  struct Recipient: Hashable {
    let site: SiteID
    let organ: Text
  }

  /// How far one organ is with the document.
  struct Progress {
    let recipient: Recipient
    var status: ReceiptCode.Status?
    /// 13, 15 or 16: what it says to a recall or an update, beside its own work.
    var answer: ReceiptCode.Answer?
  }

  /// Why a receipt says nothing about its organ's progress; it is kept all the same.
  private enum Flag: Text {
    case notAddressed = "not-addressed"
    case noNextStep = "no-next-step"
  }

  private struct Receipt {
    let event: FoldedEvent
    let flag: Flag?
  }

  /// Who may send receipts: the document's addressees, and those of what it recalls or changes, as
  /// far as that is here; each organ once.
  private static func organs(
    of record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Recipient] {
    var organs = addressees(of: record)
    var known = Set(organs)
    var asked: Set<Text> = []
    for id in record.put.map(targetIDs(of:)) ?? [] where asked.insert(id).inserted {
      for key in try view.claimants(of: .documentID(id)) where key != record.key {
        guard let target = try view.record(key) else { continue }
        for organ in addressees(of: target) where known.insert(organ).inserted {
          organs.append(organ)
        }
      }
    }
    return organs
  }

  /// `to[]` and the late addressees of the owner, each organ once.
  private static func addressees(of record: HeldRecord) -> [Recipient] {
    var bodies = [record.put].compactMap { $0 }
    bodies += record.events.filter { $0.type == .addressed && $0.author == record.owner }
      .map(\.body)
    var organs: [Recipient] = []
    var known: Set<Recipient> = []
    for organ in bodies.flatMap({ $0[.to]?.array ?? [] }).compactMap(\.object) {
      guard let site = organ.site(.siteId), let code = organ.text(.organId) else { continue }
      let recipient = Recipient(site: site, organ: code)
      if known.insert(recipient).inserted { organs.append(recipient) }
    }
    return organs
  }

  /// Receipts in the one order move their organ on; a step that is not the next one is flagged.
  private static func fold(
    _ record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> (progress: [Progress], receipts: [Receipt]) {
    var progress = try organs(of: record, in: view).map { Progress(recipient: $0) }
    let indexes = Dictionary(
      uniqueKeysWithValues: progress.enumerated().map { ($1.recipient, $0) })
    var receipts: [Receipt] = []
    for event in record.events where event.type == .receipt {
      let recipient = Recipient(site: event.author, organ: event.body.text(.organId) ?? "")
      guard let index = indexes[recipient] else {
        receipts.append(Receipt(event: event, flag: .notAddressed))
        continue
      }
      switch event.body.text(.statusCode).flatMap(ReceiptCode.init) {
      case .answer(let answer): progress[index].answer = answer
      case .status(.arrived): progress[index].status = progress[index].status ?? .arrived
      case .status(let status) where status.mayFollow(progress[index].status):
        progress[index].status = status
      case .status, nil:
        receipts.append(Receipt(event: event, flag: .noNextStep))
        continue
      }
      receipts.append(Receipt(event: event, flag: nil))
    }
    return (progress, receipts)
  }

  /// Every receipt in the one order with its id, and how far each organ is.
  static func showReceipts(
    of record: HeldRecord, in view: some RuleView, into object: inout JSONObject
  ) throws(StoreError) {
    let (progress, receipts) = try fold(record, in: view)
    object["receipts"] = .array(
      receipts.map { receipt in
        var shown = receipt.event.body
        shown[.receiptId] = .string(Text(receipt.event.id.description))
        // Those that a site wrote by itself name no time of their own.
        shown["writtenAtMicroseconds"] = .integer(
          Int64(clamping: receipt.event.time.microseconds))
        shown["flag"] = receipt.flag.map { .string($0.rawValue) }
        return .object(shown)
      })
    let recipients = progress.map { organ -> JSONValue in
      var shown: JSONObject = [
        .siteId: .string(Text(organ.recipient.site.description)),
        .organId: .string(organ.recipient.organ),
      ]
      shown["status"] = organ.status.map { .string(Text($0.rawValue)) }
      shown["answer"] = organ.answer.map { .string(Text($0.rawValue)) }
      return .object(shown)
    }
    object[.derived] = .object(["recipients": .array(recipients)])
  }
}

/// A code of the status message (QCVN 102:2016). Which codes may be used when is the registry's
/// list; what they mean to each other stands here.
enum ReceiptCode: Hashable {
  case status(Status)
  case answer(Answer)

  enum Status: String, Hashable, CaseIterable {
    case arrived = "01"
    case refused = "02"
    case registered = "03"
    case assigned = "04"
    case inWork = "05"
    case done = "06"

    /// 04 and 05 may be skipped, and said again: work goes from desk to desk.
    private var next: [Status] {
      switch self {
      case .arrived: [.refused, .registered]
      case .registered: [.assigned, .inWork, .done]
      case .assigned: [.assigned, .inWork, .done]
      case .inWork: [.inWork, .done]
      case .refused, .done: []
      }
    }

    /// - Parameter before: nil: whoever says anything has the document.
    func mayFollow(_ before: Status?) -> Bool { (before ?? .arrived).next.contains(self) }
  }

  enum Answer: String, Hashable, CaseIterable {
    case recalled = "13"
    case agrees = "15"
    case disagrees = "16"
  }

  init?(_ text: Text) {
    if let status = Status(rawValue: text.string) {
      self = .status(status)
    } else if let answer = Answer(rawValue: text.string) {
      self = .answer(answer)
    } else {
      return nil
    }
  }

  var text: Text {
    switch self {
    case .status(let status): Text(status.rawValue)
    case .answer(let answer): Text(answer.rawValue)
    }
  }

  static let allTexts: [Text] =
    Status.allCases.map { Text($0.rawValue) } + Answer.allCases.map { Text($0.rawValue) }
}
