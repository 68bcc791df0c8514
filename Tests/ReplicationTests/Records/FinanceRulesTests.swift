import Testing

@testable import Replication

/// The rules of finance that one body breaks: each by its own id, in both languages.
@Suite struct FinanceRulesTests {
  static let voucher = Sample.finance[0].put
  static let estimate = Sample.finance[1].put
  static let adjustment = Sample.finance[2].put
  static let card = Sample.finance[3].put
  static let closing = Sample.finance[4].put

  /// The rule that refuses the put; nil when it is lawful.
  static func broken(_ put: JSONObject) -> String? {
    fault { _ = try Submission.read(kind: .finance, operation: .put, json: put.bytes) }
  }

  private static func broken(event: JSONObject) -> String? {
    let id = RecordID("c1aa2b2e-20aa-5a58-b1e8-bc0d776f4c05")
    let json = event.with("eventId", "32df532a-e6cf-50e7-aa35-f0f917743d59").bytes
    return fault {
      _ = try Submission.read(kind: .finance, operation: .append, id: id, json: json)
    }
  }

  private static func fault(_ read: () throws -> Void) -> String? {
    do {
      try read()
      return nil
    } catch RecordError.field(let fault) {
      guard case .broken(let rule, _) = fault.rule else { return fault.description }
      #expect(fault.description.hasSuffix("[\(rule.id)]"))
      #expect(fault.vietnamese.hasSuffix("[\(rule.id)]"))
      return "\(fault.path) \(rule.id)"
    } catch {
      return "\(error)"
    }
  }

  static func line(
    _ number: Int64, _ account: Text, _ side: Text, _ amount: Int64
  ) -> JSONValue {
    .object([
      "lineNo": .integer(number), "account": .string(account), "side": .string(side),
      "amount": .integer(amount),
    ])
  }

  static func lines(_ lines: [JSONValue], total: Int64, of put: JSONObject = voucher) -> JSONObject
  {
    put.with("lines", .array(lines)).with("totalAmount", .integer(total))
  }

  @Test("F1: debits, credits and total are equal outside class 0, which is single-entry")
  func balance() {
    let (debit, credit) = (Self.line(1, "611", "debit", 5), Self.line(2, "1111", "credit", 5))
    let offBalance = Self.line(3, "006", "credit", 9)
    #expect(Self.broken(Self.lines([debit, credit], total: 5)) == nil)
    #expect(Self.broken(Self.lines([debit, credit, offBalance], total: 5)) == nil)
    #expect(Self.broken(Self.lines([offBalance], total: 9)) == nil)
    for wrong in [
      Self.lines([debit, credit], total: 6), Self.lines([offBalance], total: 8),
      Self.lines([debit, Self.line(2, "1111", "credit", 4)], total: 5),
      Self.lines([debit], total: 5),
      Self.lines([debit, credit, Self.line(3, "331", "credit", 9)], total: 5),
    ] { #expect(Self.broken(wrong) == "totalAmount F1") }
  }

  @Test("F2: amounts are not zero, and negative only on a correction; line numbers stand once")
  func amounts() {
    let zero = Self.line(1, "611", "debit", 0)
    #expect(Self.broken(Self.lines([zero], total: 0)) == "lines[0].amount F2")
    // Nor on a correction, which may have negative ones.
    #expect(
      Self.broken(Self.lines([zero], total: 0, of: Self.adjustment)) == "lines[0].amount F2")
    let minus = [Self.line(1, "611", "debit", -5), Self.line(2, "1111", "credit", -5)]
    #expect(Self.broken(Self.lines(minus, total: -5)) == "lines[0].amount F2")
    #expect(Self.broken(Self.lines(minus, total: -5, of: Self.adjustment)) == nil)
    let twice = [Self.line(1, "611", "debit", 5), Self.line(1, "1111", "credit", 5)]
    #expect(Self.broken(Self.lines(twice, total: 5))?.hasPrefix("lines[1].lineNo") == true)
    let most = FinanceRules.maximumLineAmount
    let huge = [Self.line(1, "611", "debit", most + 1), Self.line(2, "1111", "credit", most + 1)]
    #expect(Self.broken(Self.lines(huge, total: most + 1))?.hasPrefix("lines[0].amount") == true)
  }

  @Test("F2: a negative entry is imported history, recorded after its year's adjustment time")
  func negativeEntries() {
    let correction = (Self.adjustment["correction"]?.object ?? JSONObject())
      .with("method", "negativeEntry")
    let put = Self.adjustment.with("correction", .object(correction))
    #expect(Self.broken(put) == "correction.method F2")
    #expect(Self.broken(put.with("recordedAt", nil)) == "correction.method F2")
    // 31 January still, at UTC+7.
    #expect(
      Self.broken(put.with("recordedAt", "2027-01-31T16:59:59Z")) == "correction.method F2")
    #expect(Self.broken(put.with("recordedAt", "2027-01-31T17:00:00Z")) == nil)
  }

  @Test("F7: the posting date lies in the fiscal year or in January after it")
  func postingDates() {
    for (date, isLawful): (JSONValue, Bool) in [
      ("2026-01-01", true), ("2026-12-31", true), ("2027-01-31", true), ("2027-02-01", false),
      ("2025-12-31", false),
    ] {
      let broken = Self.broken(Self.voucher.with("postingDate", date))
      #expect(broken == (isLawful ? nil : "postingDate F7"), "\(date)")
    }
    for put in [Self.voucher, Self.closing] {
      let other = put.with("accountingPeriod", "2027-01")
      #expect(Self.broken(other) == "accountingPeriod F7")
    }
  }

  @Test("F8: the chief accountant and the head of unit both approve")
  func approvals() {
    for put in [Self.voucher, Self.closing] {
      let all = put["approvals"]?.array ?? []
      #expect(Self.broken(put.with("approvals", .array(Array(all.dropFirst())))) == nil)
      for missing in 1...2 {
        var some = all
        some.remove(at: missing)
        #expect(Self.broken(put.with("approvals", .array(some))) == "approvals F8")
      }
    }
  }

  @Test("F9: a card has the least cost and a class of its nature; wear is of December")
  func assets() {
    #expect(Self.broken(Self.cleanCard.with("originalCost", 10_000_000)) == nil)
    #expect(Self.broken(Self.cleanCard.with("originalCost", 9_999_999)) == "originalCost F9")
    let seventh = Self.cleanCard.with("assetClass", 7)
    #expect(Self.broken(seventh) == nil)
    #expect(Self.broken(seventh.with("assetNature", "intangible")) == "assetClass F9")
    let wear = TestNetwork.movement("wear")
    #expect(Self.broken(event: wear) == nil)
    #expect(Self.broken(event: wear.with("date", "2026-11-30")) == "date F9")
    #expect(Self.broken(event: wear.with("amount", -1)) == "amount F9")
    let revaluation = TestNetwork.movement("revaluation").with("amount", -1)
    #expect(Self.broken(event: revaluation) == nil)
  }

  static let cleanCard = card.with("revision", 1)

  @Test("F11: closing balances balance outside class 0")
  func balances() {
    let all = Self.closing["closingBalances"]?.array ?? []
    let offBalance: JSONValue = .object(["account": "006", "side": "debit", "amount": 5])
    let single = all + [offBalance]
    #expect(Self.broken(Self.closing.with("closingBalances", .array(single))) == nil)
    let wrong = Array(all.dropLast())
    #expect(
      Self.broken(Self.closing.with("closingBalances", .array(wrong))) == "closingBalances F11")
  }
}
