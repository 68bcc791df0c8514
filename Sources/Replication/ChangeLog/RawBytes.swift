/// Bytes eight at a time. Every entry is passed over several times on its way in, and a check of
/// each index would cost more than the bytes; so each function checks its range once, and this is
/// the one file of the core that then reads and writes without asking again.
extension [UInt8] {
  /// The eight bytes at `offset` as a big-endian number.
  /// - Precondition: they are there.
  func bigEndianWord(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset <= count - 8, "8 bytes at \(offset) of \(count)")
    return UInt64(
      bigEndian: unsafe withUnsafeBytes {
        unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      })
  }

  mutating func append(bigEndian value: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
  }

  /// How many of the `count` bytes from `start` are those of `other` from `otherStart`, before the
  /// first that differs.
  /// - Precondition: both ranges are within their arrays.
  func equalCount(from start: Int, with other: [UInt8], from otherStart: Int, count: Int) -> Int {
    precondition(start >= 0 && otherStart >= 0 && count >= 0)
    precondition(start <= self.count - count && otherStart <= other.count - count)
    return unsafe withUnsafeBytes { own in
      unsafe other.withUnsafeBytes { others in
        var done = 0
        while count - done >= 8 {
          let left = unsafe own.loadUnaligned(fromByteOffset: start + done, as: UInt64.self)
          let right = unsafe others.loadUnaligned(
            fromByteOffset: otherStart + done, as: UInt64.self)
          guard left == right else {
            return done + (UInt64(littleEndian: left ^ right).trailingZeroBitCount / 8)
          }
          done += 8
        }
        while done < count, unsafe own[start + done] == others[otherStart + done] { done += 1 }
        return done
      }
    }
  }

  /// Looks at the bytes where they are, as often as `body` wants, without a reference counted.
  /// - Parameter body: keeps nothing of what it is given.
  func withBorrowedBytes<Result, Failure>(
    _ body: (BorrowedBytes) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeBufferPointer { buffer throws(Failure) in
      guard let start = buffer.baseAddress else { preconditionFailure("no place") }
      return try unsafe body(BorrowedBytes(start: UnsafeRawPointer(start), count: buffer.count))
    }
  }
}

/// Bytes of an array that the caller keeps alive.
@safe struct BorrowedBytes {
  private let start: UnsafeRawPointer
  let count: Int

  fileprivate init(start: UnsafeRawPointer, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  /// - Precondition: `index` is within the bytes.
  subscript(index: Int) -> UInt8 {
    // Below zero it is more than any count.
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "byte \(index) of \(count)")
    return unsafe start.load(fromByteOffset: index, as: UInt8.self)
  }

