import Storage
import Testing

@testable import Replication

/// F3-F6 and F9-F13: what vouchers, closings and movements say against each other, at ingest and in
/// whatever order they come.
@Suite struct FinanceBetweenRecordsTests {
  typealias Rules = FinanceRulesTests
  let owner = TestNetwork.provinces[0]
  let receiver = TestNetwork.provinces[1]

  func closing(
    _ network: inout TestNetwork, month: Text = "2026-05", type: Text = "period",
    count: Int64 = 1, last: JSONObject = ["C41-BB": "1"], balances: [JSONValue] = []
  ) -> JSONObject {
    Rules.closing.with("recordId", network.newID())
      .with("ownerSite", .string(Text(owner.description)))
      .with("accountingUnit", network.voucher(of: owner, number: "0")["accountingUnit"])
      .with("fiscalYear", 2026).with("accountingPeriod", .string(month))
      .with("closingType", .string(type)).with("closingDate", "2026-06-01")
      .with("voucherCount", .integer(count)).with("lastVoucherNumbers", .object(last))
      .with("closingBalances", .array(balances))
  }

  func adjustment(
    _ network: inout TestNetwork, of voucher: JSONObject, number: Text, amount: Int64,
    isFullReversal: Bool = false
  ) -> JSONObject {
    let correction: JSONObject = [
      "method": "adjustment", "adjustsRecordId": voucher["recordId"] ?? .null,
      "fullReversal": .bool(isFullReversal), "reason": "sai",
    ]
    let put = network.voucher(of: owner, number: number)
      .with("correction", .object(correction))
    let lines = (put["lines"]?.array ?? []).compactMap(\.object)
      .map { JSONValue.object($0.with("amount", .integer(amount))) }
    return Rules.lines(lines, total: amount, of: put)
  }

  /// Which rule refuses the write here; nil when it is written.
  private func refusal(
    _ network: inout TestNetwork, _ put: JSONObject, by author: SiteID? = nil
  ) throws -> String? {
    let submission = try Submission.read(kind: .finance, operation: .put, json: put.bytes)
    switch try network[author ?? owner].attempt(submission) {
    case .success: return nil
    case .failure(.rule(let fault)):
      guard case .broken(let rule, _) = fault.rule else { return fault.description }
      return rule.id
    case .failure(let other): return "\(other)"
    }
  }

  /// The standings of these records at a fresh centre, the same in every order of arrival.
  private func standings(
    _ network: inout TestNetwork, _ records: [JSONObject]
  ) throws -> [[OutcomeCode]] {
    try network.settle()
    let entries = try network.centre.entries()
    let registry = entries.filter { $0.header.record?.kind == .registry }
    let others = entries.filter { $0.header.record?.kind != .registry }
    var expected: [[OutcomeCode]]?
    for _ in 0..<12 {
      var centre = TestSite(
        TestNetwork.centre, centre: TestNetwork.centre, random: &network.random)
      for entry in registry { try centre.receive(entry, from: entry.origin, isRecovering: true) }
      try centre.retryWaiting()
      for entry in others.filter({ $0.header.record == nil }) {
        try centre.receive(entry, from: entry.origin, isRecovering: true)
      }
      for entry in others.filter({ $0.header.record != nil }).shuffled(using: &network.random) {
        try centre.receive(entry, from: entry.origin, isRecovering: true)
      }
      let found = try records.map { try centre.store.summary(of: $0.record)?.conflicts ?? [.none] }
      #expect(expected == nil || expected == found)
      expected = expected ?? found
    }
    return expected ?? []
  }

  @Test("F3: a second voucher under one number is a conflict at both; so is a second closing")
  func numbers() throws {
    var network = try TestNetwork(seed: 3)
    let puts = [network.voucher(of: owner, number: "1"), network.voucher(of: owner, number: "1")]
    for put in puts { try network.put(owner, .finance, put) }
    let closings = (0..<2).map { _ in closing(&network, month: "2026-04", count: 0, last: [:]) }
    for put in closings { try network.put(owner, .finance, put) }
    let found = try standings(&network, puts + closings)
    #expect(found == Array(repeating: [.duplicateKey], count: 4))
  }

  @Test("F4: a voucher after its period's closing is refused, one sequenced before is accepted")
  func closedPeriod() throws {
    for type: Text in ["period", "year", "handover"] {
      var network = try TestNetwork(seed: 4)
      let before = network.voucher(of: owner, number: "1")
      try network.put(owner, .finance, before)
      network.start(owner)
      let end = closing(&network, type: type)
      try network.put(owner, .finance, end)
      let late = network.voucher(of: owner, number: "2")
      #expect(try refusal(&network, late) == "F4", "\(type)")
      #expect(try standings(&network, [before, end]) == [[], []], "\(type)")
      let june = late.with("accountingPeriod", "2026-06")
      #expect(try refusal(&network, june) == (type == "period" ? nil : "F4"))
    }
  }

