extension JSONValue {
  /// Reads one value; white space is allowed, everything ambiguous is refused.
  package static func parse(
    _ bytes: [UInt8], limits: JSONLimits = .record
  ) throws(JSONError) -> JSONValue {
    try parse(bytes, limits: limits, canonicalOnly: false)
  }

  /// Reads bytes that must already be canonical, as a received body: `canonicalBytes` of the result
  /// are `bytes`.
  package static func parseCanonical(
    _ bytes: [UInt8], limits: JSONLimits = .record
  ) throws(JSONError) -> JSONValue {
    try parse(bytes, limits: limits, canonicalOnly: true)
  }

  private static func parse(
    _ bytes: [UInt8], limits: JSONLimits, canonicalOnly: Bool
  ) throws(JSONError) -> JSONValue {
    guard bytes.count <= limits.byteCount else {
      throw JSONError(reason: .tooLong(limit: limits.byteCount), offset: limits.byteCount)
    }
    var parser = JSONParser(bytes: bytes, limits: limits, canonicalOnly: canonicalOnly)
    return try parser.parseDocument()
  }
}

/// One pass over the bytes by index; recursion is bounded by ``JSONLimits/depth``.
private struct JSONParser {
  let bytes: [UInt8]
  let limits: JSONLimits
  let canonicalOnly: Bool
  var index = 0
  var depth = 0

  init(bytes: [UInt8], limits: JSONLimits, canonicalOnly: Bool) {
    self.bytes = bytes
    self.limits = limits
    self.canonicalOnly = canonicalOnly
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    try skipWhiteSpace()
    guard index == bytes.count else { throw error(.trailingBytes) }
    return value
  }

  private mutating func parseValue() throws(JSONError) -> JSONValue {
    try skipWhiteSpace()
    switch try peek() {
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "{"): return .object(try parseObject())
    case UInt8(ascii: "["): return .array(try parseArray())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .integer(try parseInteger())
    case UInt8(ascii: "t"): return try parseWord("true", as: .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", as: .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", as: .null)
    case let byte: throw error(.unexpectedByte(byte))
    }
  }

  private mutating func parseArray() throws(JSONError) -> [JSONValue] {
    try open()
    var items: [JSONValue] = []
    try skipWhiteSpace()
    if try take(UInt8(ascii: "]")) { return close(items) }
    while true {
      items.append(try parseValue())
      try skipWhiteSpace()
      if try take(UInt8(ascii: "]")) { return close(items) }
      try expect(UInt8(ascii: ","))
    }
  }

  private mutating func parseObject() throws(JSONError) -> JSONObject {
    try open()
    var members = MemberList()
    try skipWhiteSpace()
    if try take(UInt8(ascii: "}")) { return close(JSONObject()) }
    while true {
      try skipWhiteSpace()
      let keyOffset = index
      guard try peek() == UInt8(ascii: "\"") else { throw error(.unexpectedByte(bytes[index])) }
      let key = try parseString()
      try skipWhiteSpace()
      try expect(UInt8(ascii: ":"))
      let member = JSONObject.Member(key: key, value: try parseValue())
      try members.append(member, keyOffset: keyOffset, canonicalOnly: canonicalOnly)
      try skipWhiteSpace()
      if try take(UInt8(ascii: "}")) { return close(try members.finish()) }
      try expect(UInt8(ascii: ","))
    }
  }

  private mutating func open() throws(JSONError) {
    guard depth < limits.depth else { throw error(.tooDeep(limit: limits.depth)) }
    depth += 1
    index += 1
  }

  private mutating func close<Value>(_ value: Value) -> Value {
    depth -= 1
    return value
  }

  private mutating func parseInteger() throws(JSONError) -> Int64 {
    let start = index
    let isNegative = try take(UInt8(ascii: "-"))
    let firstDigit = try peek()
    var magnitude: Int64 = 0
    let digitsStart = index
    while index < bytes.count, let digit = Self.digit(bytes[index]) {
      // Leaves the range long before it could overflow; the rest of the digits is only skipped.
      if magnitude <= JSONValue.maximumInteger { magnitude = magnitude * 10 + digit }
      index += 1
    }
    guard index > digitsStart else { throw error(.unexpectedByte(firstDigit)) }
    let isPadded = firstDigit == UInt8(ascii: "0") && index - digitsStart > 1
    guard !isPadded, !(isNegative && magnitude == 0), !isFractionOrExponent() else {
      throw error(.notAnInteger, at: start)
    }
    guard magnitude <= JSONValue.maximumInteger else {
      throw error(.integerOutOfRange, at: start)
    }
    return isNegative ? -magnitude : magnitude
  }

  private func isFractionOrExponent() -> Bool {
    guard index < bytes.count else { return false }
    let byte = bytes[index]
    return byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  private mutating func parseWord(
    _ word: StaticString, as value: JSONValue
  ) throws(JSONError) -> JSONValue {
    for expected in word.description.utf8 { try expect(expected) }
    return value
  }
}

// MARK: - Bytes

extension JSONParser {
  private func error(_ reason: JSONError.Reason) -> JSONError { error(reason, at: index) }
  private func error(_ reason: JSONError.Reason, at offset: Int) -> JSONError {
    JSONError(reason: reason, offset: offset)
  }

  private func peek() throws(JSONError) -> UInt8 {
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    return bytes[index]
  }

  private mutating func take(_ wanted: UInt8) throws(JSONError) -> Bool {
    guard try peek() == wanted else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ wanted: UInt8) throws(JSONError) {
    guard try take(wanted) else { throw error(.unexpectedByte(bytes[index])) }
  }

