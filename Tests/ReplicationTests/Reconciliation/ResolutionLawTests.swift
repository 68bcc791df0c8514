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

  /// Records with one put take a shorter way, which comes to the same. Kills: a shorter way that
  /// keeps a repeat, a second put or a genesis, forgets a fork, or takes an order of its own.
  @Test(arguments: 0..<400) func onePutIsResolvedAsAnyOther(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var entries = RandomRecord.entries(count: 2 + random.below(Resolution.plainCount + 4), &random)
    let isPut = { (entry: Entry) in
      entry.header.operation == .put || entry.header.operation == .withdraw
    }
    let kept = entries.first(where: isPut)?.digest
    if !random.chance(20) { entries.removeAll { isPut($0) && $0.digest != kept } }
    let some = entries + entries.filter { _ in random.chance(10) }
    let shuffled = some.shuffled(using: &random)
    #expect(Resolution(of: shuffled) == Resolution(any: shuffled))
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
    #expect(Resolution.compactable(compacted, supersededBefore: .endOfTime).isEmpty)
  }

  /// A hostile owner can hide a record by no parents: something is always current, and stays so
  /// when the rest is compacted. Kills: `revision < group.revision` left out.
  @Test func somethingIsAlwaysCurrent() {
    var record = RandomRecord()
    let first = record.put(1, parents: [], body: 1)
    let second = record.put(2, parents: [first.digest], body: 2)
    let onTop = record.put(1, parents: [second.digest], body: 1)
    #expect(Resolution(of: [first, second, onTop]).current == [second])
    let high = record.put(9, parents: [], body: 3)
    let low = record.put(3, parents: [high.digest], body: 4)
    #expect(Resolution(of: [high, low]).current == [high])
    let note = record.event(1, parents: [high.digest], body: 2)
    let around = record.put(4, parents: [note.digest], body: 5)
    for entries in [[first, second, onTop], [high, low], [high, note, around, onTop]] {
      let compacted = RandomRecord.compact(entries)
      #expect(Resolution(of: compacted).current.allSatisfy { $0.body != nil })
      #expect(!Resolution(of: compacted).current.isEmpty)
    }
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
    #expect(Resolution.compactable(puts, supersededBefore: .endOfTime).isEmpty)
    let fork = record.put(4, parents: [], body: 9)
    #expect(Resolution(of: puts + [fork]).current.count == 5)
  }
}

/// Which superseded bodies stay all the same.
///
/// Kills: `old.contains` left out; `isWriteOnce` left out; `keys.isSubset` taken as true;
/// `candidates.reversed()` without the reversal.
@Suite struct CompactableTests {
  private func gone(_ entries: [Entry], before time: UInt64 = .max) -> [Digest] {
    Resolution.compactable(entries, supersededBefore: WallTime(microseconds: time)).map(\.digest)
  }

  private func line(_ record: inout RandomRecord, _ bodies: [[UInt8]]) -> [Entry] {
    var line: [Entry] = []
    for (index, body) in bodies.enumerated() {
      line.append(record.put(index + 1, parents: line.suffix(1).map(\.digest), content: body))
    }
    return line
  }

  /// As an entry carries it: without the envelope.
  private func body(_ kind: RecordKind, _ json: JSONObject) throws -> [UInt8] {
    try Submission.read(kind: kind, operation: .put, json: json.bytes).body
  }

  private static let plain = (1...4).map { Array("{\"n\":\($0)}".utf8) }

  /// The age counts from the put that supersedes, not from the one that goes.
  @Test func ageCountsFromTheSupersedingPut() {
    var record = RandomRecord(kind: .finance)
    let line = line(&record, Self.plain)
    let times = line.map(\.header.time.microseconds)
    #expect(gone(line, before: times[1]) == [])
    #expect(gone(line, before: times[1] + 1) == [line[0].digest])
    #expect(gone(line, before: times[3]) == line.prefix(2).map(\.digest))
    #expect(gone(line) == line.prefix(3).map(\.digest))
  }

