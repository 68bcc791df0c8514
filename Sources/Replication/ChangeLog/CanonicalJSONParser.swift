/// One pass over the bytes by index; recursion is bounded by ``JSONLimits/depth``.
struct JSONParser: ~Copyable {
  let bytes: BorrowedBytes
  let limits: JSONLimits
  let canonicalOnly: Bool
  var index = 0
  var depth = 0
  var nodes: JSONNodeList
  var unescaped: [Text] = []
  /// Places so far that are not canonical.
  private var deviationCount = 0

  /// Bytes of a body to a node of its tape, about.
  private static let byteCountOfNode = 8

  init(bytes: BorrowedBytes, limits: JSONLimits, canonicalOnly: Bool) {
    self.bytes = bytes
    self.limits = limits
    self.canonicalOnly = canonicalOnly
    nodes = JSONNodeList(capacity: bytes.count / Self.byteCountOfNode + 1)
  }

  mutating func parseDocument() throws(JSONError) {
    try parseValue()
    try passWhiteSpace()
    guard index == bytes.count else { throw error(.trailingBytes) }
  }

  private mutating func parseValue() throws(JSONError) {
    switch try peekPastSpace() {
    case UInt8(ascii: "\""): nodes.append(try parseText())
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
    if try peekPastSpace() == UInt8(ascii: "]") { return close(place, count: 0) }
    var count = 0
    while true {
      try parseValue()
      count += 1
      if try isLast(before: UInt8(ascii: "]")) { return close(place, count: count) }
    }
  }

  private mutating func parseObject() throws(JSONError) {
    let place = try open(.object)
    if try peekPastSpace() == UInt8(ascii: "}") { return close(place, count: 0) }
    var members = MemberOrder()
    while true {
      let byte = try peekPastSpace()
      guard byte == UInt8(ascii: "\"") else { throw error(.unexpectedByte(byte)) }
      let key = nodes.count
      try parseKey(&members)
      let colon = try peekPastSpace()
      guard colon == UInt8(ascii: ":") else { throw error(.unexpectedByte(colon)) }
      index += 1
      try parseValue()
      nodes.close(key)
      if try isLast(before: UInt8(ascii: "}")) { break }
    }
    if !members.isSorted { try sortMembers(from: place + 1) }
    close(place, count: members.count)
  }

  /// Stands after an item or member: on the bracket, or past the comma before the next one.
  @inline(__always)
  private mutating func isLast(before bracket: UInt8) throws(JSONError) -> Bool {
    let byte = try peekPastSpace()
    if byte == bracket { return true }
    guard byte == UInt8(ascii: ",") else { throw error(.unexpectedByte(byte)) }
    index += 1
    return false
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

  /// Stands on the closing bracket.
  private mutating func close(_ place: Int, count: Int) {
    index += 1
    depth -= 1
    if nodes[place].count == deviationCount { nodes[place].end = UInt32(index) }
    nodes[place].count = count
    nodes.close(place)
  }

  private mutating func parseInteger() throws(JSONError) {
    let start = index
    let isNegative = try peek() == UInt8(ascii: "-")
    if isNegative { index += 1 }
    let (firstDigit, digitsStart) = (try peek(), index)
    var magnitude: Int64 = 0
    while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
      // Leaves the range long before it could overflow; the rest of the digits is only skipped.
      if magnitude <= JSONValue.maximumInteger { magnitude = magnitude * 10 + Int64(digit) }
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

  private mutating func parseWord(
    _ word: StaticString, _ kind: JSONNode.Kind
  ) throws(JSONError) {
    let start = index
    for expected in word.description.utf8 {
      guard try peek() == expected else { throw error(.unexpectedByte(bytes[index])) }
      index += 1
    }
    nodes.append(JSONNode(kind, start..<index))
  }
}

// MARK: - Members

/// What is known of an object's keys so far. Bodies mostly arrive sorted; what does not is sorted
/// once, at the end, so no order of keys costs O(n²).
private struct MemberOrder {
  var count = 0
  var isSorted = true
  /// Node of the newest one, and its leading word: 0 while there is none.
  var last = 0
  var lastWord: UInt64 = 0
}

extension JSONParser {
  /// Stands on the opening quote.
  @inline(__always)
  private mutating func parseKey(_ members: inout MemberOrder) throws(JSONError) {
    let offset = index
    var key = try parseText()
    key.leadingWord =
      key.kind == .text
      ? bytes.leadingWord(in: key.range) : unescaped[Int(key.end)].bytes.leadingWord
    // Most keys are of ASCII, which orders by its bytes, and differ in the first eight.
    let (before, after) = (members.lastWord, key.leadingWord)
    if before >= after || (before | after) & UInt64.topBits != 0 {
      try checkOrder(key, at: offset, &members)
    }
    members.count += 1
    members.last = nodes.count
    members.lastWord = after
    nodes.append(key)
  }

  private mutating func checkOrder(
    _ key: JSONNode, at offset: Int, _ members: inout MemberOrder
  ) throws(JSONError) {
    guard members.count > 0, members.isSorted else { return }
    switch order(nodes[members.last], key) {
    case .before: break
    case .same: throw error(.duplicateKey, at: offset)
    case .after:
      try deviate(at: offset)
      members.isSorted = false
    }
  }

  private func order(_ left: JSONNode, _ right: JSONNode) -> KeyOrder {
    guard left.kind == .text, right.kind == .text else {
      return text(left).compareAsKey(with: text(right))
    }
    let (left, right) = (left.range, right.range)
    let equal = bytes.equalCount(left, right)
    return KeyOrder(
      equal < left.count ? bytes[left.lowerBound + equal] : nil,
      equal < right.count ? bytes[right.lowerBound + equal] : nil)
  }

  private func text(_ key: JSONNode) -> Text {
    key.kind == .escapedText ? unescaped[Int(key.end)] : Text(validated: bytes[key.range])
  }

  /// Puts the members that begin at `first` and end the tape in key order.
  /// - Throws: `.duplicateKey` at the first key that had stood before.
  private mutating func sortMembers(from first: Int) throws(JSONError) {
    var members: [(key: Text, place: Int, offset: Int)] = []
    var next = first
    while next < nodes.count {
      members.append((text(nodes[next]), next, Int(nodes[next].start) - 1))
      next += Int(nodes[next].size)
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
    let unsorted = nodes.array
    next = first
    for (_, place, _) in members {
      for node in unsorted[place..<place + Int(unsorted[place].size)] {
        nodes[next] = node
        next += 1
      }
    }
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

  @inline(__always)
  private func peek() throws(JSONError) -> UInt8 {
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    return bytes[index]
  }

  /// Stands on what is returned. In canonical form there is no white space, so mostly the first
  /// byte is all that is looked at.
  @inline(__always)
  private mutating func peekPastSpace() throws(JSONError) -> UInt8 {
    let byte = try peek()
    guard byte <= 0x20 else { return byte }
    try passWhiteSpace()
    return try peek()
  }

  private mutating func passWhiteSpace() throws(JSONError) {
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
  @inline(__always)
  private mutating func parseText() throws(JSONError) -> JSONNode {
    let start = index + 1
    index = bytes.endOfValidText(from: start)
    // Most texts have no escape and stay where they are.
    if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
      index += 1
      return JSONNode(.text, start..<index - 1)
    }
    return try parseEscapedText(from: start)
  }

  /// Stands where the first run of plain text ends that begins at `start`.
  private mutating func parseEscapedText(from start: Int) throws(JSONError) -> JSONNode {
    var decoded: [UInt8] = []
    var runStart = start
    while true {
      decoded += bytes[runStart..<index]
      switch try peek() {
      case UInt8(ascii: "\""):
        index += 1
        unescaped.append(Text(validated: decoded))
        return JSONNode(escapedTextAt: start, place: unescaped.count - 1)
      case UInt8(ascii: "\\"): try parseEscape(into: &decoded)
      case ..<0x20: throw error(.controlCharacter)
      default: throw error(.invalidUTF8)
      }
      runStart = index
      index = bytes.endOfValidText(from: index)
    }
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
