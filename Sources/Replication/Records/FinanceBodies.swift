/// The rules of finance that one body can break by itself: F1, F2, F7, F8, F9 and F11 as far as
/// they need no other record.
extension FinanceRules {
  // MARK: Vouchers

  static func checkVoucher(_ body: JSONObject) throws(FieldFault) {
    let lines = body.objects(.lines).map { BookLine($0) }
    try checkLineNumbers(lines)
    try checkAmounts(lines, body)
    try checkBalance(lines, body)
    try checkPeriod(body)
    try checkPostingDate(body)
    try checkApprovals(body)
  }

  private static func checkLineNumbers(_ lines: [BookLine]) throws(FieldFault) {
    // Mostly they are counted up, and nothing need be remembered.
    if zip(lines, lines.dropFirst()).allSatisfy({ $0.number < $1.number }) { return }
    var seen: Set<Int64> = []
    for (index, line) in lines.enumerated() where !seen.insert(line.number).inserted {
      throw FieldFault("lines[\(index)].lineNo", .repeated, found: .integer(line.number))
    }
  }

  private static let balanced = Rule(
    "F1", vi: "phải bằng tổng Nợ và tổng Có ngoài tài khoản loại 0; hãy kiểm tra định khoản",
    en: "must equal the debits and the credits outside class 0; check the lines")

  /// F1. Class 0 is single-entry: a voucher of nothing else totals its lines.
  private static func checkBalance(
    _ lines: [BookLine], _ body: JSONObject
  ) throws(FieldFault) {
    let total = body.integer(.totalAmount) ?? 0
    let ledger = lines.filter { !$0.isOffBalance }
    guard !ledger.isEmpty else {
      guard sum(lines) == total else {
        throw FieldFault(
          "totalAmount", .broken(balanced, detail: shown(sum(lines))), found: body[.totalAmount])
      }
      return
    }
    let debits = sum(ledger.filter(\.isDebit))
    let credits = sum(ledger.filter { !$0.isDebit })
    guard let debits, debits == credits, debits == total else {
      let detail = "debit \(shown(debits)), credit \(shown(credits))"
      throw FieldFault("totalAmount", .broken(balanced, detail: detail), found: body[.totalAmount])
    }
  }

  private static let nonZero = Rule(
    "F2", vi: "phải khác 0; hãy bỏ dòng này", en: "must not be zero; remove the line")
  private static let negative = Rule(
    "F2", vi: "chỉ được âm trên chứng từ điều chỉnh; hãy ghi correction",
    en: "may be negative only on a correcting voucher; add a correction")
  private static let negativeEntry = Rule(
    "F2", vi: "chỉ dùng cho sổ cũ đã qua kỳ chỉnh lý; hãy dùng adjustment",
    en: "is for imported books whose adjustment time is over; use adjustment")

  /// F2; whole đồng and the bounds stand in the schema. Electronic books are corrected by
  /// adjustment only: a negative entry must be history, recorded after its adjustment time.
  private static func checkAmounts(
    _ lines: [BookLine], _ body: JSONObject
  ) throws(FieldFault) {
    let correction = body.object(.correction)
    for (index, line) in lines.enumerated() {
      let amount = line.amount
      guard amount != 0 else {
        throw FieldFault(
          "lines[\(index)].amount", .broken(nonZero, detail: nil), found: .integer(amount))
      }
      guard amount > 0 || correction != nil else {
        throw FieldFault(
          "lines[\(index)].amount", .broken(negative, detail: nil), found: .integer(amount))
      }
    }
    guard let correction, correction.text(.method) == "negativeEntry" else { return }
    let recorded = body.text(.recordedAt).flatMap { WallTime($0) }
      .map { CalendarDate(localDayOf: $0) }
    guard let recorded, let last = lastPostingDay(body), recorded > last else {
      throw FieldFault(
        "correction.method",
        .broken(negativeEntry, detail: lastPostingDay(body)?.description),
        found: correction[.method])
    }
  }

  private static let postedInYear = Rule(
    "F7", vi: "phải thuộc năm ngân sách hoặc đến 31/01 năm sau; hãy sửa ngày hoặc năm",
    en: "must lie in the fiscal year or in January after it; change the date or the year")
  private static let periodOfYear = Rule(
    "F7", vi: "phải thuộc năm ngân sách; hãy sửa kỳ hoặc năm",
    en: "must belong to the fiscal year; change the period or the year")

  /// F7: the year's adjustment time runs to 31 January.
  private static func checkPostingDate(_ body: JSONObject) throws(FieldFault) {
    guard let year = body.integer(.fiscalYear), let day = body.date(.postingDate),
      let first = CalendarDate(year: Int(year), month: 1, day: 1), let last = lastPostingDay(body),
      first <= day, day <= last
    else {
      throw FieldFault(
        "postingDate", .broken(postedInYear, detail: "fiscalYear \(yearText(body))"),
        found: body[.postingDate])
    }
  }

  /// F7 for the period of a voucher or a closing.
  static func checkPeriod(_ body: JSONObject) throws(FieldFault) {
    let year = yearText(body).utf8
    guard body.text(.accountingPeriod)?.bytes.starts(with: year) == true else {
      throw FieldFault(
        "accountingPeriod", .broken(periodOfYear, detail: "fiscalYear \(yearText(body))"),
        found: body[.accountingPeriod])
    }
  }

