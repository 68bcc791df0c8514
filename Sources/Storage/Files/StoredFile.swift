import Glibc
package import Replication

/// A complete file, open for reading. Once the file is removed or moved aside, it answers nothing
/// more.
///
/// `@unchecked Sendable`: handed from thread to thread, used by one at a time.
package final class StoredFile: @unchecked Sendable {
  package let digest: Digest
  /// As it was when opened.
  package let byteCount: Int64
  private let store: FileStore
  private let file: OpenFile
  private let opened: FileStatus
  /// Files taken away when this one was last seen in its place.
  private var withdrawalCount: UInt64

  init(
    _ store: FileStore, _ digest: Digest, file: consuming OpenFile, opened: FileStatus,
    withdrawalCount: UInt64
  ) {
    self.store = store
    self.digest = digest
    self.file = file
    self.opened = opened
    self.withdrawalCount = withdrawalCount
    byteCount = opened.byteCount
  }

  /// Bytes from `offset` on: as many as asked for, at most `FileLimits.chunkByteCount`, fewer only
  /// at the end.
  /// - Throws: `.outOfRange`; `.rotten` when the file has become shorter or cannot be read;
  ///   `.missing` once it is removed or moved aside.
  package func read(at offset: Int64, count: Int) throws(FileStoreError) -> [UInt8] {
    guard offset >= 0, offset <= byteCount, count >= 0 else {
      throw .outOfRange(offset: offset, byteCount: byteCount)
    }
    let wanted = Int(min(Int64(min(count, FileLimits.chunkByteCount)), byteCount - offset))
    let bytes: [UInt8]
    do throws(FileStoreError) {
      bytes = try file.read(count: wanted, at: offset, digest.description)
    } catch {
      throw error.isUnreadable ? .rotten(digest) : error
    }
    guard bytes.count == wanted else { throw .rotten(digest) }
    // After the read: what was moved aside meanwhile must not be served either.
    try requireInPlace()
    return bytes
  }

  private func requireInPlace() throws(FileStoreError) {
    let count = store.withdrawalCount
    guard count != withdrawalCount else { return }
    guard try store.isStored(digest, as: opened) else { throw .missing(digest) }
    withdrawalCount = count
  }
}

extension FileStoreError {
  /// Whether the medium no longer gives a file of ours back, or something else is in its place.
  var isUnreadable: Bool {
    switch self {
    case .notOurs, .failed(_, _, EIO), .failed(_, _, EACCES), .failed(_, _, EUCLEAN): true
    default: false
    }
  }
}

extension FileStore {
  /// Opens a complete file.
  /// - Parameter byteCount: as the record declares it, when the caller knows.
  /// - Throws: `.missing`; `.notOurs` for a link, directory or device in its place; `.rotten` when
  ///   it has not the size declared.
  package func open(
    _ digest: Digest, byteCount: Int64? = nil
  ) throws(FileStoreError) -> StoredFile {
    let withdrawals = withdrawalCount
    guard let bucket = try layout.bucket(digest.firstByte),
      try bucket.status(of: digest.description) != nil
    else { throw .missing(digest) }
    let name = digest.description
    let file: OpenFile
    do throws(FileStoreError) { file = try OpenFile(in: bucket, name, O_RDONLY) } catch {
      if case .failed(_, _, ENOENT) = error { throw .missing(digest) }
      throw error
    }
    let opened = try file.status(name)
    guard opened.isRegular else { throw .notOurs(name: name) }
    if let byteCount, byteCount != opened.byteCount { throw .rotten(digest) }
    return StoredFile(self, digest, file: file, opened: opened, withdrawalCount: withdrawals)
  }
}
