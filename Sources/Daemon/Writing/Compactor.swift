import Operations
import Replication
import Storage
import Transport

/// Lets superseded bodies go once they are older than `KeepSuperseded` (law 2): rounds over all
/// records, a bounded step at a time, and only while the writer has nothing else to do.
///
/// A reader looks for candidates; the writer asks again in its transaction and drops
/// (`WriterJob.compact`). Nothing here is on disk: after a start the round begins anew.
///
/// The file of the store does not shrink, and needs no vacuum: pages that bodies leave are used for
/// the next entries, so it stays within the most live data there ever was and the stubs.
final class Compactor {
  /// Between two steps, or longer after looking (``BackgroundPace``).
  static let pause = Duration.milliseconds(50)
  /// A round begins no sooner after the last one began.
  static let roundInterval = Duration.seconds(3_600)
  /// Records looked at in a step, and after so many entries read no further one.
  static let recordCount = 256
  static let entryCount = 1_024
  /// Bodies dropped in a step: a few milliseconds of the writer.
  static let bodyCount = 256

  /// What a reader found.
  struct Page: Sendable {
    var last: RecordKey?
    var duration = Duration.zero
    var candidates: [RecordKey] = []
    var fault: String?
  }

  private let daemon: DaemonContext
  private let loop: EventLoop
  private let readers: ReaderPool
  private let writer: Writer
  private let reply: @Sendable (Page) -> Void
  /// Where the round has come to.
  private var last: RecordKey?
  private var roundStarted: Instant
  /// What the reader found last, until the writer is through with it.
  private var page = Page()
  private var cutoff = WallTime(microseconds: 0)
  /// Set between two rounds: the next one begins.
  private var rest: TimerID?
  private var startsAgain = false

  init(
    daemon: DaemonContext, loop: EventLoop, readers: ReaderPool, writer: Writer,
    reply: @escaping @Sendable (Page) -> Void
  ) {
    self.daemon = daemon
    self.loop = loop
    self.readers = readers
    self.writer = writer
    self.reply = reply
    roundStarted = loop.now
  }

  func start() { schedule(after: Self.pause) }

  /// The age may have changed: a new round, as soon as the step under way has ended.
  func startAgain() {
    startsAgain = true
    guard let rest else { return }
    loop.cancel(rest)
    self.rest = nil
    schedule(after: Self.pause)
  }

  private func begin() {
    startsAgain = false
    last = nil
    page = Page()
    roundStarted = loop.now
  }

  private func schedule(after delay: Duration) {
    _ = loop.schedule(after: delay) { [weak self] in self?.step() }
  }

  private func step() {
    rest = nil
    if startsAgain { begin() }
    guard writer.isIdle, !daemon.disk.isFull else { return schedule(after: Self.pause) }
    guard page.candidates.isEmpty else { return drop() }
    let keep = daemon.configuration.limits.keepSuperseded
    cutoff = WallClock.now().before(by: keep)
    let (reply, after, cutoff) = (reply, last, cutoff)
    readers.postBounded(
      .background { reader in
        let start = MonotonicClock.now()
        var page = Self.look(after: after, cutoff, in: reader)
        page.duration = MonotonicClock.now() - start
        reply(page)
      })
  }

  /// Each record in a snapshot of its own: short reads, and the writer asks again.
  private static func look(
    after last: RecordKey?, _ cutoff: WallTime, in reader: SQLiteReader
  ) -> Page {
    var page = Page()
    var seenEntryCount = 0
    do throws(StoreError) {
      let looked = try reader.inSnapshot { reader throws(StoreError) in
        try reader.revisedRecords(after: last, limit: recordCount)
      }
      page.last = looked.last
      for record in looked.records {
        // One that cannot be read now is left to the scrub, and to the next round.
        do throws(StoreError) {
          let entries = try reader.inSnapshot { reader throws(StoreError) in
            try reader.entries(of: record)
          }
          seenEntryCount += entries.count
          if !Resolution.compactable(entries, supersededBefore: cutoff).isEmpty {
            page.candidates.append(record)
          }
        } catch {
          page.fault = "\(record): \(error)"
        }
        if seenEntryCount >= entryCount {
          page.last = record
          break
        }
      }
    } catch {
      page.last = last
      page.fault = "\(error)"
    }
    return page
  }

  func take(_ found: Page) {
    page = found
    if let fault = found.fault {
      daemon.logger.log(.warning, "compaction.look-failed", ["error": .text(fault)])
    }
    if page.candidates.isEmpty { return advance() }
    schedule(after: .zero)
  }

  private func drop() {
    writer.postBounded(.compact(page.candidates, supersededBefore: cutoff))
  }

  /// The writer has committed a step.
  func compacted(_ tally: CompactionTally) {
    daemon.metrics.series(.compactedBodies).add(Double(tally.bodyCount))
    daemon.metrics.series(.compactedBytes).add(Double(tally.byteCount))
    guard tally.isComplete else { return schedule(after: Self.pause) }
    advance()
  }

  /// The writer could not: the disk is full, or an entry is being repaired. Left to the next round.
  func notWritten() { advance() }

  private func advance() {
    let isOver = page.last == nil
    let rest = BackgroundPace.rest(after: page.duration, atLeast: Self.pause)
    last = page.last
    page = Page()
    if startsAgain { return schedule(after: Self.pause) }
    guard isOver else { return schedule(after: rest) }
    daemon.metrics.series(.compactionRound).set(Double(WallClock.now().microseconds) / 1e6)
    let next = max(roundStarted + Self.roundInterval, loop.now + Self.pause)
    roundStarted = next
    self.rest = loop.schedule(after: next - loop.now) { [weak self] in self?.step() }
  }
}

extension WallTime {
  /// The epoch where `age` reaches back further.
  fileprivate func before(by age: Duration) -> WallTime {
    let (seconds, attoseconds) = age.components
    let past = UInt64(max(seconds, 0)) * 1_000_000 + UInt64(max(attoseconds, 0)) / 1_000_000_000_000
    return WallTime(microseconds: microseconds - min(past, microseconds))
  }
}
