/// Text as its UTF-8 bytes: equal, hashed and ordered bytewise.
///
/// Swift's `String` compares by canonical equivalence: "uỷ" composed and decomposed would be one
/// key in memory and two on disk.
///
/// What a parser reads stays where it came in, so a body of fifty texts is one piece of memory; who
/// keeps such a text keeps the body.
package struct Text: Hashable, Comparable, Sendable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  /// Valid UTF-8.
  package let bytes: Bytes

  /// - Precondition: `bytes` is valid UTF-8; the parser has checked it.
  init(validated bytes: [UInt8]) { self.bytes = Bytes(bytes, in: 0..<bytes.count) }

  /// The part of `bytes` in `range`, which the parser has checked.
  init(validated bytes: [UInt8], in range: Range<Int>) { self.bytes = Bytes(bytes, in: range) }

  package init(_ string: some StringProtocol) { self.init(validated: Array(string.utf8)) }
  package init(stringLiteral value: StaticString) {
    // Room for a word, so that the first eight bytes of a short name are loaded in one piece.
    let zeros = repeatElement(UInt8(0), count: 8)
    let bytes = value.withUTF8Buffer { unsafe Array($0) }
    self.init(validated: bytes + zeros, in: 0..<bytes.count)
  }

  package var string: String { String(decoding: bytes.slice, as: UTF8.self) }
  package var description: String { string }

  package static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Order of object keys in RFC 8785: by UTF-16 code units. It differs from the order of the bytes
  /// in one place: U+E000...U+FFFF (lead bytes EE, EF) come after the supplementary planes
  /// (F0...F4), which UTF-16 writes with surrogates D800...DFFF.
  func compareAsKey(with other: Text) -> KeyOrder {
    let equal = bytes.equalCount(with: other.bytes)
    return KeyOrder(
      equal < bytes.count ? bytes[equal] : nil, equal < other.bytes.count ? other.bytes[equal] : nil
    )
  }
}

enum KeyOrder {
  case before, same, after

  /// Of two keys that differ first in these bytes; nil for one that ends there.
  init(_ left: UInt8?, _ right: UInt8?) {
    switch (left, right) {
    case (nil, nil): self = .same
    case (nil, _?): self = .before
    case (_?, nil): self = .after
    case (let left?, let right?):
      self = Self.rankInUTF16(left) < Self.rankInUTF16(right) ? .before : .after
    }
  }

  private static func rankInUTF16(_ byte: UInt8) -> UInt8 {
    byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte
  }
}

extension Text {
  /// Bytes counted from 0, wherever in a longer piece they stand.
  package struct Bytes: RandomAccessCollection, Hashable, Sendable {
    private let storage: [UInt8]
    private let start: UInt32
    private let length: UInt32

    /// - Precondition: `storage` is shorter than 4 GiB; a body has at most 256 KiB.
    init(_ storage: [UInt8], in range: Range<Int>) {
      self.storage = storage
      start = UInt32(range.lowerBound)
      length = UInt32(range.count)
    }

    /// Of the collection: from 0, each index a byte.
    package var startIndex: Int { 0 }
    package var endIndex: Int { Int(length) }
    /// - Precondition: within the text.
    package subscript(index: Int) -> UInt8 {
      precondition(index < endIndex, "byte \(index) of \(length)")
      return storage[Int(start) + index]
    }

    /// The same bytes where they stand: to be copied in one piece.
    package var slice: ArraySlice<UInt8> { storage[Int(start)..<Int(start) + Int(length)] }

    /// Whether JSON can hold them as they are.
    var needNoEscape: Bool {
      withBorrowed { $0.endOfPlainText(in: $1) == $1.upperBound }
    }

    /// A copy.
    package var array: [UInt8] { Array(slice) }

    package static func == (left: Self, right: Self) -> Bool {
      left.length == right.length && left.equals(right.storage, at: Int(right.start))
    }

    /// How many bytes are the same before the first that differs.
    func equalCount(with other: Bytes) -> Int {
      storage.equalCount(
        from: Int(start), with: other.storage, from: Int(other.start),
        count: Int(Swift.min(length, other.length)))
    }

    /// The first eight of them as a number that orders as they do; zeros where there are fewer.
    var leadingWord: UInt64 { withBorrowed { $0.leadingWord(in: $1) } }

    /// Whether these are the bytes that begin at `offset` of `bytes`.
    /// - Precondition: so many are there.
    func equals(_ bytes: [UInt8], at offset: Int) -> Bool {
      withBorrowed { own, range in
        bytes.withBorrowedBytes { own.isEqual(range, $0, offset..<offset + range.count) }
      }
    }

    /// Whether they begin with those of `other`.
    func begin(with other: Bytes) -> Bool {
      count >= other.count && other.equals(storage, at: Int(start))
    }

    /// With zeros after them.
    /// - Precondition: at most 32.
    var padded: Bytes32 {
      precondition(count <= 32, "\(count) bytes")
      return withBorrowed { bytes, range in
        func word(_ index: Int) -> UInt64 {
          let start = range.lowerBound + 8 * index
          return start < range.upperBound ? bytes.leadingWord(in: start..<range.upperBound) : 0
        }
        return Bytes32(word(0), word(1), word(2), word(3))
      }
    }

    /// Looks at them where they are; see ``Swift/Array/withBorrowedBytes(_:)``.
    /// - Parameter body: is given all bytes around them, and their place there.
    func withBorrowed<Result>(_ body: (BorrowedBytes, Range<Int>) -> Result) -> Result {
      storage.withBorrowedBytes { body($0, Int(start)..<Int(start) + Int(length)) }
    }

    package func hash(into hasher: inout Hasher) {
      hasher.combine(length)
      for byte in self { hasher.combine(byte) }
    }
  }
}
