import Storage

@testable import Replication

/// One way to break a rule, and what the message must name.
struct BrokenRule: CustomStringConvertible, Sendable {
  let rule: String
  let path: String
  /// The value as English shows it; nil where the field is absent.
  let found: String?
  /// Makes the write; nil when it was taken.
  let provoke: @Sendable () throws -> FieldFault?
  let description: String

  private init(
    _ rule: String, _ path: String, _ found: String?, _ description: String,
    _ provoke: @escaping @Sendable (inout TestNetwork) throws -> FieldFault?
  ) {
    self.rule = rule
    self.path = path
    self.found = found
    self.description = "\(rule): \(description)"
    self.provoke = {
      var network = try TestNetwork(seed: 77)
      return try provoke(&network)
    }
  }

  static let all = documents + directives + vouchers + books + assets

  // MARK: The kit

  private static let centre = TestNetwork.centre
  private static let a = TestNetwork.provinces[0]
  private static let b = TestNetwork.provinces[1]
  private static let c = TestNetwork.provinces[2]

  /// What an application at `site` is told.
  private static func put(
    _ network: inout TestNetwork, _ site: SiteID, _ json: JSONObject
  ) throws -> FieldFault? {
    try fault(&network, site) { () throws(RecordError) in
      try Submission.read(kind: json.record.kind, operation: .put, json: json.bytes)
    }
  }

  private static func append(
    _ network: inout TestNetwork, _ site: SiteID, to record: RecordKey, _ json: JSONObject
  ) throws -> FieldFault? {
    let named = json.with("eventId", network.newID())
    return try fault(&network, site) { () throws(RecordError) in
      try Submission.read(
        kind: record.kind, operation: .append, id: record.id, json: named.bytes)
    }
  }

  private static func fault(
    _ network: inout TestNetwork, _ site: SiteID,
    _ read: () throws(RecordError) -> Submission
  ) throws -> FieldFault? {
    let submission: Submission
    do throws(RecordError) { submission = try read() } catch {
      guard case .field(let fault) = error else { return nil }
      return fault
    }
    guard case .failure(.rule(let fault)) = try network[site].attempt(submission) else {
      return nil
    }
    return fault
  }

  // MARK: Documents

  /// A document of `a` to `b` that has arrived.
  private static func arrived(_ network: inout TestNetwork) throws -> JSONObject {
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    return put
  }

  private static let documents = [
    BrokenRule("D2", "statusCode", "\"03\"", "registered without signatures") { network in
      try network[centre].writeRegistry(TestNetwork.everyone, signatures: .require)
      try network.settle()
      let put = try arrived(&network)
      try network[b].takeFiles()
      return try append(&network, b, to: put.record, TestNetwork.receipt(b, "03"))
    },
    BrokenRule("D3", "statusCode", "\"03\"", "registered without its files") { network in
      let put = try arrived(&network)
      return try append(&network, b, to: put.record, TestNetwork.receipt(b, "03"))
    },
    BrokenRule("D4", "replacementInfo", "a list of 0", "a recall of nothing") { network in
      let put = network.document(from: a, to: [b]).with("businessDocType", 1)
        .with("replacementInfo", .array([]))
      return try Self.put(&network, a, put)
    },
    BrokenRule(
      "D4", "replacementInfo[0].documentId", "\"A99.X,2026/03/02,1-KL/VPTW\"", "a sister's document"
    ) { network in
      let target = try arrived(&network)
      return try put(
        &network, b, network.document(from: b, to: [a], revoking: target["documentId"]))
    },
    BrokenRule("D5", "statusCode", "\"06\"", "work on what was recalled") { network in
      let target = try arrived(&network)
      try network.put(
        a, .document, network.document(from: a, to: [b], revoking: target["documentId"]))
      try network.settle()
      return try append(&network, b, to: target.record, TestNetwork.receipt(b, "06"))
    },
    BrokenRule("D5", "statusCode", "\"13\"", "an answer to what asks nothing") { network in
      let put = try arrived(&network)
      return try append(&network, b, to: put.record, TestNetwork.receipt(b, "13"))
    },
    BrokenRule("D6", "organId", "\"A99.Y\"", "an organ that is no addressee") { network in
      let put = try arrived(&network)
      let receipt = TestNetwork.receipt(b, "02").with("organId", "A99.Y")
      return try append(&network, b, to: put.record, receipt)
    },
    BrokenRule("D7", "description", nil, "refused without a reason") { network in
      let put = try arrived(&network)
      let receipt = TestNetwork.receipt(b, "02").with("description", nil)
      return try append(&network, b, to: put.record, receipt)
    },
    BrokenRule("D10", "promulgationDate", "\"2026-03-02\"", "promulgated after it was recorded") {
      network in
      let put = network.document(from: a, to: [b]).with("recordedAt", "2026-03-01T01:00:00Z")
      return try Self.put(&network, a, put)
    },
    BrokenRule("3.4", "statusCode", "\"06\"", "done before it was registered") { network in
      let put = try arrived(&network)
      return try append(&network, b, to: put.record, TestNetwork.receipt(b, "06"))
    },
  ]

