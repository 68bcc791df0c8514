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

  /// In `range` the first byte that a JSON text may not hold as it is; its end when there is none.
  /// - Parameter isASCII: whether bytes beyond ASCII count as well.
  /// - Precondition: `range` is within the array.
  func endOfPlainText(in range: Range<Int>, isASCII: Bool) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
    let beyond: UInt64 = isASCII ? .max : 0
    return unsafe withUnsafeBytes { bytes in
      var index = range.lowerBound
      while range.upperBound - index >= 8 {
        let word = UInt64(
          littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let special = word.specialBytes(beyond: beyond)
        guard special == 0 else { return index + special.trailingZeroBitCount / 8 }
        index += 8
      }
      while index < range.upperBound,
        unsafe UInt64(bytes[index]).specialBytes(beyond: beyond) & 0xFF == 0
      {
        index += 1
      }
      return index
    }
  }
}

extension UInt64 {
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The top bit of each byte that ends plain text: controls, the quote, the backslash, and what is
  /// beyond ASCII where `beyond` has all bits. A borrow may mark a byte above one that is rightly
  /// marked, never one below: the lowest mark is true.
  fileprivate func specialBytes(beyond: UInt64) -> UInt64 {
    let quotes = self ^ (Self.ones * UInt64(UInt8(ascii: "\"")))
    let backslashes = self ^ (Self.ones * UInt64(UInt8(ascii: "\\")))
    let low = (self &- Self.ones * 0x20) & ~self
    let quote = (quotes &- Self.ones) & ~quotes
    let backslash = (backslashes &- Self.ones) & ~backslashes
    return (self & beyond | low | quote | backslash) & (Self.ones * 0x80)
  }
}
