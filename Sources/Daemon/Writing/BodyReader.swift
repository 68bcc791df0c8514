import Replication
import Storage
import Synchronization
import Transport

/// Reads the bodies that peers send, a step ahead of the writer: what a body says is a function of
/// its bytes alone, and finding it out takes a third as long as writing it. So catching up uses a
/// second core, and the writer never waits for it. What the writer is done with is freed here too.
///
/// Jobs of sessions pass here, so they reach the writer in the order posted. While none is under
/// way here (``isIdle``) whoever posts may go to the writer itself.
final class BodyReader: Sendable {
  /// Frames read and not yet taken by the writer: one in hand, one beside it. Readings are several
  /// times as large as the bodies.
  private static let framesAhead = 2

  /// What the thread is given to do.
  private enum Task: Sendable {
    case read(WriterJob)
    /// There is something to let go of, and nothing to read.
    case wake
  }

  /// What the writer is done with: readings are freed where they were made and the next ones use
  /// their memory, and the writer, for which all wait, need not do it.
  private typealias Freed = (jobs: [WriterJob], records: ForgottenRecords?)

  private let jobs: Mailbox<Task>
  private let permits: Mailbox<Void>
  private let freed: Pile<Freed>
  /// Jobs posted and not forwarded yet.
  private let underWay = UnderWay()
  private let thread: WorkerThread

  /// - Parameter forward: hands a job on; called on this thread.
  init(
    capacity: Int, forward: @escaping @Sendable (WriterJob) -> Void
  ) throws(TransportError) {
    let jobs = try Mailbox<Task>(capacity: capacity)
    let permits = try Mailbox<Void>(capacity: Self.framesAhead)
    for _ in 0..<Self.framesAhead { permits.postReply(()) }
    self.jobs = jobs
    self.permits = permits
    let (underWay, freed) = (underWay, Pile<Freed>())
    self.freed = freed
    thread = try WorkerThread(name: "bodies") {
      while let taken = jobs.take(limit: 1) {
        // Before the next frame: what is read and not done with stays within its bound.
        freed.clear()
        for case .read(let job) in taken {
          if job.entries.isEmpty {
            forward(job)
          } else {
            // Closed: the process ends, and nobody waits for what was not forwarded.
            guard permits.take(limit: 1) != nil else { return }
            forward(job.read)
          }
          underWay.count.subtract(1, ordering: .sequentiallyConsistent)
        }
        freed.clear()
      }
    }
  }

  var count: Int { jobs.count }

  /// Whether all that was posted is forwarded. Only the thread that posts can rely on it.
  var isIdle: Bool { underWay.count.load(ordering: .acquiring) == 0 }

  func post(_ job: WriterJob) {
    underWay.count.add(1, ordering: .sequentiallyConsistent)
    jobs.postReply(.read(job))
  }

  /// So many jobs cost more to let go of than a thread to wake.
  private static let manyJobs = 16

  /// Lets go of what the writer is done with.
  func free(_ jobs: consuming [WriterJob], _ records: consuming ForgottenRecords?) {
    let isMuch = jobs.count >= Self.manyJobs || jobs.contains(where: \.isRead) || records != nil
    guard isMuch else { return }
    freed.add((jobs, records))
    // With a job under way the thread clears the pile after it.
    if underWay.count.load(ordering: .sequentiallyConsistent) == 0 { self.jobs.postReply(.wake) }
  }

  /// The writer has taken these: as many frames may be read as were read for it.
  func taken(_ jobs: [WriterJob]) {
    for job in jobs where job.isRead { permits.postReply(()) }
  }

  /// Forwards what was posted, then ends the thread.
  func stop() {
    jobs.close()
    thread.join()
  }

  /// The writer takes nothing any more: what waits for it is neither read nor forwarded, and who
  /// stops the thread need not wait for that.
  func writerEnded() {
    jobs.close()
    permits.close()
  }

  func abandon() {
    writerEnded()
    thread.detach()
  }
}

private final class UnderWay: Sendable {
  let count = Atomic(0)
}

/// Things to be let go of by another thread than the one that adds them.
private final class Pile<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])

  func add(_ element: consuming Element) {
    elements.withLock { [element] in $0.append(element) }
  }

  func clear() {
    let taken = elements.withLock { elements in
      defer { elements = [] }
      return elements
    }
    // Outside the lock.
    _ = consume taken
  }
}

extension WriterJob {
  /// Whether ``BodyReader`` has read what it brings.
  fileprivate var isRead: Bool {
    if case .change(_, _, _, let read) = self { !read.isEmpty } else { false }
  }

  /// With the readings of the entries it brings.
  fileprivate var read: WriterJob {
    guard case .change(let session, let peer, let write, _) = self else { return self }
    return .change(session, peer: peer, write, read: entries.map(\.reading))
  }
}
