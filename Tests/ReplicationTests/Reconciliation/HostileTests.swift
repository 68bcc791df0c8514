import Storage
import Testing

@testable import Replication

/// What a registered province may try against others; each case once harmed or could have.
@Suite struct HostileTests {
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]

  /// Incarnations are public. Kills: `take` telling its own entries by the incarnation alone.
  @Test func aForeignGenesisWithOurIncarnationIsNotOurs() throws {
    var network = try TestNetwork(seed: 5)
    let before = try network.centre.store.siteState()
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: a, incarnation: before.end.incarnation, sequence: SequenceNumber(1 << 61)),
      time: HybridTime(microseconds: 1 << 61, counter: 0), operation: .genesis, record: nil,
      subject: .none, parents: [], depth: before.greatestDepth.next, registry: before.registry,
      lane: .urgent, secrecy: .none, audience: [])
    let body = Genesis(parent: .start, sequence: .start).body
    let entry = Entry(authoring: header, body: body, hashing: TestSite.hashing)
    #expect(try network.centre.receive(entry, from: a).state == .applied)
    let after = try network.centre.store.siteState()
    #expect(after.lastSequence == before.lastSequence && after.clock < header.time)
    try network.centre.writeRegistry(TestNetwork.provinces + [TestNetwork.centre])
  }

  /// Kills: the bound on depth left out; one entry would saturate the order of all.
  @Test func anEntryFarAheadInDepthWaits() throws {
    var network = try TestNetwork(seed: 6)
    let lawful = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    var header = lawful.header
    header.depth = Depth(.max)
    let entry = Entry(authoring: header, body: lawful.body ?? [], hashing: TestSite.hashing)
    #expect(try network.centre.receive(entry, from: a).state == .quarantined)
    #expect(try network.centre.store.siteState().greatestDepth < Depth(.max))
  }

  /// Kills: secrecy judged after the fork check, or in the header alone.
  @Test func aSecretIsKeptNowhereWhateverIdentityItHas() throws {
    var network = try TestNetwork(seed: 7)
    let lawful = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    #expect(try network.centre.receive(lawful, from: a).state == .applied)
    let hidden = Array(#"{"secrecyLevel":"mat","subject":"x"}"#.utf8)
    for secrecy in [SecrecyLevel.none, .mat] {
      var header = lawful.header
      header.secrecy = secrecy
      let entry = Entry(authoring: header, body: hidden, hashing: TestSite.hashing)
      let result = try network.centre.receive(entry, from: a)
      #expect(result.state == .refused && result.code == .secrecy)
    }
    #expect(try network.centre.store.forks(of: lawful.identity).isEmpty)
    #expect(network.centre.alarms.isEmpty)
  }

  /// Promise 4. Kills: counting the rivals of all keys together, so that nobody looks at those of a
  /// key with few; leaving the others alone when the first beyond the limit comes.
  @Test func aKeyThatManyClaimIsInConflictInAnyOrder() throws {
    var network = try TestNetwork(seed: 12)
    let all = (0..<18).map { _ in network.document(from: a, to: [b]) }
    let first = all[0]
    let sameName = all[1].with("documentId", first["documentId"] ?? .null)
    let sameNumber = all[2...].map { $0.with("codeNumber", first["codeNumber"] ?? .null) }
    let orders: [[JSONObject]] = [
      [first, sameName] + sameNumber, sameNumber + [sameName, first],
      [sameName] + sameNumber + [first],
    ]
    for order in orders {
      var one = network
      for put in order { try one.put(a, .document, put) }
      for put in order {
        #expect(try one[a].store.summary(of: put.record)?.conflicts == [.duplicateKey])
      }
    }
  }

  /// Promise 4: seventeen claim a key, and sixteen of them were decided between before or after.
  @Test func aDecisionBetweenTooManyDecidesNothing() throws {
    var network = try TestNetwork(seed: 13)
    let name = network.document(from: a, to: [b])["documentId"] ?? .null
    let all = (0..<17).map { _ in network.document(from: a, to: [b]).with("documentId", name) }
    let keep = all[0]["recordId"] ?? .null
    for isLastEarly in [true, false] {
      var one = network
      for put in all.dropLast() { try one.put(a, .document, put) }
      let parents = try all.dropLast().flatMap { try one[a].store.entries(of: $0.record) }
      let decision = TestNetwork.decision(keep: keep, parents: parents.map(\.digest))
      if isLastEarly { try one.put(a, .document, all[16]) }
      try one.append(a, to: all[0].record, decision)
      if !isLastEarly {
        #expect(try one[a].store.summary(of: all[1].record)?.conflicts == [])
        try one.put(a, .document, all[16])
      }
      for put in all {
        #expect(try one[a].store.summary(of: put.record)?.conflicts == [.duplicateKey])
      }
    }
  }

  /// Promise 7 at send. Kills: the check left out, or of the header alone; a check that holds only
  /// the first entry of a batch against the ceiling.
  @Test func whatIsAboveTheCeilingIsFoundBeforeItLeaves() throws {
    var network = try TestNetwork(seed: 9)
    let lawful = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    var header = lawful.header
    header.secrecy = .mat
    let marked = Entry(authoring: header, body: lawful.body ?? [], hashing: TestSite.hashing)
    let hidden = Entry(
      authoring: lawful.header, body: Array(#"{"secrecyLevel":"mat","subject":"x"}"#.utf8),
      hashing: TestSite.hashing)
    let end = try network.centre.store.siteState().end
    func found(_ entries: [Entry], above ceiling: SecrecyLevel) -> Entry? {
      RowBatch(after: .start, last: end, entries: entries).firstEntry(above: ceiling)
    }
    #expect(found([lawful], above: .none) == nil)
    #expect(found([lawful, marked, hidden], above: .none) == marked)
    #expect(found([lawful, hidden], above: .none) == hidden)
    #expect(found([lawful, marked], above: .mat) == nil)
    #expect(found([hidden], above: .tuyetMat) == hidden, "no ceiling covers what hides its level")
  }

  /// Kills: a search that steps over the name, wherever it stands and whatever comes before it.
  @Test func aLevelIsFoundAnywhereInABody() throws {
    var network = try TestNetwork(seed: 11)
    let lawful = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    func isWithin(_ body: String) -> Bool {
      Entry(authoring: lawful.header, body: Array(body.utf8), hashing: TestSite.hashing)
        .isWithin(.none)
    }
    for pad in ["", "e", "secrecyLevel", #"\"secrecyLevel"#, "secrecyLeve", "lll", "mật"] {
      for count in 0..<30 {
        let filler = pad + String(repeating: "x", count: count)
        #expect(!isWithin(#"{"a":"\#(filler)","secrecyLevel":"mat"}"#), "\(filler)")
        #expect(!isWithin(#"{"secrecyLevel":"none","z":"\#(filler)"}"#), "\(filler)")
        #expect(isWithin(#"{"a":"\#(filler)","secrecyLeve":"mat"}"#), "\(filler)")
      }
    }
    #expect(isWithin("{}") && isWithin(#"{"a":"secrecyLevel"}"#) && !isWithin(#""secrecyLevel""#))
  }

  /// The daemon opens the check at ingest for tests; what is received is held against `none` even
  /// then. Kills: the ceiling of ingest used for both.
  @Test func theCeilingOfIngestIsNotThatOfReceiving() throws {
    var network = try TestNetwork(seed: 10)
    let json = network.document(from: a, to: [b]).with("secrecyLevel", "mat").bytes
    #expect(throws: RecordError.secrecy) {
      try Submission.read(kind: .document, operation: .put, json: json)
    }
    #expect(throws: RecordError.secrecy) {
      let above = network.document(from: a, to: [b]).with("secrecyLevel", "toiMat").bytes
      _ = try Submission.read(kind: .document, operation: .put, json: above, ceiling: .mat)
    }
    let submission = try Submission.read(
      kind: .document, operation: .put, json: json, ceiling: .mat)
    #expect(submission.secrecy == .mat)
    let closed = try network[a].attempt(submission)
    #expect(closed == .failure(.notAllowed(.secrecy)))
    network[a].ingestCeiling = .mat
    let authored = try network[a].write(submission)
    let entry = try #require(try network[a].store.entry(digest: authored.digest))
    #expect(entry.header.secrecy == .mat)
    network.centre.ingestCeiling = .tuyetMat
    let received = try network.centre.receive(entry, from: a)
    #expect(received.state == .refused && received.code == .secrecy)
  }

  /// Kills: outcomes taken about entries that never went to that site.
  @Test func nobodySpeaksOfEntriesThatAreNotTheirs() throws {
    var network = try TestNetwork(seed: 8)
    let voucher = try network.put(a, .finance, network.voucher(of: a, number: "PC1"))
    try network.settle()
    let b = b
    let lie = Outcome(site: b, entry: voucher.identity, state: .refused, code: .malformed)
    try network.centre.transact { reconciler, store in
      try reconciler.take(lie, from: b, in: &store)
    }
    #expect(try network.centre.outcome(of: voucher.identity, by: b) == nil)
    #expect(try network.centre.outcomes(for: a).isEmpty)
  }

  /// A chain of parents is as long as its author likes. Kills: children of children left out.
  @Test func aLongChainOfParentsIsDeliveredToItsEnd() throws {
    var network = try TestNetwork(seed: 9)
    var parent: Authored?
    var first: RecordKey?
    for _ in 0..<300 {
      var json = network.document(from: a, to: [TestNetwork.centre])
      json["parents"] = parent.map { .array([.string(Text($0.digest.description))]) }
      parent = try network.put(a, .document, json)
      first = first ?? json.record
    }
    let record = try #require(first)
    try network.settle()
    try network.append(a, to: record, TestNetwork.addressed([b]))
    try network.settle()
    let last = try #require(parent)
    #expect(try network.sites[b]?.store.entry(last.identity) != nil)
  }
}
