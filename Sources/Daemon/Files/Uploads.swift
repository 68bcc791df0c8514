import Operations
import Replication
import Storage
import Transport

/// Bounds of files on their way from an application.
enum UploadLimits {
  /// Body of one request. Memory for all uploads together is this, times ``openCount``.
  static let pieceByteCount = 1 << 20
  static let openCount = 16
  /// An upload is abandoned when nothing came for so long.
  static let idleTime = Duration.seconds(300)
  static let idleInterval = Duration.seconds(30)
  /// Ended uploads that are remembered, for a caller who lost the answer and asks again.
  static let endedCount = 64
}

/// Names an upload while it is under way. Random: after a restart nobody writes into the file of
/// another.
typealias UploadID = String

/// Why a piece of a file was not taken.
enum UploadFault: Error, Hashable, Sendable {
  /// Never begun, abandoned, or failed.
  case unknown
  case tooManyOpen
  /// A piece of it is being written.
  case busy
  case outOfOrder(offset: Int64, expected: Int64)
  case overQuota(byteCount: Int64, quota: UInt64)
  case file(FileStoreError)
}

/// What a reader's thread tells of an upload.
enum UploadReply: Sendable {
  case written(UploadID, Result<Int64, FileStoreError>)
  case stored(UploadID, Result<StoredUpload, FileStoreError>)
}

/// A file that is durable, name and content.
struct StoredUpload: Hashable, Sendable {
  let digest: Digest
  let byteCount: Int64
}

/// Takes files of applications in pieces, so that memory stays constant however large a file is.
/// The table is the reactor's; the disk is touched on the readers' threads, one job an upload.
final class Uploads {
  private final class Upload {
    let file = UploadedFile()
    var byteCount: Int64 = 0
    /// Where the last piece began: a caller who lost the answer sends it again.
    var lastOffset: Int64?
    var lastUsed: Instant
    var answer: Answer?
    init(at now: Instant) { lastUsed = now }
  }

  /// Who waits for the job under way.
  private enum Answer {
    case piece((Result<Int64, UploadFault>) -> Void)
    case end((Result<StoredUpload, UploadFault>) -> Void)
  }

  private let store: FileStore
  private let readers: ReaderPool
  private let metrics: MetricRegistry
  private let reply: @Sendable (UploadReply) -> Void
  private var open: [UploadID: Upload] = [:]
  private var ended: [(id: UploadID, file: StoredUpload)] = []
  var unnamed = UnnamedFiles()

  /// - Parameter reply: called on a reader's thread; must bring the reply to ``take(_:)``.
  init(
    store: FileStore, readers: ReaderPool, metrics: MetricRegistry,
    reply: @escaping @Sendable (UploadReply) -> Void
  ) {
    self.store = store
    self.readers = readers
    self.metrics = metrics
    self.reply = reply
  }

  func begin(at now: Instant) -> Result<UploadID, UploadFault> {
    guard open.count < UploadLimits.openCount else { return .failure(.tooManyOpen) }
    let id = hexText(Bytes16.random().bytes)
    open[id] = Upload(at: now)
    return .success(id)
  }

  /// Takes the next piece. The answer is the number of bytes taken so far.
  func append(
    _ bytes: [UInt8], at offset: Int64, of id: UploadID, quota: UInt64, now: Instant,
    _ answer: @escaping (Result<Int64, UploadFault>) -> Void
  ) {
    guard let upload = open[id] else { return answer(.failure(.unknown)) }
    guard upload.answer == nil else { return answer(.failure(.busy)) }
    upload.lastUsed = now
    let isRepeat =
      offset == upload.lastOffset && offset + Int64(bytes.count) == upload.byteCount
    guard !isRepeat else { return answer(.success(upload.byteCount)) }
    guard offset == upload.byteCount else {
      return answer(.failure(.outOfOrder(offset: offset, expected: upload.byteCount)))
    }
    let openByteCount = open.values.reduce(0) { $0 + $1.byteCount }
    let byteCount = unnamed.byteCount + openByteCount + Int64(bytes.count)
    guard byteCount <= quota, !unnamed.isFull else {
      drop(id, "refused")
      return answer(.failure(.overQuota(byteCount: byteCount, quota: quota)))
    }
    let (file, store, reply) = (upload.file, store, reply)
    let isPosted = readers.post(
      .background { _ in
        let result = Result { () throws(FileStoreError) in try file.append(bytes, in: store) }
        reply(.written(id, result))
      })
    guard isPosted else { return answer(.failure(.busy)) }
    upload.lastOffset = offset
    upload.answer = .piece(answer)
  }

