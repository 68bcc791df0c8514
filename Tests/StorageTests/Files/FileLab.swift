import Cryptography
import Glibc
import Replication
import Storage
import Testing

/// A data directory of a test, with a store of files that can be closed and opened again.
final class FileLab {
  let path: String
  private var opened: FileStore?

  init() throws {
    var template = Array("/tmp/dongbo-files.XXXXXX".utf8CString)
    let isMade = mkdtemp(&template) != nil
    try #require(isMade)
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    opened = nil
    Self.remove(path)
  }

  /// The store, opened at the first call.
  func store(
    limits: FileLimits = FileLimits(), room: FileStore.Room? = nil
  ) throws -> FileStore {
    if let opened { return opened }
    let store = try FileStore(
      directory: DataDirectory(path), hashing: OpenSSLHash(), limits: limits, room: room)
    opened = store
    return store
  }

  /// As after a stop of the process, however it ended: what the kernel has stays.
  func close() { opened = nil }

  func filePath(_ digest: Digest) -> String {
    "\(path)/files/\(String(describing: digest).prefix(2))/\(digest)"
  }

  func partPath(_ digest: Digest) -> String { "\(path)/files/part/\(digest)" }
  func rottenPath(_ digest: Digest) -> String { "\(path)/files/rotten/\(digest)" }

  static func digest(_ bytes: [UInt8]) -> Digest { OpenSSLHash().digest(bytes) }

  /// Bytes that no other seed has, cheap at any size.
  static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state)
    }
  }

  /// Puts `bytes` in the store as an application does.
  @discardableResult
  func put(_ bytes: [UInt8]) throws -> Digest {
    let file = try store().begin()
    try file.append(bytes.span)
    return try file.finish()
  }

  /// What the store serves of a file, chunk after chunk.
  func content(_ digest: Digest) throws -> [UInt8] {
    let file = try store().open(digest)
    var bytes: [UInt8] = []
    while Int64(bytes.count) < file.byteCount {
      let chunk = try file.read(at: Int64(bytes.count), count: .max)
      try #require(!chunk.isEmpty && chunk.count <= FileLimits.chunkByteCount)
      bytes += chunk
    }
    return bytes
  }

  /// Every name below `files`, with its directory, except the directories of two digits.
  func names() throws -> [String] {
    try Self.names("\(path)/files").flatMap { directory in
      try Self.names("\(path)/files/\(directory)").map { "\(directory)/\($0)" }
    }
  }

  static func names(_ directory: String) throws -> [String] {
    let stream = try #require(opendir(directory))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes or replaces a file, as somebody with access to the disk can.
  static func write(_ path: String, _ bytes: [UInt8]) throws {
    let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { Glibc.close(file) }
    try #require(pwrite(file, bytes, bytes.count, 0) == bytes.count, "\(path)")
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Inverts one byte where it lies on disk.
  static func flip(_ path: String, at offset: Int) throws {
    let file = Glibc.open(path, O_RDWR)
    defer { Glibc.close(file) }
    var byte: UInt8 = 0
    try #require(pread(file, &byte, 1, off_t(offset)) == 1)
    byte = ~byte
    try #require(pwrite(file, &byte, 1, off_t(offset)) == 1)
  }

  private static func remove(_ path: String) {
    guard unlink(path) != 0 else { return }
    for name in (try? names(path)) ?? [] { remove("\(path)/\(name)") }
    rmdir(path)
  }
}

extension PartOpening {
  /// The part; fails the test when the file is here already.
  func part() throws -> PartFile {
    guard case .part(let part) = self else { throw NoPart() }
    return part
  }

  var isStored: Bool { if case .stored = self { true } else { false } }

  private struct NoPart: Error {}
}

/// Verifies to the end, in steps of `stepByteCount`.
func verified(_ part: PartFile, stepByteCount: Int = 1 << 20) throws -> PartProgress {
  while true {
    let progress = try part.verifyStep(maximumByteCount: stepByteCount)
    guard case .verifying = progress else { return progress }
  }
}
