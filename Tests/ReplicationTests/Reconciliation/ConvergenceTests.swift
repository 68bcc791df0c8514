import Glibc
import Storage
import Testing

@testable import Replication

/// Promise 4: whatever the order, the grouping, the repeats and the compaction in between, sites
/// that hold the same entries show the same.
///
/// Kills: `reach` asking one record of a name; `retryWaiting` left out; `widen` left out;
/// `deliverToChildren` left out; `clock-before-causality` and `tie-by-arrival` of the mutants.
@Suite struct ConvergenceTests {
  /// Sets for each of the families; a night runs more by `DONGBO_CONVERGENCE_SETS`.
  private static let setCount: Int = {
    unsafe getenv("DONGBO_CONVERGENCE_SETS").flatMap { unsafe Int(String(cString: $0)) } ?? 6
  }()
  /// All orders of six entries.
  private static let maximumOrderCount = 720
  /// In all orders together; what is left of a large set is a sample, unless a night runs.
  private static let orderCount = setCount > 100 ? maximumOrderCount : 40

  @Test(arguments: RandomSet.Family.allCases)
  func everyOrderGivesTheSame(family: RandomSet.Family) throws {
    let fresh = try Self.freshCentre()
    for seed in 0..<Self.setCount {
      var random = SeededRandom(seed: UInt64(seed))
      let entries = try RandomSet.entries(
        of: family, count: 2 + random.below(5), seed: random.next(),
        registry: try fresh.store.siteState().registry)
      var expected: State?
      for order in entries.orders(atMost: Self.orderCount, &random) {
        let state = try Self.state(after: order, at: fresh, &random)
        #expect(expected == nil || state == expected, "\(family) \(seed)")
        guard expected == nil || state == expected else { break }
        expected = state
      }
    }
  }

  /// A centre that knows the registry and nothing else. As after a loss: what the site would answer
  /// by itself it owes, for its answers of before may come back.
  private static func freshCentre() throws -> TestSite {
    var site = try TestNetwork(seed: 1).centre
    try site.lock()
    return site
  }

  /// Takes the entries a few at a time, some of them twice, and drops bodies on the way.
  private static func state(
    after order: [Entry], at fresh: TestSite, _ random: inout SeededRandom
  ) throws -> State {
    var site = fresh
    var rest = order[...]
    while !rest.isEmpty {
      let group = rest.prefix(1 + random.below(3))
      rest = rest.dropFirst(group.count)
      let again = random.chance(30) ? order[..<rest.startIndex].randomElement(using: &random) : nil
      try site.transact { reconciler, store in
        for entry in group + [again].compactMap({ $0 }) {
          _ = try reconciler.receive(entry, from: entry.origin, isRecovering: true, in: &store)
        }
      }
      if random.chance(30) { try site.compact() }
    }
    try site.compact()
    return try State(of: site)
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
