import CSQLite
import Glibc
import Replication

/// The directories of the store of files, each opened once. Every name below is built from a digest
/// or a number, and opened relative to its directory's descriptor without following links.
///
/// | name | content |
/// |---|---|
/// | `files/ab/<64 hex>` | a complete file; `ab` are the first two digits |
/// | `files/new/<number>` | being written by an application; removed at start |
/// | `files/part/<64 hex>` | being received; resumed after a start |
/// | `files/rotten/<64 hex>` | moved aside by the scrub |
struct FileLayout: ~Copyable {
  let root: OpenFile
  let new: OpenFile
  let part: OpenFile
  let rotten: OpenFile

  /// Makes what is missing; everything found is durable when this returns.
  init(in path: String) throws(FileStoreError) {
    let data = OpenFile(path, O_RDONLY | O_DIRECTORY)
    guard data.isOpen else { throw FileStoreError("open", path, errno: errno) }
    // All or none: a throw between two fields would leave half a value to destroy.
    let root = try data.subdirectory("files", isMade: true)
    let new = try root.subdirectory("new", isMade: true)
    let part = try root.subdirectory("part", isMade: true)
    let rotten = try root.subdirectory("rotten", isMade: true)
    try root.sync("files")
    try data.sync(path)
    self.root = root
    self.new = new
    self.part = part
    self.rotten = rotten
  }

  /// The directory of all files whose digest begins with `byte`; nil when there is none.
  func bucket(_ byte: UInt8) throws(FileStoreError) -> OpenFile? {
    do { return try root.subdirectory(hexText([byte]), isMade: false) } catch {
      guard case .failed(_, _, ENOENT) = error else { throw error }
      return nil
    }
  }

  /// The same, made if need be.
  func madeBucket(of digest: Digest) throws(FileStoreError) -> OpenFile {
    if let bucket = try bucket(digest.firstByte) { return bucket }
    let bucket = try root.subdirectory(hexText([digest.firstByte]), isMade: true)
    try root.sync("files")
    return bucket
  }
}

extension Digest {
  var firstByte: UInt8 { UInt8(truncatingIfNeeded: raw.first >> 56) }

  /// - Returns: nil unless `name` is the 64 digits of a digest.
  init?(fileName name: String) {
    guard name.utf8.count == 64, let bytes = hexBytes(name), let raw = Bytes32(bytes) else {
      return nil
    }
    self.init(raw)
  }
}

/// What is under a name: never what a link there points to.
struct FileStatus: Hashable {
  let isRegular: Bool
  let byteCount: Int64
  let writtenAt: Int64
  let device: UInt
  let inode: UInt

  init(_ status: stat) {
    isRegular = status.st_mode & S_IFMT == S_IFREG
    byteCount = Int64(status.st_size)
    writtenAt = Int64(status.st_mtim.tv_sec)
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }

  func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}

extension OpenFile {
  /// Opens `name` in `directory`. Never waits: a planted pipe has no other end.
  init(
    in directory: borrowing OpenFile, _ name: String, _ flags: Int32
  ) throws(FileStoreError) {
    let number = openat(
      directory.descriptor, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600)
    guard number >= 0 else { throw FileStoreError("open", name, errno: errno) }
    self.init(adopting: number)
  }

  func subdirectory(_ name: String, isMade: Bool) throws(FileStoreError) -> OpenFile {
    if isMade, mkdirat(descriptor, name, 0o700) != 0, errno != EEXIST {
      throw FileStoreError("create", name, errno: errno)
    }
    return try OpenFile(in: self, name, O_RDONLY | O_DIRECTORY)
  }

  func sync(_ name: String) throws(FileStoreError) {
    guard fsync(descriptor) == 0 else { throw FileStoreError("sync", name, errno: errno) }
  }

  func status(_ name: String) throws(FileStoreError) -> FileStatus {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FileStoreError("look at", name, errno: errno)
    }
    return FileStatus(status)
  }

  /// What `name` in this directory is; nil when there is nothing.
  func status(of name: String) throws(FileStoreError) -> FileStatus? {
    var status = stat()
    guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return nil }
      throw FileStoreError("look at", name, errno: errno)
    }
    return FileStatus(status)
  }

  /// Nothing under that name is as good.
  func remove(_ name: String) throws(FileStoreError) {
    guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
      throw FileStoreError("remove", name, errno: errno)
    }
  }

  func rename(
    _ name: String, to target: borrowing OpenFile, as newName: String
  ) throws(FileStoreError) {
    guard renameat(descriptor, name, target.descriptor, newName) == 0 else {
      throw FileStoreError("rename", name, errno: errno)
    }
  }

  /// Calls `body` with each name in this directory, in no order.
  func forEachName(_ body: (String) throws(FileStoreError) -> Void) throws(FileStoreError) {
    // A descriptor of its own: the stream moves the position, and closes it.
    let number = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw FileStoreError("list", ".", errno: errno) }
    guard let stream = fdopendir(number) else {
      let error = FileStoreError("list", ".", errno: errno)
      close(number)
      throw error
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw FileStoreError("list", ".", errno: errno) }
        return
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { try body(name) }
    }
  }
}

