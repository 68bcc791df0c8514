import Glibc
import Replication
import Synchronization
import Transport

/// From the return of the commit at the sender until the receiver shows the record, which it does
/// only when it is committed and synced there.
///
/// Where one change's time goes, in microseconds, by `perf` on 44 changes at a6948b7, beside tests:
///
/// | step | us |
/// |---|---|
/// | sender, before its OK and not counted: work 540, sync 240 | |
/// | sender's sync until the frame is on the line | 209 |
/// | the frame until the receiver has it | 67 |
/// | receiver's reactor: TLS, zstd, decoding, session | 112 |
/// | receiver's writer until its sync begins | 436 |
/// | receiver's sync | 238 |
/// | until the watcher's next look, which are 0.2 ms apart, is answered | 200-250 |
///
/// Given up: a WAL with room in advance (this file system has no journal to spare); a semaphore for
/// threads that sleep, in place of lock and condition, which saves 0.2 us of a wake-up and was not
/// to be seen in runs in turn (it stands for another reason now). What made ingest cheaper
/// (``Loader``) does nothing here. The frame leaves before the OK. At 2d4c26a small commits leave
/// the merging of keys to later ones: p50 of three runs in turn with the build before, 0.86, 0.93
/// and 0.94 ms, then 0.88, 0.89 and 0.90: within noise.
///
/// At 4080be4 a transaction of one change at the receiver took its writer 445 us of CPU and wrote
/// 12.5 pages; at fba6fe8 312 us and 9.1 pages. p50 of three runs in turn, at cadb304 with cheaper
/// bodies besides: 0.91, 0.92 and 0.97 ms, then 0.81, 0.85 and 0.88. What went:
/// - 3.4 pages: its keys as a segment of their own, and the counts; both are one row now.
/// - 50 to 60 us: the site's state, the peer's and its last outcome read anew, and HMAC looked for
///   in OpenSSL, for each transaction.
/// - Of each look: the list of the segments, which is read when it has changed.
///
/// What is left of the 312: the sync 105, writing the WAL 40, judging and placing 80, rows and keys
/// 25, the seal 10, wake-ups 25. Of the pages: rows of two entries 2.4, their numbers 1.7, log,
/// peer, site, tail one each, and SQLite's first page when the file grows. Three wake-ups before
/// the receiver's sync, and four in a look. After each document a second transaction at the sender,
/// for the receipt that comes back, on the next change's cores.
enum LatencyRun {
  static func figures(rate: Int, count: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let changes = newRecords(count, seed: seed)
    let lab = try Laboratory.create()
    Terminal.note("lab: \(lab.directory)")
    let receiver = try lab.start(lab.centre)
    let sender = try lab.start(lab.province)
    try lab.waitUntilReady(lab.province)
    try lab.waitUntilAcknowledged()
    try lab.province.admin.upload(Workload.file)

    Terminal.note("writing \(count) changes at \(rate)/s")
    let milliseconds = try measure(changes, rate: rate, lab)
    try sender.stop()
    try receiver.stop()
    try lab.remove()

    var figures = Figures()
    for (key, percent) in [("p50Milliseconds", 50.0), ("p99Milliseconds", 99.0)] {
      let value = Statistics.percentile(percent, of: milliseconds) ?? 0
      figures.add(key, value, decimals: 3)
    }
    return figures
  }

  /// Changes whose arrival shows as a record that was not there before.
  static func newRecords(_ count: Int, seed: UInt64) -> [WorkloadChange] {
    var workload = Workload(seed: seed)
    var seen: Set<RecordKey> = []
    var changes: [WorkloadChange] = []
    while changes.count < count {
      let change = workload.next()
      guard change.operation == .put, seen.insert(change.record).inserted else { continue }
      changes.append(change)
    }
    return changes
  }

  /// Writes on this thread, each change when it is due, while another looks for them.
  private static func measure(
    _ changes: [WorkloadChange], rate: Int, _ lab: Laboratory
  ) throws(BenchFailure) -> [Double] {
    let arrivals = Arrivals()
    let watcher: WorkerThread
    do throws(TransportError) {
      watcher = try WorkerThread(name: "watch") {
        arrivals.watch(lab.centre.admin, count: changes.count)
      }
    } catch {
      throw BenchFailure("no thread: \(error)")
    }
    let sender = lab.province.admin
    let start = MonotonicClock.now().nanoseconds
    do throws(BenchFailure) {
      for (index, change) in changes.enumerated() where arrivals.failure.first == nil {
        sleep(until: start + Statistics.dueTime(index, rate: rate))
        try sender.write(change)
        arrivals.written(change.record, at: MonotonicClock.now().nanoseconds)
      }
    } catch {
      arrivals.failure.record(error)
    }
    watcher.join()
    if let first = arrivals.failure.first { throw first }
    return arrivals.milliseconds
  }

  private static func sleep(until time: UInt64) {
    let now = MonotonicClock.now().nanoseconds
    if time > now { usleep(UInt32((time - now) / 1_000)) }
  }
}

/// What was written and not yet seen, between the two threads of a run.
final class Arrivals: Sendable {
  private struct Pending { let record: RecordKey, writtenAt: UInt64 }

  let failure = Failure()
  private let pending = Mutex<[Pending]>([])
  private let latencies = Mutex<[Double]>([])

  /// One look takes longer than the pause of 0.2 ms before the next.
  private static let pauseMicroseconds: UInt32 = 200
  private static let maximumLookCount = 50_000

  var milliseconds: [Double] { latencies.withLock { $0 } }

  func written(_ record: RecordKey, at time: UInt64) {
    pending.withLock { $0.append(Pending(record: record, writtenAt: time)) }
  }

  /// Takes records as they were written: one lane keeps their order.
  func watch(_ site: AdminSite, count: Int) {
    do throws(BenchFailure) {
      for index in 0..<count {
        guard let next = waitForWrite(index) else { return }
        try waitForArrival(next.record, at: site)
        let time = MonotonicClock.now().nanoseconds - next.writtenAt
        latencies.withLock { $0.append(Double(time) / 1_000_000) }
      }
    } catch {
      failure.record(error)
    }
  }

  /// nil when the writer has failed.
  private func waitForWrite(_ index: Int) -> Pending? {
    while failure.first == nil {
      if let next = pending.withLock({ $0.count > index ? $0[index] : nil }) { return next }
      usleep(Self.pauseMicroseconds)
    }
    return nil
  }

  private func waitForArrival(_ record: RecordKey, at site: AdminSite) throws(BenchFailure) {
    for _ in 0..<Self.maximumLookCount {
      if try site.has(record) { return }
      usleep(Self.pauseMicroseconds)
    }
    throw BenchFailure("\(record.kind) \(record.id) does not arrive at the centre")
  }
}
