/// Why bytes are not JSON as records use it, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and what the position then points at.
  package enum Reason: Hashable, Sendable {
    /// More bytes than the limit, which is the payload. Position: the limit.
    case tooLong(limit: Int)
    /// Nested deeper than the limit. Position: the bracket.
    case tooDeep(limit: Int)
    case unexpectedEnd
    case unexpectedByte(UInt8)
    /// Position: the second key's opening quote.
    case duplicateKey
    /// A fraction, an exponent, a leading zero or -0. Position: the number's first byte.
    case notAnInteger
    /// Beyond ±(2^53-1). Position: the number's first byte.
    case integerOutOfRange
    /// Position: the sequence's first byte.
    case invalidUTF8
    /// Half of a surrogate pair alone. Position: its backslash.
    case loneSurrogate
    /// Position: the backslash.
    case invalidEscape
    /// A character below U+0020 that is not escaped.
    case controlCharacter
    case trailingBytes
    /// Valid, but not the one canonical form: white space, key order or an escape.
    case notCanonical
  }

  package let reason: Reason
  /// Bytes from the start.
  package let offset: Int

  package var description: String { "\(phrase) at byte \(offset)" }

  private var phrase: String {
    switch reason {
    case .tooLong(let limit): "more than \(limit) bytes of JSON"
    case .tooDeep(let limit): "JSON nested deeper than \(limit)"
    case .unexpectedEnd: "JSON ends too early"
    case .unexpectedByte(let byte): "unexpected byte 0x\(hexText([byte]))"
    case .duplicateKey: "a key for the second time"
    case .notAnInteger: "a number that is not a plain integer"
    case .integerOutOfRange: "an integer beyond ±\(JSONValue.maximumInteger)"
    case .invalidUTF8: "invalid UTF-8"
    case .loneSurrogate: "half of a surrogate pair"
    case .invalidEscape: "an invalid escape"
    case .controlCharacter: "a control character that is not escaped"
    case .trailingBytes: "more after the end of the JSON"
    case .notCanonical: "JSON that is not in canonical form (RFC 8785)"
    }
  }
}

/// What a parse may cost.
package struct JSONLimits: Sendable {
  package let byteCount: Int
  /// Arrays and objects inside one another; bounds the parser's recursion.
  package let depth: Int

  package static let record = JSONLimits(byteCount: 256 * 1024, depth: 32)
}