  // MARK: Directives

  /// A task of the centre, led by `a`, coordinated by `b`.
  private static func task(_ network: inout TestNetwork) throws -> RecordKey {
    let put = network.directive(from: centre, lead: a, others: [b])
    try network.put(centre, .directive, put)
    try network.settle()
    return put.record
  }

  private static func lead(_ site: SiteID) -> JSONObject {
    ["leadSite": .string(Text(site.description))]
  }

  /// The events of `before`, each known everywhere, then one that does not fit.
  private static func event(
    _ before: [(SiteID, Text, JSONObject)], then site: SiteID, _ type: Text,
    _ fields: JSONObject = [:]
  ) -> @Sendable (inout TestNetwork) throws -> FieldFault? {
    { network in
      let record = try task(&network)
      for (author, type, fields) in before {
        try network.append(author, to: record, TestNetwork.event(type, by: author, fields))
        try network.settle()
      }
      return try append(
        &network, site, to: record, TestNetwork.event(type, by: site, fields))
    }
  }

  private static let request: JSONValue = "00000000-0000-4000-8000-000000000001"

  private static func decision(_ day: JSONValue) -> JSONObject {
    ["requestEventId": request, "approved": .bool(true), "newDueDate": day]
  }

  private static let asked: (SiteID, Text, JSONObject) = (
    a, "extensionRequested",
    ["eventId": request, "requestedDueDate": "2026-07-31", "reason": "chậm"]
  )

  private static let directives = [
    // At ingest a matter of authority, so only a peer can break it: shown beside its event.
    BrokenRule("T1", "type", "\"cancelled\"", "the lead cancels") { _ in
      var task = TestTask()
      task.tell("nghe-an", "cancelled")
      let flag = task.state().effects.last.flatMap { $0?.flag }
      return flag.flatMap { flag in task.events.last.map { flag.fault(of: $0) } }
    },
    BrokenRule(
      "T1", "type", "\"started\"", "begun after it was cancelled",
      event([(centre, "cancelled", ["reason": "x"])], then: a, "started")),
    BrokenRule(
      "T1", "type", "\"started\"", "begun while suspended",
      event([(centre, "suspended", ["reason": "x"])], then: a, "started")),
    BrokenRule(
      "T1", "type", "\"started\"", "begun after it was reported done",
      event([(a, "completionReported", ["summary": "x"])], then: a, "started")),
    BrokenRule(
      "T3", "type", "\"started\"", "begun by a coordinating site", event([], then: b, "started")),
    BrokenRule(
      "T3", "leadSite", "\"tuyen-quang-2025\"", "assigned to another lead",
      event([(centre, "assigned", lead(a))], then: centre, "assigned", lead(c))),
    BrokenRule(
      "T3", "type", "\"started\"", "begun by the old lead",
      event(
        [(a, "accepted", [:]), (centre, "reassigned", lead(b))], then: a, "started")),
    BrokenRule(
      "T4", "requestEventId", "\"00000000-0000-4000-8000-000000000001\"", "no such request",
      event([], then: centre, "extensionDecided", decision("2026-07-01"))),
    BrokenRule(
      "T4", "requestEventId", "\"00000000-0000-4000-8000-000000000001\"", "decided before",
      event(
        [asked, (centre, "extensionDecided", decision("2026-07-31"))], then: centre,
        "extensionDecided", decision("2026-08-31"))),
    BrokenRule(
      "T4", "newDueDate", "\"2026-01-02\"", "a due date that is no later",
      event([asked], then: centre, "extensionDecided", decision("2026-01-02"))),
    BrokenRule(
      "T7", "type", "\"completionConfirmed\"", "confirmed without a report",
      event([], then: centre, "completionConfirmed")),
    BrokenRule("9.3", "dueDate", "\"2027-06-30\"", "a later revision moves the due date") {
      network in
      let first = network.directive(from: centre, lead: a)
      try network.put(centre, .directive, first)
      return try put(
        &network, centre, first.with("revision", 2).with("dueDate", "2027-06-30"))
    },
  ]

