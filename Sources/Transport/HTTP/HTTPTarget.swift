/// The target of a request, taken apart: a path of decoded segments and the query's items in order.
///
/// Only the form `/a/b?x=1` is taken. Segments are what a route compares: never empty, never `.` or
/// `..`, without slash, backslash or control bytes, however they were escaped.
package struct HTTPTarget: Hashable, Sendable {
  /// Decoded; empty for `/`.
  package let segments: [String]
  package let query: [QueryItem]

  /// `name=value`, decoded; a plus sign stays a plus sign (RFC 3986), as in `+07:00`.
  package struct QueryItem: Hashable, Sendable {
    package let name: String
    package let value: String

    /// Both parts as they are meant, not escaped.
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A target for a client to send; any text may stand in it, as ``text`` escapes it.
  package init(segments: [String], query: [QueryItem] = []) {
    self.segments = segments
    self.query = query
  }

  /// The form on the wire. All but unreserved bytes are escaped.
  package var text: String {
    var bytes: [UInt8] = []
    for segment in segments { Self.encode(segment, after: "/", into: &bytes) }
    if segments.isEmpty { bytes.append(UInt8(ascii: "/")) }
    for (index, item) in query.enumerated() {
      Self.encode(item.name, after: index == 0 ? "?" : "&", into: &bytes)
      Self.encode(item.value, after: "=", into: &bytes)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func encode(_ text: String, after mark: String, into bytes: inout [UInt8]) {
    bytes.append(contentsOf: mark.utf8)
    for byte in text.utf8 {
      if byte.isUnreserved {
        bytes.append(byte)
      } else {
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
  }

  /// The value of the first item of that name.
  package func value(of name: String) -> String? { query.first { $0.name == name }?.value }

  init(_ bytes: ArraySlice<UInt8>) throws(HTTPParseError) {
    guard bytes.first == UInt8(ascii: "/") else { throw HTTPParseError(.targetNotAPath) }
    for byte in bytes where !byte.isTargetByte { throw HTTPParseError(.targetMalformed) }
    let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
    segments = try Self.segments(of: bytes[..<(mark ?? bytes.endIndex)].dropFirst())
    query =
      try mark.map { mark throws(HTTPParseError) in
        try Self.items(of: bytes[(mark + 1)...])
      } ?? []
  }

  private static func segments(of path: ArraySlice<UInt8>) throws(HTTPParseError) -> [String] {
    guard !path.isEmpty else { return [] }
    let slashCount = path.count { $0 == UInt8(ascii: "/") }
    guard slashCount < HTTPLimits.pathSegmentCount else {
      throw HTTPParseError(.targetTooManyItems)
    }
    var segments: [String] = []
    segments.reserveCapacity(slashCount + 1)
    var rest = path
    for _ in 0...slashCount {
      let part = rest.prefix { $0 != UInt8(ascii: "/") }
      rest = rest[part.endIndex...].dropFirst()
      let segment = try decode(part, isSegment: true)
      guard !segment.isEmpty else { throw HTTPParseError(.targetEmptySegment) }
      guard segment != ".", segment != ".." else { throw HTTPParseError(.targetDotSegment) }
      segments.append(segment)
    }
    return segments
  }

  private static func items(of query: ArraySlice<UInt8>) throws(HTTPParseError) -> [QueryItem] {
    let parts = query.split(separator: UInt8(ascii: "&"))
    guard parts.count <= HTTPLimits.queryItemCount else {
      throw HTTPParseError(.targetTooManyItems)
    }
    var items: [QueryItem] = []
    for part in parts {
      let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      items.append(
        QueryItem(
          try decode(part[..<equals], isSegment: false),
          try decode(part[equals...].dropFirst(), isSegment: false)))
    }
    return items
  }

  /// Control bytes, zero among them, are refused everywhere: no name of ours holds one. A segment
  /// holds no slash or backslash either.
  private static func decode(
    _ text: ArraySlice<UInt8>, isSegment: Bool
  ) throws(HTTPParseError) -> String {
    // What a target holds unescaped is none of these.
    guard text.contains(UInt8(ascii: "%")) else { return String(decoding: text, as: UTF8.self) }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      var byte = text[index]
      index += 1
      if byte == UInt8(ascii: "%") {
        guard text.endIndex - index >= 2, let high = text[index].hexadecimalValue,
          let low = text[index + 1].hexadecimalValue
        else { throw HTTPParseError(.targetEscapeMalformed) }
        byte = high << 4 | low
        index += 2
      }
      let isSlash = byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
      guard byte >= 0x20, byte != 0x7f, !(isSegment && isSlash) else {
        throw HTTPParseError(.targetForbiddenByte)
      }
      decoded.append(byte)
    }
    guard let string = String(validating: decoded, as: UTF8.self) else {
      throw HTTPParseError(.targetNotUTF8)
    }
    return string
  }
}

extension UInt8 {
  /// What may stand unescaped in a path or query (RFC 3986), the percent sign included.
  fileprivate var isTargetByte: Bool {
    switch self {
    case UInt8(ascii: "!"), UInt8(ascii: "$")...UInt8(ascii: ";"), UInt8(ascii: "="),
      UInt8(ascii: "?"), UInt8(ascii: "@"):
      true
    default: isUnreserved
    }
  }

  fileprivate var isUnreserved: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
    default: false
    }
  }
}
