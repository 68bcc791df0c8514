import Storage
import Testing

@testable import Replication

/// Lanes overtake each other: what is urgent is judged before what it goes back to is here.
@Suite struct OvertakingTests {
  /// A late addressee is sent a chain of urgent recalls, then the document that they began with.
  @Test(arguments: 1...4) func aChainOfRecallsComesBeforeItsDocument(length: Int) throws {
    var network = try TestNetwork(seed: UInt64(length))
    let (a, late, other) = (
      TestNetwork.provinces[0], TestNetwork.provinces[1], TestNetwork.provinces[2]
    )
    let first = network.document(from: a, to: [TestNetwork.centre])
    try network.put(a, .document, first)
    var last = first
    for _ in 0..<length {
      last = network.document(
        from: a, to: [TestNetwork.centre], revoking: last["documentId"], priority: 1)
      try network.put(a, .document, last)
    }
    // What is said of a recall comes with it, before anybody can tell how far it reaches.
    try network.append(a, to: last.record, TestNetwork.addressed([other]))
    try network.settle()
    try network.append(a, to: first.record, TestNetwork.addressed([late]))
    try network.deliver(a, TestNetwork.centre)
    let selection = RowSelection(peer: late, peerIsCentre: false, peerIsRecovering: false)
    for lane in [Lane.urgent, .normal] {
      let batch = try network.centre.store.rows(
        after: .start, lane: lane, selection: selection,
        limits: RowLimits(entries: .max, bytes: .max, scannedRows: .max))
      for entry in batch.entries {
        let result = try network[late].receive(entry, from: TestNetwork.centre)
        #expect(result.state != .quarantined)
      }
    }
    #expect(try network[late].store.waitingEntries(skip: 0, limit: .max).isEmpty)
    #expect(try network[late].content(last.record) != nil)
  }

  /// Kills: an event that is placed alone although nobody can say whose its record is, or while its
  /// record waits for another.
  @Test func anEventSaysWhatItsRecordWaitsFor() throws {
    var network = try TestNetwork(seed: 9)
    let (a, b) = (TestNetwork.provinces[0], TestNetwork.provinces[1])
    let unknown = network.document(from: a, to: [b])
    let recall = network.document(from: a, to: [b], revoking: unknown["documentId"])
    try network.put(a, .document, recall)
    try network.annotate(a, recall.record, keywords: ["trước"])
    let entries = try network[a].store.entries(of: recall.record)
    let event = try #require(entries.last)
    #expect(event.header.operation == .annotate)
    let early = try network[b].receive(event, from: TestNetwork.centre)
    #expect(early.state == .held && early.code == .recordMissing)
    for entry in entries {
      let result = try network.centre.receive(entry, from: a)
      #expect(result.state == .held && result.code == .referenceMissing)
    }
  }
}