  // MARK: Finance

  private typealias Finance = FinanceRulesTests

  private static let debit = Finance.line(1, "611", "debit", 5)
  private static let credit = Finance.line(2, "1111", "credit", 5)

  private static func body(
    _ rule: String, _ path: String, _ found: String?, _ description: String, _ json: JSONObject
  ) -> BrokenRule {
    BrokenRule(rule, path, found, description) { network in try put(&network, a, json) }
  }

  private static let vouchers = [
    body(
      "F1", "totalAmount", "6", "a total that is no sum",
      Finance.lines([debit, credit], total: 6)),
    body(
      "F2", "lines[0].amount", "0", "a line of nothing",
      Finance.lines([Finance.line(1, "611", "debit", 0)], total: 0)),
    body(
      "F2", "lines[0].amount", "-5", "a negative line that corrects nothing",
      Finance.lines(
        [Finance.line(1, "611", "debit", -5), Finance.line(2, "1111", "credit", -5)], total: -5)),
    body(
      "F2", "correction.method", "\"negativeEntry\"", "a negative entry in an open year",
      Finance.adjustment.with(
        "correction",
        .object(
          (Finance.adjustment["correction"]?.object ?? JSONObject())
            .with("method", "negativeEntry")))),
    body(
      "F7", "postingDate", "\"2027-02-01\"", "posted after January",
      Finance.voucher.with("postingDate", "2027-02-01")),
    body(
      "F7", "accountingPeriod", "\"2027-01\"", "a period of another year",
      Finance.voucher.with("accountingPeriod", "2027-01")),
    body(
      "F8", "approvals", "a list of 1", "no chief accountant",
      Finance.voucher.with(
        "approvals", .array(Array((Finance.voucher["approvals"]?.array ?? []).prefix(1))))),
  ]

  /// A voucher of `a` in its books, and one that adjusts it by `amount`.
  private static func adjusting(
    _ network: inout TestNetwork, _ voucher: JSONObject, _ number: Text, _ amount: Int64,
    isFullReversal: Bool = false
  ) -> JSONObject {
    FinanceBetweenRecordsTests().adjustment(
      &network, of: voucher, number: number, amount: amount, isFullReversal: isFullReversal)
  }

  /// A voucher that was reversed in full, and an adjustment of it after that.
  private static func afterReversal(isFullReversal: Bool)
    -> @Sendable (
      inout TestNetwork
    ) throws -> FieldFault?
  {
    { network in
      let voucher = network.voucher(of: a, number: "1").with("recordId", request)
      try network.put(a, .finance, voucher)
      let full = adjusting(&network, voucher, "2", -12_540_000, isFullReversal: true)
      try network.put(a, .finance, full)
      return try put(
        &network, a,
        adjusting(&network, voucher, "3", -12_540_000, isFullReversal: isFullReversal))
    }
  }

