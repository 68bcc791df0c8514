import Glibc
package import Replication
import Synchronization

/// A file that an application writes: its digest is known at the end. It is gone unless
/// ``finish(expected:byteCount:)`` stores it.
///
/// `@unchecked Sendable`: handed from thread to thread, used by one at a time.
package final class NewFile: @unchecked Sendable {
  private let store: FileStore
  private let name: String
  private let file: OpenFile
  private let stream: any SHA256Stream
  /// Bytes taken so far.
  package private(set) var byteCount: Int64 = 0
  private var writebackStart: Int64 = 0
  /// Stored, or failed for good.
  private var isOver = false
  private var isNamed = true

  init(_ store: FileStore, name: String, file: consuming OpenFile) {
    self.store = store
    self.name = name
    self.file = file
    stream = store.hashing.makeStream()
  }

  deinit { abandon() }

  /// Writes the next bytes.
  /// - Precondition: nothing has failed before.
  /// - Throws: `.tooLarge`, `.noRoom`, `.full`, `.failed`; the file is gone.
  package func append(_ bytes: Span<UInt8>) throws(FileStoreError) {
    precondition(!isOver, "append to a file that is over")
    do throws(FileStoreError) {
      let (end, overflow) = byteCount.addingReportingOverflow(Int64(bytes.count))
      guard !overflow, end <= store.limits.maximumFileByteCount else {
        throw .tooLarge(
          byteCount: overflow ? .max : end, limit: store.limits.maximumFileByteCount)
      }
      try store.requireRoom(Int64(bytes.count))
      try file.write(bytes, at: byteCount, name)
      stream.update(bytes)
      byteCount = end
      file.beginWriteback(from: &writebackStart, to: end)
    } catch {
      abandon()
      throw error
    }
  }

  /// Stores the file under its digest; content that is here already is not stored again.
  /// - Parameters: what the application declared, if it did.
  /// - Returns: the digest; file and name are durable.
  /// - Throws: `.sizeMismatch`, `.digestMismatch`, `.full`, `.failed`; the file is gone.
  package func finish(
    expected: Digest? = nil, byteCount declared: Int64? = nil
  ) throws(FileStoreError) -> Digest {
    precondition(!isOver, "finish of a file that is over")
    defer { abandon() }
    if let declared, declared != byteCount {
      throw .sizeMismatch(declared: declared, actual: byteCount)
    }
    let digest = stream.finish()
    if let expected, expected != digest {
      throw .digestMismatch(declared: expected, actual: digest, isResumed: false)
    }
    try store.adopt(file, named: name, of: store.layout.new, as: digest, byteCount: byteCount)
    isNamed = false
    return digest
  }

  /// Gives up; what was written is removed. May be called at any time, more than once.
  package func abandon() {
    isOver = true
    guard isNamed else { return }
    isNamed = false
    // What cannot be removed now is removed at the next start.
    try? store.layout.new.remove(name)
  }
}

extension FileStore {
  /// Begins a file of an application.
  package func begin() throws(FileStoreError) -> NewFile {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    let name = "\(number)"
    let file = try OpenFile(in: layout.new, name, O_RDWR | O_CREAT | O_EXCL)
    return NewFile(self, name: name, file: file)
  }
}
