import Storage
import Testing

@testable import Replication

/// Promise 4: whatever the order and however often, sites that hold the same entries show the same.
///
/// Kills: `reach` asking one record of a name; `retryWaiting` left out; `widen` left out;
/// `deliverToChildren` left out; `isEntitled` and `route` differing about receipts.
@Suite struct ConvergenceTests {
  /// Random lawful entries, given to a fresh centre in every order, with repeats.
  @Test(arguments: Scenario.allCases, 0..<5)
  func everyOrderGivesTheSame(scenario: Scenario, seed: UInt64) throws {
    var network = try TestNetwork(seed: seed)
    try scenario.run(on: &network)
    try network.settle()
    let entries = try network.centre.entries()
      .filter { $0.header.record != nil && $0.header.record?.kind != .registry }
    let registry = try network.centre.entries().filter { $0.header.record?.kind == .registry }
    var compacted = network.centre
    try compacted.compact()
    let gone = Set(try compacted.entries().filter { $0.body == nil }.map(\.digest))
    var expected: State?
    for order in entries.orders(atMost: 24, &network.random) {
      var site = TestSite(
        TestNetwork.centre, centre: TestNetwork.centre, random: &network.random)
      for entry in registry { try site.receive(entry, from: entry.origin, isRecovering: true) }
      try site.retryWaiting()
      // As after a loss: what the site would answer by itself it owes until it has all of its own.
      try site.lock()
      for entry in order {
        // A body may have gone at the sender, or go here, whenever that is lawful (law 7).
        let isStub = gone.contains(entry.digest) && network.random.chance(30)
        let sent = isStub ? entry.stub : entry
        try site.receive(try sent.overTheWire(), from: entry.origin, isRecovering: true)
        if network.random.chance(20) { try site.compact() }
        if network.random.chance(20), let again = order.randomElement(using: &network.random),
          try site.store.digest(of: again.identity) != nil
        {
          #expect(try site.receive(again, from: again.origin, isRecovering: true).isDuplicate)
        }
      }
      let state = try State(of: site)
      #expect(state.waiting == 0)
      #expect(expected == nil || state == expected)
      expected = expected ?? state
      // Its answers of before have come back, so it writes none twice.
      try site.unlock()
      #expect(try State(of: site) == state)
    }
    #expect(try State(of: network.centre).records == expected?.records)
  }

  enum Scenario: CaseIterable {
    case lateAddressee, revocation, directive, asset, vouchers, oneDocumentNumber