  private static let books = [
    BrokenRule("F4", "accountingPeriod", "\"2026-05\"", "a voucher of a closed period") { network in
      try network.put(a, .finance, network.voucher(of: a, number: "1"))
      let closing = FinanceBetweenRecordsTests().closing(&network)
      try network.put(a, .finance, closing)
      return try put(&network, a, network.voucher(of: a, number: "2"))
    },
    BrokenRule("F5", "correction.adjustsRecordId", "\(shown(request))", "a card is adjusted") {
      network in
      let card = network.assetCard(of: a).with("recordId", request)
      try network.put(a, .finance, card)
      return try put(&network, a, adjusting(&network, card, "2", 1))
    },
    BrokenRule("F6", "correction.adjustsRecordId", "\(shown(request))", "not brought to zero") {
      network in
      let voucher = network.voucher(of: a, number: "1").with("recordId", request)
      try network.put(a, .finance, voucher)
      return try put(&network, a, adjusting(&network, voucher, "2", -1, isFullReversal: true))
    },
    BrokenRule(
      "F6", "correction.adjustsRecordId", "\(shown(request))", "reversed twice",
      afterReversal(isFullReversal: true)),
    BrokenRule(
      "F6", "correction.adjustsRecordId", "\(shown(request))", "adjusted after its reversal",
      afterReversal(isFullReversal: false)),
    BrokenRule("F11", "voucherCount", "2", "a closing that counts another voucher") { network in
      try network.put(a, .finance, network.voucher(of: a, number: "1"))
      let closing = FinanceBetweenRecordsTests().closing(&network, count: 2)
      return try put(&network, a, closing)
    },
    body(
      "F11", "closingBalances", "a list of 1", "balances that do not balance",
      Finance.closing.with(
        "closingBalances",
        .array([.object(["account": "611", "side": "debit", "amount": 5])]))),
  ]

  private static func shown(_ value: JSONValue) -> String { "\"\(value.text?.string ?? "")\"" }

  private static func movement(
    _ rule: String, _ path: String, _ found: String, _ description: String, _ json: JSONObject
  ) -> BrokenRule {
    BrokenRule(rule, path, found, description) { network in
      let card = network.assetCard(of: a)
      try network.put(a, .finance, card)
      return try append(&network, a, to: card.record, json)
    }
  }

  private static let assets = [
    body(
      "F9", "originalCost", "9999999", "a thing too cheap for a fixed asset",
      Finance.cleanCard.with("originalCost", 9_999_999)),
    body(
      "F9", "assetClass", "7", "a class of another nature",
      Finance.cleanCard.with("assetClass", 7).with("assetNature", "intangible")),
    movement(
      "F9", "date", "\"2026-11-30\"", "wear in November",
      TestNetwork.movement("wear").with("date", "2026-11-30")),
    movement(
      "F9", "amount", "-1", "negative wear", TestNetwork.movement("wear").with("amount", -1)),
    movement(
      "F9", "amount", "621500001", "more wear than cost",
      TestNetwork.movement("wear").with("amount", 621_500_001)),
    BrokenRule("F10", "amount", "621500000", "the whole leaves after a part") { network in
      let card = network.assetCard(of: a)
      try network.put(a, .finance, card)
      try network.append(a, to: card.record, TestNetwork.movement("transferredOut", to: b))
      let whole = TestNetwork.movement("transferredOut", to: c).with("amount", 621_500_000)
      return try append(&network, a, to: card.record, whole)
    },
    BrokenRule("F10", "amount", "8", "half a transfer of another amount") { network in
      let card = network.assetCard(of: a)
      try network.put(a, .finance, card)
      let out = TestNetwork.movement("transferredOut", to: b).with("eventId", request)
      try network.append(a, to: card.record, out)
      try network.settle()
      let half = TestNetwork.movement("received", to: b).with("transferMovementId", request)
        .with("fromSite", .string(Text(a.description))).with("amount", 8)
      return try append(&network, b, to: card.record, half)
    },
  ]
}
