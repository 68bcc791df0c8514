import Operations
import Replication
import Storage
import Transport

/// Bounds of backups.
enum BackupLimits {
  /// Bytes of one answer.
  static let pieceByteCount = 1 << 20
  /// A copy goes when nobody has asked for a piece for so long, so that a client who went away
  /// keeps neither disk nor the next backup.
  static let idleTime = Duration.seconds(60)
  /// And at the latest after this.
  static let keptTime = Duration.seconds(6 * 3_600)
  static let interval = Duration.seconds(10)
}

/// Names a backup while its copy is here. Random: nobody reads into the copy of another.
typealias BackupID = String

/// Why a backup, or a piece of one, is not given.
enum BackupFault: Error, Hashable, Sendable {
  /// Another one is being taken or fetched.
  case busy
  /// Never taken, ended, or not fetched for ``BackupLimits/idleTime``.
  case unknown
  case copy(StoreCopyError)
}

/// A backup that can be fetched.
struct TakenBackup: Sendable {
  let id: BackupID
  let facts: StoreCopyFacts
  /// When the copy was begun.
  let time: WallTime
}

/// Backups on the reactor: one at a time, from its copy to its last piece.
final class Backups {
  private struct Current {
    let id: BackupID
    let begun: Instant
    let time: WallTime
    var lastUsed: Instant
    /// nil while the copy is being made.
    var taken: TakenBackup?
  }

  private let worker: BackupWorker
  private let logger: Logger
  private var current: Current?
  private var takenAnswer: ((Result<TakenBackup, BackupFault>) -> Void)?
  private var pieceAnswer: ((Result<[UInt8], BackupFault>) -> Void)?

  init(worker: BackupWorker, logger: Logger) {
    self.worker = worker
    self.logger = logger
  }

  /// Copies the store. The answer comes when the copy is checked and durable.
  func take(
    at time: WallTime, now: Instant, _ answer: @escaping (Result<TakenBackup, BackupFault>) -> Void
  ) {
    guard current == nil else { return answer(.failure(.busy)) }
    let id = hexText(Bytes16.random().bytes)
    current = Current(id: id, begun: now, time: time, lastUsed: now, taken: nil)
    takenAnswer = answer
    worker.post(.take(id))
  }

  /// Bytes of the copy from `offset`, at most ``BackupLimits/pieceByteCount``; fewer at its end.
  func read(
    _ id: BackupID, at offset: Int64, byteCount: Int, now: Instant,
    _ answer: @escaping (Result<[UInt8], BackupFault>) -> Void
  ) {
    guard let taken = current?.taken, taken.id == id else { return answer(.failure(.unknown)) }
    guard pieceAnswer == nil else { return answer(.failure(.busy)) }
    current?.lastUsed = now
    pieceAnswer = answer
    let count = max(0, min(Int64(byteCount), taken.facts.byteCount - offset))
    worker.post(.read(id, offset: offset, byteCount: Int(count)))
  }

  /// The copy goes; one that has gone is as good.
  func end(_ id: BackupID) {
    guard let taken = current?.taken, taken.id == id else { return }
    drop()
  }

  func dropIdle(now: Instant) {
    guard let current, current.taken != nil, pieceAnswer == nil else { return }
    let isIdle = now - current.lastUsed >= BackupLimits.idleTime
    guard isIdle || now - current.begun >= BackupLimits.keptTime else { return }
    logger.log(.warning, "backup.abandoned")
    drop()
  }

  func take(_ reply: BackupReply, now: Instant) {
    switch reply {
    case .taken(let id, let result):
      guard let begun = current, begun.id == id, let answer = takenAnswer else { return }
      takenAnswer = nil
      switch result {
      case .success(let facts):
        let taken = TakenBackup(id: id, facts: facts, time: begun.time)
        current?.taken = taken
        current?.lastUsed = now
        logger.log(
          .notice, "backup.taken",
          ["end": .of(facts.state.end.lsn), "bytes": .of(facts.byteCount)])
        answer(.success(taken))
      case .failure(let error):
        current = nil
        logger.log(
          .error, "backup.failed", ["error": .of("\(error)"), "do": .text(error.hint)])
        answer(.failure(.copy(error)))
      }
    case .read(_, let result):
      guard let answer = pieceAnswer else { return }
      pieceAnswer = nil
      answer(result.mapError { .copy($0) })
    }
  }

  func stop() { worker.stop() }

  private func drop() {
    current = nil
    worker.post(.remove)
  }
}