  /// 31 January after the fiscal year, counted so that the year 2999 has one too.
  private static func lastPostingDay(_ body: JSONObject) -> CalendarDate? {
    CalendarDate(year: Int(body.integer(.fiscalYear) ?? 0), month: 12, day: 31)
      .map { CalendarDate(dayNumber: $0.dayNumber + 31) }
  }

  static func yearText(_ body: JSONObject) -> String { "\(body.integer(.fiscalYear) ?? 0)" }

  /// Who may approve in an office's name (Law on Accounting, art. 19 and 53).
  private static let accountants: [Text] = ["Kế toán trưởng", "Phụ trách kế toán"]
  private static let heads: [Text] = ["Thủ trưởng đơn vị"]
  private static let approved = Rule(
    "F8", vi: "phải có cả kế toán trưởng và thủ trưởng đơn vị; hãy bổ sung người duyệt",
    en: "must name the chief accountant and the head of unit; add the approval")

  /// F8: that both are named. Whether their signatures are valid is a verdict, kept elsewhere.
  static func checkApprovals(_ body: JSONObject) throws(FieldFault) {
    let roles = body.objects(.approvals).compactMap { $0.text(.role) }
    for wanted in [accountants, heads] where !roles.contains(where: { wanted.contains($0) }) {
      throw FieldFault(
        "approvals", .broken(approved, detail: wanted[0].string), found: body[.approvals])
    }
  }

  // MARK: Asset cards

  /// From which cost an asset is a fixed asset, in đồng.
  static let minimumAssetCost: Int64 = 10_000_000
  private static let classCounts: [Text: Int64] = ["tangible": 7, "intangible": 6]
  private static let fixedAsset = Rule(
    "F9", vi: "phải từ nguyên giá tối thiểu của tài sản cố định; nếu thấp hơn là công cụ",
    en: "must reach the least cost of a fixed asset; below it the thing is a tool")
  private static let classOfNature = Rule(
    "F9", vi: "phải thuộc danh mục loại của tài sản đó; hãy sửa loại",
    en: "must be a class of its nature; change the class")

  static func checkAssetCard(_ body: JSONObject) throws(FieldFault) {
    guard let cost = body[.originalCost]?.integer, cost >= minimumAssetCost else {
      throw FieldFault(
        "originalCost", .broken(fixedAsset, detail: "\(minimumAssetCost)"),
        found: body[.originalCost])
    }
    let last = body.text(.assetNature).flatMap { classCounts[$0] } ?? 0
    guard let number = body[.assetClass]?.integer, number >= 1, number <= last else {
      throw FieldFault(
        "assetClass", .broken(classOfNature, detail: "1...\(last)"), found: body[.assetClass])
    }
  }

  private static let wearInDecember = Rule(
    "F9", vi: "hao mòn chỉ tính vào tháng 12; hãy sửa ngày",
    en: "of wear must lie in December; change the date")
  private static let notNegative = Rule(
    "F9", vi: "không được âm, trừ khi đánh giá lại; hãy sửa số tiền",
    en: "must not be negative unless it revalues; change the amount")

  static func checkMovement(_ body: JSONObject, type: Text) throws(FieldFault) {
    guard let amount = body.integer(.amount) else { return }
    guard amount >= 0 || type == "revaluation" else {
      throw FieldFault("amount", .broken(notNegative, detail: nil), found: body[.amount])
    }
    guard type != "wear" || body.text(.date)?.bytes[5..<7].elementsEqual("12".utf8) == true else {
      throw FieldFault("date", .broken(wearInDecember, detail: nil), found: body[.date])
    }
  }

  // MARK: Closings

  private static let balancedClosing = Rule(
    "F11", vi: "phải cân Nợ và Có ngoài tài khoản loại 0; hãy kiểm tra số dư",
    en: "must balance outside class 0; check the balances")

  /// F11, and F7 and F8 as for vouchers.
  static func checkClosing(_ body: JSONObject) throws(FieldFault) {
    let ledger = body.objects(.closingBalances).map { BookLine($0) }.filter { !$0.isOffBalance }
    let debits = sum(ledger.filter(\.isDebit))
    let credits = sum(ledger.filter { !$0.isDebit })
    guard let debits, debits == credits else {
      let detail = "debit \(shown(debits)), credit \(shown(credits))"
      throw FieldFault(
        "closingBalances", .broken(balancedClosing, detail: detail), found: body[.closingBalances])
    }
    try checkPeriod(body)
    try checkApprovals(body)
  }

  // MARK: Sums

  /// nil: beyond 64 bits.
  private static func sum(_ lines: [BookLine]) -> Int64? {
    var sum: Int64 = 0
    for line in lines {
      let (next, overflow) = sum.addingReportingOverflow(line.amount)
      if overflow { return nil }
      sum = next
    }
    return sum
  }

  private static func shown(_ sum: Int64?) -> String { sum.map { "\($0)" } ?? "> 2^63" }
}

/// A line of a voucher, or a balance of a closing, as the sums want it.
private struct BookLine {
  /// 0 in a balance.
  let number: Int64
  let amount: Int64
  let isDebit: Bool
  /// Of class 0, which is single-entry.
  let isOffBalance: Bool

  init(_ line: JSONObject) {
    number = line.integer(.lineNo) ?? 0
    amount = line.integer(.amount) ?? 0
    isDebit = line.isDebit
    isOffBalance = line.text(.account)?.bytes.first == UInt8(ascii: "0")
  }
}

extension JSONObject {
  var isDebit: Bool { text(.side) == .debit }
}
