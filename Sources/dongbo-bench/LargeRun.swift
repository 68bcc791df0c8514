import Replication
import Transport

/// A store that is large already: how long its daemon takes to start, and how catch-up into it goes
/// against catch-up into an empty one, of as many changes and in the same run.
///
/// What it costs the receiver's writer, by `perf` at 8.8 million entries before schema 8, in
/// microseconds a change: 55 beside some 30 in an empty store, of which the key index's lookups 26
/// beside 6. Of those 26 the filters of 40 segments were 10 and reading pages 11; one look in forty
/// at a filter that has not the key leads to a page for nothing. Merging was 3, commit 8,
/// checkpoint 4. So there are more merges now and fewer segments (11 beside 25 at
/// 2.3 million entries; no difference in the rate by themselves), and filters that say no when they
/// should (20,400 to 28,000 changes/s there, one run each). At 10.0 million entries: 19,349
/// changes/s beside 25,753 into an empty store, 0.75; before, at 8.8 million, 17,699 beside 31,553,
/// 0.56. One run each, and the empty store's figure moves by a fifth from run to run. Both stores
/// together are 20 GB then, as much as this machine has memory for.
///
/// Tried before, nothing: all bits of a filter looked at without a branch, and the blocks' first
/// keys by themselves (16,350 changes/s, then 16,090 and 14,660).
enum LargeRun {
  struct Plan: Equatable, Sendable {
    /// In the store before the last catch-up at least, receipts with them: some 1.4 a change.
    var entryCount = 500_000
    /// In each of the two that are compared.
    var changeCount = 100_000
    var seed: UInt64 = 1
  }

  /// Made, written and caught up at a time: the workload lies in memory meanwhile.
  private static let partCount = 500_000

  /// The digests that are compared afterwards are over all entries, in one snapshot.
  private static let readerTime = "ReaderTime=60s"

  static func figures(_ plan: Plan) throws(BenchFailure) -> Figures {
    var plannedLab = Laboratory.Plan()
    plannedLab.limits.append(readerTime)
    let lab = try Laboratory.create(plannedLab)
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()
    var filling = Filling(lab: lab, seed: plan.seed)
    let empty = try filling.add(plan.changeCount)
    while filling.entryCount < plan.entryCount {
      // Half of what is missing, for a change is more than an entry.
      let missing = plan.entryCount - filling.entryCount
      _ = try filling.add(min(partCount, max(missing / 2, plan.changeCount)))
    }
    let entryCount = filling.entryCount
    let filled = try filling.add(plan.changeCount)
    try lab.remove()

    let rates = (empty.number("changesPerSecond") ?? 0, filled.number("changesPerSecond") ?? 0)
    var figures = Figures()
    figures.add("entries", count: entryCount)
    figures.add("startSeconds", filled.number("receiverStartSeconds") ?? 0, decimals: 3)
    figures.add("intoEmptyPerSecond", rates.0, decimals: 1)
    figures.add("intoFilledPerSecond", rates.1, decimals: 1)
    figures.add("receiverPeakMiB", filled.number("receiverPeakMiB") ?? 0, decimals: 1)
    return figures
  }

  /// Both sites of a lab, which get larger together.
  private struct Filling {
    let lab: Laboratory
    let seed: UInt64
    /// What both sites hold.
    private(set) var entryCount = 0
    private var changeCount = 0
    private var partCount = 0

    init(lab: Laboratory, seed: UInt64) { (self.lab, self.seed) = (lab, seed) }

    /// Writes so many changes more at the province, then lets the centre catch up.
    mutating func add(_ count: Int) throws(BenchFailure) -> Figures {
      Terminal.note("\(count) changes after \(entryCount) entries")
      // No stream of an earlier part has taken more numbers than there were changes.
      let streams = Loader.streams(
        changeCount: count, seed: seed &+ UInt64(partCount), after: changeCount)
      let loaded = try ReplicateRun.load(streams, into: lab, part: partCount)
      let figures = try ReplicateRun.catchUp(lab, loaded)
      let held = Int(figures.number("entries") ?? 0)
      guard held > entryCount else { throw BenchFailure("\(held) entries after \(entryCount)") }
      entryCount = held
      changeCount += count
      partCount += 1
      return figures
    }
  }
}
