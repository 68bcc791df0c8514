import Glibc
package import Replication

/// What one step of the scrub came to.
package enum ScrubProgress: Hashable, Sendable {
  /// So many bytes were read; there is more.
  case reading(byteCount: Int)
  /// The file's bytes are not those of its digest. It is out of reach by now; fetch it again from a
  /// peer. `isKept`: in `files/rotten`, for people to look at; otherwise removed.
  case rotten(Digest, isKept: Bool)
  /// Every file has been read since the last end of a round. The next step begins another.
  case roundEnded
}

/// Reads all files, or one, again and again in slices, and moves aside what has changed on disk.
/// Between two steps files may come and go.
///
/// `@unchecked Sendable`: handed from thread to thread, used by one at a time.
package final class FileScrub: @unchecked Sendable {
  /// The last file that is done; nil at the start of a round. A scrub made with it goes on there.
  package private(set) var last: Digest?
  /// Files and bytes read since the scrub was made.
  package private(set) var fileCount = 0
  package private(set) var byteCount: Int64 = 0
  private let store: FileStore
  private let stream: any SHA256Stream
  private let only: Digest?
  private var page: [Digest] = []
  private var current: Reading?
  private var buffer = [UInt8](repeating: 0, count: FileLimits.chunkByteCount)

  /// A file half read.
  private final class Reading {
    let digest: Digest
    let file: OpenFile
    let opened: FileStatus
    var offset: Int64 = 0
    init(_ digest: Digest, _ file: consuming OpenFile, _ opened: FileStatus) {
      self.digest = digest
      self.file = file
      self.opened = opened
    }
  }

  /// Over all files, beginning after `last`.
  package init(_ store: FileStore, after last: Digest? = nil) {
    self.store = store
    self.last = last
    only = nil
    stream = store.hashing.makeStream()
  }

  /// Over one file: for a file that is suspected.
  package init(_ store: FileStore, only digest: Digest) {
    self.store = store
    only = digest
    stream = store.hashing.makeStream()
  }

  /// Reads at most `maximumByteCount` bytes and reports at most one file.
  /// - Throws: `.failed` when the machine cannot go on; the next step tries the same file again.
  package func step(maximumByteCount: Int) throws(FileStoreError) -> ScrubProgress {
    precondition(maximumByteCount > 0, "\(maximumByteCount)")
    var budget = maximumByteCount
    for _ in 0..<FileLimits.maximumFilesPerStep {
      guard let digest = try next() else {
        last = nil
        return .roundEnded
      }
      do throws(FileStoreError) {
        if let finding = try look(at: digest, &budget) { return finding }
      } catch {
        stopReading()
        guard error.isUnreadable else { throw error }
        if let finding = try moveAside(digest, examined: nil) { return finding }
      }
      if budget == 0 { break }
    }
    return .reading(byteCount: maximumByteCount - budget)
  }

  /// The file to go on with; nil at the end of the round.
  private func next() throws(FileStoreError) -> Digest? {
    if let current { return current.digest }
    if let only { return last == only ? nil : only }
    if page.isEmpty {
      page = try store.digests(after: last, limit: FileLimits.maximumFilesPerStep).reversed()
    }
    return page.last
  }

  private func look(
    at digest: Digest, _ budget: inout Int
  ) throws(FileStoreError) -> ScrubProgress? {
    if current == nil { current = try open(digest) }
    guard let current else {
      end(digest)
      return nil
    }
    while budget > 0 {
      let count = min(budget, buffer.count)
      // From the disk, not from memory; and other readers keep their pages.
      _ = posix_fadvise(
        current.file.descriptor, off_t(current.offset), off_t(count), POSIX_FADV_DONTNEED)
      let read = try current.file.read(
        into: &buffer, count: count, at: current.offset, digest.description)
      stream.update(buffer.span.extracting(0..<read))
      current.offset += Int64(read)
      byteCount += Int64(read)
      budget -= read
      if read < count { return try judge(current) }
    }
    return nil
  }

  private func open(_ digest: Digest) throws(FileStoreError) -> Reading? {
    let name = digest.description
    guard let bucket = try store.layout.bucket(digest.firstByte),
      try bucket.status(of: name) != nil
    else { return nil }
    let file: OpenFile
    do throws(FileStoreError) { file = try OpenFile(in: bucket, name, O_RDONLY) } catch {
      if case .failed(_, _, ENOENT) = error { return nil }
      throw error
    }
    let opened = try file.status(name)
    guard opened.isRegular else { throw .notOurs(name: name) }
    return Reading(digest, file, opened)
  }

  private func judge(_ reading: Reading) throws(FileStoreError) -> ScrubProgress? {
    let actual = stream.finish()
    current = nil
    guard actual != reading.digest else {
      end(reading.digest)
      return nil
    }
    return try moveAside(reading.digest, examined: reading.opened)
  }

  private func moveAside(
    _ digest: Digest, examined: FileStatus?
  ) throws(FileStoreError) -> ScrubProgress? {
    let isKept = try store.moveAside(digest, examined: examined)
    end(digest)
    return isKept.map { .rotten(digest, isKept: $0) }
  }

  /// Forgets what was read of a file, which then is read from its start.
  private func stopReading() {
    current = nil
    _ = stream.finish()
  }

  private func end(_ digest: Digest) {
    last = digest
    fileCount += 1
    if page.last == digest { page.removeLast() }
  }
}
