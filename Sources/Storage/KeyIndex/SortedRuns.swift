import Replication

/// Segments, and items that no segment has yet, read as one ascending run, page by page. Of items
/// that one stands for another (``IndexItem/replaces(_:)``) only the last is seen.
struct SortedRuns: Sendable {
  /// Reads a page of a segment.
  typealias Load = (_ segment: Segment, _ page: Int) throws(StoreError) -> IndexPage

  private struct Run {
    var segment: Segment?
    var nextPage = 0
    var items: [IndexItem] = []
    var index = 0
  }

  private var runs: [Run] = []
  /// The next item of each run.
  private var heads: [IndexItem] = []

  /// From the beginning of the segments.
  init(_ segments: [Segment], load: Load) throws(StoreError) {
    for segment in segments { try begin(Run(segment: segment), load) }
  }

  /// Behind `last`.
  /// - Parameters:
  ///   - items: a further run, ascending.
  ///   - firstPage: the first page of a segment that may hold what follows `last`.
  init(
    _ segments: [Segment], and items: [IndexItem] = [], after last: IndexItem, load: Load,
    firstPage: (Segment) throws(StoreError) -> Int
  ) throws(StoreError) {
    for segment in segments {
      var run = Run(segment: segment, nextPage: try firstPage(segment))
      while run.index == run.items.count, run.nextPage < segment.pageCount {
        let page = try load(segment, run.nextPage)
        run.items = page.items
        run.index = page.firstIndex(after: last)
        run.nextPage += 1
      }
      try begin(run, load)
    }
    let index = items.partitioningIndex { last < $0 }
    try begin(Run(segment: nil, items: items, index: index), load)
  }

  private mutating func begin(_ run: Run, _ load: Load) throws(StoreError) {
    var run = run
    guard let head = try Self.head(of: &run, load) else { return }
    runs.append(run)
    heads.append(head)
  }

  /// The least item that has not been seen; nil at the end.
  mutating func next(_ load: Load) throws(StoreError) -> IndexItem? {
    guard var least = leastIndex() else { return nil }
    var item = heads[least]
    while true {
      try advance(least, load)
      guard let following = leastIndex(), heads[following].replaces(item) else { return item }
      least = following
      item = heads[following]
    }
  }

  private func leastIndex() -> Int? {
    guard var item = heads.first else { return nil }
    var least = 0
    for index in 1..<max(heads.count, 1) where heads[index] < item {
      least = index
      item = heads[index]
    }
    return least
  }

  private mutating func advance(_ index: Int, _ load: Load) throws(StoreError) {
    runs[index].index += 1
    if let head = try Self.head(of: &runs[index], load) {
      heads[index] = head
    } else {
      runs.remove(at: index)
      heads.remove(at: index)
    }
  }

  private static func head(of run: inout Run, _ load: Load) throws(StoreError) -> IndexItem? {
    while run.index == run.items.count {
      guard let segment = run.segment, run.nextPage < segment.pageCount else { return nil }
      run.items = try load(segment, run.nextPage).items
      run.index = 0
      run.nextPage += 1
    }
    return run.items[run.index]
  }
}
