import Storage
import Testing

@testable import Replication

/// What becomes of one entry or one write, case by case.
@Suite struct BehaviourTests {
  private let centre = TestNetwork.centre
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]
  private let c = TestNetwork.provinces[2]

  // MARK: Entries from a peer

  /// A lawful voucher of `a`, changed in one way, as the centre sees it.
  /// Kills: any of the guards of `decide` and `judge` left out.
  @Test(arguments: Spoiled.allCases) func spoiledEntries(spoiled: Spoiled) throws {
    var network = try TestNetwork(seed: 3)
    let put = network.document(from: a, to: [b])
    let lawful = try network.draft(a, .document, .put, put)
    var header = lawful.header
    var body = lawful.body ?? []
    var via = a
    switch spoiled {
    case .secret: header.secrecy = .mat
    case .foreignOrigin: via = b
    case .unknownSite: header.audience = [SiteID("nowhere") ?? a]
    case .audience: header.audience = [a, c].sorted()
    case .body: body = Array("{}".utf8)
    case .notJSON: body = Array("{".utf8)
    case .operation: header.operation = .unknown(9)
    case .reserved: header.operation = .offer
    case .subject: header.subject = .event(EventID(UniqueID(Bytes16(high: 1, low: 1))))
    case .speaker:
      header.identity = EntryIdentity(
        origin: c, incarnation: header.identity.incarnation, sequence: header.identity.sequence)
      via = c
    case .registry: header.registry = RegistryRevision(number: 9, digest: .zero)
    }
    let entry = Entry(authoring: header, body: body, hashing: TestSite.hashing)
    let result = try network.centre.receive(entry, from: via)
    let (state, code) = spoiled.expected
    #expect(result.state == state && result.code == code)
    // The carrier hears of it, who is the origin too unless the origin is only claimed. Kills:
    // `foreignOrigin` reported like the other refusals.
    #expect(try network.centre.outcomes(for: via).last?.code == code)
    #expect(try via == entry.origin || network.centre.outcomes(for: entry.origin).isEmpty)
    // Refused whole, nothing stored; what waits has no row, and both are sent to nobody.
    let isKept = state != .refused
    #expect(try (network.centre.store.entry(entry.identity) != nil) == isKept)
    #expect(try network.centre.store.recipients(of: entry.identity) == nil)
    #expect(try network.centre.store.summary(of: put.record) == nil)
    #expect(
      try network.centre.receive(entry, from: via).isDuplicate == isKept)
  }

  enum Spoiled: CaseIterable {
    case secret, foreignOrigin, unknownSite, audience, body, notJSON, operation, reserved, subject
    case speaker, registry

    var expected: (OutcomeState, OutcomeCode) {
      switch self {
      case .secret: (.refused, .secrecy)
      case .foreignOrigin: (.refused, .foreignOrigin)
      case .unknownSite: (.quarantined, .unknownSite)
      case .audience: (.quarantined, .audienceMismatch)
      case .body, .notJSON, .subject: (.quarantined, .malformed)
      case .operation, .reserved: (.quarantined, .unknownOperation)
      case .speaker: (.quarantined, .notAllowed)
      case .registry: (.held, .registryMissing)
      }
    }
  }

  /// A receipt is for issuer, author and centre: another addressee quarantines it. Kills: receipts
  /// sharing the record's audience in `route` or in `isEntitled`.
  @Test func receiptsGoToIssuerAuthorAndCentreOnly() throws {
    var network = try TestNetwork(seed: 4)
    let put = network.document(from: a, to: [b, c])
    try network.put(a, .document, put)
    try network.settle()
    // The one of its arrival, which b writes by itself.
    let receipt = try #require(
      try network[b].store.entries(of: put.record).first { $0.origin == b })
    for id in TestNetwork.everyone {
      let isHeld = try network[id].store.recipients(of: receipt.identity) != nil
      #expect(isHeld == [a, b, centre].contains(id))
    }
    let entry = try #require(try network.centre.store.entry(receipt.identity))
    #expect(try network[c].receive(entry, from: centre).code == .notEntitled)
    #expect(try network[c].outcomes(for: centre).last?.code == .notEntitled)
  }

  /// Causality first: who had seen the other's word has the last one, however far a clock is off.
  /// Kills: the clock before the depth in `foldPosition`.
  @Test func theLastWordIsOfWhoHadSeenTheOther() throws {
    var network = try TestNetwork(seed: 51)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    let day: UInt64 = 86_400_000_000
    network[a].now = WallTime(microseconds: network[a].now.microseconds + day)
    try network.annotate(a, put.record, keywords: ["trước"])
    try network.settle()
    try network.annotate(centre, put.record, keywords: ["sau"])
    try network.settle()
    for id in [a, b, centre] {
      #expect(try network[id].content(put.record)?.json["keywords"] == .array(["sau"]))
    }
  }

  @Test func authority() throws {
    var network = try TestNetwork(seed: 5)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    // c, to whom it is not addressed, claims the record and signs a receipt for it.
    let usurped = network.document(from: c, to: [b]).with("recordId", put["recordId"])
    var other = network
    other.start(c)
    let claim = try other.draft(c, .document, .put, usurped)
    #expect(try network.centre.receive(claim, from: c).code == .notOwner)
    // Another life, so that no two of its entries share an identity.
    var third = other
    third.start(c)
    let receipt = try third.draft(
      c, .document, .append, TestNetwork.receipt(c).with("eventId", network.newID()),
      id: put.record.id)
    let refused = try network.centre.receive(receipt, from: c)
    #expect(refused.state == .quarantined && refused.code == .notAllowed)
    #expect(try network.centre.outcomes(for: c).map(\.code) == [.notOwner, .notAllowed])
    // It becomes lawful when c is addressed, and c hears of it. Kills: `retryWaiting` left out.
    try network.append(a, to: put.record, TestNetwork.addressed([c]))
    try network.settle()
    let last = try network.centre.outcomes(for: c).last { $0.entry == receipt.identity }
    #expect(last?.state == .applied)
    #expect(try network.centre.store.recipients(of: receipt.identity) == Recipients([a]))
  }

  /// Two bodies under one event id are a conflict, seen when the second comes. Kills: `conflict` not
  /// asking whether an event's id is in use.
  @Test func oneEventIDTwice() throws {
    var network = try TestNetwork(seed: 8)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    let body = TestNetwork.receipt(b).with("eventId", network.newID())
    let first = try network.draft(b, .document, .append, body, id: put.record.id)
    let other = try network.draft(
      b, .document, .append, body.with("description", "khác"), id: put.record.id)
    var header = other.header
    header.identity = EntryIdentity(
      origin: b, incarnation: header.identity.incarnation, sequence: header.identity.sequence.next)
    let second = Entry(authoring: header, body: other.body ?? [], hashing: TestSite.hashing)
    #expect(try network.centre.receive(first, from: b).state == .applied)
    let result = try network.centre.receive(second, from: b)
    #expect(result.state == .conflict && result.code == .fork)
    #expect(try network.centre.store.summary(of: put.record)?.conflicts == [.fork])
  }

  /// An event keeps to the lane of its record. A put in another lane is a fork's other half: it is
  /// placed, so that the conflict shows at every site. Kills: the lane not asked of events; a put
  /// refused for its lane.
  @Test func otherLane() throws {
    var network = try TestNetwork(seed: 5)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    try network.settle()
    let receipt = try network.draft(
      b, .document, .append, TestNetwork.receipt(b).with("eventId", network.newID()),
      id: put.record.id)
    var header = receipt.header
    header.lane = .urgent
    let fast = Entry(authoring: header, body: receipt.body ?? [], hashing: TestSite.hashing)
    let refused = try network.centre.receive(fast, from: b)
    #expect(refused.state == .quarantined && refused.code == .laneMismatch)
    #expect(try network.centre.store.summary(of: put.record)?.conflicts == [])

    // Only a restored site writes its first revision twice; a priority makes the lane urgent.
    let again = try network.draft(a, .document, .put, put.with("priority", 1))
    #expect(again.header.lane == .urgent)
    let placed = try network.centre.receive(again, from: a)
    #expect(placed.state == .conflict && placed.code == .severalPuts)
    try network.settle()
    for id in [centre, b] {
      let summary = try network[id].store.summary(of: put.record)
      #expect(summary?.conflicts == [.severalPuts] && summary?.lane == .normal)
      #expect(try network[id].store.recipients(of: again.identity) != nil)
    }
  }

  // MARK: The registry

  @Test func registryMissingThenApplied() throws {
    var network = try TestNetwork(seed: 6)
    try network.centre.writeRegistry(TestNetwork.everyone)
    let put = network.document(from: centre, to: [a])
    let document = try network.put(centre, .document, put)
    let entries = try network.centre.entries()
    let entry = try #require(entries.first { $0.identity == document.identity })
    #expect(try network[a].receive(entry, from: centre).code == .registryMissing)
    #expect(try network[a].store.recipients(of: document.identity) == nil)
    try network.settle()
    #expect(try network[a].store.recipients(of: document.identity) != nil)
    #expect(try network[a].outcomes(for: centre).map(\.state) == [.held, .applied])
    #expect(try network.centre.outcome(of: document.identity, by: a)?.state == .applied)
  }

  @Test func registryIsSignedByAPinnedKeyOfTheCentre() throws {
    var network = try TestNetwork(seed: 7)
    let wrong: [UInt8] = Array("another key".utf8)
    let result = try network.centre.attempt(
      TestRegistry.submission(TestNetwork.everyone, centre: centre, number: 2, key: wrong))
    #expect(result == .failure(.notAllowed(.registrySignature)))
    #expect(throws: TestError.self) { try network[a].writeRegistry(TestNetwork.everyone) }
    // Its number is one above the one it was written under.
    let late = try network.draft(
      centre, TestRegistry.submission(TestNetwork.everyone, centre: centre, number: 3))
    #expect(try network[a].receive(late, from: centre).code == .notOwner)
  }

  /// Kills: `isAheadOfCentre` left out.
  @Test func rolledBackCentreAsksBeforeItTakesARegistryBack() throws {
    var network = try TestNetwork(seed: 8)
    let backup = network.centre
    let second = try network.centre.writeRegistry(TestNetwork.everyone)
    try network.settle()
    let entry = try #require(try network[a].store.entry(second.identity))
    network.centre = backup
    network.start(centre)
    #expect(try network.centre.receive(entry, from: a).code == .foreignOrigin)
    let result = try network.centre.receive(entry, from: a, isRecovering: true)
    #expect(result.state == .quarantined && result.code == .registryAhead)
    #expect(try network.centre.store.siteState().registry.number == 1)
    try network.centre.retryWaiting()
    #expect(try network.centre.store.siteState().registry.number == 2)
  }

  // MARK: Authoring

  @Test func authoringRefusals() throws {
    var bare = TestNetwork(bare: 9)
    let early = try Submission.read(
      kind: .finance, operation: .put, json: bare.voucher(of: a, number: "1").bytes)
    #expect(try bare[a].attempt(early) == .failure(.noRegistry))

    var network = try TestNetwork(seed: 9)
    let put = network.document(from: a, to: [b])
    let first = try network.put(a, .document, put)
    let again = try network.put(a, .document, put)
    #expect(again.identity == first.identity && again.isRepeat && !first.isRepeat)
    func attempt(
      _ id: SiteID, _ operation: Replication.Operation, _ json: JSONObject
    ) throws -> AuthoringRefusal? {
      let submission = try Submission.read(
        kind: .document, operation: operation, id: put.record.id, json: json.bytes)
      switch try network[id].attempt(submission) {
      case .success: return nil
      case .failure(let refusal): return refusal
      }
    }
    #expect(try attempt(a, .put, put.with("pageAmount", 7)) == .usedBefore(first.identity))
    #expect(
      try attempt(a, .put, put.with("revision", 5)) == .revisionExpected(Revision(2)))
    #expect(try attempt(b, .put, put.with("revision", 2)) == .notOwner(a))
    let receipt = TestNetwork.receipt(b).with(
      "eventId", "00000000-0000-0000-0000-000000000009")
    #expect(try attempt(b, .append, receipt) == .notHere(put.record))
    #expect(
      try attempt(
        a, .append,
        TestNetwork.addressed([site("ca-mau")]).with(
          "eventId", "00000000-0000-0000-0000-000000000008")) == .unknownSite(site("ca-mau")))
    let parent = JSONValue.string(Text(Digest.zero.description))
    #expect(
      try attempt(a, .put, put.with("revision", 2).with("parents", .array([parent])))
        == .unknownParent(.zero))
    try network[a].transact { reconciler, _ in
      reconciler.log.lock(.restoredByCommand, unconfirmed: [centre])
    }
    #expect(try attempt(a, .put, put) == .locked(.restoredByCommand))
  }

  /// What others wrote counts too: a site adds nothing to what is full.
  @Test func aFullRecordTakesNoMore() throws {
    var network = try TestNetwork(seed: 9)
    let put = network.document(from: a, to: [b])
    try network.put(a, .document, put)
    var others = RandomRecord(put.record)
    try network[a].transact { reconciler, store in
      for number in 2..<UInt64(entriesOfFullRecord) {
        let event = others.event(number, parents: [], body: number)
        try reconciler.log.append(event, recipients: .none, via: nil, isNew: true, in: &store)
      }
    }
    let last = try network.append(a, to: put.record, TestNetwork.addressed([b]))
    #expect(last.state == .applied)
    let more = try Submission.read(
      kind: .document, operation: .append, id: put.record.id,
      json: TestNetwork.addressed([b]).with("eventId", network.newID()).bytes)
    #expect(
      try network[a].attempt(more) == .failure(.recordFull(limit: entriesOfFullRecord)))
  }

  // MARK: Conflicts

  /// Kills: `isDecided` satisfied by one put; outcomes not reported at the end of a conflict.
  @Test func oneNumberTwiceIsInConflictUntilTheOwnerDecides() throws {
    var network = try TestNetwork(seed: 10)
    let vouchers = (0..<3).map { _ in network.voucher(of: a, number: "PC1") }
    var puts = try vouchers.prefix(2).map { try network.put(a, .finance, $0) }
    #expect(puts[0].state == .applied && puts[1].code == .duplicateKey)
    try network.settle()
    try expectConflicts([[.duplicateKey], [.duplicateKey]])
    #expect(try network[a].outcome(of: puts[0].identity, by: centre)?.code == .duplicateKey)
    let keep: JSONValue = vouchers[0]["recordId"] ?? .null
    let half = TestNetwork.decision(keep: keep, parents: [puts[1].digest])
    try network.append(a, to: vouchers[0].record, half)
    try expectConflicts([[.duplicateKey], [.duplicateKey]])
    try network.append(
      a, to: vouchers[0].record,
      TestNetwork.decision(keep: keep, parents: puts.map(\.digest)))
    try network.settle()
    try expectConflicts([[], []])
    for put in puts {
      #expect(try network[a].outcome(of: put.identity, by: centre)?.state == .applied)
    }
    puts.append(try network.put(a, .finance, vouchers[2]))
    try network.settle()
    try expectConflicts([[.duplicateKey], [.duplicateKey], [.duplicateKey]])
    try network.append(
      a, to: vouchers[2].record,
      TestNetwork.decision(keep: keep, parents: puts.map(\.digest)))
    try network.settle()
    try expectConflicts([[], [], []])

    func expectConflicts(_ codes: [[OutcomeCode]]) throws {
      try network.settle()
      for id in [a, centre] {
        let found = try vouchers.prefix(codes.count).map {
          try network[id].store.summary(of: $0.record)?.conflicts
        }
        #expect(found == codes)
      }
    }
  }

  /// Kills: severalPuts judged by revision alone; superseded puts not told of the end.
  @Test func restoredSiteWritesTheRevisionAgain() throws {
    var network = try TestNetwork(seed: 11)
    let card = network.assetCard(of: a)
    let first = try network.put(a, .finance, card)
    try network.settle()
    let backup = network[a]
    let lost = try network.put(a, .finance, card.with("revision", 2).with("quantity", 2))
    try network.settle()
    network[a] = backup
    network.start(a)
    network.centre.cursors[a] = nil
    let again = try network.put(a, .finance, card.with("revision", 2).with("quantity", 3))
    try network.deliver(a, centre)
    #expect(!network.centre.alarms.isEmpty)
    #expect(try network.centre.store.summary(of: card.record)?.conflicts == [.severalPuts])
    network[a].cursors = [:]
    try network.deliver(centre, a, isRecovering: true)
    #expect(try network[a].store.summary(of: card.record)?.conflicts == [.severalPuts])
    let next = card.with("revision", 3).with("quantity", 4)
    #expect(throws: TestError.self) { try network.put(a, .finance, next) }
    let parents = [lost.digest, again.digest]
      .map { JSONValue.string(Text($0.description)) }
    try network.put(a, .finance, next.with("parents", .array(parents)))
    try network.settle()
    for id in [a, centre] {
      #expect(try network[id].store.summary(of: card.record)?.conflicts == [])
      #expect(try network[id].content(card.record)?.json["quantity"] == 4)
    }
    #expect(try network[a].outcome(of: again.identity, by: centre)?.state == .applied)
    #expect(first.state == .applied)
  }
}

extension TestNetwork {
  /// The entry this site would write, without writing it or asking whether it may.
  mutating func draft(
    _ id: SiteID, _ kind: RecordKind, _ operation: Replication.Operation, _ json: JSONObject,
    id record: RecordID? = nil
  ) throws -> Entry {
    try draft(
      id, try Submission.read(kind: kind, operation: operation, id: record, json: json.bytes))
  }

  mutating func draft(_ id: SiteID, _ submission: Submission) throws -> Entry {
    var copy = self[id]
    return try copy.transact { reconciler, store in
      try reconciler.log.draft(
        submission.operation, record: submission.record, subject: submission.subject,
        parents: submission.parents, lane: submission.facts.lane ?? .normal,
        secrecy: .none, audience: submission.facts.audience, body: submission.body, in: &store)
    }
  }
}
