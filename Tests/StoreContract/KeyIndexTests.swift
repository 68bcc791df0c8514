import Cryptography
import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// The key index says what the memory store says, whatever was rolled back, reopened or cut off.
@Suite struct KeyIndexTests {
  private static let records = (UInt64(1)...6).map {
    Fixture.key($0, $0 > 4 ? .finance : .document)
  }
  private static let keys = (0..<UInt8(12)).map { UniqueKey([1, $0]) } + [UniqueKey([])]

  /// A SQLite store and what it must hold.
  private struct Pair {
    let disk = FaultyDisk()
    var opened: OpenedStore
    var model = MemoryStore(storeID: Fixture.storeID, site: Fixture.centre)
    var sequence: UInt64 = 0
    var names: Set<UniqueKey> = Set(KeyIndexTests.keys)

    init() throws { opened = try DiskLab.open(disk) }

    mutating func transaction(
      _ count: Int, commits: Bool, _ numbers: inout SeededNumbers
    ) throws {
      let before = (model, sequence)
      try opened.writer.begin()
      for _ in 0..<count { try write(&numbers) }
      if commits {
        try opened.writer.commit()
      } else {
        try opened.writer.rollback()
        (model, sequence) = before
      }
    }

    private mutating func write(_ numbers: inout SeededNumbers) throws {
      let record = records.randomElement(using: &numbers) ?? records[0]
      let isCommon = Int.random(in: 0..<3, using: &numbers) == 0
      let number = UInt64.random(in: 0..<1 << 40, using: &numbers)
      let key =
        isCommon
        ? keys.randomElement(using: &numbers) ?? keys[0] : UniqueKey([2] + Array("\(number)".utf8))
      if names.count < 300 { names.insert(key) }
      var store: any ContractStore = opened.writer
      var memory: any ContractStore = model
      let identity = Fixture.identity(UInt64.random(in: 1...200, using: &numbers), of: Fixture.hue)
      switch Int.random(in: 0..<3, using: &numbers) {
      case 0:
        sequence += 1
        let entry = Fixture.entry(
          Fixture.identity(sequence), record: record,
          subject: .revision(Revision(sequence % 5 + 1)), hashing: OpenSSLHash())
        try store.append(entry)
        try memory.append(entry)
      case 1:
        try store.claim(key, by: record)
        try memory.claim(key, by: record)
      default:
        try store.refer(identity, to: key)
        try memory.refer(identity, to: key)
      }
      if let changed = memory as? MemoryStore { model = changed }
    }

    func compare(_ store: any ContractReads) throws {
      for key in names {
        #expect(try store.claimants(of: key) == model.claimants(of: key))
        #expect(try store.referrers(of: key) == model.referrers(of: key))
      }
      for record in records {
        let entries = try model.entries(of: record)
        #expect(try store.entries(of: record) == entries)
        let subject = Subject.revision(Revision(3))
        #expect(
          try store.entries(of: record, about: subject)
            == entries.filter { $0.header.subject == subject })
        for entry in entries.suffix(20) {
          #expect(try store.entry(digest: entry.digest) == entry)
          #expect(try store.record(of: entry.identity) == record)
          for other in records {
            #expect(try store.isEntry(entry.digest, of: other) == (other == record))
          }
        }
      }
      #expect(try store.entry(digest: .zero) == nil)
      let counts = try store.counts().mapValues(\.entries)
      #expect(try counts == model.counts().mapValues(\.entries))
    }

