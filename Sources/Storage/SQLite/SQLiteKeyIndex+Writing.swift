import Replication

/// The writer's part: what a transaction adds, and the merging beside it.
extension SQLiteKeyIndex {
  /// The writer's transaction is open.
  func beginWriting() throws(StoreError) {
    try refresh()
    lastDurable = segments.keys.max() ?? 0
  }

  /// Writes what is pending into the open transaction: in the tail while there is room, else as a
  /// segment, beside which it merges a little. The writer calls it right before it commits.
  func flush() throws(StoreError) {
    guard pending.items.count > tailItemCount else { return }
    tail.number = try nextNumber()
    if pending.items.count <= KeyTail.maximumItemCount {
      try writeTail(pending.sorted)
      tailItemCount = pending.items.count
    } else {
      let items = pending.takeSorted()
      tailItemCount = 0
      tail.segmentsNumber = tail.number
      listedNumber = tail.number
      try writeTail([])
      try work(besideItems: items.count, pages: try write(items, level: 0))
    }
  }

  /// Writes items as a whole segment.
  /// - Returns: pages written.
  func write(_ items: [IndexItem], level: Int64) throws(StoreError) -> Int {
    try refresh()
    var builder = SegmentBuilder()
    for item in items { builder.append(item) }
    builder.finish()
    let segment = Segment(id: nextID, level: level, state: .whole, pageCount: builder.pageCount)
    try insert(segment)
    try write(builder, of: segment)
    try open(segment)
    return segment.pageCount
  }

  /// Takes up the merges that are due, goes on with each, and takes pages of retired segments away:
  /// in proportion to what was written.
  func work(besideItems itemCount: Int, pages written: Int) throws(StoreError) {
    while let inputs = SegmentPolicy.nextMerge(segments.values) { try begin(inputs) }
    var pageCount = written
    for target in segments.values.filter({ $0.state == .growing }).sorted(by: { $0.id < $1.id }) {
      pageCount += try goOn(target, SegmentPolicy.mergedPageCount(besideItems: itemCount))
    }
    var budget = SegmentPolicy.retiredPageCount(besidePages: pageCount)
    for segment in segments.values.filter({ $0.state == .retired }).sorted(by: { $0.id < $1.id })
    where budget > 0 {
      budget -= try takeAway(segment, atMost: budget)
    }
  }

  // MARK: Merging

  var nextID: Int64 { (segments.keys.max() ?? 0) + 1 }

  private func begin(_ inputs: [Segment]) throws(StoreError) {
    let level = inputs.reduce(0) { max($0, $1.level) } + 1
    let target = Segment(id: nextID, level: level, state: .growing, pageCount: 0)
    try insert(target)
    for var input in inputs {
      input.target = target.id
      try update(input)
    }
    merges[target.id] = SegmentMerge(try SortedRuns(inputs, load: load))
  }

  /// - Returns: pages written.
  private func goOn(_ segment: Segment, _ pageCount: Int) throws(StoreError) -> Int {
    var segment = segment
    var merge =
      if let known = merges.removeValue(forKey: segment.id) { known } else { try resume(segment) }
    try merge.step(pageCount: pageCount, load: load)
    let written = merge.builder.pages.count
    try write(merge.builder, of: segment)
    merge.handOut()
    segment.pageCount += written
    if merge.isDone { segment.state = .whole } else { merges[segment.id] = merge }
    try update(segment)
    guard merge.isDone else { return written }
    for var input in segments.values where input.target == segment.id {
      input.state = .retired
      input.target = nil
      try update(input)
    }
    close { segments[$0.segment.id]?.state != .whole }
    try open(segment)
    return written
  }

  /// The merge that an earlier process began, or one before a rollback.
  private func resume(_ segment: Segment) throws(StoreError) -> SegmentMerge {
    let inputs = segments.values.filter { $0.target == segment.id }.sorted { $0.id < $1.id }
    let openBlock = segment.pageCount / IndexGuide.maximumPageCount * IndexGuide.maximumPageCount
    guard segment.pageCount > 0,
      let last = try page(segment.pageCount - 1, of: segment).items.last
    else { return SegmentMerge(try SortedRuns(inputs, load: load)) }
    var pages: [IndexPage] = []
    for number in openBlock..<segment.pageCount { pages.append(try page(number, of: segment)) }
    let runs = try SortedRuns(inputs, after: last, load: load) { input throws(StoreError) in
      try firstPage(of: last.key, in: input)
    }
    return SegmentMerge(
      runs, into: SegmentBuilder(after: segment.pageCount, openBlock: pages))
  }

  /// - Returns: pages taken away.
  private func takeAway(_ segment: Segment, atMost budget: Int) throws(StoreError) -> Int {
    var segment = segment
    let rest = max(segment.pageCount - budget, 0)
    let taken = segment.pageCount - rest
    try connection.run(
      "DELETE FROM segment_page WHERE id >= ? AND id < ?",
      [.integer(segment.place(rest)), .integer(segment.place(segment.pageCount))])
    try connection.run(
      "DELETE FROM segment_guide WHERE id >= ? AND id < ?",
      [
        .integer(segment.place(Segment.blockCount(ofPages: rest))),
        .integer(segment.place(Segment.blockCount(ofPages: segment.pageCount))),
      ])
    segment.pageCount = rest
    if rest > 0 {
      try update(segment)
    } else {
      try connection.run("DELETE FROM segment WHERE id = ?", [.integer(segment.id)])
      segments[segment.id] = nil
    }
    return taken
  }

  // MARK: Rows

  private func write(_ builder: SegmentBuilder, of segment: Segment) throws(StoreError) {
    for (index, page) in builder.pages.enumerated() {
      let place = segment.place(builder.handedPageCount + index)
      try connection.run(
        "INSERT INTO segment_page (id, items) VALUES (?, ?)",
        [.integer(place), .blob(page.encoded(at: place))])
    }
    for (index, guide) in builder.guides.enumerated() {
      try write(guide, builder.handedGuideCount + index, of: segment)
    }
  }

  func write(_ guide: IndexGuide, _ number: Int, of segment: Segment) throws(StoreError) {
    let place = segment.place(number)
    try connection.run(
      "INSERT INTO segment_guide (id, guide) VALUES (?, ?)",
      [.integer(place), .blob(guide.encoded(at: place))])
  }

  private func insert(_ segment: Segment) throws(StoreError) {
    segments[segment.id] = segment
    try connection.run(
      "INSERT INTO segment (id, level, state, page_count, target) VALUES (?, ?, ?, ?, ?)",
      [
        .integer(segment.id), .integer(segment.level), .code(segment.state.rawValue),
        .integer(Int64(segment.pageCount)), segment.target.map { .integer($0) } ?? .null,
      ])
  }

  private func update(_ segment: Segment) throws(StoreError) {
    segments[segment.id] = segment
    try connection.run(
      "UPDATE segment SET state = ?, page_count = ?, target = ? WHERE id = ?",
      [
        .code(segment.state.rawValue), .integer(Int64(segment.pageCount)),
        segment.target.map { .integer($0) } ?? .null, .integer(segment.id),
      ])
  }
}
