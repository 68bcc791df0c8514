/// Adjustment vouchers and full reversals: F5 and F6.
extension FinanceRules {
  /// Adjustments of one voucher that a full reversal is checked against; more are flagged unread.
  static let maximumAdjustmentCount = 256

  static func adjusted(by body: JSONObject) -> RecordKey? {
    body.object(.correction)?.text(.adjustsRecordId).flatMap { UniqueID(spelling: $0) }
      .map { RecordKey(kind: .finance, id: RecordID($0)) }
  }

  static func isFullReversal(_ body: JSONObject) -> Bool {
    body.object(.correction)?[.fullReversal] == .bool(true)
  }

  private static let sameUnit = Rule(
    "F5", vi: "phải là chứng từ đã ghi sổ của cùng đơn vị; hãy sửa mã",
    en: "must be a posted voucher of the same unit; correct the id")
  private static let toZero = Rule(
    "F6", vi: "phải đưa chứng từ và các điều chỉnh trước về 0; hãy sửa số tiền",
    en: "must bring the voucher and its adjustments to zero; correct the amounts")
  private static let once = Rule(
    "F6", vi: "đã có chứng từ đảo toàn bộ; không đảo lần nữa",
    en: "has been reversed in full; do not reverse it again")
  private static let untouched = Rule(
    "F6", vi: "đã bị đảo toàn bộ; hãy ghi chứng từ mới",
    en: "has been reversed in full; post a new voucher instead")

  /// F5 and F6. A voucher that is not here yet is waited for; nothing is judged until then.
  static func correctionFindings(
    of record: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> [Finding] {
    guard let target = adjusted(by: body) else { return [] }
    let found = body[.correction]?.object?[.adjustsRecordId]
    func finding(_ code: OutcomeCode, _ rule: Rule, _ detail: String? = nil) -> Finding {
      Finding(
        code, FieldFault("correction.adjustsRecordId", .broken(rule, detail: detail), found: found))
    }
    guard let voucher = try view.record(target), let its = voucher.put else { return [] }
    guard target != record.key, its.isVoucher, its.isSameUnit(as: body) else {
      return [finding(.adjustsForeign, sameUnit)]
    }
    let reversals = try adjustments(of: target, under: .reversals(of: target), in: view) ?? []
    for reversal in reversals where reversal.key != record.key {
      let order = try order(record, reversal, in: view)
      guard order != .before else { continue }
      let detail = reversal.key.id.description
      return [
        isFullReversal(body)
          ? finding(.reversalRepeated, once, detail) : finding(.adjustsReversed, untouched, detail)
      ]
    }
    guard isFullReversal(body) else { return [] }
    return try isBroughtToZero(voucher, by: record, in: view)
      ? [] : [finding(.reversalMismatch, toZero)]
  }

  /// F6, on every account and budget line. An adjustment on another branch has no order with the
  /// reversal, so nobody can say what was to be reversed.
  private static func isBroughtToZero(
    _ voucher: HeldRecord, by reversal: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> Bool {
    guard let all = try adjustments(of: voucher.key, under: .record(voucher.key), in: view)
    else { return false }
    var parts = [voucher, reversal]
    for other in all where other.key != reversal.key {
      switch try order(other, reversal, in: view) {
      case .before: parts.append(other)
      case .after: continue
      case .unordered: return false
      }
    }
    var sums: [ReversedLine: Int64] = [:]
    for line in parts.flatMap({ $0.put?[.lines]?.array ?? [] }).compactMap(\.object) {
      let key = ReversedLine(account: line[.account], budgetLine: line[.budgetLine])
      let amount = line[.amount]?.integer ?? 0
      let (sum, overflow) = (sums[key] ?? 0).addingReportingOverflow(
        line.isDebit ? amount : -amount)
      if overflow { return false }
      sums[key] = sum
    }
    return sums.values.allSatisfy { $0 == 0 }
  }

  /// Vouchers of the same unit that adjust this one, ascending; nil when there are too many.
  private static func adjustments(
    of voucher: RecordKey, under key: UniqueKey, in view: some RuleView
  ) throws(StoreError) -> [HeldRecord]? {
    let entries = try view.referrers(of: key)
    guard entries.count <= maximumAdjustmentCount else { return nil }
    var keys: Set<RecordKey> = []
    for entry in entries {
      if let record = try view.recordKey(of: entry), record.kind == .finance { keys.insert(record) }
    }
    let unit = try view.record(voucher)?.put
    var adjustments: [HeldRecord] = []
    for key in keys.sorted() where key != voucher {
      guard let record = try view.record(key), let its = record.put, adjusted(by: its) == voucher,
        let unit, its.isSameUnit(as: unit)
      else { continue }
      adjustments.append(record)
    }
    return adjustments
  }

  // MARK: Shown

  static func showCorrections(
    of voucher: RecordKey, in view: some RuleView, into object: inout JSONObject
  ) throws(StoreError) {
    let adjusting = try adjustments(of: voucher, under: .record(voucher), in: view) ?? []
    guard !adjusting.isEmpty else { return }
    func ids(_ records: [HeldRecord]) -> JSONValue {
      .array(records.map { .string(Text($0.key.id.description)) })
    }
    var derived: JSONObject = ["adjustedBy": ids(adjusting)]
    let reversing = adjusting.filter { $0.put.map(isFullReversal) == true }
    if !reversing.isEmpty { derived["reversedBy"] = ids(reversing) }
    object["derived"] = .object(derived)
  }
}

private struct ReversedLine: Hashable {
  let account: JSONValue?
  let budgetLine: JSONValue?
}

extension JSONObject {
  fileprivate func isSameUnit(as other: JSONObject) -> Bool {
    let (mine, its) = (self[.accountingUnit]?.object, other[.accountingUnit]?.object)
    return mine?[.siteId] == its?[.siteId] && mine?[.budgetUnitCode] == its?[.budgetUnitCode]
  }
}
