import Cryptography
import Replication
import Storage
import Synchronization
import Transport

/// What the verifier found in one stretch of the log, for the writer to keep in one transaction.
struct VerdictBatch: Sendable {
  struct Found: Sendable {
    let entry: EntryIdentity
    let verdict: SignatureVerdict
  }

  let verdicts: [Found]
  /// Everything up to here has been looked at.
  let cursor: LSN
}

/// Verifies the signatures of records behind the writer. It follows this site's own log by a cursor
/// of its own, so what was written here and what came from peers pass the same eye, a verdict never
/// delays an acknowledgement, and what a crash interrupts is done after it.
///
/// One batch is under way to the writer at a time. The next may be judged meanwhile, and the one
/// after it is read while that is judged; each takes what those before it found from them. So
/// nothing is verified twice, and what the writer could not keep is read again before anything
/// behind it.
///
/// Design section 5 has verification before the writer. A verdict is no part of content, and what
/// an author must learn travels as an outcome, so nothing needs it earlier.
final class Verifier: Sendable {
  /// Changes read at once, so that a group of the writer has the verdicts of many documents.
  static let batchCount = 1_024
  /// Bytes of signatures and what they are over that are judged at once; as much is read ahead.
  static let batchByteCount = 4 * 1024 * 1024

  private let signals: Mailbox<Signal>
  private let pending: PendingWake
  private let pool: VerifierWorker.Pool
  private let handed = HandedRecords()
  private let thread: WorkerThread

  enum Signal: Sendable {
    /// The log grew, or an entry was repaired.
    case wake
    /// The writer has kept the batch, or could not.
    case answered(isKept: Bool)
    /// Other anchors or lists: the log is looked at again, for what was undecided.
    case trust(RecordTrust?)
  }

  /// A wake that nobody has taken yet: further ones say nothing new.
  private final class PendingWake: Sendable {
    private let state = Mutex(false)
    /// - Returns: whether it was not set before.
    func set() -> Bool {
      state.withLock { isSet in
        defer { isSet = true }
        return !isSet
      }
    }
    func clear() { state.withLock { $0 = false } }
  }

  /// - Parameters:
  ///   - cursor: how far the log was looked at before.
  ///   - unreadable: called on the verifier's thread, as ``VerifierWorker`` says.
  ///   - deliver: called on the verifier's thread; answer with ``answered(isKept:)``.
  init(
    reader: SQLiteReader, cursor: LSN, trust: RecordTrust?,
    unreadable: @escaping @Sendable (Digest) -> Void,
    deliver: @escaping @Sendable (VerdictBatch) -> Void
  ) throws(TransportError) {
    let signals = try Mailbox<Signal>(capacity: 64)
    let pending = PendingWake()
    let pool = try VerifierWorker.Pool(name: "judge", threadCount: WorkerThread.coreCount)
    self.pool = pool
    self.signals = signals
    self.pending = pending
    let handed = handed
    thread = try WorkerThread(name: "verifier") {
      var worker = VerifierWorker(
        reader: reader, pool: pool, cursor: cursor, trust: trust, handed: handed,
        unreadable: unreadable)
      while let taken = signals.take() {
        pending.clear()
        for signal in taken {
          switch signal {
          case .wake: worker.wake()
          case .answered(let isKept): worker.answered(isKept: isKept)
          case .trust(let trust): worker.use(trust)
          }
        }
        guard let batch = worker.step() else { continue }
        deliver(batch)
        worker.lookAhead()
      }
    }
  }

  /// - Parameter signed: what the commit has noted, as far as it is in memory.
  func wake(_ signed: [SignedRecord] = []) {
    handed.add(signed)
    if pending.set() { signals.postReply(.wake) }
  }

  func answered(isKept: Bool) { signals.postReply(.answered(isKept: isKept)) }

  func use(_ trust: RecordTrust?) { signals.postReply(.trust(trust)) }

  /// What is being judged is given up: it is judged after the next start.
  func stop() {
    signals.close()
    pool.stop()
    thread.join()
  }
}
