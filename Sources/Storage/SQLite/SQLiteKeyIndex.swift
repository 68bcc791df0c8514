import Replication

/// The key index of a store: a set of 32-byte facts (``IndexItem``) looked up by their first 15
/// bytes.
///
/// A b-tree takes every key to another page: an entry has some six of them, each page of the file
/// that a commit touches goes through the WAL and the disk, and the more there are the fewer are in
/// memory. Here the keys of a large transaction, or of many small ones (``KeyTail``), are sorted
/// and written one after the other, as one *segment*; segments of a level are merged into one of
/// the next, some pages beside each that is written. So a key is written once a level, some six to
/// ten times in a store of ten million entries, always among its neighbours.
///
/// Segments are rows of the same database, written in the same transactions: what holds for the
/// entries in crashes, snapshots and copies holds for them. Nothing is ever taken out of the index;
/// a segment's pages never change, so what was read of it stays true while the segment is listed.
///
/// A lookup asks each segment in turn. Its guides are kept in memory, within a bound; their filters
/// let nearly every segment without the key answer at once.
///
/// One thread's, like its connection.
final class SQLiteKeyIndex {
  let connection: SQLiteConnection
  private let memory: KeyIndexMemory
  private var guideByteCount = 0
  private var knownHash: KeyHash?

  /// All, as far as ``refresh()`` has read them.
  var segments: [Int64: Segment] = [:]
  /// Those that answer.
  private var open: [OpenSegment] = [] {
    didSet { blocks = open.map(\.blocks) }
  }
  /// Of each of them.
  private var blocks: [OpenSegment.Blocks] = []
  private var isCurrent = false
  /// What was found of the record whose entries were asked for last: an event asks for those of its
  /// subject, and then for its parents.
  var lastEntries: (record: RecordKey, items: [IndexItem])?

  /// As ``refresh()`` has read it last, with what the open transaction adds.
  var tail = KeyTail(number: 0, segmentsNumber: 0, counts: [:])
  /// The tail's items, so many, and behind them the open transaction's.
  var pending = PendingItems()
  var tailItemCount = 0
  /// The ``KeyTail/segmentsNumber`` whose segments ``segments`` and ``open`` are; nil: none's yet.
  var listedNumber: UInt64?
  /// Whether the store has a tail: not before version 7 of the schema.
  let hasTail: Bool

  // The writer's alone.
  var merges: [Int64: SegmentMerge] = [:]
  var kinds: KeyKinds?
  /// Segments above this are not durable yet: their ids may be given again after a rollback.
  var lastDurable: Int64 = .max

  init(_ connection: SQLiteConnection, memory: KeyIndexMemory, hasTail: Bool = true) {
    self.connection = connection
    self.memory = memory
    self.hasTail = hasTail
  }

  /// A reader's snapshot is another one.
  func begin() {
    isCurrent = false
    lastEntries = nil
    kinds = nil
  }

  /// The writer's transaction was rolled back: whatever it may have changed is read again.
  func rollback() {
    begin()
    forgetTail()
    listedNumber = nil
    merges = [:]
    close { $0.segment.id > lastDurable }
  }

  func hash(_ key: UniqueKey) throws(StoreError) -> Bytes16 {
    if let knownHash { return knownHash(key.bytes) }
    let secret = try connection.first("SELECT secret FROM key_secret") { row throws(StoreError) in
      try row.bytes16(0)
    }
    guard let secret else { throw .corrupt("the secret of the key index is missing") }
    let hash = KeyHash(secret: secret)
    knownHash = hash
    return hash(key.bytes)
  }

  /// Every item of the key, ascending, each once.
  func items(of key: IndexKey) throws(StoreError) -> [IndexItem] {
    try refresh()
    var found: [IndexItem] = []
    pending.collect(key, into: &found)
    let probe = KeyProbe(key)
    let blocks = blocks
    for index in blocks.indices {
      guard let first = blocks[index].first(holding: key, probe) else { continue }
      try collect(key, probe, in: open[index], from: first, into: &found)
    }
    guard found.count > 1 else { return found }
    found.sort()
    return found.withoutRepeats()
  }

  private func collect(
    _ key: IndexKey, _ probe: KeyProbe, in segment: OpenSegment, from first: Int,
    into found: inout [IndexItem]
  ) throws(StoreError) {
    for number in first..<segment.blocks.all.count {
      let block = segment.blocks.all[number]
      guard block.firstKey <= key else { return }
      let isOver =
        if block.isKept {
          try collect(key, probe, in: segment, number, block.pageKeys, block.filter, &found)
        } else {
          try collect(key, probe, in: segment, number, guide(number, of: segment.segment), &found)
        }
      if isOver { return }
    }
  }

  private func collect(
    _ key: IndexKey, _ probe: KeyProbe, in segment: OpenSegment, _ block: Int,
    _ guide: IndexGuide, _ found: inout [IndexItem]
  ) throws(StoreError) -> Bool {
    try guide.firstKeys.withUnsafeBufferPointer { keys throws(StoreError) in
      try guide.filter.withUnsafeBufferPointer { filter throws(StoreError) in
        try collect(key, probe, in: segment, block, keys, filter, &found)
      }
    }
  }

