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
    self.init(validated: value.withUTF8Buffer { unsafe Array($0) })
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
    let (own, others) = (bytes, other.bytes)
    let equal = own.equalCount(with: others)
    guard equal < own.count, equal < others.count else {
      if own.count == others.count { return .same }
      return own.count < others.count ? .before : .after
    }
    let left = Self.rankInUTF16(own[equal])
    return left < Self.rankInUTF16(others[equal]) ? .before : .after
  }

  private static func rankInUTF16(_ byte: UInt8) -> UInt8 {
    byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte
  }
}

enum KeyOrder { case before, same, after }

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
      let range = Int(start)..<Int(start) + Int(length)
      return storage.endOfPlainText(in: range, isASCII: false) == range.upperBound
    }

    /// A copy.
    package var array: [UInt8] { Array(slice) }

    package static func == (left: Self, right: Self) -> Bool {
      left.length == right.length && left.equalCount(with: right) == left.count
    }

    /// How many bytes are the same before the first that differs.
    func equalCount(with other: Bytes) -> Int {
      storage.equalCount(
        from: Int(start), with: other.storage, from: Int(other.start),
        count: Int(Swift.min(length, other.length)))
    }

    /// Whether these are the bytes that begin at `offset` of `bytes`.
    /// - Precondition: so many are there.
    func equals(_ bytes: [UInt8], at offset: Int) -> Bool {
      storage.equalCount(from: Int(start), with: bytes, from: offset, count: count) == count
    }

    package func hash(into hasher: inout Hasher) {
      hasher.combine(length)
      for byte in self { hasher.combine(byte) }
    }
  }
}