  /// Of the bodies that alone refer to something the newest stays; who gets the others as stubs
  /// finds the record by it.
  @Test func theLastBodyThatSaysAKeyStays() throws {
    var network = try TestNetwork(seed: 51)
    let json = network.directive(from: TestNetwork.centre, lead: TestNetwork.provinces[0])
    let other = json.with("sourceDocumentId", "A99.X,2026/01/01,1-KL/VPTW")
    var record = RandomRecord()
    let versions = [json, other, other.with("title", "khác"), json, json.with("title", "mới")]
    let line = line(&record, try versions.map { try body(.directive, $0) })
    #expect(line.allSatisfy { ($0.facts ?? nil) != nil })
    #expect(gone(line) == [line[1].digest, line[3].digest])
    // The current put says it too: nothing needs the older ones.
    #expect(gone(Array(line.prefix(3))) == [line[1].digest])
    // A withdrawal says nothing; the first put, which stays, says for all with its source.
    let withdrawal = record.put(6, parents: [line[4].digest], body: 1, operation: .withdraw)
    #expect(gone(line + [withdrawal]) == [line[1].digest, line[3].digest, line[4].digest])
  }

  /// Both sides of a decided fork are kept.
  @Test func writeOnceBodiesStay() throws {
    var network = try TestNetwork(seed: 52)
    let json = network.voucher(of: TestNetwork.provinces[0], number: "1")
    let bodies = try [json, json.with("description", "khác")].map { try body(.finance, $0) }
    var record = RandomRecord(kind: .finance)
    let puts = bodies.map { record.put(1, parents: [], content: $0) }
    let decision = record.put(2, parents: puts.map(\.digest), content: bodies[0])
    #expect((decision.facts ?? nil)?.isWriteOnce == true)
    #expect(Resolution(of: puts + [decision]).superseded.count == 2)
    #expect(gone(puts + [decision]) == [])
    var registry = RandomRecord(kind: .registry)
    #expect(gone(line(&registry, Self.plain)) == [])
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
  let key: RecordKey
  var origin = SiteID("lang-son") ?? site("lang-son")
  var incarnation = Incarnation(Bytes16(high: 0, low: 1))
  var sequence = SequenceNumber.start
  var depth = Depth.zero
  var time: UInt64 = 1_000

  init(kind: RecordKind = .directive) {
    key = RecordKey(kind: kind, id: RecordID(UniqueID(Bytes16(high: 7, low: 7))))
  }

  init(_ key: RecordKey) { self.key = key }

  mutating func put(_ revision: Int, parents: [Digest], content: [UInt8]) -> Entry {
    entry(.put, .revision(Revision(UInt64(revision))), parents, content)
  }

  mutating func restart(_ random: inout SeededRandom) {
    incarnation = Incarnation(Bytes16(high: random.next(), low: random.next()))
  }

  mutating func put(
    _ revision: Int, parents: [Digest], body: UInt64, operation: Replication.Operation = .put
  ) -> Entry {
    entry(operation, .revision(Revision(UInt64(revision))), parents, Array("\(body)".utf8))
  }

  mutating func event(
    _ id: UInt64, parents: [Digest], body: UInt64, operation: Replication.Operation = .append
  ) -> Entry {
    entry(
      operation, .event(EventID(UniqueID(Bytes16(high: 1, low: id)))), parents,
      Array("\(body)".utf8))
  }

  private mutating func entry(
    _ operation: Replication.Operation, _ subject: Subject, _ parents: [Digest], _ body: [UInt8]
  ) -> Entry {
    sequence = sequence.next
    depth = depth.next
    time += 1
    let header = EntryHeader(
      identity: EntryIdentity(origin: origin, incarnation: incarnation, sequence: sequence),
      time: HybridTime(microseconds: time, counter: 0), operation: operation, record: key,
      subject: subject, parents: parents, depth: depth, registry: .builtIn, lane: .normal,
      secrecy: .none, audience: [])
    return Entry(authoring: header, body: body, hashing: OpenSSLHash())
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
    let gone = Set(
      Resolution.compactable(entries, supersededBefore: .endOfTime).map(\.digest))
    return entries.map { gone.contains($0.digest) ? $0.stub : $0 }
  }
}