extension OpenFile {
  /// Writes all of `bytes` at `offset`.
  /// - Throws: `.full` or `.failed`; any number of the bytes may then be written.
  func write(_ bytes: Span<UInt8>, at offset: Int64, _ name: String) throws(FileStoreError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        pwrite(
          descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
          off_t(offset + Int64(done)))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        // A write of nothing without a word is a full device too.
        throw FileStoreError("write", name, errno: count == 0 ? ENOSPC : errno)
      }
      done += count
    }
  }

  /// Pieces, one after the other.
  func write(
    _ pieces: [ArraySlice<UInt8>], at offset: Int64, _ name: String
  ) throws(FileStoreError) {
    var offset = offset
    for piece in pieces {
      try write(piece.span, at: offset, name)
      offset += Int64(piece.count)
    }
  }

  /// Asks for space for `count` bytes from `start` on; the size stays what it is.
  /// - Returns: false when there is none, or the file system does not know how.
  func reserve(from start: Int64, count: Int64) -> Bool {
    dongbo_reserve(descriptor, Int(start), Int(count)) == 0
  }

  /// Gives back what is reserved beyond the end of the file. Only an attempt: it is there for
  /// the next transfer, or goes with the file.
  func freeReserved() {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    let heldByteCount = Int64(status.st_blocks) * 512
    // A few blocks beyond are the last page's, and the file system's own.
    guard heldByteCount - Int64(status.st_size) > FileLimits.reservedByteCount / 16 else { return }
    _ = ftruncate(descriptor, status.st_size)
  }

  /// Fills `buffer` from `offset` as far as the file reaches.
  /// - Returns: bytes read; fewer than `count` only at the end of the file.
  func read(
    into buffer: inout [UInt8], count: Int, at offset: Int64, _ name: String
  ) throws(FileStoreError) -> Int {
    precondition(count <= buffer.count, "\(count) bytes into \(buffer.count)")
    var done = 0
    while done < count {
      let read = buffer.withUnsafeMutableBytes { bytes in
        pread(
          descriptor, bytes.baseAddress.map { $0 + done }, count - done,
          off_t(offset + Int64(done)))
      }
      if read < 0, errno == EINTR { continue }
      guard read >= 0 else { throw FileStoreError("read", name, errno: errno) }
      if read == 0 { break }
      done += read
    }
    return done
  }

  /// The bytes from `offset` on, as far as the file reaches: fewer than `count` only at its end.
  func read(count: Int, at offset: Int64, _ name: String) throws(FileStoreError) -> [UInt8] {
    var failure: CInt?
    // Into room that nobody fills first: that would cost as much as the read.
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      while done < count {
        let read = pread(
          descriptor, buffer.baseAddress.map { $0 + done }, count - done,
          off_t(offset + Int64(done)))
        if read < 0, errno == EINTR { continue }
        if read < 0 { failure = errno }
        guard read > 0 else { return }
        done += read
      }
    }
    if let failure { throw FileStoreError("read", name, errno: failure) }
    return bytes
  }

  /// Asks the kernel to begin writing back once `writebackByteCount` more bytes have come.
  func beginWriteback(from start: inout Int64, to end: Int64) {
    guard end - start >= FileLimits.writebackByteCount else { return }
    // Linux writes dirty pages of the range before it forgets them, and waits for none. Only
    // advice: the sync that counts reports every failure.
    _ = posix_fadvise(descriptor, off_t(start), off_t(end - start), POSIX_FADV_DONTNEED)
    start = end
  }

  /// The same, and memory forgets what it was asked to write back the time before and has written
  /// since: a large file then passes through a few pages that are used again and again, instead of
  /// through as many as it has, each taken from wherever memory has not been touched for longest.
  func passOn(from start: inout Int64, to end: Int64) {
    let before = start
    beginWriteback(from: &start, to: end)
    guard start != before else { return }
    let forgotten = max(0, before - 2 * FileLimits.writebackByteCount)
    _ = posix_fadvise(descriptor, off_t(forgotten), off_t(before - forgotten), POSIX_FADV_DONTNEED)
  }
}
