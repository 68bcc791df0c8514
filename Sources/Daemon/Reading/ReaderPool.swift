import Cryptography
import Operations
import Replication
import Storage
import Transport

/// A read that somebody waits for.
enum ReadJob: Sendable {
  /// Rows for a link that carries nothing above `ceiling`.
  case load(
    SessionNumber, RowSelection, Lane, after: LSN, RowLimits, ceiling: SecrecyLevel)
  case judge(SessionNumber, Hello)
  case outcomes(SessionNumber, peer: SiteID, after: UInt64, limit: Int)
  /// One page for the admin API, in one snapshot.
  case query(RequestID, @Sendable (SQLiteReader) throws(StoreError) -> HTTPResponse)
  /// A read that answers by itself.
  case background(@Sendable (SQLiteReader) -> Void)
  /// Name resolution may block, so it happens here.
  case resolve(HostPort)
}

enum ReadReply: Sendable {
  case loaded(SessionNumber, Lane, RowBatch, Checkpoint)
  /// An entry above the ceiling lies in the log where this link would go on.
  case aboveCeiling(SessionNumber, EntryIdentity, RecordKey?)
  case judged(SessionNumber, HelloJudgement)
  case outcomes(SessionNumber, [NumberedOutcome])
  case queried(RequestID, Result<HTTPResponse, StoreError>)
  case resolved(HostPort, Result<[SocketAddress], TransportError>)
  /// The next entry of the lane cannot be read: the lane stops before it.
  case stalled(SessionNumber, Lane, Digest)
  /// A read of a link failed: that link stops, the change is not skipped.
  case failed(SessionNumber, StoreError)
}

/// Rows on their way to a link, after the check at send (promise 7).
enum CheckedBatch {
  /// The checkpoint is the batch's end, sealed.
  case sealed(RowBatch, Checkpoint)
  case aboveCeiling(EntryIdentity, RecordKey?)

  init(_ batch: RowBatch, ceiling: SecrecyLevel, of site: SiteID, sealing: CheckpointKey) {
    if let entry = batch.firstEntry(above: ceiling) {
      self = .aboveCeiling(entry.identity, entry.header.record)
    } else {
      let checkpoint = Checkpoint(
        of: site, incarnation: batch.last.incarnation, lsn: batch.last.lsn,
        head: batch.last.head, sealing: sealing)
      self = .sealed(batch, checkpoint)
    }
  }
}

/// Threads that read, each with a read-only connection of its own; reads are time-boxed.
final class ReaderPool: Sendable {
  static let threadCount = 2
  /// Requests that may wait: one load a lane and a judgement for each link, and the API's.
  static let mailboxCapacity = 2_048

  private let jobs: Mailbox<ReadJob>
  private let threads: [WorkerThread]

  init(
    store: OpenedStore, timeBox: Duration, site: SiteID, sealing: CheckpointKey,
    reply: @escaping @Sendable (ReadReply) -> Void
  ) throws {
    let jobs = try Mailbox<ReadJob>(capacity: Self.mailboxCapacity)
    self.jobs = jobs
    threads = try (0..<Self.threadCount).map { index in
      let worker = ReadWorker(
        reader: try store.makeReader(timeBox: timeBox), site: site, sealing: sealing)
      return try WorkerThread(name: "reader-\(index)") {
        while let taken = jobs.take(limit: 1) {
          for job in taken {
            if let answer = worker.perform(job) { reply(answer) }
          }
        }
      }
    }
  }

  /// - Returns: false when too much waits already.
  func post(_ job: ReadJob) -> Bool { jobs.post(job) }

  /// For reads that a session bounds itself.
  func postBounded(_ job: ReadJob) { jobs.postReply(job) }

  func stop() {
    jobs.close()
    for thread in threads { thread.join() }
  }
}

/// One reader's thread.
private struct ReadWorker: Sendable {
  let reader: SQLiteReader
  let site: SiteID
  let sealing: CheckpointKey

  /// - Returns: nil when the job answers by itself.
  func perform(_ job: ReadJob) -> ReadReply? {
    switch job {
    case .load(let session, let selection, let lane, let after, let limits, let ceiling):
      return answer(session, lane) { reader throws(StoreError) in
        let batch = try reader.rows(
          after: after, lane: lane, selection: selection, limits: limits)
        switch CheckedBatch(batch, ceiling: ceiling, of: site, sealing: sealing) {
        case .sealed(let batch, let checkpoint):
          return .loaded(session, lane, batch, checkpoint)
        case .aboveCeiling(let entry, let record):
          return .aboveCeiling(session, entry, record)
        }
      }
    case .judge(let session, let hello):
      return answer(session) { reader throws(StoreError) in
        .judged(session, try judgeHello(hello, of: site, in: reader, sealing: sealing))
      }
    case .outcomes(let session, let peer, let after, let limit):
      return answer(session) { reader throws(StoreError) in
        .outcomes(session, try reader.outcomes(for: peer, after: after, limit: limit))
      }
    case .query(let request, let body):
      return .queried(request, Result { () throws(StoreError) in try reader.inSnapshot(body) })
    case .background(let body):
      body(reader)
      return nil
    case .resolve(let target):
      return .resolved(
        target,
        Result { () throws(TransportError) in try SocketAddress.resolve(target.description) })
    }
  }

  private func answer(
    _ session: SessionNumber, _ lane: Lane? = nil,
    _ body: (SQLiteReader) throws(StoreError) -> ReadReply
  ) -> ReadReply {
    do throws(StoreError) { return try reader.inSnapshot(body) } catch {
      if let lane, case .rotten(let digest) = error { return .stalled(session, lane, digest) }
      return .failed(session, error)
    }
  }
}