  @Test("F4: on two branches of one log a voucher and its closing have no order")
  func branches() throws {
    var network = try TestNetwork(seed: 5)
    try network.put(owner, .finance, network.voucher(of: owner, number: "1"))
    let backup = network[owner]
    network.start(owner)
    let end = closing(&network)
    try network.put(owner, .finance, end)
    try network.settle()
    network[owner] = backup
    network.start(owner)
    let other = network.voucher(of: owner, number: "2")
    let entry = try network.put(owner, .finance, other)
    let entries = try network[owner].entries().filter {
      $0.identity.incarnation == entry.identity.incarnation
    }
    for entry in entries { try network.centre.receive(entry, from: owner, isRecovering: true) }
    #expect(try standings(&network, [end, other]) == [[], [.periodUnordered]])
  }

  @Test("F4: a voucher that a peer sends after the closing is kept in the open")
  func receivedAfterClosing() throws {
    var network = try TestNetwork(seed: 6)
    let first = network.voucher(of: owner, number: "1")
    try network.put(owner, .finance, first)
    let backup = network[owner]
    let late = network.voucher(of: owner, number: "2")
    let later = try network.put(owner, .finance, late)
    let entry = try #require(try network[owner].store.entry(later.identity))
    network[owner] = backup
    let end = closing(&network)
    // One number lower: the closing stands before it in the same life.
    let closed = try network.put(owner, .finance, end)
    #expect(closed.identity.sequence == entry.identity.sequence)
    let moved = Entry(
      authoring: EntryHeader(
        identity: EntryIdentity(
          origin: owner, incarnation: closed.identity.incarnation,
          sequence: closed.identity.sequence.next),
        time: entry.header.time, operation: .put, record: entry.header.record,
        subject: entry.header.subject, parents: [], depth: entry.header.depth,
        registry: entry.header.registry, lane: entry.header.lane, secrecy: .none, audience: []),
      body: try #require(entry.body), hashing: TestSite.hashing)
    try network.settle()
    try network.centre.receive(moved, from: owner)
    #expect(try standings(&network, [first, end, late]) == [[], [], [.periodClosed]])
  }

  @Test("F5: what is adjusted is a voucher of the same unit; an unknown one is waited for")
  func adjusted() throws {
    var network = try TestNetwork(seed: 7)
    let voucher = network.voucher(of: owner, number: "1")
    let card = network.assetCard(of: owner)
    try network.put(owner, .finance, card)
    let ofCard = adjustment(&network, of: card, number: "2", amount: 1)
    #expect(try refusal(&network, ofCard) == "F5")
    let early = adjustment(&network, of: voucher, number: "3", amount: 1)
    let held = try network.put(owner, .finance, early)
    #expect(held.state == .held && held.code == .referenceMissing)
    let unit = (voucher["accountingUnit"]?.object ?? JSONObject())
      .with("budgetUnitCode", "1990021")
    try network.put(owner, .finance, voucher.with("accountingUnit", .object(unit)))
    #expect(try standings(&network, [early]) == [[.adjustsForeign]])
  }

  @Test("F6: a full reversal brings all to zero, stands once, and nothing adjusts after it")
  func reversals() throws {
    var network = try TestNetwork(seed: 8)
    let voucher = network.voucher(of: owner, number: "1")
    let less = adjustment(&network, of: voucher, number: "2", amount: -90_000)
    for put in [voucher, less] { try network.put(owner, .finance, put) }
    network.start(owner)
    let short = adjustment(
      &network, of: voucher, number: "3", amount: -12_540_000, isFullReversal: true)
    #expect(try refusal(&network, short) == "F6")
    let full = adjustment(
      &network, of: voucher, number: "3", amount: -12_450_000, isFullReversal: true)
    #expect(try refusal(&network, full) == nil)
    let again = adjustment(
      &network, of: voucher, number: "4", amount: -12_450_000, isFullReversal: true)
    #expect(try refusal(&network, again) == "F6")
    #expect(try refusal(&network, again.with("correction", less["correction"])) == "F6")
    #expect(try standings(&network, [voucher, less, full]) == [[], [], []])
    let derived = try network.centre.content(voucher.record)?.json["derived"]?.object
    #expect(derived?["reversedBy"] == .array([full["recordId"] ?? .null]))
    #expect(derived?["adjustedBy"]?.array?.count == 2)
  }

  @Test("F9: wear never exceeds the cost; a fold saturates and flags")
  func wear() throws {
    var network = try TestNetwork(seed: 9)
    let card = network.assetCard(of: owner)
    try network.put(owner, .finance, card)
    try network.append(
      owner, to: card.record, TestNetwork.movement("wear").with("amount", 621_500_000))
    #expect(throws: TestError.self) {
      try network.append(owner, to: card.record, TestNetwork.movement("wear"))
    }
    let id = try #require(try Sample.finance[3].foldedEvents().first?.id)
    let much = FoldedEvent(
      id: id, operation: .append, author: owner,
      body: TestNetwork.movement("wear").with("amount", 621_500_001))
    let value = AssetValue(card: card, events: [much])
    #expect(value.remainingValue == 0 && value.flagged.map(\.id) == [id])
  }

