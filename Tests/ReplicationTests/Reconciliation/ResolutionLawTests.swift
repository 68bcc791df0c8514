import Cryptography
import Testing

@testable import Replication

/// Law 7: resolution is a function of the set of entries and survives compaction.
///
/// Kills: `compactable` taking outnumbered puts too (`|| group.revision != highest`); `isOutnumbered`
/// without `!hasFork`; `groups` keyed without the body; `eachBodyOnce` keeping repeats.
@Suite struct ResolutionLawTests {
  @Test(arguments: 0..<400) func orderAndRepeatsChangeNothing(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let entries = RandomRecord.entries(count: 1 + random.below(9), &random)
    let resolution = Resolution(of: entries)
    let repeated = (entries + entries.filter { _ in random.chance(40) }).shuffled(using: &random)
    #expect(Resolution(of: repeated) == resolution)
  }

  /// A union in any order and grouping says the same, twice the same is once, and what was read
  /// stays readable: a write is current or superseded, and the two only grow together.
  @Test(arguments: 0..<400) func unionIsCommutativeAssociativeIdempotentMonotone(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let entries = RandomRecord.entries(count: 2 + random.below(9), &random)
    let parts = (0..<3).map { _ in entries.filter { _ in random.chance(50) } }
    let (x, y, z) = (parts[0], parts[1], parts[2])
    let merge = { (left: [Entry], right: [Entry]) in RandomRecord.compact(left + right) }
    let shape = { (entries: [Entry]) in Shape(Resolution(of: entries)) }
    #expect(shape(merge(x, y)) == shape(merge(y, x)))
    #expect(shape(merge(merge(x, y), z)) == shape(merge(x, merge(y, z))))
    #expect(shape(merge(x, x)) == shape(x))
    let before = Resolution(of: x)
    let after = Resolution(of: x + y)
    #expect(RandomRecord.writes(before).isSubset(of: RandomRecord.writes(after)))
    let wasForked = before.conflicts.contains(.fork)
    #expect(!wasForked || after.conflicts.contains(.fork))
  }

  @Test(arguments: 0..<600) func compactionChangesNothingNowOrLater(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let entries = RandomRecord.entries(count: 2 + random.below(9), &random)
    let first = entries.filter { _ in random.chance(60) }
    let second = entries.filter { _ in random.chance(50) }
    let expected = Shape(Resolution(of: first + second))
    let compacted = RandomRecord.compact(first)
    #expect(Shape(Resolution(of: compacted + second)) == expected)
    #expect(Shape(Resolution(of: second + compacted)) == expected)
    let both = RandomRecord.compact(first) + RandomRecord.compact(second)
    #expect(Shape(Resolution(of: both)) == expected)
    #expect(Shape(Resolution(of: RandomRecord.compact(both))) == expected)
    #expect(Resolution(of: both).current.allSatisfy { $0.body != nil })
    #expect(Resolution.compactable(compacted).isEmpty)
  }

  /// However long the line, however much of it was compacted.
  @Test(arguments: 0..<200) func forkAtAnyAgeIsAConflictUntilTheOwnerNamesAll(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var record = RandomRecord()
    var line: [Entry] = []
    for revision in 1...(2 + random.below(6)) {
      line.append(
        record.put(revision, parents: line.suffix(1).map(\.digest), body: random.next()))
    }
    let age = random.below(line.count)
    let rival = record.put(
      age + 1, parents: age > 0 ? [line[age - 1].digest] : [], body: random.next())
    let held = RandomRecord.compact(line) + [rival]
    let resolution = Resolution(of: held)
    #expect(resolution.conflicts == [.severalPuts])
    #expect(Set(resolution.current.map(\.digest)) == [rival.digest, line[line.count - 1].digest])
    let decision = record.put(
      line.count + 1, parents: resolution.current.map(\.digest), body: random.next())
    #expect(Resolution(of: held + [decision]).conflicts == [])
    #expect(Resolution(of: held + [decision]).current.map(\.digest) == [decision.digest])
    let partial = record.put(line.count + 1, parents: [rival.digest], body: random.next())
    #expect(Resolution(of: held + [partial]).conflicts == [.severalPuts])
  }

  @Test(arguments: 0..<200) func sameBodyTwiceCountsOnceAsItsFirst(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var record = RandomRecord()
    let put = record.put(1, parents: [], body: 1)
    let event = record.event(1, parents: [put.digest], body: 2)
    record.restart(&random)
    let again = [record.put(1, parents: [], body: 1), record.event(1, parents: [], body: 2)]
    let resolution = Resolution(of: ([put, event] + again).shuffled(using: &random))
    #expect(resolution.conflicts == [])
    #expect(resolution.current == [put] && resolution.events == [event])
    let other = record.event(1, parents: [], body: 3)
    #expect(Resolution(of: [put, event, other]).conflicts == [.fork])
    #expect(Resolution(of: [put, event, other]).events.count == 2)
    let withdrawal = record.put(1, parents: [], body: 1, operation: .withdraw)
    #expect(Resolution(of: [put, withdrawal]).conflicts == [.severalPuts])
  }

