import Glibc
package import Replication
import Synchronization

/// The names below `files/ab`: how a file gets there, and how it goes.
extension FileStore {
  /// Puts the complete file `name` of `source` under its digest; when the same content is there,
  /// drops it. Durable when this returns.
  /// - Throws: the file is then in `source` or in its place, and whole.
  func adopt(
    _ file: borrowing OpenFile, named name: String, of source: borrowing OpenFile,
    as digest: Digest, byteCount: Int64
  ) throws(FileStoreError) {
    let bucket = try layout.madeBucket(of: digest)
    if try renewStored(digest, byteCount, in: bucket) {
      try source.remove(name)
    } else {
      try file.sync(name)
      try place(named: name, of: source, as: digest, byteCount, in: bucket)
    }
    try bucket.sync(digest.description)
    try source.sync(name)
    try Failpoint.filePlaced.reach(failing: FileStoreError("sync", name, errno: EIO))
  }

  /// Whether the content is there already; its grace period then starts anew. A file that this
  /// process has not hashed may have rotted: it gives way to the bytes at hand, which it has.
  private func renewStored(
    _ digest: Digest, _ byteCount: Int64, in bucket: borrowing OpenFile
  ) throws(FileStoreError) -> Bool {
    let name = digest.description
    return try state.withLock { state throws(FileStoreError) in
      guard state.hashed.contains(digest), let status = try bucket.status(of: name),
        status.isRegular, status.byteCount == byteCount
      else { return false }
      guard utimensat(bucket.descriptor, name, nil, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw FileStoreError("touch", name, errno: errno)
      }
      return true
    }
  }

  /// Renames over what another thread may have put there since it was looked at.
  func place(
    named name: String, of source: borrowing OpenFile, as digest: Digest, _ byteCount: Int64,
    in bucket: borrowing OpenFile
  ) throws(FileStoreError) {
    try state.withLock { state throws(FileStoreError) in
      // Another size, a link, a directory: the store never wrote that.
      let found = try bucket.status(of: digest.description)
      let isSame = found.map { $0.isRegular && $0.byteCount == byteCount } ?? false
      if let found, !isSame { _ = try moveAside(found, digest, of: bucket, &state) }
      try source.rename(name, to: bucket, as: digest.description)
      state.noteHashed(digest)
      guard !isSame else { return }
      state.totals.fileCount += 1
      state.totals.byteCount += byteCount
    }
  }

  /// Takes a file that changed on disk out of reach, also of readers that have it open.
  /// - Parameter examined: what was read; another file under the name since then stays.
  /// - Returns: whether it is kept in `files/rotten`; nil when it had gone.
  func moveAside(
    _ digest: Digest, examined: FileStatus?
  ) throws(FileStoreError) -> Bool? {
    guard let bucket = try layout.bucket(digest.firstByte) else { return nil }
    let isKept: Bool? = try state.withLock { state throws(FileStoreError) in
      guard let found = try bucket.status(of: digest.description) else { return nil }
      if let examined, !found.isSameFile(as: examined) { return nil }
      return try moveAside(found, digest, of: bucket, &state)
    }
    guard isKept != nil else { return nil }
    try bucket.sync(digest.description)
    try layout.rotten.sync("rotten")
    return isKept
  }

  /// The same, with the lock held and nothing synced.
  private func moveAside(
    _ found: FileStatus, _ digest: Digest, of bucket: borrowing OpenFile, _ state: inout State
  ) throws(FileStoreError) -> Bool {
    let name = digest.description
    let isKnown = try layout.rotten.status(of: name) != nil
    var isKept = isKnown || state.totals.rottenCount < limits.maximumRottenCount
    if isKept {
      do throws(FileStoreError) {
        try bucket.rename(name, to: layout.rotten, as: name)
        if !isKnown { state.totals.rottenCount += 1 }
      } catch {
        // Out of reach matters more than evidence.
        isKept = false
      }
    }
    if !isKept { try bucket.remove(name) }
    state.hashed.remove(digest)
    noteWithdrawn(found, &state)
    return isKept
  }

  private func noteWithdrawn(_ found: FileStatus, _ state: inout State) {
    state.withdrawalCount += 1
    guard found.isRegular else { return }
    state.totals.fileCount -= 1
    state.totals.byteCount -= found.byteCount
  }

  /// Removes a file that no living record names, also for readers that have it open.
  /// - Parameter writtenBefore: seconds since 1970; a file put here again since then stays, as a
  ///   record that names it may be about to be written.
  /// - Returns: whether it was here and is gone.
  @discardableResult
  package func remove(
    _ digest: Digest, writtenBefore: Int64? = nil
  ) throws(FileStoreError) -> Bool {
    guard let bucket = try layout.bucket(digest.firstByte) else { return false }
    let isRemoved = try state.withLock { state throws(FileStoreError) in
      guard let found = try bucket.status(of: digest.description) else { return false }
      if let writtenBefore, found.writtenAt >= writtenBefore { return false }
      try bucket.remove(digest.description)
      noteWithdrawn(found, &state)
      return true
    }
    if isRemoved { try bucket.sync(digest.description) }
    return isRemoved
  }

  /// Whether the name still stands for the file that a reader opened.
  func isStored(_ digest: Digest, as opened: FileStatus) throws(FileStoreError) -> Bool {
    guard let bucket = try layout.bucket(digest.firstByte) else { return false }
    return try bucket.status(of: digest.description)?.isSameFile(as: opened) ?? false
  }

  /// Whether this process has hashed the file's bytes. What stood on disk when it started may have
  /// changed since it was written, so it is hashed before it is served.
  package func isHashed(_ digest: Digest) -> Bool { state.withLock { $0.hashed.contains(digest) } }

  /// The file's bytes have been read and are those of its digest.
  package func noteHashed(_ digest: Digest) {
    guard (try? contains(digest)) == true else { return }
    state.withLock { $0.noteHashed(digest) }
  }

  var withdrawalCount: UInt64 { state.withLock { $0.withdrawalCount } }
}

extension FileStore.State {
  mutating func noteHashed(_ digest: Digest) {
    if hashed.count >= FileLimits.maximumHashedCount { hashed = [] }
    hashed.insert(digest)
  }
}