  @Test("F10: a transfer is in transit until its other half comes with the same amount")
  func transfers() throws {
    var network = try TestNetwork(seed: 10)
    let card = network.assetCard(of: owner)
    try network.put(owner, .finance, card)
    let id = network.newID()
    try network.append(
      owner, to: card.record,
      TestNetwork.movement("transferredOut", to: receiver).with("eventId", id))
    try network.settle()
    let transit = try network.centre.content(card.record)?.json["derived"]?.object?["inTransit"]
    #expect(transit?.array?.first?.object?["movementId"] == id && transit?.array?.count == 1)
    let half = TestNetwork.movement("received", to: receiver).with("transferMovementId", id)
      .with("fromSite", .string(Text(owner.description)))
    #expect(throws: TestError.self) {
      try network.append(receiver, to: card.record, half.with("amount", 8))
    }
    try network.append(receiver, to: card.record, half)
    #expect(throws: TestError.self) { try network.append(receiver, to: card.record, half) }
    try network.settle()
    let derived = try network.centre.content(card.record)?.json["derived"]?.object
    #expect(derived?["inTransit"] == nil && derived?["flaggedEventIds"] == nil)
    #expect(derived?["cost"] == card["originalCost"])
  }

  @Test("F11: a closing matches the vouchers' count, last numbers and balances")
  func totals() throws {
    var network = try TestNetwork(seed: 11)
    let books: [JSONValue] = [
      .object(["account": "611", "side": "debit", "amount": 7]),
      .object(["account": "1111", "side": "credit", "amount": 7]),
    ]
    let april = closing(
      &network, month: "2026-04", count: 3, last: ["C41-BB": "9"], balances: books)
    #expect(try refusal(&network, april) == nil)
    let voucher = network.voucher(of: owner, number: "10")
    try network.put(owner, .finance, voucher)
    let after: [JSONValue] = [
      .object(["account": "611", "side": "debit", "amount": 12_540_007]),
      .object(["account": "1111", "side": "credit", "amount": 12_540_007]),
    ]
    let may = closing(&network, count: 1, last: ["C41-BB": "10"], balances: after)
    #expect(try refusal(&network, may.with("voucherCount", 2)) == "F11")
    let other: JSONObject = ["C41-BB": "9"]
    #expect(try refusal(&network, may.with("lastVoucherNumbers", .object(other))) == "F11")
    #expect(try refusal(&network, may.with("closingBalances", .array(books))) == "F11")
    #expect(try refusal(&network, may) == nil)
    #expect(try standings(&network, [april, voucher, may]) == [[], [], []])
    let derived = try network.centre.content(may.record)?.json["derived"]
    #expect(derived == .object(["matches": .bool(true)]))
  }

  @Test("F12: a posted voucher is neither withdrawn nor put again")
  func permanence() throws {
    var network = try TestNetwork(seed: 12)
    let voucher = network.voucher(of: owner, number: "1")
    try network.put(owner, .finance, voucher)
    let withdrawal: JSONObject = ["recordId": voucher["recordId"] ?? .null, "revision": 2]
    #expect(throws: TestError.self) {
      try network.write(owner, .finance, .withdraw, withdrawal)
    }
    let changed = voucher.with("revision", 2).with("description", "khác")
    #expect(try refusal(&network, changed)?.contains("notAllowed") == true)
  }

  @Test("F13: the centre writes no province's entry")
  func authority() throws {
    var network = try TestNetwork(seed: 13)
    let voucher = network.voucher(of: owner, number: "1").with("ownerSite", nil)
    #expect(
      try refusal(&network, voucher, by: TestNetwork.centre)?.contains("notAllowed") == true)
    let card = network.assetCard(of: owner)
    try network.put(owner, .finance, card)
    try network.settle()
    #expect(throws: TestError.self) {
      try network.append(TestNetwork.centre, to: card.record, TestNetwork.movement("wear"))
    }
  }
}
