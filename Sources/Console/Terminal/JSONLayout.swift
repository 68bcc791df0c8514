import Operations

/// Lays out JSON text without reading it into values: members keep their order, numbers their
/// digits, and no size or depth is too much. What is not JSON comes out unharmed.
enum JSONLayout {
  /// Two spaces a level, one member a line; characters that could steer a terminal are escaped.
  static func indented(_ bytes: [UInt8]) -> [UInt8] {
    var writer = Writer()
    walk(bytes) { writer.add($0) }
    return escapingHidden(writer.bytes)
  }

  /// Without white space between tokens, so that it is one line.
  static func compact(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    walk(bytes) { result += $0 }
    return result
  }

  /// Calls `body` with each token: a punctuation mark, a whole string, or a run of other bytes.
  private static func walk(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
    var index = 0
    while index < bytes.count {
      let start = index
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D:
        index += 1
        continue
      case let byte where isMark(byte): index += 1
      case UInt8(ascii: "\""): index = endOfString(bytes, from: index)
      case _:
        while index < bytes.count, !isMark(bytes[index]), bytes[index] > 0x20,
          bytes[index] != UInt8(ascii: "\"")
        {
          index += 1
        }
        // A control byte that JSON does not have: passed on alone.
        if index == start { index += 1 }
      }
      body(bytes[start..<index])
    }
  }

  private static func isMark(_ byte: UInt8) -> Bool { "{}[]:,".utf8.contains(byte) }

  private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int {
    var index = start + 1
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\") {
        index += 2
      } else if bytes[index] == UInt8(ascii: "\"") {
        return index + 1
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  private static func escapingHidden(_ bytes: [UInt8]) -> [UInt8] {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.unicodeScalars.contains(where: { isHidden($0) && $0 != "\n" }) else { return bytes }
    var result = ""
    for scalar in text.unicodeScalars {
      guard isHidden(scalar), scalar != "\n" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return Array(result.utf8)
  }

  private struct Writer {
    private(set) var bytes: [UInt8] = []
    private var depth = 0
    /// After an opening bracket: an empty list or object stays on its line.
    private var hasJustOpened = false

    mutating func add(_ token: ArraySlice<UInt8>) {
      let first = token.first
      let closes = first == UInt8(ascii: "}") || first == UInt8(ascii: "]")
      if closes {
        depth = max(depth - 1, 0)
        if !hasJustOpened { newLine() }
      } else if hasJustOpened {
        newLine()
      }
      hasJustOpened = false
      bytes += token
      switch first {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        hasJustOpened = true
      case UInt8(ascii: ","): newLine()
      case UInt8(ascii: ":"): bytes.append(0x20)
      case _: break
      }
    }

    private mutating func newLine() {
      bytes.append(UInt8(ascii: "\n"))
      bytes += Array(repeating: 0x20, count: depth * 2)
    }
  }
}