  /// - Returns: whether what follows the key has been seen.
  private func collect(
    _ key: IndexKey, _ probe: KeyProbe, in segment: OpenSegment, _ block: Int,
    _ pageKeys: UnsafeBufferPointer<IndexKey>, _ filter: UnsafeBufferPointer<UInt8>,
    _ found: inout [IndexItem]
  ) throws(StoreError) -> Bool {
    guard probe.mayBe(in: filter) else { return false }
    for number in pageKeys.firstPage(of: key)..<pageKeys.count {
      guard pageKeys[number] <= key else { return true }
      let page = try page(block * IndexGuide.maximumPageCount + number, of: segment)
      for item in page.items[page.firstIndex(notBefore: key)...] {
        guard item.key == key else { return true }
        found.append(item)
      }
    }
    return false
  }

  /// All items after `item`, as one run.
  func runs(after item: IndexItem) throws(StoreError) -> SortedRuns {
    try refresh()
    return try SortedRuns(
      open.map(\.segment), and: pending.sorted, after: item, load: load
    ) { segment throws(StoreError) in try firstPage(of: item.key, in: segment) }
  }

  /// The first page of a segment that may hold the key or what follows it.
  func firstPage(of key: IndexKey, in segment: Segment) throws(StoreError) -> Int {
    var low = 0
    var high = segment.pageCount
    while low < high {
      let middle = low + (high - low) / 2
      let isBefore = try page(middle, of: segment).items.last.map { $0.key < key } ?? false
      if isBefore { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Rows

  /// Learns what is in the index, unless that is known.
  func refresh() throws(StoreError) {
    guard !isCurrent else { return }
    if hasTail { try readTail() }
    if !hasTail || listedNumber != tail.segmentsNumber {
      try readSegments()
      listedNumber = tail.segmentsNumber
    }
    isCurrent = true
  }

  /// All that the store names, the oldest first.
  func listedSegments() throws(StoreError) -> [Segment] {
    try connection.all("SELECT id, level, state, page_count, target FROM segment ORDER BY id") {
      row throws(StoreError) in try row.segment()
    }
  }

  private func readSegments() throws(StoreError) {
    let listed = try listedSegments()
    segments = Dictionary(listed.map { ($0.id, $0) }) { first, _ in first }
    close { segments[$0.segment.id]?.state != .whole }
    let known = Set(open.map(\.segment.id))
    for segment in listed where segment.state == .whole && !known.contains(segment.id) {
      try open(segment)
    }
  }

  /// Lets a whole segment answer.
  func open(_ segment: Segment) throws(StoreError) {
    let opened = try OpenSegment(
      segment, room: memory.guideByteCount - guideByteCount, keptPageCount: memory.pageCount
    ) { block throws(StoreError) in try guide(block, of: segment) }
    guideByteCount += opened.byteCount
    open.append(opened)
  }

  /// Lets some segments answer no more.
  func close(_ isGone: (OpenSegment) -> Bool) {
    for segment in open where isGone(segment) { guideByteCount -= segment.byteCount }
    open.removeAll(where: isGone)
  }

  func load(_ segment: Segment, _ number: Int) throws(StoreError) -> IndexPage {
    try page(number, of: segment)
  }

  /// For lookups: the pages that were read last are kept.
  private func page(
    _ number: Int, of segment: OpenSegment
  ) throws(StoreError) -> IndexPage {
    if let kept = segment.keptPage(number) { return kept }
    let page = try page(number, of: segment.segment)
    segment.keep(page, number)
    return page
  }

  func page(_ number: Int, of segment: Segment) throws(StoreError) -> IndexPage {
    let place = segment.place(number)
    let page = try connection.first(
      "SELECT items FROM segment_page WHERE id = ?", [.integer(place)]
    ) { row throws(StoreError) in
      try row.withBytes(0) { bytes throws(StoreError) in try IndexPage(bytes, at: place) }
    }
    guard let page else { throw .corrupt("page \(place) of the key index is missing") }
    return page
  }

  func guide(_ block: Int, of segment: Segment) throws(StoreError) -> IndexGuide {
    let place = segment.place(block)
    let guide = try connection.first(
      "SELECT guide FROM segment_guide WHERE id = ?", [.integer(place)]
    ) { row throws(StoreError) in try IndexGuide(row.bytes(0), at: place) }
    guard let guide else { throw .corrupt("guide \(place) of the key index is missing") }
    return guide
  }
}

extension SQLiteRow {
  /// Columns id, level, state, page_count, target.
  fileprivate func segment() throws(StoreError) -> Segment {
    guard let state = Segment.State(rawValue: try code(2)) else { throw corrupt("state", 2) }
    guard (0...Int64(Segment.maximumPageCount)).contains(integer(3)) else {
      throw corrupt("count", 3)
    }
    return Segment(
      id: integer(0), level: integer(1), state: state, pageCount: Int(integer(3)),
      target: isNull(4) ? nil : integer(4))
  }
}
