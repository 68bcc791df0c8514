import Replication
import Transport

/// Reads the bodies that peers send, a step ahead of the writer: what a body says is a function of
/// its bytes alone, and finding it out takes a third as long as writing it. So catching up uses a
/// second core, and the writer never waits for it.
///
/// All jobs of sessions pass here, so they reach the writer in the order posted.
final class BodyReader: Sendable {
  /// Frames read and not yet taken by the writer: one in hand, one beside it. Readings are several
  /// times as large as the bodies.
  private static let framesAhead = 2

  private let jobs: Mailbox<WriterJob>
  private let permits: Mailbox<Void>
  private let thread: WorkerThread

  /// - Parameter forward: hands a job on; called on this thread.
  init(
    capacity: Int, forward: @escaping @Sendable (WriterJob) -> Void
  ) throws(TransportError) {
    let jobs = try Mailbox<WriterJob>(capacity: capacity)
    let permits = try Mailbox<Void>(capacity: Self.framesAhead)
    for _ in 0..<Self.framesAhead { permits.postReply(()) }
    self.jobs = jobs
    self.permits = permits
    thread = try WorkerThread(name: "bodies") {
      while let taken = jobs.take(limit: 1) {
        for job in taken {
          if job.entries.isEmpty {
            forward(job)
          } else {
            // Closed: the process ends, and nobody waits for what was not forwarded.
            guard permits.take(limit: 1) != nil else { return }
            forward(job.read)
          }
        }
      }
    }
  }

  var count: Int { jobs.count }

  func post(_ job: WriterJob) { jobs.postReply(job) }

  /// The writer has taken these: as many frames may be read.
  func taken(_ jobs: [WriterJob]) {
    for job in jobs where !job.entries.isEmpty { permits.postReply(()) }
  }

  /// Forwards what was posted, then ends the thread.
  func stop() {
    jobs.close()
    thread.join()
  }

  func abandon() {
    permits.close()
    thread.detach()
  }
}

extension WriterJob {
  /// With the readings of the entries it brings.
  fileprivate var read: WriterJob {
    guard case .change(let session, let peer, let write, _) = self else { return self }
    return .change(session, peer: peer, write, read: entries.map(\.reading))
  }
}
