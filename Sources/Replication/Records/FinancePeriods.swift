/// Periods and what closes them: F4, and F11 as far as it needs the vouchers.
extension FinanceRules {
  /// Vouchers that one closing is compared with; beyond, its totals are not compared.
  static let maximumComparedVoucherCount = 4_096

  // MARK: Keys

  /// Under this key a unit's vouchers of one period are found.
  static func periodKey(_ body: JSONObject) -> UniqueKey? {
    body.text(.accountingPeriod).map { periodKey(body, $0) }
  }

  private static func periodKey(_ body: JSONObject, _ period: Text) -> UniqueKey {
    let unit = body.object(.accountingUnit)
    return UniqueKey(.period, unit?.text(.siteId), unit?.text(.budgetUnitCode), period)
  }

  /// What a closing claims: two closings of one period, of one year, or of the unit as a whole are
  /// a conflict. A unit is handed over once.
  static func closingKey(_ body: JSONObject) -> UniqueKey {
    switch body.text(.closingType) {
    case "period"?: closingKey(body, .period, body.text(.accountingPeriod))
    case "year"?: closingKey(body, .year, Text(yearText(body)))
    default: closingKey(body, .handover, nil)
    }
  }

  private static func closingKey(_ body: JSONObject, _ type: Text, _ span: Text?) -> UniqueKey {
    let unit = body.object(.accountingUnit)
    return UniqueKey(.closing, unit?.text(.siteId), unit?.text(.budgetUnitCode), type, span)
  }

  /// The keys of the closings that end a voucher's time.
  static func closingKeys(ofVoucher body: JSONObject) -> [UniqueKey] {
    [
      closingKey(body, .period, body.text(.accountingPeriod)),
      closingKey(body, .year, Text(yearText(body))), closingKey(body, .handover, nil),
    ]
  }

  // MARK: F4

  private static let open = Rule(
    "F4", vi: "kỳ kế toán đã khoá sổ; hãy ghi vào kỳ đang mở",
    en: "is of a period that is closed; post in an open period")