  /// Stores the file. The answer comes when it is durable.
  func end(
    _ id: UploadID, expected: Digest?, byteCount: Int64?, now: Instant,
    _ answer: @escaping (Result<StoredUpload, UploadFault>) -> Void
  ) {
    if let known = ended.first(where: { $0.id == id }) { return answer(.success(known.file)) }
    guard let upload = open[id] else { return answer(.failure(.unknown)) }
    guard upload.answer == nil else { return answer(.failure(.busy)) }
    upload.lastUsed = now
    let (file, store, reply) = (upload.file, store, reply)
    let isPosted = readers.post(
      .background { _ in
        let result = Result { () throws(FileStoreError) in
          try file.finish(expected: expected, byteCount: byteCount, in: store)
        }
        reply(.stored(id, result))
      })
    guard isPosted else { return answer(.failure(.busy)) }
    upload.answer = .end(answer)
  }

  func take(_ reply: UploadReply) {
    switch reply {
    case .written(let id, let result):
      guard let upload = open[id], case .piece(let answer)? = upload.answer else { return }
      upload.answer = nil
      switch result {
      case .success(let byteCount): upload.byteCount = byteCount
      case .failure: drop(id, "refused")
      }
      answer(result.mapError { .file($0) })
    case .stored(let id, let result):
      guard case .end(let answer)? = open[id]?.answer else { return }
      if case .success(let file) = result {
        ended.append((id, file))
        if ended.count > UploadLimits.endedCount { ended.removeFirst() }
      }
      drop(id, (try? result.get()) == nil ? "refused" : "stored")
      showUnnamed()
      answer(result.mapError { .file($0) })
    }
  }

  /// Gives up what nobody has continued for ``UploadLimits/idleTime``.
  func abandonIdle(now: Instant) {
    for (id, upload) in open
    where upload.answer == nil && now - upload.lastUsed >= UploadLimits.idleTime {
      drop(id, "abandoned")
    }
  }

  /// Entries written here name these from now on.
  func named(_ digests: Set<Digest>) {
    guard !digests.isEmpty else { return }
    for digest in digests { unnamed.remove(digest) }
    showUnnamed()
  }

  func showUnnamed() {
    metrics.series(.unnamedFileBytes).set(Double(unnamed.byteCount))
  }

  private func drop(_ id: UploadID, _ result: String) {
    guard let upload = open.removeValue(forKey: id) else { return }
    metrics.series(.fileUploads, [result]).add(1)
    // To remove a large file takes a while; a stored one has nothing left to remove.
    let file = upload.file
    readers.postBounded(.background { _ in file.abandon() })
  }
}

/// The file of one upload; it is made with the first piece.
///
/// `@unchecked Sendable`: a job of the readers uses it, and ``Uploads`` posts one at a time. Only
/// ``abandon()`` may follow a job that has replied.
private final class UploadedFile: @unchecked Sendable {
  private var file: NewFile?

  func append(_ bytes: [UInt8], in store: FileStore) throws(FileStoreError) -> Int64 {
    let file = try begun(in: store)
    try file.append(bytes.span)
    return file.byteCount
  }

  func finish(
    expected: Digest?, byteCount: Int64?, in store: FileStore
  ) throws(FileStoreError) -> StoredUpload {
    let file = try begun(in: store)
    let digest = try file.finish(expected: expected, byteCount: byteCount)
    return StoredUpload(digest: digest, byteCount: file.byteCount)
  }

  func abandon() {
    file?.abandon()
    file = nil
  }

  private func begun(in store: FileStore) throws(FileStoreError) -> NewFile {
    if let file { return file }
    let fresh = try store.begin()
    file = fresh
    return fresh
  }
}
