/// Base64 of RFC 4648 section 4, strict: padded, no white space, no stray bits, so one value has
/// one text.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  package static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for index in 0..<4 {
        let digit = Int(bits >> UInt32(18 - 6 * index)) & 63
        text.append(index <= group.count ? alphabet[digit] : padding)
      }
    }
    return text
  }

  /// Set in an item of ``places`` for a character that is none.
  private static let noValue: UInt32 = 1 << 31

  /// What a character adds to the 24 bits of its group: 256 items for each of the four places. One
  /// look for each character, instead of one and its shifts.
  private static let places: [UInt32] = (0..<4).flatMap { place in
    (0...UInt8.max).map { character in
      alphabet.firstIndex(of: character).map { UInt32($0) << UInt32(18 - 6 * place) } ?? noValue
    }
  }

  /// - Returns: nil unless `text` is what ``encode(_:)`` would have written.
  package static func decode(_ text: [UInt8]) -> [UInt8]? {
    guard let padCount = padCount(of: text) else { return nil }
    let table = Self.places
    let places = table.span
    let wholeCount = text.count / 4 - (padCount > 0 ? 1 : 0)
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3 - padCount)
    let characters = text.span
    var target = bytes.mutableSpan
    var faults: UInt32 = 0
    for group in 0..<wholeCount {
      let bits =
        places[Int(characters[4 * group])] | places[256 + Int(characters[4 * group + 1])]
        | places[512 + Int(characters[4 * group + 2])]
        | places[768 + Int(characters[4 * group + 3])]
      faults |= bits
      target[3 * group] = UInt8(truncatingIfNeeded: bits >> 16)
      target[3 * group + 1] = UInt8(truncatingIfNeeded: bits >> 8)
      target[3 * group + 2] = UInt8(truncatingIfNeeded: bits)
    }
    // The last group: two characters or three.
    var bits: UInt32 = 0
    for (place, index) in (4 * wholeCount..<text.count - padCount).enumerated() {
      bits |= places[256 * place + Int(characters[index])]
    }
    guard (faults | bits) & noValue == 0, !hasStrayBits(bits, padCount) else { return nil }
    for (index, place) in (3 * wholeCount..<target.count).enumerated() {
      target[place] = UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))
    }
    return bytes
  }

  /// Whether ``decode(_:)`` would return something: the bytes are not made for it.
  package static func isEncoded(_ text: [UInt8]) -> Bool {
    guard let padCount = padCount(of: text) else { return false }
    let table = Self.places
    let places = table.span
    var bits: UInt32 = 0
    for character in text.dropLast(padCount) { bits |= places[Int(character)] }
    guard bits & noValue == 0, padCount > 0 else { return bits & noValue == 0 }
    let last = places[256 * (3 - padCount) + Int(text[text.count - padCount - 1])]
    return !hasStrayBits(last, padCount)
  }

  /// - Returns: nil when the text has no whole groups.
  private static func padCount(of text: [UInt8]) -> Int? {
    guard text.count.isMultiple(of: 4) else { return nil }
    return text.suffix(2).reversed().prefix { $0 == padding }.count
  }

  /// What the last group has beyond whole bytes is 0.
  private static func hasStrayBits(_ bits: UInt32, _ padCount: Int) -> Bool {
    bits & (1 << UInt32(8 * padCount) - 1) != 0
  }
}
