import Testing

@testable import Replication

/// Four FNV-1a hashes with different starts: enough to tell test data apart.
struct TestHashing: SHA256Hashing, CheckpointSealing {
  var key: UInt64 = 0

  func digest(_ parts: [UInt8]...) -> Digest { Digest(hash(parts)) }

  func tag(_ bytes: [UInt8]) -> Bytes16 {
    let words = hash([bytes])
    return Bytes16(high: words.first ^ key, low: words.second ^ key)
  }

  private func hash(_ parts: [[UInt8]]) -> Bytes32 {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in parts {
      for byte in part { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return Bytes32(value, value &* 3, value &* 5, value &* 7)
  }
}

/// A deterministic generator (SplitMix64), for properties that replay from a number.
struct TestRandom: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
}

func site(_ text: String) -> SiteID { SiteID(text) ?? SiteID("invalid-in-test")! }
func incarnation(_ number: UInt64) -> Incarnation {
  Incarnation(Bytes16(high: 0xaaaa, low: number))
}
func seconds(_ value: Int) -> Instant { Instant(nanoseconds: UInt64(value) * 1_000_000_000) }

func testHeader(
  _ origin: SiteID, _ sequence: UInt64, lane: Lane = .normal, audience: [SiteID] = []
) -> EntryHeader {
  EntryHeader(
    identity: EntryIdentity(
      origin: origin, incarnation: incarnation(1), sequence: SequenceNumber(sequence)),
    time: HybridTime(microseconds: 1_700_000_000_000_000 + sequence, counter: 0),
    operation: .put,
    record: RecordKey(
      kind: .document, id: RecordID(UniqueID(Bytes16(high: 7, low: sequence)))),
    subject: .revision(Revision(1)), parents: [], depth: Depth(1), registry: .builtIn, lane: lane,
    secrecy: .none, audience: audience)
}

func testEntry(
  _ origin: SiteID, _ sequence: UInt64, lane: Lane = .normal, bodyByteCount: Int = 8
) -> Entry {
  Entry(
    authoring: testHeader(origin, sequence, lane: lane),
    body: [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: bodyByteCount),
    hashing: TestHashing())
}

/// A log in an array, read as the port asks.
struct FakeLog: LogReader {
  let site: SiteID
  var incarnation = LinkTests.incarnation(1)
  var rows: [LogRow] = []
  var entries: [EntryIdentity: Entry] = [:]
  var outcomes: [NumberedOutcome] = []
  var sealing = TestHashing(key: 42)

  init(_ site: SiteID) { self.site = site }

  var end: LogEnd {
    rows.last.map { LogEnd(lsn: $0.lsn, incarnation: $0.incarnation, head: $0.head) } ?? .start
  }

  var sealedEnd: Checkpoint { sealed(end) }

  func sealed(_ end: LogEnd) -> Checkpoint {
    Checkpoint(
      of: site, incarnation: end.incarnation, lsn: end.lsn, head: end.head, sealing: sealing)
  }

  func checkpoint(at lsn: UInt64) -> Checkpoint {
    let row = rows[Int(lsn) - 1]
    return sealed(LogEnd(lsn: row.lsn, incarnation: row.incarnation, head: row.head))
  }

  mutating func append(_ entry: Entry, recipients: Recipients = .everyone, via: SiteID? = nil) {
    let head = TestHashing().digest(end.head.bytes, entry.digest.bytes)
    rows.append(
      LogRow(
        lsn: end.lsn.next, incarnation: incarnation, head: head, entry: entry.identity,
        digest: entry.digest, lane: entry.header.lane, recipients: recipients, via: via))
    entries[entry.identity] = entry
  }

  mutating func addOutcome(_ entry: EntryIdentity, _ state: OutcomeState) {
    outcomes.append(
      NumberedOutcome(
        number: UInt64(outcomes.count) + 1,
        outcome: Outcome(site: site, entry: entry, state: state, code: .referenceMissing)))
  }

  func logEnd() throws(StoreError) -> LogEnd { end }

  func row(at lsn: LSN) throws(StoreError) -> LogRow? {
    lsn > .start && lsn.value <= UInt64(rows.count) ? rows[Int(lsn.value) - 1] : nil
  }

  func outcomesEnd(for peer: SiteID) throws(StoreError) -> UInt64 { UInt64(outcomes.count) }

  func lastRow(of incarnation: Incarnation) throws(StoreError) -> LSN? {
    rows.last { $0.incarnation == incarnation }?.lsn
  }

  func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) throws(StoreError) -> RowBatch {
    var taken: [Entry] = []
    var byteCount = 0
    var last = end
    if lsn > .start, lsn < end.lsn {
      let row = rows[Int(lsn.value) - 1]
      last = LogEnd(lsn: row.lsn, incarnation: row.incarnation, head: row.head)
    } else if lsn < end.lsn {
      last = .start
    }
    for row in rows.dropFirst(Int(lsn.value)).prefix(limits.scannedRows) {
      if row.lane == lane, let entry = entries[row.entry],
        selection.wants(recipients: row.recipients, origin: entry.origin, via: row.via)
      {
        let size = EntriesMessage.creditByteCount(of: [entry])
        if taken.count == limits.entries { break }
        if !taken.isEmpty && byteCount + size > limits.bytes { break }
        taken.append(entry)
        byteCount += size
      }
      last = LogEnd(lsn: row.lsn, incarnation: row.incarnation, head: row.head)
    }
    return RowBatch(after: lsn, last: last, entries: taken)
  }

  func outcomes(
    for peer: SiteID, after number: UInt64, limit: Int
  ) throws(StoreError) -> [NumberedOutcome] {
    Array(outcomes.dropFirst(Int(number)).prefix(limit))
  }
}
