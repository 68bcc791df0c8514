import Storage
import Testing

@testable import Replication

/// Law 2 at the receiver: only what compaction may drop comes as a stub, and what is current never
/// stays without its body in silence.
///
/// Kills: `mayLoseBody` taken as true; `fill` left out of `receive`, or without `assess`; the
/// finding left out; `isOfTheWay` taken as false; the new row of `takeBody` left out.
@Suite struct MissingBodyTests {
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]

  /// What a stub would have gone past: write-once, the author's right, what a receipt says.
  @Test func whatNeverLosesItsBodyWaitsForIt() throws {
    var network = try TestNetwork(seed: 31)
    let document = network.document(from: a, to: [b])
    try network.put(a, .document, document)
    try network.settle()
    let receipt = try network.draft(
      b, .document, .append, TestNetwork.receipt(b).with("eventId", network.newID()),
      id: document.record.id)
    let put = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    let task = try network.draft(a, .directive, .put, network.directive(from: a, lead: b))
    for entry in [receipt, put, task] {
      var site = network.centre
      let first = try site.receive(entry.stub.overTheWire(), from: entry.origin)
      #expect(first.state == .quarantined && first.code == .bodyMissing, "\(entry.header)")
      #expect(try site.store.recipients(of: entry.identity) == nil)
      #expect(try site.receive(entry.stub, from: entry.origin).isDuplicate)
      // A task waits for its source document, as it does without a stub before it.
      #expect(try site.receive(entry, from: entry.origin).code != .bodyMissing)
      #expect(try site.store.waiting(entry.identity) == nil)
      #expect(try site.store.recipients(of: entry.identity) != nil)
      #expect(try site.store.entry(entry.identity) == entry)
    }
  }

  /// Also through the site that passed the stub on.
  @Test func aCurrentStubWaitsInTheOpenUntilItsBodyComes() throws {
    var network = try TestNetwork(seed: 32)
    let json = network.assetCard(of: a)
    let card = try network.draft(a, .finance, .put, json)
    #expect(try network.centre.receive(card.stub, from: a).code == .bodyMissing)
    #expect(try network.centre.store.summary(of: json.record)?.holds == [.bodyMissing])
    #expect(try network.centre.content(json.record) == nil)
    #expect(try network.centre.outcomes(for: a).isEmpty)
    #expect(try network.centre.receive(card, from: a).state == .applied)
    #expect(try network.centre.store.summary(of: json.record)?.holds == [])
    #expect(try network.centre.content(json.record) != nil)
    #expect(try network.centre.rows().filter { $0.entry == card.identity }.count == 2)
    #expect(try network.centre.outcomes(for: a).isEmpty)
    #expect(try network.centre.receive(card, from: a).isDuplicate)
    #expect(try network.centre.rows().filter { $0.entry == card.identity }.count == 2)
  }

  /// As a WANT brings it. A stub for a stub changes nothing.
  @Test func aWantBringsTheBody() throws {
    var network = try TestNetwork(seed: 33)
    let json = network.assetCard(of: a)
    let card = try network.draft(a, .finance, .put, json)
    try network.centre.receive(card.stub, from: a)
    for (entry, isMended) in [(card.stub, false), (card, true)] {
      let done = try network.centre.transact { reconciler, store in
        try reconciler.mend(entry, in: &store)
      }
      #expect(done == isMended)
    }
    #expect(try network.centre.content(json.record) != nil)
  }

  /// A body that would have been quarantined is no content by the way of a stub either.
  @Test func anUnlawfulBodyNeverBecomesContent() throws {
    var network = try TestNetwork(seed: 34)
    let json = network.assetCard(of: a)
    let lawful = try network.draft(a, .finance, .put, json)
    var header = lawful.header
    header.audience = [b]
    let card = Entry(authoring: header, body: lawful.body ?? [], hashing: TestSite.hashing)
    try network.centre.receive(card.stub, from: a)
    try network.centre.receive(card, from: a)
    _ = try network.centre.transact { reconciler, store in try reconciler.mend(card, in: &store) }
    #expect(try network.centre.content(json.record) == nil)
    #expect(try network.centre.store.summary(of: json.record)?.holds == [.bodyMissing])
  }

  /// A posted voucher cannot be replaced by a "decision" between two that nobody can read.
  @Test func aDecisionBetweenStubsWaits() throws {
    var network = try TestNetwork(seed: 35)
    let json = network.voucher(of: a, number: "1")
    let first = try network.draft(a, .finance, .put, json)
    network.start(a)
    let other = try network.draft(a, .finance, .put, json.with("description", "khác"))
    network.start(a)
    var header = try network.draft(a, .finance, .put, json.with("description", "khác")).header
    header.subject = .revision(Revision(2))
    header.parents = [first.digest, other.digest].sorted()
    let decision = Entry(authoring: header, body: other.body ?? [], hashing: TestSite.hashing)
    for entry in [first.stub, other.stub] { try network.centre.receive(entry, from: a) }
    #expect(try network.centre.receive(decision, from: a).code == .notAllowed)
    for entry in [first, other] { try network.centre.receive(entry, from: a) }
    #expect(try network.centre.store.waiting(decision.identity) == nil)
    #expect(try network.centre.content(json.record) != nil)
  }

  /// A site that catches up gets each superseded put before its successor: no word of it.
  @Test func whatIsSupersededComesAsAStubInSilence() throws {
    var network = try TestNetwork(seed: 36)
    let json = network.assetCard(of: a)
    try network.put(a, .finance, json)
    for revision in 2...4 {
      let next = json.with("revision", .integer(Int64(revision)))
      try network.put(a, .finance, next.with("assetName", .string(Text("xe \(revision)"))))
    }
    try network[a].compact()
    try network.settle()
    #expect(try network.centre.store.summary(of: json.record)?.holds == [])
    #expect(try network.centre.outcomes(for: a).isEmpty)
    #expect(try network.centre.store.entries(of: json.record).filter { $0.body == nil }.count > 0)
  }
}
