import Cryptography
import Replication
import SimulatedDisk

@testable import Storage

/// The product's store over a disk in memory.
enum DiskLab {
  static let directory = "/disk"
  static let database = "/disk/store.db"
  static let wal = "/disk/store.db-wal"

  static func open(_ disk: FaultyDisk) throws(StoreOpenError) -> OpenedStore {
    try OpenedStore.open(
      DataDirectory(directory, fileLayer: disk.vfs), site: Fixture.centre, hashing: OpenSSLHash()
    ) { Fixture.storeID }
  }
}

/// SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

struct TestSealing: CheckpointSealing {
  func tag(_ bytes: [UInt8]) -> Bytes16 {
    let digest = OpenSSLHash().digest(bytes).raw
    return Bytes16(high: digest.first, low: digest.second)
  }
}

/// Groups of rows, each written in one transaction with what belongs to it, over two lives of a
/// process with a clean end between: opening, commits, checkpoints, closing, opening again.
struct DiskWorkload {
  struct Group {
    let rows: [LogRow]
    let entries: [Entry]
  }

  private static let bodyByteCounts = [2, 90, 700, 3_000, 9_000]

  let groups: [Group]
  /// The log after so many groups.
  let ends: [LogEnd]
  var digests: Set<Digest> { Set(groups.flatMap(\.entries).map(\.digest)) }

  init(seed: UInt64, groupCount: Int = 12) {
    var numbers = SeededNumbers(state: seed)
    var groups: [Group] = []
    var ends = [LogEnd.start]
    var sequence: UInt64 = 0
    for index in 0..<groupCount {
      let isSecondLife = index >= groupCount / 2
      let incarnation = isSecondLife ? Fixture.later : Fixture.home
      let opensLife = index == 0 || index == groupCount / 2
      if opensLife { sequence = 0 }
      var end = ends[index]
      var rows: [LogRow] = []
      var entries: [Entry] = []
      for place in 0..<Int.random(in: 1...3, using: &numbers) {
        sequence += 1
        let byteCount = Self.bodyByteCounts.randomElement(using: &numbers) ?? 2
        let letter = ["a", "b", "c"].randomElement(using: &numbers) ?? "a"
        let isGenesis = opensLife && place == 0
        let entry = Fixture.entry(
          Fixture.identity(sequence, of: Fixture.centre, incarnation),
          record: isGenesis ? nil : Fixture.key(UInt64(index % 5 + 1)),
          body: #"{"x":""# + String(repeating: letter, count: byteCount) + #""}"#,
          hashing: OpenSSLHash())
        let row = LogRow(
          lsn: end.lsn.next, incarnation: incarnation,
          head: OpenSSLHash().digest(end.head.bytes, entry.digest.bytes), entry: entry.identity,
          digest: entry.digest, lane: entry.header.lane, recipients: .everyone, via: nil)
        end = row.end
        rows.append(row)
        entries.append(entry)
      }
      groups.append(Group(rows: rows, entries: entries))
      ends.append(end)
    }
    self.groups = groups
    self.ends = ends
  }

  /// One transaction: the group's rows, their records, the site's state, a peer's, which all say
  /// that the group is here.
  func commit(_ index: Int, to writer: SQLiteWriter) throws(StoreError) {
    try writer.begin()
    // The site's rows follow what it reads; these are fixed.
    guard try writer.logEnd() == ends[index] else { throw .corrupt("another end of the log") }
    for (row, entry) in zip(groups[index].rows, groups[index].entries) {
      try writer.append(row, entry: entry)
      if let record = entry.header.record {
        try writer.setSummary(summary(after: index + 1), of: record)
        try writer.claim(Self.name(of: entry), by: record)
        try writer.refer(entry.identity, to: Self.commonName)
      }
    }
    var state = try writer.siteState()
    state.lastSequence = SequenceNumber(UInt64(index + 1))
    try writer.setSiteState(state)
    try writer.setPeer(peer(after: index + 1), of: Fixture.hue)
    try writer.commit()
  }

  /// What one entry claims, and what all refer to.
  private static func name(of entry: Entry) -> UniqueKey { UniqueKey(entry.digest.bytes) }
  private static let commonName = UniqueKey([1])

  private func summary(after groupCount: Int) -> RecordSummary {
    var summary = RecordSummary()
    summary.owner = Fixture.centre
    summary.greatestRevision = Revision(UInt64(groupCount))
    return summary
  }

  private func peer(after groupCount: Int) -> PeerState {
    var state = PeerState()
    state.outcomesTaken = UInt64(groupCount)
    return state
  }

