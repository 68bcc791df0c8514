/// Fixed-size byte strings held in registers: compared and hashed bytewise, never as text.
///
/// Swift's `String` compares by canonical equivalence, so no identity, key or sort key is one
/// (design.md section 3). Both types order like the bytes they print.
package struct Bytes16: Hashable, Comparable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// - Returns: nil unless `bytes` holds exactly 16 bytes.
  @specialized(where Bytes == [UInt8])
  @specialized(where Bytes == ArraySlice<UInt8>)
  package init?<Bytes: Collection<UInt8>>(_ bytes: Bytes) {
    guard bytes.count == 16 else { return nil }
    self.init(high: loadBigEndian(bytes.prefix(8)), low: loadBigEndian(bytes.dropFirst(8)))
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    bytes.append(bigEndian: high)
    bytes.append(bigEndian: low)
    return bytes
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

/// 32 bytes in four words; see ``Bytes16``.
package struct Bytes32: Hashable, Comparable, Sendable {
  package let first: UInt64
  package let second: UInt64
  package let third: UInt64
  package let fourth: UInt64

  package static let zero = Bytes32(0, 0, 0, 0)

  package init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
    self.first = first
    self.second = second
    self.third = third
    self.fourth = fourth
  }

  /// - Returns: nil unless `bytes` holds exactly 32 bytes.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.init(
      loadBigEndian(bytes.prefix(8)), loadBigEndian(bytes.dropFirst(8).prefix(8)),
      loadBigEndian(bytes.dropFirst(16).prefix(8)), loadBigEndian(bytes.dropFirst(24)))
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    bytes.append(bigEndian: first)
    bytes.append(bigEndian: second)
    bytes.append(bigEndian: third)
    bytes.append(bigEndian: fourth)
    return bytes
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.first, left.second, left.third, left.fourth)
      < (right.first, right.second, right.third, right.fourth)
  }
}

private func loadBigEndian(_ bytes: some Collection<UInt8>) -> UInt64 {
  bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

extension Bytes32 {
  /// - Precondition: `index` is below 32.
  func byte(_ index: Int) -> UInt8 {
    let word =
      switch index / 8 {
      case 0: first
      case 1: second
      case 2: third
      default: fourth
      }
    return word.byte(index % 8)
  }
}

extension UInt64 {
  /// Of the 8 bytes of its big-endian form.
  fileprivate func byte(_ index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * index))
  }
}

/// Lower-case hexadecimal text of `bytes`, for people and for golden files.
package func hexText(_ bytes: some Sequence<UInt8>) -> String {
  var text: [UInt8] = []
  text.reserveCapacity(2 * bytes.underestimatedCount)
  for byte in bytes {
    text.append(hexDigit(byte >> 4))
    text.append(hexDigit(byte & 15))
  }
  return String(decoding: text, as: UTF8.self)
}

/// - Parameter value: below 16.
func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// The bytes that lower-case hexadecimal `text` spells; nil for any other character or an odd
/// length.
package func hexBytes(_ text: some StringProtocol) -> [UInt8]? {
  let digits = Array(text.utf8)
  guard digits.count.isMultiple(of: 2) else { return nil }
  var bytes: [UInt8] = []
  for index in stride(from: 0, to: digits.count, by: 2) {
    guard let high = hexValue(digits[index]), let low = hexValue(digits[index + 1]) else {
      return nil
    }
    bytes.append(high << 4 | low)
  }
  return bytes
}

func hexValue(_ character: UInt8) -> UInt8? {
  switch character {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
  default: nil
  }
}
