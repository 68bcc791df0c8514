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
    try parser.parseDocument()
    let tape = JSONTape(bytes: bytes, nodes: parser.nodes, unescaped: parser.unescaped)
    return JSONPlace(tape: tape, index: 0).value
  }
}

/// One pass over the bytes by index; recursion is bounded by ``JSONLimits/depth``.
private struct JSONParser {
  let bytes: [UInt8]
  let limits: JSONLimits
  let canonicalOnly: Bool
  var index = 0
  var depth = 0
  var nodes: [JSONNode] = []
  var unescaped: [Text] = []
  /// Places so far that are not canonical.
  private var deviationCount: UInt32 = 0

  /// Bytes of a body to a node of its tape, about.
  private static let byteCountOfNode = 8

  init(bytes: [UInt8], limits: JSONLimits, canonicalOnly: Bool) {
    self.bytes = bytes
    self.limits = limits
    self.canonicalOnly = canonicalOnly
    nodes.reserveCapacity(bytes.count / Self.byteCountOfNode + 1)
  }

  mutating func parseDocument() throws(JSONError) {
    try parseValue()
    try skipWhiteSpace()
    guard index == bytes.count else { throw error(.trailingBytes) }
  }

  private mutating func parseValue() throws(JSONError) {
    try skipWhiteSpace()
    switch try peek() {
    case UInt8(ascii: "\""): try parseString()
    case UInt8(ascii: "{"): try parseObject()
    case UInt8(ascii: "["): try parseArray()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseInteger()
    case UInt8(ascii: "t"): try parseWord("true", .yes)
    case UInt8(ascii: "f"): try parseWord("false", .no)
    case UInt8(ascii: "n"): try parseWord("null", .null)
    case let byte: throw error(.unexpectedByte(byte))
    }
  }

  private mutating func parseArray() throws(JSONError) {
    let place = try open(.array)
    try skipWhiteSpace()
    if try take(UInt8(ascii: "]")) { return close(place, count: 0) }
    var count: UInt32 = 0
    while true {
      try parseValue()
      count += 1
      try skipWhiteSpace()
      if try take(UInt8(ascii: "]")) { return close(place, count: count) }
      try expect(UInt8(ascii: ","))
    }
  }

  private mutating func parseObject() throws(JSONError) {
    let place = try open(.object)
    try skipWhiteSpace()
    if try take(UInt8(ascii: "}")) { return close(place, count: 0) }
    var members = MemberOrder()
    while true {
      try skipWhiteSpace()
      let keyOffset = index
      guard try peek() == UInt8(ascii: "\"") else { throw error(.unexpectedByte(bytes[index])) }
      let key = nodes.count
      try parseString()
      try note(key, at: keyOffset, &members)
      try skipWhiteSpace()
      try expect(UInt8(ascii: ":"))
      try parseValue()
      try skipWhiteSpace()
      if try take(UInt8(ascii: "}")) { break }
      try expect(UInt8(ascii: ","))
    }
    if !members.isSorted { try sortMembers(from: place + 1) }
    close(place, count: members.count)
  }

  private mutating func open(_ kind: JSONNode.Kind) throws(JSONError) -> Int {
    guard depth < limits.depth else { throw error(.tooDeep(limit: limits.depth)) }
    depth += 1
    var node = JSONNode(kind, index..<index)
    // Until it is closed: what has deviated inside it by then shows by the difference.
    node.count = deviationCount
    nodes.append(node)
    index += 1
    return nodes.count - 1
  }

  /// Stands after the closing bracket.
  private mutating func close(_ place: Int, count: UInt32) {
    depth -= 1
    if nodes[place].count == deviationCount { nodes[place].end = UInt32(index) }
    nodes[place].count = count
    nodes[place].size = UInt32(nodes.count - place)
  }

  private mutating func parseInteger() throws(JSONError) {
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
    nodes.append(JSONNode(.integer, start..<index))
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
    _ word: StaticString, _ kind: JSONNode.Kind
  ) throws(JSONError) {
    let start = index
    for expected in word.description.utf8 { try expect(expected) }
    nodes.append(JSONNode(kind, start..<index))
  }
}

// MARK: - Members