  /// Runs all groups, `acknowledged` after each. A group that meets a full disk is rolled back, and
  /// written again when `hasRoom` says so; any other failure ends the process there and then.
  func run(
    on disk: FaultyDisk, hasRoom: () -> Bool = { false }, acknowledged: (Int) -> Void
  ) throws {
    let half = groups.count / 2
    for life in [0..<half, half..<groups.count] {
      let writer = try DiskLab.open(disk).writer
      do {
        for index in life {
          try commit(index, to: writer, hasRoom: hasRoom)
          acknowledged(index + 1)
          guard index % 3 == 2 else { continue }
          writer.nextCheckpoint = 0
          _ = try writer.checkpointStep()
        }
      } catch {
        disk.turnOff()
        throw error
      }
      writer.close()
    }
  }

  private func commit(_ index: Int, to writer: SQLiteWriter, hasRoom: () -> Bool) throws {
    do throws(StoreError) {
      try commit(index, to: writer)
    } catch {
      guard error == .full else { throw error }
      try writer.rollback()
      guard hasRoom() else { throw error }
      try commit(index, to: writer)
    }
  }
}

/// What a store must hold of the workload.
extension DiskWorkload {
  /// What is wrong with the store that is opened on `disk` after so many groups were acknowledged:
  /// nil when each of them is whole, and the one under way whole or not there.
  func violation(on disk: FaultyDisk, acknowledged: Int) -> String? {
    do {
      let writer = try DiskLab.open(disk).writer
      let end = try writer.logEnd()
      let possible = [acknowledged, acknowledged + 1].filter { $0 < ends.count }
      guard let count = possible.first(where: { ends[$0] == end }) else {
        return "the log ends at \(end.lsn) after \(acknowledged) acknowledged groups"
      }
      return try violation(in: writer, groupCount: count)
    } catch {
      return "\(error)"
    }
  }

  /// What is wrong after the site starts again on `disk`, commits the next group and then loses its
  /// power: what it commits now stands, whatever it began with.
  func violationGoingOn(on disk: FaultyDisk, seed: UInt64) -> String? {
    do {
      let writer = try DiskLab.open(disk).writer
      let end = try writer.logEnd()
      guard let next = ends.firstIndex(of: end), next < groups.count else { return nil }
      try commit(next, to: writer)
      let after = disk.copy()
      after.losePower(seed: seed)
      return violation(on: after, acknowledged: next + 1).map { "later, \($0)" }
    } catch {
      return "does not go on: \(error)"
    }
  }

  /// What is wrong with a store that should hold the first `groupCount` groups.
  func violation(in store: SQLiteWriter, groupCount: Int) throws(StoreError) -> String? {
    var leaves: [DigestLeaf] = []
    while true {
      let page = try store.leaves(after: leaves.last?.identity, limit: 100)
      if page.isEmpty { break }
      leaves += page
    }
    let written = groups.prefix(groupCount)
    guard Set(leaves.map(\.identity)).count == leaves.count,
      leaves.count == written.reduce(0, { $0 + $1.rows.count })
    else { return "\(leaves.count) entries after \(groupCount) groups" }
    var head = Digest.zero
    var newest: [RecordKey: Int] = [:]
    for (index, group) in written.enumerated() {
      for (row, entry) in zip(group.rows, group.entries) {
        guard try store.row(at: row.lsn) == row else { return "row \(row.lsn) differs" }
        head = OpenSSLHash().digest(head.bytes, entry.digest.bytes)
        guard head == row.head else { return "head of \(row.lsn)" }
        // The store computes the digest of what it returns.
        guard try store.entry(row.entry)?.digest == entry.digest else {
          return "entry of \(row.lsn) differs"
        }
        if let record = entry.header.record { newest[record] = index + 1 }
      }
    }
    if let fault = try keyFault(in: store, written: written.flatMap(\.entries)) { return fault }
    for (record, index) in newest where try store.summary(of: record) != summary(after: index) {
      return "the summary of \(record) is not the one of group \(index)"
    }
    guard try store.siteState().lastSequence == SequenceNumber(UInt64(groupCount)),
      try store.peer(Fixture.hue).outcomesTaken == UInt64(groupCount)
    else { return "a part of group \(groupCount) only" }
    return nil
  }

  /// What is wrong with the names and keys of what is there.
  private func keyFault(
    in store: SQLiteWriter, written entries: [Entry]
  ) throws(StoreError) -> String? {
    try store.tables.index.check()
    let ofRecords = entries.filter { $0.header.record != nil }
    guard try store.referrers(of: Self.commonName) == ofRecords.map(\.identity).sorted() else {
      return "the referrers to the common name"
    }
    for entry in ofRecords {
      guard let record = entry.header.record,
        try store.claimants(of: Self.name(of: entry)) == [record],
        try store.entry(digest: entry.digest)?.identity == entry.identity,
        try store.entries(of: record).map(\.digest)
          == ofRecords.filter({ $0.header.record == record }).map(\.digest)
      else { return "the keys of \(entry.identity)" }
    }
    return nil
  }
}
