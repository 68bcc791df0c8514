/// Why bytes could not be decoded. Positions count from the start of the buffer.
package enum ByteError: Error, Hashable, Sendable {
  case truncated(at: Int, needed: Int, available: Int)
  case invalid(field: StaticString, at: Int)
  case tooLong(field: StaticString, at: Int, count: Int, limit: Int)
  case trailing(at: Int, count: Int)

  package static func == (left: Self, right: Self) -> Bool {
    left.description == right.description
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension ByteError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated(let at, let needed, let available):
      "truncated at byte \(at): \(needed) needed, \(available) left"
    case .invalid(let field, let at): "invalid \(field) at byte \(at)"
    case .tooLong(let field, let at, let count, let limit):
      "\(field) at byte \(at) is \(count) long, limit \(limit)"
    case .trailing(let at, let count): "\(count) bytes after the end at byte \(at)"
    }
  }
}

/// Reads big-endian fields in order. Checks each length against what remains before it takes
/// memory; never traps on input. Every read throws `.truncated` when bytes are missing.
package struct ByteReader: Sendable {
  private let bytes: [UInt8]
  private let end: Int
  package private(set) var offset: Int

  package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count) }

  /// - Precondition: `range` lies within `bytes`.
  package init(_ bytes: [UInt8], in range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range)")
    self.bytes = bytes
    self.offset = range.lowerBound
    self.end = range.upperBound
  }

  package var remaining: Int { end - offset }

  /// One byte.
  package mutating func readUInt8() throws(ByteError) -> UInt8 {
    try need(1)
    defer { offset += 1 }
    return bytes[offset]
  }

  /// Two bytes.
  package mutating func readUInt16() throws(ByteError) -> UInt16 {
    UInt16(truncatingIfNeeded: try readInteger(byteCount: 2))
  }

  /// Four bytes.
  package mutating func readUInt32() throws(ByteError) -> UInt32 {
    UInt32(truncatingIfNeeded: try readInteger(byteCount: 4))
  }

  /// Eight bytes.
  package mutating func readUInt64() throws(ByteError) -> UInt64 {
    try need(8)
    defer { offset += 8 }
    return bytes.bigEndianWord(at: offset)
  }

  /// `count` bytes, copied; the caller has held `count` against its own limit.
  package mutating func readBytes(_ count: Int) throws(ByteError) -> [UInt8] {
    try need(count)
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  /// `count` bytes as a part of the buffer, not copied; the buffer lives as long as the slice does.
  package mutating func readSlice(_ count: Int) throws(ByteError) -> ArraySlice<UInt8> {
    try need(count)
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// Sixteen bytes: an id.
  package mutating func readBytes16() throws(ByteError) -> Bytes16 {
    Bytes16(high: try readUInt64(), low: try readUInt64())
  }

  /// Thirty-two bytes: a digest.
  package mutating func readBytes32() throws(ByteError) -> Bytes32 {
    Bytes32(try readUInt64(), try readUInt64(), try readUInt64(), try readUInt64())
  }

  /// A length byte and the name.
  /// - Throws: also `.invalid` at the length byte, when the name is no site id.
  package mutating func readSiteID() throws(ByteError) -> SiteID {
    let start = offset
    let count = Int(try readUInt8())
    try need(count)
    guard let site = SiteID(bytes[offset..<offset + count]) else {
      throw .invalid(field: "site id", at: start)
    }
    offset += count
    return site
  }

  /// - Throws: `.trailing` when bytes are left.
  package func finish() throws(ByteError) {
    guard remaining == 0 else { throw .trailing(at: offset, count: remaining) }
  }

  private func need(_ count: Int) throws(ByteError) {
    guard count >= 0, remaining >= count else {
      throw .truncated(at: offset, needed: count, available: remaining)
    }
  }

  private mutating func readInteger(byteCount: Int) throws(ByteError) -> UInt64 {
    try need(byteCount)
    var value: UInt64 = 0
    for index in offset..<offset + byteCount { value = value << 8 | UInt64(bytes[index]) }
    offset += byteCount
    return value
  }
}

/// Appends big-endian fields; the mirror of ``ByteReader``.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init(reserving count: Int = 0) { if count > 0 { bytes.reserveCapacity(count) } }

  /// A field without its length; the mirror of each `read`.
  package mutating func write(_ value: UInt8) { bytes.append(value) }
  package mutating func write(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }
  package mutating func write(_ value: UInt32) { bytes.append(bigEndian: value) }
  package mutating func write(_ value: UInt64) { bytes.append(bigEndian: value) }
  package mutating func write(_ value: [UInt8]) { bytes.append(contentsOf: value) }
  mutating func write(text: Text) { bytes.append(contentsOf: text.bytes.slice) }
  package mutating func write(_ value: ArraySlice<UInt8>) { bytes.append(contentsOf: value) }
  package mutating func write(_ name: StaticString) {
    name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
  }
  package mutating func write(_ value: Bytes16) {
    write(value.high)
    write(value.low)
  }
  package mutating func write(_ value: Bytes32) {
    write(value.first)
    write(value.second)
    write(value.third)
    write(value.fourth)
  }
  /// A length byte and the name.
  package mutating func write(_ site: SiteID) {
    write(UInt8(site.byteCount))
    write(name: site)
  }
  /// The name alone.
  package mutating func write(name site: SiteID) {
    for index in 0..<site.byteCount { bytes.append(site.byte(index)) }
  }
}
