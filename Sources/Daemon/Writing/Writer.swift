import Cryptography
import Replication
import Storage
import Transport

/// The one writer: a thread that owns the one connection that writes and checkpoints. It groups
/// what has arrived into one transaction, syncs, and only then answers; while it syncs, the next
/// group fills its mailbox.
final class Writer: Sendable {
  /// Jobs that may wait: 64 of an application, some for each link; beyond that the reactor holds
  /// its connections back.
  static let mailboxCapacity = 4_096
  /// Entries that cost the writer less to read than a thread between costs to wake.
  static let fewEntries = 4

  private let jobs: Mailbox<WriterJob>
  private let bodies: BodyReader
  private let thread: WorkerThread

  /// - Parameters:
  ///   - store: used by the writer's thread only from here on.
  ///   - report: called on the writer's thread after each group, or once with the failure that ends
  ///     the process.
  init(
    store: SQLiteWriter, context: WriterContext,
    report: @escaping @Sendable (WriterReport) -> Void
  ) throws(TransportError) {
    let jobs = try Mailbox<WriterJob>(capacity: Self.mailboxCapacity)
    self.jobs = jobs
    let bodies = try BodyReader(capacity: Self.mailboxCapacity) { jobs.postReply($0) }
    self.bodies = bodies
    thread = try WorkerThread(name: "writer") {
      var loop = WriterLoop(store: store, context: context, report: report)
      loop.run(
        take: { limit in
          let taken = jobs.take(limit: limit)
          if let taken { bodies.taken(taken) }
          return taken
        }, free: bodies.free)
      // After a failure too. Who posts then is not told that nobody takes it: the process ends, and
      // what an application asked for has no answer.
      bodies.writerEnded()
    }
  }

  /// - Returns: false when too much waits already; nothing was taken.
  func post(_ job: WriterJob) -> Bool { jobs.post(job) }

  /// Whether nothing waits, at the moment of asking.
  var isIdle: Bool { jobs.count + bodies.count == 0 }

  /// For what a session has begun already and bounds itself by its credit. Jobs of sessions are the
  /// reactor's, so none comes between the look and the post.
  func postBounded(_ job: WriterJob) {
    if job.session == nil || bodies.isIdle && needsNoReader(job) {
      jobs.postReply(job)
    } else {
      bodies.post(job)
    }
  }

  /// Few entries for a writer that has nothing before them: one wake-up less on their way.
  private func needsNoReader(_ job: WriterJob) -> Bool {
    let count = job.entries.count
    return count == 0 || count <= Self.fewEntries && jobs.count == 0
  }

  /// Finishes what was posted, then ends the threads.
  func stop() {
    bodies.stop()
    jobs.close()
    thread.join()
  }

  /// The process ends for a failure: what waits is not written any more, and nobody waits for the
  /// threads, which may have ended by themselves.
  func abandon() {
    bodies.abandon()
    thread.detach()
  }
}

/// What the writer needs beside the store.
struct WriterContext: Sendable {
  let site: SiteID
  let centre: SiteID
  let configuredPins: [Digest]
  let sealing: CheckpointKey
  let signingKey: SigningKey
  let hashing: OpenSSLHash
  let attempts: AttemptNote
  let files: FileStore
  /// This start's incarnation; a wake draws another.
  let incarnation: Incarnation
  let groupEntryCount: Int
  let groupByteCount: Int
  /// True once the reserve of the disk is reached: applications are refused early.
  let disk: DiskGauge
}

/// What the writer's thread tells the reactor.
enum WriterReport: Sendable {
  /// The machine slept or went back: this incarnation is opened with the next row.
  case woke(Incarnation)
  case group([WriterReply], CommitNews)
  /// The disk is full: nothing of the group was written.
  case full([WriterJob])
  /// An entry that the jobs need cannot be read here: nothing of them was written. `waiting`: the
  /// session whose writes wait for the repair; nil: the jobs are given up.
  case rotten(Digest, [WriterJob], waiting: SessionNumber?)
  /// The environment failed: the process ends without an answer, recovery decides.
  case failed(StoreError)
}

/// The loop of the writer's thread.
private struct WriterLoop {
  let store: SQLiteWriter
  let context: WriterContext
  let report: @Sendable (WriterReport) -> Void
  /// The incarnation of this start or wake, until a row of it is durable.
  private var unopened: Incarnation?
  private var wakes = WakeWatch(wall: WallClock.now(), monotonic: MonotonicClock.now())
  private var waiting = WaitingWrites<WriterJob>()
  /// Something was repaired since they wait.
  private var isReleased = false

