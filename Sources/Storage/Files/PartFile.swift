import Glibc
package import Replication
import Synchronization

/// How far a part is.
package enum PartProgress: Hashable, Sendable {
  /// Bytes are still to come, from this offset on.
  case receiving(from: Int64)
  /// All bytes are here; so many of them are still to be read again for the digest.
  case verifying(remaining: Int64)
  /// The file is whole, under its digest, durable.
  case stored
}

/// What a transfer starts from.
package enum PartOpening: Sendable {
  /// The file is here as a whole.
  case stored
  case part(PartFile)
}

/// A file that comes from a peer under a digest and size that a record declares. Bytes come in
/// order; what is on disk stays when the transfer stops and is where the next one begins.
///
/// The digest is computed as the bytes come; bytes from before a restart are read again, by
/// ``verifyStep(maximumByteCount:)``, in slices. A power loss may have left other bytes than were
/// written: then the digest does not match, and the part begins anew.
///
/// `@unchecked Sendable`: handed from thread to thread, used by one at a time.
package final class PartFile: @unchecked Sendable {
  package let digest: Digest
  /// What the record declares.
  package let byteCount: Int64
  /// Bytes on disk: where the next write begins.
  package private(set) var receivedByteCount: Int64
  /// Whether bytes from an earlier transfer are among them.
  package let isResumed: Bool
  private var hashedByteCount: Int64 = 0
  /// Whether bytes from an earlier transfer are still to be read for the digest.
  package var hasUnhashedBytes: Bool { hashedByteCount < receivedByteCount }
  private var writebackStart: Int64
  /// There is space for what is written up to here: on disk, or asked for.
  private var reservedUpTo: Int64
  /// The file system knows how, and had space the last time.
  private var reserves = true
  private let store: FileStore
  private let file: OpenFile
  private let stream: any SHA256Stream
  private var buffer: [UInt8] = []
  private var isOver = false
  private var name: String { digest.description }

  init(
    _ store: FileStore, _ digest: Digest, byteCount: Int64, received: Int64,
    file: consuming OpenFile
  ) {
    self.store = store
    self.digest = digest
    self.byteCount = byteCount
    receivedByteCount = received
    writebackStart = received
    reservedUpTo = received
    isResumed = received > 0
    self.file = file
    stream = store.hashing.makeStream()
  }

  deinit { close() }

  /// Lets another transfer continue; what was received stays. Nothing can be written afterwards.
  package func close() {
    guard !isOver else { return }
    isOver = true
    // Space beyond the end is nobody's while no transfer goes on.
    if reservedUpTo > receivedByteCount { file.freeReserved() }
    store.releasePart(digest)
  }

  /// Writes the bytes that follow those on disk, in pieces that belong one after the other.
  /// - Parameter whenWritten: called as soon as the next transfer would go on after all of them,
  ///   before any is hashed: whoever sends the next ones need not wait for that.
  /// - Throws: `.outOfOrder` unless `offset` is ``receivedByteCount``; `.sizeMismatch` beyond the
  ///   declared size; `.noRoom`, `.full`, `.failed`. The part is then as it was.
  package func write(
    _ bytes: [ArraySlice<UInt8>], at offset: Int64, whenWritten: () -> Void = {}
  ) throws(FileStoreError) {
    precondition(!isOver, "write to a part that is over")
    guard offset == receivedByteCount else {
      throw .outOfOrder(offset: offset, expected: receivedByteCount)
    }
    let (end, overflow) = offset.addingReportingOverflow(
      bytes.reduce(0) { $0 + Int64($1.count) })
    guard !overflow, end <= byteCount else {
      throw .sizeMismatch(declared: byteCount, actual: overflow ? .max : end)
    }
    try requireRoom(upTo: end)
    do throws(FileStoreError) { try file.write(bytes, at: offset, name) } catch {
      // A tail that stays would only be written over.
      _ = ftruncate(file.descriptor, off_t(offset))
      reservedUpTo = offset
      throw error
    }
    let isNext = hashedByteCount == receivedByteCount
    receivedByteCount = end
    whenWritten()
    if isNext {
      for piece in bytes { stream.update(piece.span) }
      hashedByteCount = end
    }
    file.passOn(from: &writebackStart, to: end)
  }

  /// Looks for room beyond what is reserved, and reserves the next stretch of a large file.
  /// - Throws: `.noRoom`, for the bytes up to `end` only.
  private func requireRoom(upTo end: Int64) throws(FileStoreError) {
    let start = reservedUpTo
    guard end > start else { return }
    try store.requireRoom(end - start)
    let next = end + FileLimits.reservedByteCount
    // Not the last stretch: with less to come than that, there is little to save.
    guard reserves, next <= byteCount, (try? store.requireRoom(next - start)) != nil else {
      reservedUpTo = end
      return
    }
    reserves = file.reserve(from: start, count: next - start)
    // What an attempt that failed has reserved goes back.
    if !reserves { file.freeReserved() }
    reservedUpTo = reserves ? next : end
  }

  /// The peer has no more bytes.
  /// - Throws: `.sizeMismatch` unless all declared ones are here; the part is gone.
  package func peerEnded() throws(FileStoreError) {
    guard receivedByteCount != byteCount else { return }
    try discard(restarts: false)
    throw .sizeMismatch(declared: byteCount, actual: receivedByteCount)
  }

  /// Hashes at most so many bytes of those on disk, and stores the file once all are hashed. May be
  /// called at any time; does nothing when nothing is left to hash.
  /// - Throws: `.digestMismatch`; `.sizeMismatch` when bytes on disk are gone; `.failed`, `.full`
  ///   from storing it: the part is gone and begins anew. `.failed` from reading: the part stays.
  package func verifyStep(maximumByteCount: Int) throws(FileStoreError) -> PartProgress {
    precondition(!isOver, "verification of a part that is over")
    precondition(maximumByteCount > 0, "\(maximumByteCount)")
    try hashWritten(atMost: maximumByteCount)
    guard receivedByteCount == byteCount else { return .receiving(from: receivedByteCount) }
    guard hashedByteCount == byteCount else {
      return .verifying(remaining: byteCount - hashedByteCount)
    }
    let actual = stream.finish()
    guard actual == digest else {
      try discard(restarts: true)
      throw .digestMismatch(declared: digest, actual: actual, isResumed: isResumed)
    }
    do throws(FileStoreError) {
      try store.adopt(file, named: name, of: store.layout.part, as: digest, byteCount: byteCount)
    } catch {
      // After a failed sync nobody knows what is on disk, and reading it again would not tell.
      try? discard(restarts: true)
      throw error
    }
    isOver = true
    store.partEnded(digest, restarts: false)
    return .stored
  }

  /// Removes what was received.
  package func discard() throws(FileStoreError) { try discard(restarts: false) }

  private func discard(restarts: Bool) throws(FileStoreError) {
    guard !isOver else { return }
    try store.layout.part.remove(name)
    isOver = true
    store.partEnded(digest, restarts: restarts)
  }

  private func hashWritten(atMost maximum: Int) throws(FileStoreError) {
    var budget = min(Int64(maximum), receivedByteCount - hashedByteCount)
    if budget > 0, buffer.isEmpty {
      buffer = [UInt8](repeating: 0, count: FileLimits.chunkByteCount)
    }
    while budget > 0 {
      let count = Int(min(budget, Int64(buffer.count)))
      let read = try file.read(into: &buffer, count: count, at: hashedByteCount, name)
      guard read == count else {
        // Somebody cut it short: what is there no longer counts.
        let actual = hashedByteCount + Int64(read)
        try discard(restarts: true)
        throw .sizeMismatch(declared: receivedByteCount, actual: actual)
      }
      stream.update(buffer.span.extracting(0..<count))
      hashedByteCount += Int64(count)
      budget -= Int64(count)
    }
  }
}

