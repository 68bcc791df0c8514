/// What stands before each file in a ustar archive: one block that any tar reads.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 100 | name, ended by zeros |
/// | 100, 108, 116 | 8 each | mode 0600, user 0, group 0, octal |
/// | 124 | 12 | bytes of the file: octal, or from 8 GiB on 0x80 and binary, as GNU tar has it |
/// | 136 | 12 | seconds since 1970, octal |
/// | 148 | 8 | sum of the header's bytes, these eight counted as blanks |
/// | 156 | 1 | `0`: a plain file |
/// | 257 | 8 | "ustar", 0, "00" |
struct ArchiveMember: Hashable {
  static let blockByteCount = 512
  /// Two blocks of zeros end an archive.
  static let end = [UInt8](repeating: 0, count: 2 * blockByteCount)
  private static let magic = Array("ustar\u{0}00".utf8)
  private static let nameByteCount = 100
  /// Eleven octal digits.
  private static let octalLimit: Int64 = 1 << 33
  /// The last second that fits.
  static let latest = octalLimit - 1

  let name: String
  let byteCount: Int64
  /// Seconds since 1970.
  let modified: Int64

  /// - Precondition: the name fits, and no number is negative.
  init(name: String, byteCount: Int64, modified: Int64) {
    precondition(
      name.utf8.count < Self.nameByteCount && byteCount >= 0
        && (0..<Self.octalLimit).contains(modified), "\(name), \(byteCount) bytes, \(modified)")
    self.name = name
    self.byteCount = byteCount
    self.modified = modified
  }

  /// nil when the block is no such header or its sum is wrong.
  init?(header: [UInt8]) {
    guard header.count == Self.blockByteCount, Array(header[257..<265]) == Self.magic,
      header[156] == UInt8(ascii: "0"),
      let sum = Self.octal(header[148..<156]), sum == Self.sum(of: header),
      let byteCount = Self.size(header[124..<136]), let modified = Self.octal(header[136..<148])
    else { return nil }
    name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
    self.byteCount = byteCount
    self.modified = modified
  }

  var header: [UInt8] {
    var block = [UInt8](repeating: 0, count: Self.blockByteCount)
    func put(_ bytes: [UInt8], at offset: Int) {
      block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    put(Array(name.utf8), at: 0)
    put(Self.digits(0o600, width: 7), at: 100)
    put(Self.digits(0, width: 7), at: 108)
    put(Self.digits(0, width: 7), at: 116)
    put(Self.size(byteCount), at: 124)
    put(Self.digits(modified, width: 11), at: 136)
    put([UInt8(ascii: "0")], at: 156)
    put(Self.magic, at: 257)
    put(Self.digits(Self.sum(of: block), width: 6) + [0, UInt8(ascii: " ")], at: 148)
    return block
  }

  /// Zeros between the file's last byte and the end of its block.
  var padding: [UInt8] {
    let used = Int(byteCount % Int64(Self.blockByteCount))
    return [UInt8](repeating: 0, count: used == 0 ? 0 : Self.blockByteCount - used)
  }

  private static func sum(of block: [UInt8]) -> Int64 {
    block.enumerated().reduce(0) { sum, byte in
      sum + Int64((148..<156).contains(byte.offset) ? UInt8(ascii: " ") : byte.element)
    }
  }

  private static func digits(_ value: Int64, width: Int) -> [UInt8] {
    let text = String(value, radix: 8)
    return Array((String(repeating: "0", count: max(0, width - text.utf8.count)) + text).utf8)
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> Int64? {
    let digits = field.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
    return Int64(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
  }

  private static func size(_ byteCount: Int64) -> [UInt8] {
    guard byteCount >= octalLimit else { return digits(byteCount, width: 11) }
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: byteCount >> (56 - 8 * $0)) }
    return [0x80, 0, 0, 0] + bytes
  }

  private static func size(_ field: ArraySlice<UInt8>) -> Int64? {
    guard field.first == 0x80 else { return octal(field) }
    let value = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return field.dropFirst().prefix(3).allSatisfy { $0 == 0 } ? Int64(exactly: value) : nil
  }
}
