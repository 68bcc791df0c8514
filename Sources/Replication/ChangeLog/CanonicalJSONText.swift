/// Text as its UTF-8 bytes: equal, hashed and ordered bytewise.
///
/// Swift's `String` compares by canonical equivalence: "uỷ" composed and decomposed would be one
/// key in memory and two on disk.
package struct Text: Hashable, Comparable, Sendable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  /// Valid UTF-8.
  package let bytes: [UInt8]

  /// - Precondition: `bytes` is valid UTF-8; the parser has checked it.
  init(validated bytes: [UInt8]) { self.bytes = bytes }

  package init(_ string: some StringProtocol) { self.bytes = Array(string.utf8) }
  package init(stringLiteral value: StaticString) { self.init(value.description) }

  package var string: String { String(decoding: bytes, as: UTF8.self) }
  package var description: String { string }

  package static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Order of object keys in RFC 8785: by UTF-16 code units. It differs from the order of the bytes
  /// in one place: U+E000...U+FFFF (lead bytes EE, EF) come after the supplementary planes
  /// (F0...F4), which UTF-16 writes with surrogates D800...DFFF.
  func compareAsKey(with other: Text) -> KeyOrder {
    let shared = min(bytes.count, other.bytes.count)
    for index in 0..<shared where bytes[index] != other.bytes[index] {
      let left = Self.rankInUTF16(bytes[index])
      return left < Self.rankInUTF16(other.bytes[index]) ? .before : .after
    }
    if bytes.count == other.bytes.count { return .same }
    return bytes.count < other.bytes.count ? .before : .after
  }

  private static func rankInUTF16(_ byte: UInt8) -> UInt8 {
    byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte
  }
}

enum KeyOrder { case before, same, after }