/// What is known of an object's keys so far. Bodies mostly arrive sorted; what does not is sorted
/// once, at the end, so no order of keys costs O(n²).
private struct MemberOrder {
  var count: UInt32 = 0
  var isSorted = true
  /// Node of the last key.
  var last = 0
}

extension JSONParser {
  private mutating func note(
    _ key: Int, at offset: Int, _ members: inout MemberOrder
  ) throws(JSONError) {
    if members.count > 0, members.isSorted {
      switch order(members.last, key) {
      case .before: break
      case .same: throw error(.duplicateKey, at: offset)
      case .after:
        try deviate(at: offset)
        members.isSorted = false
      }
    }
    members.count += 1
    members.last = key
  }

  private func order(_ left: Int, _ right: Int) -> KeyOrder {
    let (left, right) = (nodes[left], nodes[right])
    // Most keys differ in their first byte, and are plain.
    if left.kind == .text, right.kind == .text, left.end > left.start, right.end > right.start {
      let (first, second) = (bytes[Int(left.start)], bytes[Int(right.start)])
      if first != second, first < 0x80, second < 0x80 { return first < second ? .before : .after }
    }
    return text(left).compareAsKey(with: text(right))
  }

  private func text(_ key: JSONNode) -> Text {
    key.kind == .escapedText
      ? unescaped[Int(key.end)] : Text(validated: bytes, in: Int(key.start)..<Int(key.end))
  }

  /// Puts the members that begin at `first` and end the tape in key order.
  /// - Throws: `.duplicateKey` at the first key that had stood before.
  private mutating func sortMembers(from first: Int) throws(JSONError) {
    var members: [(key: Text, place: Int, offset: Int)] = []
    var next = first
    while next < nodes.count {
      members.append((text(nodes[next]), next, Int(nodes[next].start) - 1))
      next += 1 + Int(nodes[next + 1].size)
    }
    members.sort {
      switch $0.key.compareAsKey(with: $1.key) {
      case .before: true
      case .after: false
      case .same: $0.place < $1.place
      }
    }
    let repeated = zip(members, members.dropFirst()).filter { $0.key == $1.key }
    if let offset = repeated.map(\.1.offset).min() { throw error(.duplicateKey, at: offset) }
    let sorted = members.flatMap { member in
      nodes[member.place..<member.place + 1 + Int(nodes[member.place + 1].size)]
    }
    nodes.replaceSubrange(first..., with: sorted)
  }
}

// MARK: - Bytes

extension JSONParser {
  private func error(_ reason: JSONError.Reason) -> JSONError { error(reason, at: index) }
  private func error(_ reason: JSONError.Reason, at offset: Int) -> JSONError {
    JSONError(reason: reason, offset: offset)
  }

  /// Valid, but not as it is written in canonical form.
  private mutating func deviate(at offset: Int) throws(JSONError) {
    guard !canonicalOnly else { throw error(.notCanonical, at: offset) }
    deviationCount += 1
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
        try deviate(at: index)
        index += 1
      default: return
      }
    }
  }
}

// MARK: - Strings

extension JSONParser {
  /// Stands on the opening quote; leaves after the closing one.
  private mutating func parseString() throws(JSONError) {
    index += 1
    let start = index
    var decoded: [UInt8]?
    var runStart = index
    while true {
      index = bytes.endOfPlainText(in: index..<bytes.count, isASCII: true)
      switch try peek() {
      case UInt8(ascii: "\""):
        // Most texts have no escape and stay where they are.
        if var text = decoded {
          text.append(contentsOf: bytes[runStart..<index])
          nodes.append(JSONNode(escapedTextAt: start, place: unescaped.count))
          unescaped.append(Text(validated: text))
        } else {
          nodes.append(JSONNode(.text, start..<index))
        }
        index += 1
        return
      case UInt8(ascii: "\\"):
        var text = decoded ?? []
        text.append(contentsOf: bytes[runStart..<index])
        try parseEscape(into: &text)
        decoded = text
        runStart = index
      case ..<0x20: throw error(.controlCharacter)
      default: try skipMultibyteCharacter()
      }
    }
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
      try deviate(at: start)
      decoded.append(letter)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "u"):
      let scalar = try parseUnicodeEscape(from: start)
      if !isCanonicalUnicodeEscape(scalar, from: start) { try deviate(at: start) }
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
