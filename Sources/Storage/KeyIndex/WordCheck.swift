/// A check over 64-bit words against bits that flip by themselves: what differs in one word has
/// always another check, anything else but one time in 2^64. Nobody who means harm writes here.
struct WordCheck {
  private static let multiplier: UInt64 = 0x9e37_79b9_7f4a_7c15
  static let byteCount = 8

  private(set) var value: UInt64

  /// - Parameter place: of the words, so that they are no good in another's.
  init(_ place: Int64) { value = UInt64(bitPattern: place) &* Self.multiplier }

  mutating func take(_ word: UInt64) {
    value = (value ^ word) &* Self.multiplier
    value ^= value >> 29
  }
}
