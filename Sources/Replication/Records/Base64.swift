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

  /// The value of each character; `noValue` for those that are none.
  private static let values: [UInt8] = (0...UInt8.max).map { character in
    alphabet.firstIndex(of: character).map { UInt8($0) } ?? noValue
  }
  private static let noValue: UInt8 = 0x80

  /// - Returns: nil unless `text` is what ``encode(_:)`` would have written.
  package static func decode(_ text: [UInt8]) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    let padCount = text.suffix(2).reversed().prefix { $0 == padding }.count
    let table = Self.values
    let values = table.span
    let wholeCount = text.count / 4 - (padCount > 0 ? 1 : 0)
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3 - padCount)
    let characters = text.span
    var target = bytes.mutableSpan
    var faults: UInt8 = 0
    for group in 0..<wholeCount {
      let first = values[Int(characters[4 * group])]
      let second = values[Int(characters[4 * group + 1])]
      let third = values[Int(characters[4 * group + 2])]
      let fourth = values[Int(characters[4 * group + 3])]
      faults |= first | second | third | fourth
      target[3 * group] = first << 2 | second >> 4
      target[3 * group + 1] = second << 4 | third >> 2
      target[3 * group + 2] = third << 6 | fourth
    }
    // The last group: two characters or three, and what they have beyond whole bytes is 0.
    var bits: UInt32 = 0
    for index in 4 * wholeCount..<text.count - padCount {
      let value = values[Int(characters[index])]
      faults |= value
      bits = bits << 6 | UInt32(value)
    }
    guard faults & noValue == 0 else { return nil }
    bits <<= UInt32(6 * padCount)
    guard bits & (1 << UInt32(8 * padCount) - 1) == 0 else { return nil }
    for (index, place) in (3 * wholeCount..<target.count).enumerated() {
      target[place] = UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))
    }
    return bytes
  }
}