  /// A copy of those in `range`.
  /// - Precondition: it is within the bytes.
  subscript(range: Range<Int>) -> [UInt8] {
    check(range)
    return unsafe Array(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
  }

  @inline(__always)
  private func check(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
  }

  /// The first eight bytes of `range` as a number that orders as they do; zeros where it is
  /// shorter.
  /// - Precondition: `range` is within the bytes.
  @inline(__always)
  func leadingWord(in range: Range<Int>) -> UInt64 {
    check(range)
    guard count &- range.lowerBound >= 8 else { return lastLeadingWord(in: range) }
    let word = unsafe word(at: range.lowerBound).byteSwapped
    let length = range.upperBound &- range.lowerBound
    return length >= 8 ? word : word & ~(.max &>> UInt64(truncatingIfNeeded: 8 &* length))
  }

  /// The same where no eight bytes are left.
  private func lastLeadingWord(in range: Range<Int>) -> UInt64 {
    var word: UInt64 = 0
    for index in range { word |= UInt64(self[index]) << (56 - 8 * (index - range.lowerBound)) }
    return word
  }

  /// Whether the bytes in `range` are those of `others` in `otherRange`.
  /// - Precondition: both ranges are within their bytes.
  func isEqual(
    _ range: Range<Int>, _ others: BorrowedBytes, _ otherRange: Range<Int>
  ) -> Bool {
    check(range)
    others.check(otherRange)
    guard range.count == otherRange.count else { return false }
    guard range.count >= 8 else {
      return leadingWord(in: range) == others.leadingWord(in: otherRange)
    }
    var (left, right) = (range.lowerBound, otherRange.lowerBound)
    // The last eight once more, with some that are compared before, instead of a few one by one.
    let last = range.upperBound &- 8
    while left < last {
      guard unsafe word(at: left) == others.word(at: right) else { return false }
      left &+= 8
      right &+= 8
    }
    return unsafe word(at: last) == others.word(at: otherRange.upperBound &- 8)
  }

  /// How many bytes of two ranges are the same before the first that differs.
  /// - Precondition: both are within the bytes.
  func equalCount(_ left: Range<Int>, _ right: Range<Int>) -> Int {
    check(left)
    check(right)
    var done = 0
    while done < min(left.count, right.count),
      self[left.lowerBound + done] == self[right.lowerBound + done]
    {
      done += 1
    }
    return done
  }

  /// In `range` the first byte that a JSON text may not hold as it is: a control, the quote or the
  /// backslash; its end when there is none.
  /// - Precondition: `range` is within the bytes.
  func endOfPlainText(in range: Range<Int>) -> Int {
    check(range)
    var index = range.lowerBound
    while range.upperBound - index >= 8 {
      let special = unsafe word(at: index).escapedBytes
      guard special == 0 else { return index + special.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < range.upperBound, UInt64(self[index]).escapedBytes & 0xFF == 0 {
      index += 1
    }
    return index
  }

  /// From `start` on the first byte that a JSON text may not hold as it is, or that begins no
  /// well-formed character of UTF-8; the end of all bytes when there is none.
  /// - Precondition: `start` is within the bytes or their end.
  @inline(__always)
  func endOfValidText(from start: Int) -> Int {
    check(start..<start)
    var index = start
    while count &- index >= 8 {
      let word = unsafe word(at: index)
      let special = word.escapedOrWideBytes
      guard special != 0 else {
        index &+= 8
        continue
      }
      index &+= special.trailingZeroBitCount &>> 3
      guard self[index] >= 0x80 else { return index }
      let length = upToFourBytes(at: index).characterByteCount
      guard length > 0 else { return index }
      index &+= length
    }
    while index < count {
      let isPlain = UInt64(self[index]).escapedOrWideBytes & 0xFF == 0
      let length = isPlain ? 1 : upToFourBytes(at: index).characterByteCount
      guard length > 0 else { return index }
      index += length
    }
    return index
  }

  /// Whether `byte` stands in `range`.
  /// - Precondition: `range` is within the bytes.
  func contains(_ byte: UInt8, in range: Range<Int>) -> Bool {
    check(range)
    var index = range.lowerBound
    while range.upperBound - index >= 8 {
      guard unsafe word(at: index).bytesEqual(to: byte) == 0 else { return true }
      index += 8
    }
    while index < range.upperBound {
      guard self[index] != byte else { return true }
      index += 1
    }
    return false
  }

  /// Eight bytes, the first one lowest.
  /// - Precondition, which each caller has checked: they are there.
  @unsafe @inline(__always)
  private func word(at index: Int) -> UInt64 {
    UInt64(littleEndian: unsafe start.loadUnaligned(fromByteOffset: index, as: UInt64.self))
  }

  /// The bytes at `index`, the first one lowest; zeros past the end, which continue no character.
  @inline(__always)
  private func upToFourBytes(at index: Int) -> UInt32 {
    guard count - index < 4 else {
      let bytes = unsafe start.loadUnaligned(fromByteOffset: index, as: UInt32.self)
      return UInt32(littleEndian: bytes)
    }
    var value: UInt32 = 0
    for next in index..<count { value |= UInt32(self[next]) << (8 * (next - index)) }
    return value
  }
}

extension BorrowedBytes {
  /// The number that the 16 lower-case hexadecimal digits at `index` spell; nil for anything else.
  /// - Precondition: 16 bytes are there.
  func hexWord(at index: Int) -> UInt64? {
    check(index..<index + 16)
    let high = unsafe word(at: index).byteSwapped.hexValue
    let low = unsafe word(at: index + 8).byteSwapped.hexValue
    guard let high, let low else { return nil }
    return UInt64(high) << 32 | UInt64(low)
  }
}

extension UInt32 {
  /// How many of these bytes, the first one lowest, are the one character beyond ASCII that they
  /// begin with; 0 for any other. Well-formed sequences of Unicode table 3-7: no overlong form, no
  /// surrogate, none past U+10FFFF.
  fileprivate var characterByteCount: Int {
    if self & 0xC0F0 == 0x80E0 || self & 0xC0E0 == 0x80C0 {
      let lead = UInt8(truncatingIfNeeded: self)
      let second = UInt8(truncatingIfNeeded: self &>> 8)
      if lead < 0xE0 { return lead >= 0xC2 ? 2 : 0 }
      let isOverlong = lead == 0xE0 && second < 0xA0
      let isSurrogate = lead == 0xED && second > 0x9F
      return self & 0xC0_0000 == 0x80_0000 && !isOverlong && !isSurrogate ? 3 : 0
    }
    guard self & 0xC0C0_C0F8 == 0x8080_80F0 else { return 0 }
    let scalar = (self & 7) &<< 18 | (self &>> 8 & 0x3F) &<< 12
    return (0x1_0000...0x10_FFFF).contains(scalar) ? 4 : 0
  }
}

extension UInt64 {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  /// The top bit of each byte: set in no byte of ASCII.
  static let topBits: UInt64 = ones * 0x80

  /// The top bit of each byte that JSON cannot hold as it is: controls, the quote, the backslash.
  fileprivate var escapedBytes: UInt64 { escapedIfASCII & ~self & Self.topBits }

  /// The same with what is beyond ASCII.
  fileprivate var escapedOrWideBytes: UInt64 { (escapedIfASCII | self) & Self.topBits }

  /// What it says of bytes beyond ASCII means nothing. A borrow may mark a byte above one that is
  /// rightly marked, never one below: the lowest mark is true.
  private var escapedIfASCII: UInt64 {
    let quotes = (self ^ (Self.ones * UInt64(UInt8(ascii: "\"")))) &- Self.ones
    let backslashes = (self ^ (Self.ones * UInt64(UInt8(ascii: "\\")))) &- Self.ones
    return (self &- Self.ones * 0x20) | quotes | backslashes
  }

  /// The top bit of each byte that is `byte`; above the lowest such byte it may mark others.
  fileprivate func bytesEqual(to byte: UInt8) -> UInt64 {
    let others = self ^ (Self.ones * UInt64(byte))
    return (others &- Self.ones) & ~others & Self.topBits
  }

  /// What these bytes, the first one highest, spell as eight lower-case hexadecimal digits.
  fileprivate var hexValue: UInt32? {
    // Letters have bit 6. Each byte is then what its digit is worth, if it is one.
    let values = (self & (Self.ones * 0x0F)) &+ (self &>> 6 & Self.ones) &* 9
    let letters = (values &+ Self.ones * 0x76) &>> 7 & Self.ones
    let spelled = values &+ Self.ones * 0x30 &+ letters &* 0x27
    guard spelled == self, values & (Self.ones * 0xF0) == 0 else { return nil }
    let pairs = (values | values &>> 4) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs | pairs &>> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: fours | fours &>> 16)
  }
}

/// The nodes of a tape while it grows: an array that is not asked each time whether it is shared.
@safe struct JSONNodeList: ~Copyable {
  private var start: UnsafeMutablePointer<JSONNode>
  private var capacity: Int
  private(set) var count = 0

  /// - Precondition: `capacity` is positive.
  init(capacity: Int) {
    precondition(capacity > 0, "room for \(capacity)")
    self.capacity = capacity
    unsafe start = .allocate(capacity: capacity)
  }

  deinit { unsafe start.deallocate() }

  @inline(__always)
  mutating func append(_ node: JSONNode) {
    if count == capacity { grow() }
    unsafe (start + count).initialize(to: node)
    count += 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<JSONNode>.allocate(capacity: 2 * capacity)
    unsafe larger.moveInitialize(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = larger
    capacity *= 2
  }

  /// - Precondition: `index` is below ``count``.
  subscript(index: Int) -> JSONNode {
    get {
      precondition(index >= 0 && index < count, "node \(index) of \(count)")
      return unsafe start[index]
    }
    set {
      precondition(index >= 0 && index < count, "node \(index) of \(count)")
      unsafe start[index] = newValue
    }
  }

  /// All that was appended after the node at `index` is its own.
  mutating func close(_ index: Int) { self[index].size = UInt32(count - index) }

  /// A copy.
  var array: [JSONNode] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }
}
