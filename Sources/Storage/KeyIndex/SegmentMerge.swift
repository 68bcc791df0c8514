import Replication

/// Merges segments into one, a few pages at a time. What it has read stands in memory alone: after
/// a restart it goes on behind the last page that it wrote.
struct SegmentMerge: Sendable {
  private var runs: SortedRuns
  private(set) var builder: SegmentBuilder
  private(set) var isDone = false

  init(_ runs: SortedRuns, into builder: SegmentBuilder = SegmentBuilder()) {
    self.runs = runs
    self.builder = builder
  }

  /// Merges until `pageCount` pages are ready, or all.
  mutating func step(pageCount: Int, load: SortedRuns.Load) throws(StoreError) {
    while builder.pages.count < pageCount {
      guard let item = try runs.next(load) else {
        builder.finish()
        isDone = true
        return
      }
      builder.append(item)
    }
  }

  /// The pages and guides are written.
  mutating func handOut() { builder.handOut() }
}
