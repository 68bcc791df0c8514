import Testing

@testable import Replication

/// The loops over raw bytes come to what plain ones would.
@Suite struct RawBytesTests {
  private static let letters = Array("abz \"\\\u{1f}\u{0}\u{7f}ủ".utf8)

  private func bytes(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ -> UInt8 in
      Int.random(in: 0..<9, using: &random) > 0
        ? UInt8(ascii: "a") : Self.letters.randomElement(using: &random) ?? 0
    }
  }

  @Test(arguments: UInt64(0)..<200) func endsOfTextAndBytesInItAreFound(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let bytes = bytes(40, using: &random)
    bytes.withBorrowedBytes { borrowed in
      for start in 0...bytes.count {
        let escaped = bytes[start...].firstIndex {
          $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
        }
        let end = borrowed.endOfPlainText(in: start..<bytes.count)
        #expect(end == escaped ?? bytes.count, "\(bytes) \(start)")
        for end in start...bytes.count {
          #expect(
            borrowed.contains(0x7F, in: start..<end) == bytes[start..<end].contains(0x7F),
            "\(bytes) \(start)..<\(end)")
        }
      }
    }
  }

  /// Characters of each length, whole, cut off and out of place, at every place of a word.
  @Test(arguments: UInt64(0)..<400) func textEndsWhereItIsNotWellFormed(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let pieces: [[UInt8]] = [
      Array("a".utf8), Array("bcdefgh".utf8), Array("é".utf8), Array("ủ".utf8), Array("😀".utf8),
      Array("\u{10FFFF}".utf8), Array("\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}".utf8),
    ]
    let faults: [[UInt8]] = [
      [0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80], [0xE1, 0x80],
      [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
      [0xF1, 0x80, 0x80], [0x22], [0x5C], [0x1F],
    ]
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 0..<12, using: &random) {
      bytes += pieces.randomElement(using: &random) ?? []
    }
    let valid = bytes.count
    if Bool.random(using: &random) { bytes += faults.randomElement(using: &random) ?? [] }
    let isWhole = bytes.count == valid
    if Bool.random(using: &random), !isWhole { bytes += Array("abcdefghij".utf8) }
    for shift in 0..<8 {
      let shifted = [UInt8](repeating: UInt8(ascii: "x"), count: shift) + bytes
      let end = shifted.withBorrowedBytes { $0.endOfValidText(from: 0) }
      #expect(end == shift + valid, "\(bytes)")
    }
  }

  @Test(arguments: UInt64(0)..<200) func rangesAreComparedAsTheyStand(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let bytes = bytes(40, using: &random)
    var other = bytes
    other[Int.random(in: 0..<40, using: &random)] ^= 1
    for start in 0..<40 {
      let plain = zip(bytes[start...], other[start...]).prefix { $0 == $1 }.count
      #expect(
        bytes.equalCount(from: start, with: other, from: start, count: 40 - start) == plain)
      #expect(
        bytes.equalCount(from: start, with: bytes, from: start, count: 40 - start) == 40 - start)
      for end in start...40 {
        let range = start..<end
        let isEqual = bytes.withBorrowedBytes { own in
          other.withBorrowedBytes { own.isEqual(range, $0, range) }
        }
        #expect(isEqual == (bytes[range] == other[range]), "\(bytes) \(range)")
        let word = bytes.withBorrowedBytes { $0.leadingWord(in: range) }
        let padded = Array(bytes[range].prefix(8)) + [UInt8](repeating: 0, count: 8)
        #expect(word == padded.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
      }
    }
  }

  @Test(arguments: UInt64(0)..<100) func wordsAreBigEndian(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let bytes = bytes(40, using: &random)
    for offset in stride(from: 0, to: 32, by: 8) {
      let plain = bytes[offset..<offset + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(bytes.bigEndianWord(at: offset) == plain)
      var written: [UInt8] = []
      written.append(bigEndian: plain)
      #expect(written == Array(bytes[offset..<offset + 8]))
    }
  }

  /// Each byte at each of the sixteen places, in a number that is right without it.
  @Test(arguments: UInt8.min...UInt8.max) func hexadecimalDigitsAreLowerCase(byte: UInt8) {
    let digits = Array("0123456789abcdef".utf8)
    for place in 0..<16 {
      var spelled = digits
      spelled[place] = byte
      let value = spelled.withBorrowedBytes { $0.hexWord(at: 0) }
      let text = String(decoding: spelled, as: UTF8.self)
      #expect(value == (digits.contains(byte) ? UInt64(text, radix: 16) : nil), "\(text)")
    }
  }
}
