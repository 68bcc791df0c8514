/// A sorted run of items, as one row of the store names it. Its pages and guides never change; they
/// are written once and taken away once.
struct Segment: Hashable, Sendable {
  /// Raw values are on disk.
  enum State: UInt8 {
    /// Answers.
    case whole = 1
    /// Is being merged out of others, which answer meanwhile.
    case growing = 2
    /// Its items are in another: its pages are being taken away.
    case retired = 3
  }

  /// Pages, and guides, of segment n are numbered from n shifted by this.
  static let pageNumberBits = 24
  static let maximumPageCount = 1 << pageNumberBits

  /// Ascending, never used twice.
  let id: Int64
  /// How often its items have been merged.
  let level: Int64
  var state: State
  /// Pages that are there: all when whole, fewer and fewer when retired.
  var pageCount: Int
  /// The growing segment that its items go into; nil when none does.
  var target: Int64?

  init(id: Int64, level: Int64, state: State, pageCount: Int, target: Int64? = nil) {
    self.id = id
    self.level = level
    self.state = state
    self.pageCount = pageCount
    self.target = target
  }

  /// Where a page, or a guide, stands.
  func place(_ number: Int) -> Int64 { id << Self.pageNumberBits | Int64(number) }

  /// Guides that so many pages have.
  static func blockCount(ofPages count: Int) -> Int {
    (count + IndexGuide.maximumPageCount - 1) / IndexGuide.maximumPageCount
  }
}

/// Which segments are merged, and how fast. Every item is merged once a level, and a commit that
/// writes a segment does work in proportion to it; only the one that ends a merge also reads all
/// guides of what was merged.
enum SegmentPolicy {
  /// Segments of one level that become one of the next. Few: a lookup asks them all, and in a store
  /// of ten million entries it costs ten times what the merging of one more level does.
  static let fanIn = 4
  /// Of each merge, items for each item written. Many, so that a merge is soon over: until then a
  /// lookup asks what it merges, and what has come meanwhile.
  static let mergedPerWritten = 8
  /// Pages taken away for each page written; retired ones never pile up.
  static let retiredPerWritten = 2

  /// Segments of one level to merge, the oldest first; nil when no level has enough of them.
  static func nextMerge(_ segments: some Collection<Segment>) -> [Segment]? {
    var free: [Int64: [Segment]] = [:]
    for segment in segments where segment.state == .whole && segment.target == nil {
      free[segment.level, default: []].append(segment)
    }
    for level in free.keys.sorted() {
      guard let all = free[level], all.count >= fanIn else { continue }
      let oldest = Array(all.sorted { $0.id < $1.id }.prefix(fanIn))
      let pageCount = oldest.reduce(0) { $0 + $1.pageCount }
      if pageCount <= Segment.maximumPageCount { return oldest }
    }
    return nil
  }

  /// Pages that each merge writes beside so many items.
  static func mergedPageCount(besideItems count: Int) -> Int {
    1 + mergedPerWritten * count / IndexPage.maximumItemCount
  }

  /// Pages that are taken away beside so many that were written.
  static func retiredPageCount(besidePages count: Int) -> Int { 1 + retiredPerWritten * count }
}
