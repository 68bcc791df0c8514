import Cryptography
import Replication
import Storage
import Synchronization
import Transport

/// What the thread of backups is asked to do.
enum BackupJob: Sendable {
  case take(BackupID)
  case read(BackupID, offset: Int64, byteCount: Int)
  case remove
}

/// What it answers.
enum BackupReply: Sendable {
  case taken(BackupID, Result<StoreCopyFacts, StoreCopyError>)
  case read(BackupID, Result<[UInt8], StoreCopyError>)
}

/// The thread of backups: copies the store, and reads the copy for who asked for it. A thread of
/// its own, because a copy takes as long as the store is large.
final class BackupWorker: Sendable {
  /// One job waits for an answer at a time; the others remove.
  static let mailboxCapacity = 16

  private let jobs: Mailbox<BackupJob>
  private let thread: WorkerThread
  private let stopping: StopFlag

  /// - Parameter reply: called on the worker's thread.
  init(
    store: OpenedStore, reserve: UInt64, reply: @escaping @Sendable (BackupReply) -> Void
  ) throws(TransportError) {
    let jobs = try Mailbox<BackupJob>(capacity: Self.mailboxCapacity)
    let stopping = StopFlag()
    self.jobs = jobs
    self.stopping = stopping
    let copy = StoreCopy(in: store.directory, hashing: OpenSSLHash(), reserve: reserve)
    thread = try WorkerThread(name: "backup") {
      while let taken = jobs.take(limit: 1) {
        for job in taken {
          switch job {
          case .take(let id):
            reply(
              .taken(
                id,
                Result { () throws(StoreCopyError) in
                  try Self.take(copy, of: store, unless: stopping)
                }))
          case .read(let id, let offset, let byteCount):
            reply(
              .read(
                id,
                Result { () throws(StoreCopyError) in
                  try copy.bytes(at: offset, count: byteCount)
                }))
          case .remove: copy.remove()
          }
        }
      }
      copy.remove()
    }
  }

  /// The reader lives as long as the snapshot: what comes after touches the copy alone.
  private static func take(
    _ copy: StoreCopy, of store: OpenedStore, unless stopping: StopFlag
  ) throws(StoreCopyError) -> StoreCopyFacts {
    let state = try stopping.whileOpen { () throws(StoreCopyError) in
      let reader: SQLiteReader
      do throws(StoreError) {
        reader = try store.makeReader(timeBox: StoreCopyLimits.time)
      } catch {
        throw .store(error)
      }
      return try copy.copy(from: reader) { stopping.isRaised }
    }
    return try copy.settle(state) { stopping.isRaised }
  }

  func post(_ job: BackupJob) { jobs.postReply(job) }

  /// Returns once no connection to the store is open here. A check of the copy may still run: the
  /// copy is no part of the store, and the end of the process ends it.
  func stop() {
    jobs.close()
    stopping.raise()
    thread.detach()
  }
}

/// Tells a copy to stop, and waits until it has let go of the store.
private final class StopFlag: Sendable {
  private let flag = Atomic(false)
  private let store = Mutex(())

  var isRaised: Bool { flag.load(ordering: .acquiring) }

  func whileOpen<Value: Sendable>(
    _ body: () throws(StoreCopyError) -> Value
  ) throws(StoreCopyError) -> Value {
    let result = store.withLock { _ in
      Result { () throws(StoreCopyError) in
        guard !isRaised else { throw .stopped }
        return try body()
      }
    }
    return try result.get()
  }

  func raise() {
    flag.store(true, ordering: .releasing)
    store.withLock { _ in }
  }
}