    /// What comes after the snapshot's first read is not seen in it.
    func compare(inSnapshotOf reader: SQLiteReader, after write: () throws -> Void = {}) throws {
      let read = try reader.inSnapshot { reader throws(StoreError) in
        Result {
          _ = try reader.logEnd()
          try write()
          try compare(reader)
        }
      }
      try read.get()
    }
  }

  @Test(arguments: UInt64(1)...8)
  func itSaysWhatTheMemoryStoreSays(seed: UInt64) throws {
    var numbers = SeededNumbers(state: seed)
    var pair = try Pair()
    for round in 1...40 {
      let count = Int.random(in: 1...(seed.isMultiple(of: 2) ? 12 : 300), using: &numbers)
      try pair.transaction(
        count, commits: Int.random(in: 0..<5, using: &numbers) > 0, &numbers)
      guard round % 5 == 0 else { continue }
      try pair.compare(pair.opened.writer)
      let reader = try pair.opened.makeReader { Instant(nanoseconds: 0) }
      try pair.compare(inSnapshotOf: reader)
      try pair.opened.writer.tables.index.check()
      guard round % 10 == 0 else { continue }
      switch Int.random(in: 0..<3, using: &numbers) {
      case 0: pair.opened.writer.close()
      case 1: pair.disk.losePower(seed: seed)
      default: continue
      }
      pair.opened = try DiskLab.open(pair.disk)
      try pair.compare(pair.opened.writer)
    }
  }

  /// A reader goes on in its snapshot while segments are merged and taken away.
  @Test func aSnapshotKeepsItsSegments() throws {
    var numbers = SeededNumbers(state: 7)
    var pair = try Pair()
    for _ in 0..<10 { try pair.transaction(200, commits: true, &numbers) }
    let before = pair
    let reader = try pair.opened.makeReader { Instant(nanoseconds: 0) }
    try before.compare(inSnapshotOf: reader) {
      for _ in 0..<40 { try pair.transaction(200, commits: true, &numbers) }
    }
    try pair.compare(inSnapshotOf: reader)
  }

  /// Many small commits leave few segments, and take what was merged away.
  @Test func segmentsAreMerged() throws {
    var numbers = SeededNumbers(state: 9)
    var pair = try Pair()
    for _ in 0..<700 { try pair.transaction(3, commits: true, &numbers) }
    let index = pair.opened.writer.tables.index
    #expect(index.segments.count < 5 * SegmentPolicy.fanIn)
    let pageCount = index.segments.values.reduce(0) { $0 + $1.pageCount }
    let rows = try index.connection.first("SELECT count(*) FROM segment_page") {
      row throws(StoreError) in Int(row.integer(0))
    }
    #expect(rows == pageCount)
    try pair.compare(pair.opened.writer)
  }

  /// A merge goes on behind the pages that it wrote: after a rollback, after a clean end, and after
  /// a power loss.
  @Test(arguments: ["rollback", "close", "power loss"])
  func aMergeThatWasCutOffGoesOn(_ end: String) throws {
    var numbers = SeededNumbers(state: 21)
    var pair = try Pair()
    func growing() -> Segment? {
      pair.opened.writer.tables.index.segments.values.first {
        $0.state == .growing && $0.pageCount > 0
      }
    }
    var cutCount = 0
    for _ in 0..<200 where cutCount < 4 {
      try pair.transaction(150, commits: true, &numbers)
      guard let cut = growing() else { continue }
      cutCount += 1
      switch end {
      case "rollback": try pair.transaction(40, commits: false, &numbers)
      case "close": pair.opened.writer.close()
      default: pair.disk.losePower(seed: 3)
      }
      if end != "rollback" { pair.opened = try DiskLab.open(pair.disk) }
      let index = pair.opened.writer.tables.index
      try index.check()
      #expect(index.segments[cut.id] == cut && index.merges.isEmpty)
      try pair.transaction(150, commits: true, &numbers)
      #expect(index.segments[cut.id] != cut)
      try index.check()
    }
    #expect(cutCount == 4)
    try pair.compare(pair.opened.writer)
  }

  /// A store of version 7 has other guides, of segments in every state: they are made of the pages.
  /// Kills: a growing segment whose guides are forgotten, which shows when its merge is over.
  @Test(arguments: [Segment.State.growing, .retired])
  func guidesOfVersionSevenAreWrittenAnew(_ state: Segment.State) throws {
    var numbers = SeededNumbers(state: 25)
    var pair = try Pair()
    /// A growing segment has a guide from its first full block on.
    func cut() -> Segment? {
      let least = state == .growing ? IndexGuide.maximumPageCount : 1
      return pair.opened.writer.tables.index.segments.values.first {
        $0.state == state && $0.pageCount >= least
      }
    }
    for _ in 0..<200 where cut() == nil { try pair.transaction(150, commits: true, &numbers) }
    let found = try #require(cut())
    let segments = pair.opened.writer.tables.index.segments
    try pair.opened.writer.tables.connection.execute(
      """
      DELETE FROM segment_guide WHERE id % 3 = 0;
      UPDATE segment_guide SET guide = x'00';
      PRAGMA user_version=7;
      """)
    pair.opened.writer.close()
    pair.opened = try DiskLab.open(pair.disk)
    let index = pair.opened.writer.tables.index
    try index.check()
    #expect(index.segments == segments)
    try pair.compare(pair.opened.writer)
    for _ in 0..<100 where index.segments[found.id]?.state == state {
      try pair.transaction(150, commits: true, &numbers)
    }
    #expect(index.segments[found.id]?.state != state)
    try index.check()
    try pair.compare(pair.opened.writer)
  }

  /// Guides beyond the bound are read when they are asked.
  @Test func withoutRoomForGuidesTheAnswersAreTheSame() throws {
    var numbers = SeededNumbers(state: 11)
    var pair = try Pair()
    for _ in 0..<9 { try pair.transaction(300, commits: true, &numbers) }
    let connection = try pair.opened.writer.tables.connection
    let narrow = SQLiteKeyIndex(connection, memory: .least)
    for key in pair.names {
      #expect(try narrow.claimants(of: key) == pair.model.claimants(of: key))
    }
  }

  @Test(arguments: ["segment_page", "segment_guide", "key_tail"])
  func whatHasChangedIsNeverServed(_ table: String) throws {
    var numbers = SeededNumbers(state: 13)
    var pair = try Pair()
    for _ in 0..<3 { try pair.transaction(60, commits: true, &numbers) }
    // Then every item is in a segment.
    try pair.transaction(200, commits: true, &numbers)
    #expect(pair.opened.writer.tables.index.tailItemCount == 0)
    let columns = ["segment_page": "items", "segment_guide": "guide", "key_tail": "tail"]
    let column = columns[table] ?? ""
    try pair.opened.writer.tables.connection.execute(
      """
      UPDATE \(table) SET \(column) =
        CAST(substr(\(column), 1, 40)
          || CASE substr(\(column), 41, 1) WHEN x'55' THEN x'AA' ELSE x'55' END
          || substr(\(column), 42) AS BLOB)
      """)
    let writer = pair.opened.writer
    func isCorrupt(_ read: () throws -> Void) -> Bool {
      do { try read() } catch StoreError.corrupt { return true } catch {}
      return false
    }
    #expect(isCorrupt { try writer.tables.index.check() })
    if table != "segment_guide" {
      #expect(isCorrupt { _ = try writer.scrubKeys(after: 0, limit: 100) })
    }
    let fresh = SQLiteKeyIndex(writer.tables.raw, memory: .least)
    let held = try #require(
      pair.names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.first { key in
        (try? pair.model.referrers(of: key).isEmpty) == false
      })
    #expect(isCorrupt { _ = try fresh.referrers(of: held) })
  }

  /// The tail takes the items of small commits, one after the other, until its row is full.
  @Test func smallCommitsShareATail() throws {
    var numbers = SeededNumbers(state: 23)
    var pair = try Pair()
    let index = pair.opened.writer.tables.index
    try index.refresh()
    var greatest = 0
    for round in 1...60 {
      let before = (index.tail.number, index.segments.keys.max() ?? 0, index.tailItemCount)
      try pair.transaction(4, commits: true, &numbers)
      #expect(index.tail.number == before.0 + 1)
      let isSpilled = index.tailItemCount < before.2
      #expect(isSpilled == (index.tailItemCount == 0))
      #expect(isSpilled == (index.segments.keys.max() ?? 0 > before.1))
      #expect((index.tail.segmentsNumber == index.tail.number) == isSpilled)
      greatest = max(greatest, index.tailItemCount)
      guard round.isMultiple(of: 20) else { continue }
      try pair.transaction(2, commits: false, &numbers)
      try pair.compare(pair.opened.writer)
    }
    #expect((KeyTail.maximumItemCount - 12...KeyTail.maximumItemCount).contains(greatest))
    #expect(try index.connection.first("SELECT count(*) FROM key_tail") { $0.integer(0) } == 1)
    pair.opened.writer.close()
    pair.opened = try DiskLab.open(pair.disk)
    try pair.compare(pair.opened.writer)
  }

  /// A reader sees the tail of its snapshot, and in the next what has come since.
  @Test func aSnapshotKeepsItsTail() throws {
    var numbers = SeededNumbers(state: 29)
    var pair = try Pair()
    let reader = try pair.opened.makeReader { Instant(nanoseconds: 0) }
    for count in [3, 3, 60, 3, 3] {
      try pair.transaction(count, commits: true, &numbers)
      let before = pair
      try before.compare(inSnapshotOf: reader) {
        try pair.transaction(2, commits: true, &numbers)
      }
    }
  }

  /// A read that failed on its way to the segments leaves nothing half known.
  @Test func whatCouldNotBeListedIsListedAgain() throws {
    var numbers = SeededNumbers(state: 31)
    var pair = try Pair()
    for _ in 0..<6 { try pair.transaction(130, commits: true, &numbers) }
    let connection = pair.opened.writer.tables.raw
    let fresh = SQLiteKeyIndex(connection, memory: .least)
    try connection.execute(
      "UPDATE segment_guide SET id = -id WHERE id = (SELECT max(id) FROM segment_guide)")
    #expect(throws: StoreError.self) { try fresh.refresh() }
    try connection.execute("UPDATE segment_guide SET id = -id WHERE id < 0")
    for key in pair.names {
      #expect(try fresh.claimants(of: key) == pair.model.claimants(of: key))
    }
  }

  /// The scrub reads all pages in turn, and sees an entry that no key leads to.
  @Test func theScrubReadsTheKeys() throws {
    var numbers = SeededNumbers(state: 17)
    var pair = try Pair()
    for _ in 0..<12 { try pair.transaction(80, commits: true, &numbers) }
    let writer = pair.opened.writer
    var place: Int64 = 0
    var byteCount = 0
    while true {
      let page = try writer.scrubKeys(after: place, limit: 3)
      byteCount += page.byteCount
      guard let last = page.last else { break }
      place = last
    }
    let stored = try writer.tables.raw.first(
      """
      SELECT sum(length(items)) FROM
        (SELECT items FROM segment_page UNION ALL SELECT tail AS items FROM key_tail)
      """
    ) { row throws(StoreError) in Int(row.integer(0)) }
    #expect(byteCount == stored)
    #expect(
      try writer.scrubEntries(after: .start, limit: 10, byteCount: 1 << 20).entryCount == 10)
    try writer.tables.raw.execute("DELETE FROM segment")
    writer.tables.index.rollback()
    var fault: StoreError?
    do throws(StoreError) {
      _ = try writer.scrubEntries(after: .start, limit: 10, byteCount: 1 << 20)
    } catch { fault = error }
    #expect(fault == .corrupt("entry 1 is missing in the key index"))
  }
}