  /// A higher revision supersedes without naming anything, as long as there is one body each.
  @Test func higherRevisionSupersedesWhereNothingForks() {
    var record = RandomRecord()
    let puts = (1...4).map { record.put($0, parents: [], body: UInt64($0)) }
    #expect(Resolution(of: [puts[0], puts[3]]).current == [puts[3]])
    #expect(Resolution(of: puts).current == [puts[3]])
    // Outnumbered only: they may come back when a fork shows, so their bodies stay.
    #expect(Resolution.compactable(puts).isEmpty)
    let fork = record.put(4, parents: [], body: 9)
    #expect(Resolution(of: puts + [fork]).current.count == 5)
  }
}

/// What must not change under compaction: everything but which superseded bodies are still here.
struct Shape: Equatable {
  let current: [Entry]
  let superseded: [Digest]
  let events: [Entry]
  let annotations: [Entry]
  let conflicts: [OutcomeCode]

  init(_ resolution: Resolution) {
    current = resolution.current
    superseded = resolution.superseded.map(\.digest)
    events = resolution.events
    annotations = resolution.annotations
    conflicts = resolution.conflicts
  }
}

/// Entries of one record, made by hand: resolution reads headers and body digests only.
struct RandomRecord {
  let key = RecordKey(kind: .directive, id: RecordID(UniqueID(Bytes16(high: 7, low: 7))))
  var origin = SiteID("lang-son") ?? site("lang-son")
  var incarnation = Incarnation(Bytes16(high: 0, low: 1))
  var sequence = SequenceNumber.start
  var depth = Depth.zero
  var time: UInt64 = 1_000

  mutating func restart(_ random: inout SeededRandom) {
    incarnation = Incarnation(Bytes16(high: random.next(), low: random.next()))
  }

  mutating func put(
    _ revision: Int, parents: [Digest], body: UInt64, operation: Replication.Operation = .put
  ) -> Entry {
    entry(operation, .revision(Revision(UInt64(revision))), parents, body)
  }

  mutating func event(
    _ id: UInt64, parents: [Digest], body: UInt64, operation: Replication.Operation = .append
  ) -> Entry {
    entry(operation, .event(EventID(UniqueID(Bytes16(high: 1, low: id)))), parents, body)
  }

  private mutating func entry(
    _ operation: Replication.Operation, _ subject: Subject, _ parents: [Digest], _ body: UInt64
  ) -> Entry {
    sequence = sequence.next
    depth = depth.next
    time += 1
    let header = EntryHeader(
      identity: EntryIdentity(origin: origin, incarnation: incarnation, sequence: sequence),
      time: HybridTime(microseconds: time, counter: 0), operation: operation, record: key,
      subject: subject, parents: parents, depth: depth, registry: .builtIn, lane: .normal,
      secrecy: .none, audience: [])
    return Entry(authoring: header, body: Array("\(body)".utf8), hashing: OpenSSLHash())
  }

  /// Puts, withdrawals and events with random parents, few revisions and few bodies, so that forks,
  /// repeats and gaps are common.
  static func entries(count: Int, _ random: inout SeededRandom) -> [Entry] {
    var record = RandomRecord()
    var entries: [Entry] = []
    for _ in 0..<count {
      if random.chance(20) { record.restart(&random) }
      if random.chance(30) { record.depth = Depth(UInt32(random.below(4))) }
      let parents = entries.filter { _ in random.chance(35) }.map(\.digest)
      let body = UInt64(random.below(3))
      switch random.below(10) {
      case 0..<6:
        entries.append(record.put(1 + random.below(4), parents: parents, body: body))
      case 6:
        entries.append(
          record.put(1 + random.below(4), parents: parents, body: body, operation: .withdraw))
      case 7, 8:
        entries.append(record.event(UInt64(random.below(3)), parents: parents, body: body))
      case _:
        entries.append(
          record.event(
            UInt64(random.below(2)), parents: parents, body: body, operation: .annotate))
      }
    }
    return entries
  }

  /// Each write by what it is of its record and what it says.
  static func writes(_ resolution: Resolution) -> Set<String> {
    let all =
      resolution.current + resolution.superseded + resolution.events + resolution.annotations
    return Set(
      all.map { "\($0.header.operation) \($0.header.subject) \($0.bodyDigest)" })
  }

  /// What is left after bodies that may go have gone.
  static func compact(_ entries: [Entry]) -> [Entry] {
    let gone = Set(Resolution.compactable(entries).map(\.digest))
    return entries.map { gone.contains($0.digest) ? $0.stub : $0 }
  }
}