  init(
    store: SQLiteWriter, context: WriterContext, report: @escaping @Sendable (WriterReport) -> Void
  ) {
    self.store = store
    self.context = context
    self.report = report
    unopened = context.incarnation
  }

  /// - Parameters:
  ///   - take: up to so many jobs, when there are some; nil at the end.
  ///   - free: takes jobs that nothing here holds any more.
  mutating func run(
    take: (Int) -> [WriterJob]?,
    free: (consuming [WriterJob], consuming ForgottenRecords?) -> Void
  ) {
    while let taken = take(context.groupEntryCount) {
      var rest = sort(taken)
      while !rest.isEmpty {
        let group = rest.prefix(groupLength(rest))
        rest = rest.dropFirst(group.count)
        guard commit(Array(group)) else { return }
        rest = sort(release() + rest)
      }
      rest = []
      free(consume taken, store.takeForgotten())
    }
  }

  /// Jobs to be done now, in order. Those of broken sessions are told of, the others wait.
  private mutating func sort(_ jobs: [WriterJob]) -> ArraySlice<WriterJob> {
    let (ready, orphans) = waiting.sort(jobs)
    if !orphans.isEmpty { report(.full(orphans)) }
    return ready[...]
  }

  private mutating func release() -> [WriterJob] {
    guard isReleased else { return [] }
    isReleased = false
    return waiting.release()
  }

  private func groupLength(_ jobs: ArraySlice<WriterJob>) -> Int {
    WriterJob.groupLength(
      jobs, entryCount: context.groupEntryCount, byteCount: context.groupByteCount)
  }

  /// - Returns: false when the process must end.
  private mutating func commit(_ jobs: [WriterJob]) -> Bool {
    let started = MonotonicClock.now()
    lookForWake(at: started)
    do throws(StoreError) {
      try store.begin()
      Failpoint.groupBegun.reach()
      var group = WriterGroup(
        context: context, state: try store.siteState(), unopened: unopened,
        now: WallClock.now())
      for job in jobs { try group.perform(job, in: store) }
      context.attempts.end()
      let (replies, news) = try group.finish(in: store)
      try Failpoint.groupCommitting.reach(failing: StoreError.ioFailure)
      try store.commit()
      Failpoint.groupCommitted.reach()
      if group.isOpened { unopened = nil }
      var told = news
      told.tally.commitSeconds = (MonotonicClock.now() - started).inSeconds
      isReleased = isReleased || jobs.contains(where: \.isRepair)
      report(.group(replies, told))
    } catch {
      switch error {
      case .full: return rollBack(jobs)
      case .rotten(let digest): return isolate(jobs, digest)
      case .failed, .corrupt, .tookTooLong:
        report(.failed(error))
        return false
      }
    }
    return checkpoint()
  }

  /// Before anything is written: a machine that was put back with its memory must not go on under
  /// the incarnation that it had then.
  private mutating func lookForWake(at now: Instant) {
    guard wakes.hasWoken(wall: WallClock.now(), monotonic: now) else { return }
    let incarnation = Incarnation(.random())
    unopened = incarnation
    report(.woke(incarnation))
  }

  /// One of the jobs needs an entry that cannot be read. The others are done one by one; that one
  /// waits for the repair when a session can wait, and is given up otherwise.
  private mutating func isolate(_ jobs: [WriterJob], _ digest: Digest) -> Bool {
    context.attempts.end()
    guard undo() else { return false }
    guard jobs.count == 1 else {
      // What waits now may be of a session before the one that a later job opens.
      for job in jobs {
        for job in sort([job]) where !commit([job]) { return false }
      }
      return true
    }
    if let session = jobs[0].session {
      waiting.wait(jobs[0], of: session)
      report(.rotten(digest, [], waiting: session))
    } else {
      report(.rotten(digest, jobs, waiting: nil))
    }
    return true
  }

  /// - Returns: false when the process must end.
  private func undo() -> Bool {
    do throws(StoreError) {
      try store.rollback()
      return true
    } catch {
      report(.failed(error))
      return false
    }
  }

  /// Between groups. A disk too full to checkpoint on is tried again after the next group.
  private func checkpoint() -> Bool {
    do throws(StoreError) {
      _ = try store.checkpointStep()
    } catch .full {
      context.disk.noteRefusal()
    } catch {
      report(.failed(error))
      return false
    }
    return true
  }

  private mutating func rollBack(_ jobs: [WriterJob]) -> Bool {
    guard undo() else { return false }
    context.disk.noteRefusal()
    waiting.rolledBack(jobs)
    report(.full(jobs))
    return true
  }
}

extension Duration {
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