  /// F4: at the owner's sequence point. What was written before the closing is good whenever it
  /// comes. Without a closing of its period a voucher reads no other body.
  static func periodFindings(
    of voucher: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> [Finding] {
    var found: [Finding] = []
    for key in closingKeys(ofVoucher: body) {
      for claimant in try view.claimants(of: key) {
        guard let closing = try view.record(claimant), let its = closing.put,
          its.isClosing, closingKey(its) == key
        else { continue }
        let fault = FieldFault(
          "accountingPeriod", .broken(open, detail: claimant.id.description),
          found: body[.accountingPeriod])
        switch try order(voucher, closing, in: view) {
        case .before: continue
        case .after: found.append(Finding(.periodClosed, fault))
        case .unordered: found.append(Finding(.periodUnordered, fault))
        }
        return found
      }
    }
    return found
  }

  /// How the puts stand in their owner's log. A put written again after a restore is the same
  /// write: its earliest place counts.
  static func order(
    _ first: HeldRecord, _ second: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> BranchOrder {
    var answer = BranchOrder.unordered
    for one in first.shownPuts {
      for other in second.shownPuts where one.origin == other.origin {
        switch try view.order(one, other) {
        case .before: return .before
        case .after: answer = .after
        case .unordered: continue
        }
      }
    }
    return answer
  }

  // MARK: F11

  private static let totals = Rule(
    "F11", vi: "phải khớp với các chứng từ của kỳ; hãy đối chiếu sổ",
    en: "must match the vouchers of the period; reconcile the books")

  static func closingFindings(
    of closing: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> [Finding] {
    switch try compare(closing, body, in: view) {
    case .match, .notCompared: []
    case .mismatch(let fault): [Finding(.closingMismatch, fault)]
    }
  }

  enum Comparison {
    case match
    case mismatch(FieldFault)
    /// Nothing of these books is here, or too much.
    case notCompared
  }

  /// F11: number of vouchers, last number of each form and, with the closing before it, balances.
  /// The first closing of books that began elsewhere has nothing here to be compared with.
  static func compare(
    _ closing: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> Comparison {
    let opening = try opening(of: closing, body, in: view)
    guard let vouchers = try vouchers(of: closing, body, in: view) else { return .notCompared }
    if vouchers.isEmpty && opening == nil { return .notCompared }
    if body[.voucherCount] != .integer(Int64(vouchers.count)) {
      return mismatch("voucherCount", body[.voucherCount], "\(vouchers.count)")
    }
    let numbers = lastNumbers(vouchers)
    if body[.lastVoucherNumbers] != .object(numbers) {
      let stated = body[.lastVoucherNumbers]?.object ?? JSONObject()
      let form = (numbers.members + stated.members).map(\.key)
        .first { stated[$0] != numbers[$0] }
      let name = form.flatMap { FieldFault.shown($0) == nil ? nil : ".\($0)" } ?? ""
      let held = form.flatMap { numbers.text($0) }.flatMap { FieldFault.shown($0) }
      return mismatch("lastVoucherNumbers\(name)", form.flatMap { stated[$0] }, held ?? "-")
    }
    guard let opening else { return .match }
    return compare(balancesOf: body, opening, vouchers)
  }

  private static func compare(
    balancesOf body: JSONObject, _ opening: JSONObject, _ vouchers: [JSONObject]
  ) -> Comparison {
    var books = Balances()
    books.add(opening[.closingBalances])
    for voucher in vouchers { books.add(voucher[.lines]) }
    var stated = Balances()
    stated.add(body[.closingBalances])
    guard !books.isOverflown, !stated.isOverflown else {
      return mismatch("closingBalances", body[.closingBalances], "> 2^63")
    }
    let accounts = Set(books.sums.keys).union(stated.sums.keys).sorted()
    for account in accounts {
      let (mine, its) = (books.sums[account] ?? 0, stated.sums[account] ?? 0)
      if mine != its {
        return mismatch("closingBalances", .integer(its), "\(account): \(mine)")
      }
    }
    return .match
  }

  private static func mismatch(
    _ name: String, _ found: JSONValue?, _ held: String
  ) -> Comparison {
    .mismatch(FieldFault(name, .broken(totals, detail: held), found: found))
  }

  /// The vouchers before the closing that it counts: of its period; of its year for the end of a
  /// year and for a handover, as numbers run on through a year.
  /// - Returns: nil when there are too many.
  private static func vouchers(
    of closing: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> [JSONObject]? {
    let keys = periodKeys(countedBy: body)
    var records: Set<RecordKey> = []
    for key in keys {
      for entry in try view.referrers(of: key) {
        if let record = try view.recordKey(of: entry) { records.insert(record) }
        guard records.count <= maximumComparedVoucherCount else { return nil }
      }
    }
    var vouchers: [JSONObject] = []
    for key in records.sorted() {
      guard let voucher = try view.record(key), let its = voucher.put, its.isVoucher,
        let period = periodKey(its), keys.contains(period),
        try order(voucher, closing, in: view) == .before
      else { continue }
      vouchers.append(its)
    }
    return vouchers
  }

  private static func periodKeys(countedBy body: JSONObject) -> [UniqueKey] {
    if body.text(.closingType) == "period" { return periodKey(body).map { [$0] } ?? [] }
    return months(of: body[.fiscalYear]?.integer ?? 0).map { periodKey(body, $0) }
  }

  private static func months(of year: Int64) -> [Text] {
    (1...12).map { Text("\(year)-\($0 < 10 ? "0" : "")\($0)") }
  }

  /// Numbers of one form have one prefix; the longer number is the later one.
  private static func lastNumbers(_ vouchers: [JSONObject]) -> JSONObject {
    var last = JSONObject()
    for voucher in vouchers {
      guard let form = voucher.text(.voucherForm), let number = voucher.text(.voucherNumber)
      else { continue }
      if let known = last.text(form),
        (known.bytes.count, known) >= (number.bytes.count, number)
      {
        continue
      }
      last[form] = .string(number)
    }
    return last
  }

  /// The closing whose balances this one starts from, when it is here and was written before it:
  /// of the month before; of the year before for January, a year and a handover.
  private static func opening(
    of closing: HeldRecord, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> JSONObject? {
    for key in openingKeys(of: body) {
      let claimants = try view.claimants(of: key)
      guard claimants.count == 1, let before = try view.record(claimants[0]),
        let its = before.put, its.isClosing, closingKey(its) == key,
        try order(before, closing, in: view) == .before
      else { continue }
      return its
    }
    return nil
  }

  private static func openingKeys(of body: JSONObject) -> [UniqueKey] {
    let year = body[.fiscalYear]?.integer ?? 0
    let yearBefore = closingKey(body, .year, Text("\(year - 1)"))
    guard body.text(.closingType) == "period" else { return [yearBefore] }
    let months = months(of: year)
    guard let place = months.firstIndex(where: { $0 == body.text(.accountingPeriod) }) else {
      return []
    }
    if place > 0 { return [closingKey(body, .period, months[place - 1])] }
    return [yearBefore, closingKey(body, .period, Text("\(year - 1)-12"))]
  }

  // MARK: Judging again

  /// A voucher that comes late concerns its closings; a closing concerns the vouchers that are not
  /// clearly before it and the closings that start from it.
  static func periodJudgedWith(
    _ newest: Entry, _ body: JSONObject, in view: some RuleView
  ) throws(StoreError) -> [RecordKey] {
    var related: [RecordKey] = []
    if body.isVoucher {
      for key in closingKeys(ofVoucher: body) { related += try view.claimants(of: key) }
    }
    guard body.isClosing else { return related }
    for key in periodKeys(closedBy: body) {
      for voucher in try view.referrers(of: key) where voucher.origin == newest.origin {
        guard try view.order(voucher, newest.identity) != .before else { continue }
        if let record = try view.recordKey(of: voucher) { related.append(record) }
      }
    }
    for key in followingKeys(of: body) { related += try view.claimants(of: key) }
    return related
  }

  /// The periods in which no voucher may follow this closing. A handover closes all there will ever
  /// be; it happens once in a unit's life, so each of them may be asked.
  private static func periodKeys(closedBy body: JSONObject) -> [UniqueKey] {
    guard body.text(.closingType) == "handover" else { return periodKeys(countedBy: body) }
    return fiscalYears.flatMap(months(of:)).map { periodKey(body, $0) }
  }

  private static func followingKeys(of body: JSONObject) -> [UniqueKey] {
    let year = body[.fiscalYear]?.integer ?? 0
    let january = closingKey(body, .period, Text("\(year + 1)-01"))
    switch body.text(.closingType) {
    case "period"?:
      let months = months(of: year)
      guard let place = months.firstIndex(where: { $0 == body.text(.accountingPeriod) }),
        place + 1 < months.count
      else { return [january] }
      return [closingKey(body, .period, months[place + 1])]
    case "year"?:
      return [
        january, closingKey(body, .year, Text("\(year + 1)")), closingKey(body, .handover, nil),
      ]
    default: return []
    }
  }
}

/// What stands on each account, debits less credits.
private struct Balances {
  private(set) var sums: [Text: Int64] = [:]
  private(set) var isOverflown = false

  mutating func add(_ lines: JSONValue?) {
    for line in (lines?.array ?? []).compactMap(\.object) {
      guard let account = line.text(.account), let amount = line[.amount]?.integer else { continue }
      let signed = line.isDebit ? amount : -amount
      let (sum, overflow) = (sums[account] ?? 0).addingReportingOverflow(signed)
      sums[account] = sum
      isOverflown = isOverflown || overflow
    }
  }
}

extension HeldRecord {
  /// Every entry that wrote what is shown.
  fileprivate var shownPuts: [EntryIdentity] {
    guard let shown else { return [] }
    return entries.filter { $0.header.operation == .put && $0.bodyDigest == shown.bodyDigest }
      .map(\.identity)
  }
}

extension JSONObject {
  var isVoucher: Bool { text(.entryKind) == .voucher }
  var isClosing: Bool { text(.entryKind) == .periodClosing }
  var isAssetCard: Bool { text(.entryKind) == .assetCard }
}
