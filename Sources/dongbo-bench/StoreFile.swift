import Glibc

/// What the first page of a store's file says of it, after a clean stop.
struct StoreFile: Equatable, Sendable {
  let byteCount: Int
  /// Pages on the free list taken off: these are used before the file grows again.
  let usedByteCount: Int

  private static let headerByteCount = 100

  static func read(_ path: String) throws(BenchFailure) -> StoreFile {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw BenchFailure("\(path) cannot be opened") }
    defer { close(descriptor) }
    var header = [UInt8](repeating: 0, count: headerByteCount)
    guard pread(descriptor, &header, header.count, 0) == header.count,
      let file = StoreFile(header: header)
    else { throw BenchFailure("\(path) is no store") }
    return file
  }

  /// The header of SQLite's file format: page size at 16 (1 for 65536), pages at 28, free pages
  /// at 36, big-endian.
  init?(header: [UInt8]) {
    guard header.count >= Self.headerByteCount, header.starts(with: Array("SQLite format 3\0".utf8))
    else { return nil }
    func number(_ range: Range<Int>) -> Int { header[range].reduce(0) { $0 << 8 | Int($1) } }
    let page = number(16..<18) == 1 ? 65_536 : number(16..<18)
    guard number(28..<32) >= number(36..<40) else { return nil }
    byteCount = number(28..<32) * page
    usedByteCount = (number(28..<32) - number(36..<40)) * page
  }
}