extension FileStore {
  /// Begins or continues to receive a file.
  /// - Parameter byteCount: as the record declares it.
  /// - Throws: `.tooLarge`, `.noRoom`, `.tooManyParts`, `.partInUse`, `.notOurs`; `.sizeMismatch`
  ///   when the file is here with another size: either the record lies, or the file has lost bytes,
  ///   which a ``FileScrub`` of it finds.
  package func openPart(
    _ digest: Digest, byteCount: Int64
  ) throws(FileStoreError) -> PartOpening {
    guard byteCount >= 0, byteCount <= limits.maximumFileByteCount else {
      throw .tooLarge(byteCount: byteCount, limit: limits.maximumFileByteCount)
    }
    if let stored = try size(of: digest) {
      guard stored == byteCount else {
        throw .sizeMismatch(declared: byteCount, actual: stored)
      }
      return .stored
    }
    guard state.withLock({ $0.openParts.insert(digest).inserted }) else {
      throw .partInUse(digest)
    }
    do throws(FileStoreError) { return .part(try openedPart(digest, byteCount: byteCount)) } catch {
      releasePart(digest)
      throw error
    }
  }

  private func openedPart(
    _ digest: Digest, byteCount: Int64
  ) throws(FileStoreError) -> PartFile {
    let name = digest.description
    let found = try layout.part.status(of: name)
    guard found?.isRegular ?? true else { throw .notOurs(name: "part/\(name)") }
    // More than declared cannot be the start of it.
    let received = found.map { $0.byteCount <= byteCount ? $0.byteCount : 0 } ?? 0
    try requireRoom(byteCount - received)
    if found == nil { try reservePart() }
    let file: OpenFile
    do throws(FileStoreError) {
      let flags = found == nil ? O_RDWR | O_CREAT | O_EXCL : O_RDWR
      file = try OpenFile(in: layout.part, name, flags)
    } catch {
      if found == nil { state.withLock { $0.totals.partCount -= 1 } }
      throw error
    }
    if let found, found.byteCount > received {
      guard ftruncate(file.descriptor, 0) == 0 else {
        throw FileStoreError("shorten", name, errno: errno)
      }
      state.withLock { $0.totals.restartCount += 1 }
    }
    return PartFile(self, digest, byteCount: byteCount, received: received, file: file)
  }

  private func reservePart() throws(FileStoreError) {
    try state.withLock { state throws(FileStoreError) in
      guard state.totals.partCount < limits.maximumPartCount else {
        throw .tooManyParts(limit: limits.maximumPartCount)
      }
      state.totals.partCount += 1
    }
  }

  func releasePart(_ digest: Digest) {
    state.withLock { _ = $0.openParts.remove(digest) }
  }

  /// The part's file is gone, or in its place.
  func partEnded(_ digest: Digest, restarts: Bool) {
    state.withLock { state in
      state.openParts.remove(digest)
      state.totals.partCount -= 1
      if restarts { state.totals.restartCount += 1 }
    }
  }

  /// Removes a part that nobody needs any more.
  /// - Returns: whether there was one.
  /// - Throws: `.partInUse` while a transfer writes it.
  @discardableResult
  package func removePart(_ digest: Digest) throws(FileStoreError) -> Bool {
    guard state.withLock({ $0.openParts.insert(digest).inserted }) else {
      throw .partInUse(digest)
    }
    do throws(FileStoreError) {
      guard try layout.part.status(of: digest.description) != nil else {
        releasePart(digest)
        return false
      }
      try layout.part.remove(digest.description)
    } catch {
      releasePart(digest)
      throw error
    }
    partEnded(digest, restarts: false)
    return true
  }
}