  private mutating func skipWhiteSpace() throws(JSONError) {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D:
        guard !canonicalOnly else { throw error(.notCanonical) }
        index += 1
      default: return
      }
    }
  }
}

// MARK: - Strings

extension JSONParser {
  /// Stands on the opening quote; leaves after the closing one.
  private mutating func parseString() throws(JSONError) -> Text {
    index += 1
    var decoded: [UInt8] = []
    var runStart = index
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        defer { index += 1 }
        // Most texts have no escape and stay where they are.
        if decoded.isEmpty { return Text(validated: bytes, in: runStart..<index) }
        decoded.append(contentsOf: bytes[runStart..<index])
        return Text(validated: decoded)
      } else if byte == UInt8(ascii: "\\") {
        decoded.append(contentsOf: bytes[runStart..<index])
        try parseEscape(into: &decoded)
        runStart = index
      } else if byte < 0x20 {
        throw error(.controlCharacter)
      } else if byte < 0x80 {
        index += 1
      } else {
        try skipMultibyteCharacter()
      }
    }
    throw error(.unexpectedEnd)
  }

  /// Well-formed sequences of Unicode table 3-7: no overlong form, no surrogate, none past
  /// U+10FFFF.
  private mutating func skipMultibyteCharacter() throws(JSONError) {
    let lead = bytes[index]
    let (count, second): (Int, ClosedRange<UInt8>)
    switch lead {
    case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
    case 0xE0: (count, second) = (3, 0xA0...0xBF)
    case 0xED: (count, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
    case 0xF0: (count, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
    case 0xF4: (count, second) = (4, 0x80...0x8F)
    default: throw error(.invalidUTF8)
    }
    guard bytes.count - index >= count, second.contains(bytes[index + 1]),
      count < 3 || bytes[index + 2] & 0xC0 == 0x80,
      count < 4 || bytes[index + 3] & 0xC0 == 0x80
    else { throw error(.invalidUTF8) }
    index += count
  }

  /// Stands on the backslash.
  private mutating func parseEscape(into decoded: inout [UInt8]) throws(JSONError) {
    let start = index
    index += 1
    let letter = try peek()
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): decoded.append(letter)
    case UInt8(ascii: "/"):
      guard !canonicalOnly else { throw error(.notCanonical, at: start) }
      decoded.append(letter)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "u"):
      let scalar = try parseUnicodeEscape(from: start)
      guard !canonicalOnly || isCanonicalUnicodeEscape(scalar, from: start) else {
        throw error(.notCanonical, at: start)
      }
      decoded.append(contentsOf: String(Character(scalar)).utf8)
    default: throw error(.invalidEscape, at: start)
    }
  }

  /// Stands after `\u`; reads a second escape when the first is a high surrogate.
  private mutating func parseUnicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let unit = try parseFourHexDigits(from: start)
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, bytes.count - index >= 2, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u")
    else { throw error(.loneSurrogate, at: start) }
    let secondStart = index
    index += 2
    let low = try parseFourHexDigits(from: secondStart)
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw error(.loneSurrogate, at: start) }
    return scalar
  }

  private mutating func parseFourHexDigits(from start: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = try peek()
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
      guard let digit = hexValue(isUpper ? byte | 0x20 : byte) else {
        throw error(.invalidEscape, at: start)
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }

  /// RFC 8785 writes `\u00xx` in lower case, and only for control characters without a short form.
  private func isCanonicalUnicodeEscape(_ scalar: Unicode.Scalar, from start: Int) -> Bool {
    guard scalar.value < 0x20 else { return false }
    let byte = UInt8(scalar.value)
    return CanonicalJSONWriter.shortEscape(byte) == nil
      && bytes[start..<index].elementsEqual("\\u00\(hexText([byte]))".utf8)
  }
}

// MARK: - Members

/// Collects an object's members. Bodies mostly arrive sorted; only what comes out of order is
/// remembered with its position and sorted at the end, so no order of keys costs O(n²).
private struct MemberList {
  private var sorted: [JSONObject.Member] = []
  private var unsorted: [(member: JSONObject.Member, keyOffset: Int)] = []

  mutating func append(
    _ member: JSONObject.Member, keyOffset: Int, canonicalOnly: Bool
  ) throws(JSONError) {
    let order = sorted.last?.key.compareAsKey(with: member.key) ?? .before
    if order == .before, unsorted.isEmpty { return sorted.append(member) }
    if order == .same, unsorted.isEmpty {
      throw JSONError(reason: .duplicateKey, offset: keyOffset)
    }
    guard !canonicalOnly else { throw JSONError(reason: .notCanonical, offset: keyOffset) }
    unsorted.append((member, keyOffset))
  }

  /// - Throws: `.duplicateKey` at the first key that had stood before.
  consuming func finish() throws(JSONError) -> JSONObject {
    guard !unsorted.isEmpty else { return JSONObject(sorted: sorted) }
    let all = (sorted.map { (member: $0, keyOffset: -1) } + unsorted).sorted {
      switch $0.member.key.compareAsKey(with: $1.member.key) {
      case .before: true
      case .after: false
      case .same: $0.keyOffset < $1.keyOffset
      }
    }
    let repeated = zip(all, all.dropFirst()).filter { $0.member.key == $1.member.key }
    if let offset = repeated.map(\.1.keyOffset).min() {
      throw JSONError(reason: .duplicateKey, offset: offset)
    }
    return JSONObject(sorted: all.map(\.member))
  }
}