    func run(on network: inout TestNetwork) throws {
      let centre = TestNetwork.centre
      let (a, b, c) = (
        TestNetwork.provinces[0], TestNetwork.provinces[1], TestNetwork.provinces[2]
      )
      switch self {
      case .lateAddressee:
        let put = network.document(from: a, to: [b])
        try network.put(a, .document, put)
        try network.settleSometimes()
        try network.append(a, to: put.record, TestNetwork.addressed([c]))
        try network.settle()
        try network.append(c, to: put.record, TestNetwork.receipt(c))
        try network.settleSometimes()
        try network.annotate(centre, put.record, keywords: ["một"])
        try network.annotate(a, put.record, keywords: ["hai"])
      case .revocation:
        let target = network.document(from: a, to: [b])
        try network.put(a, .document, target)
        let revoking = network.document(from: a, to: [], revoking: target["documentId"])
          .with("to", .array([TestNetwork.organ(centre)]))
        try network.put(a, .document, revoking)
        try network.settleSometimes()
        try network.append(a, to: target.record, TestNetwork.addressed([c]))
        try network.settleSometimes()
        let second = network.document(from: a, to: [centre], revoking: revoking["documentId"])
        try network.put(a, .document, second)
      case .directive:
        let put = network.directive(from: centre, lead: a)
        try network.put(centre, .directive, put)
        try network.settle()
        try network.append(a, to: put.record, TestNetwork.event("accepted", by: a))
        try network.settleSometimes()
        let lead: JSONObject = ["leadSite": .string(Text(b.description))]
        try network.append(
          centre, to: put.record, TestNetwork.event("reassigned", by: centre, lead))
        try network.settle()
        try network.append(b, to: put.record, TestNetwork.event("started", by: b))
        for revision: Int64 in 2...4 {
          let title = JSONValue.string(Text("khác \(revision)"))
          let next = put.with("revision", .integer(revision)).with("title", title)
          // A source that only one revision in the middle names.
          let source: JSONValue? =
            revision == 3 ? "A99.00,2026/03/03,999-KL/VPTW" : put["sourceDocumentId"]
          try network.put(centre, .directive, next.with("sourceDocumentId", source))
        }
      case .asset:
        let card = network.assetCard(of: a)
        try network.put(a, .finance, card)
        try network.append(a, to: card.record, TestNetwork.movement("wear"))
        try network.append(a, to: card.record, TestNetwork.movement("transferredOut", to: b))
        for revision: Int64 in 2...4 {
          let next = card.with("revision", .integer(revision))
          try network.put(a, .finance, next.with("quantity", .integer(revision)))
        }
        try network.settle()
        let received: JSONObject = [
          "transferMovementId": network.newID(), "fromSite": .string(Text(a.description)),
        ]
        let movement = TestNetwork.movement("received", to: b)
        try network.append(
          b, to: card.record,
          received.members.reduce(movement) { $0.with($1.key, $1.value) })
      case .vouchers:
        let first = network.voucher(of: a, number: "1")
        let second = network.voucher(of: a, number: "1")
        let puts = try [first, second].map { try network.put(a, .finance, $0).digest }
        try network.settleSometimes()
        let keep: JSONValue = first["recordId"] ?? .null
        try network.append(
          a, to: first.record, TestNetwork.decision(keep: keep, parents: puts))
        if network.random.chance(50) {
          try network.put(a, .finance, network.voucher(of: a, number: "1"))
        }
      case .oneDocumentNumber:
        let first = network.document(from: a, to: [b])
        let second = network.document(from: a, to: [c])
          .with("documentId", first["documentId"]).with("codeNumber", first["codeNumber"])
        let puts = try [first, second].map { try network.put(a, .document, $0).digest }
        try network.put(
          a, .document,
          network.document(from: a, to: [centre], revoking: first["documentId"]))
        try network.settleSometimes()
        let keep: JSONValue = first["recordId"] ?? .null
        try network.append(
          a, to: second.record, TestNetwork.decision(keep: keep, parents: puts))
      }
    }
  }

  struct State: Equatable {
    struct Record: Equatable {
      let content: RecordContent?
      let summary: RecordSummary?
    }
    let records: [RecordKey: Record]
    let leaves: [DigestLeaf]
    let total: Digest
    let waiting: Int

    init(of site: TestSite) throws {
      var records: [RecordKey: Record] = [:]
      for key in try site.records() where key.kind != .registry {
        records[key] = Record(
          content: try site.content(key), summary: try site.store.summary(of: key))
      }
      self.records = records
      leaves = try site.leaves().filter { $0.kind != nil }
      var digest = PairDigest(
        site: site.id, peer: nil, centre: site.centre, hashing: TestSite.hashing)
      for leaf in leaves { digest.take(leaf) }
      total = digest.total
      waiting = try site.store.waitingEntries(skip: 0, limit: .max).count
    }
  }
}

extension TestNetwork {
  mutating func settleSometimes() throws {
    if random.chance(60) { try settle() }
  }

  static func decision(keep: JSONValue, parents: [Digest]) -> JSONObject {
    [
      "type": "conflictDecided", "keep": keep,
      "parents": .array(parents.map { .string(Text($0.description)) }),
    ]
  }
}

extension Array {
  /// Every order when there are few, else that many random ones.
  func orders(atMost limit: Int, _ random: inout SeededRandom) -> [[Element]] {
    let total = (1...Swift.max(count, 1)).reduce(1) { $0 > limit ? $0 : $0 * $1 }
    guard total > limit else { return permutations }
    return (0..<limit).map { _ in shuffled(using: &random) }
  }

  private var permutations: [[Element]] {
    guard count > 1 else { return [self] }
    return indices.flatMap { index in
      var rest = self
      let first = rest.remove(at: index)
      return rest.permutations.map { [first] + $0 }
    }
  }
}
