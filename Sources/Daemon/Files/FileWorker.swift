import Replication
import Storage
import Transport

/// What is read of a content at a time.
struct ReadRange: Equatable, Sendable {
  let wanted: Wanted
  let offset: UInt64
  let pieceByteCount: Int
  /// At least one; of an entry one.
  var pieceCount = 1
  /// Nobody has asked for it yet.
  var isAhead = false
}

/// What the thread of files is asked to do, in the order asked.
enum FileJob: Sendable {
  /// Bytes for a peer, if it may have them: a piece, and those after it up to so many in all.
  case read(SessionNumber, peer: SiteID, ReadRange)
  /// Begins or goes on to receive; without a session, content that needs no peer.
  case open(SessionNumber?, ContentLead)
  /// Pieces that belong one after the other, from `offset` on.
  case write(
    SessionNumber, Wanted, offset: UInt64, pieces: [ArraySlice<UInt8>], totalByteCount: UInt64)
  /// No more comes; what was received of a file stays.
  case close(Wanted)
  /// A stretch of the scrub.
  case scrub
  /// The entry cannot be read: who should have it?
  case examine(Digest)
}

extension FileJob {
  /// One job for this and the `next`, when that one's bytes belong after this one's; else nil.
  private func joined(with next: FileJob) -> FileJob? {
    guard case .write(let session, let wanted, let offset, let pieces, let total) = self,
      case .write(session, wanted, let nextOffset, let more, total) = next,
      nextOffset == pieces.reduce(offset, { $0 + UInt64($1.count) })
    else { return nil }
    return .write(session, wanted, offset: offset, pieces: pieces + more, totalByteCount: total)
  }

  /// What waits, with pieces of a content that wait one after the other as one job: the peer is
  /// granted the next bytes once for all of them, and before any is hashed.
  static func joined(_ waiting: [FileJob]) -> [FileJob] {
    waiting.reduce(into: []) { jobs, next in
      if let both = jobs.last?.joined(with: next) {
        jobs[jobs.count - 1] = both
      } else {
        jobs.append(next)
      }
    }
  }
}

/// What it answers.
enum FileReply: Sendable {
  /// The piece asked for, none at the end of the content, and what was read beyond it. Of what was
  /// read ahead none too when it could not be read: whoever asks for it will hear why.
  case read(SessionNumber, ReadRange, pieces: [[UInt8]], totalByteCount: UInt64)
  case unavailable(SessionNumber, Wanted, FileRefusal)
  /// The bytes from `offset` on are to be fetched.
  case opened(SessionNumber, Wanted, offset: UInt64)
  case written(SessionNumber, Wanted, upTo: UInt64)
  /// The whole content is here and its digest is the right one; a file is durable.
  case storedFile(Digest, byteCount: UInt64)
  case fetchedEntry(Entry, byteCount: UInt64)
  /// Nothing more comes of this try.
  case failed(Wanted, FileFault)
  case found([FileFinding])
  case scrubbed(ScrubStep)
}

/// Why a content did not come.
enum FileFault: Sendable {
  case file(FileStoreError)
  /// The peer's bytes are no entry, or another one.
  case wrongEntry
}

/// Something that the scrub or a reader found.
enum FileFinding: Sendable {
  /// The file's bytes have changed; it is out of reach. `isKept`: in `files/rotten`.
  case rottenFile(Digest, isKept: Bool)
  /// A file that should be here is not.
  case lostFile(Digest)
  /// The entry's bytes have changed. nil: nobody can be asked, because no row names it.
  case rottenEntry(Digest, ContentLead?)
  /// A stub that should have its body, and who should have it.
  case bodilessEntry(Digest, ContentLead?)
}

/// What one stretch of the scrub came to.
struct ScrubStep: Sendable {
  var byteCount = 0
  var duration = Duration.zero
  /// Everything has been read once since the last end.
  var isRoundOver = false
  /// The machine could not read; the next step tries again.
  var failure: String?
}

/// The thread of files: receives parts in order, compares digests, reads for peers, scrubs. It
/// alone writes parts, so no two transfers meet in one.
final class FileWorker: Sendable {
  /// Jobs that may wait: a window of pieces and a read for each link.
  static let mailboxCapacity = 4_096
  /// Jobs between two stretches of hashing what an earlier transfer left.
  static let jobsAtOnce = 16

  private let jobs: Mailbox<FileJob>
  private let thread: WorkerThread

  /// - Parameter reply: called on the worker's thread.
  init(
    store: FileStore, reader: SQLiteReader, centre: SiteID,
    reply: @escaping @Sendable (FileReply) -> Void
  ) throws(TransportError) {
    let jobs = try Mailbox<FileJob>(capacity: Self.mailboxCapacity)
    self.jobs = jobs
    thread = try WorkerThread(name: "files") {
      var desk = FileDesk(store: store, reader: reader, centre: centre, reply: reply)
      while true {
        if desk.isHashing {
          if jobs.wait(atMost: .zero) == .closed { return }
          for job in FileJob.joined(jobs.drain(limit: Self.jobsAtOnce)) { desk.perform(job) }
          desk.hashStep()
        } else {
          guard let taken = jobs.take(limit: Self.jobsAtOnce) else { return }
          for job in FileJob.joined(taken) { desk.perform(job) }
        }
      }
    }
  }

  /// For what sessions bound by their windows, and the fetcher by its places.
  func post(_ job: FileJob) { jobs.postReply(job) }

  func stop() {
    jobs.close()
    thread.join()
  }
}
