/// Appends values in canonical form: keys are sorted already, so writing is one walk.
struct CanonicalJSONWriter {
  private(set) var bytes: [UInt8] = []

  init(reserving count: Int) { if count > 0 { bytes.reserveCapacity(count) } }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: bytes.append(contentsOf: Self.null)
    case .bool(let flag): bytes.append(contentsOf: flag ? Self.yes : Self.no)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .string(let text): write(text)
    case .array(let items):
      bytes.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        write(item)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      switch object.form {
      case .read(let place): write(place)
      case .built(let members):
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
          if index > 0 { bytes.append(UInt8(ascii: ",")) }
          write(member.key)
          bytes.append(UInt8(ascii: ":"))
          write(member.value)
        }
        bytes.append(UInt8(ascii: "}"))
      }
    }
  }

  /// The same of a value on a tape, of which nothing is taken out. What is canonical as it stands,
  /// as most of a body is, goes in one piece.
  private mutating func write(_ place: JSONPlace) {
    if let slice = place.canonicalSlice {
      bytes.append(contentsOf: slice)
    } else if place.node.kind == .array {
      writeItems(of: place)
    } else if place.node.kind == .object {
      writeMembers(of: place)
    } else {
      write(place.value)
    }
  }

  private mutating func writeItems(of place: JSONPlace) {
    bytes.append(UInt8(ascii: "["))
    var isFirst = true
    place.forEachItem { item in
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      write(item)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func writeMembers(of place: JSONPlace) {
    bytes.append(UInt8(ascii: "{"))
    var isFirst = true
    place.forEachMemberPlace { key, value in
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      write(key)
      bytes.append(UInt8(ascii: ":"))
      write(value)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    if bytes.withBorrowedBytes({ $0.endOfPlainText(in: start..<$0.count) }) < bytes.count {
      let plain = Array(bytes[start...])
      bytes.removeSubrange(start...)
      for byte in plain { writeCharacter(byte) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Bytes that are in canonical form already.
  fileprivate mutating func append(_ canonical: [UInt8]) { bytes.append(contentsOf: canonical) }

  fileprivate mutating func append(_ byte: UInt8) { bytes.append(byte) }

  private mutating func write(_ text: Text) {
    bytes.append(UInt8(ascii: "\""))
    if text.bytes.needNoEscape {
      bytes.append(contentsOf: text.bytes.slice)
    } else {
      for byte in text.bytes { writeCharacter(byte) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeCharacter(_ byte: UInt8) {
    guard Self.needsEscape(byte) else { return bytes.append(byte) }
    bytes.append(UInt8(ascii: "\\"))
    if let short = Self.shortEscape(byte) { return bytes.append(short) }
    bytes.append(contentsOf: "u00".utf8)
    bytes.append(contentsOf: hexText([byte]).utf8)
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  /// The letter of the two-character escape that RFC 8785 wants for `byte`; nil: `\u00xx`.
  static func shortEscape(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x08: UInt8(ascii: "b")
    case 0x09: UInt8(ascii: "t")
    case 0x0A: UInt8(ascii: "n")
    case 0x0C: UInt8(ascii: "f")
    case 0x0D: UInt8(ascii: "r")
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
    default: nil
    }
  }

  private static let null = Array("null".utf8)
  private static let yes = Array("true".utf8)
  private static let no = Array("false".utf8)
}

/// Writes one object member by member, for answers whose members are known when the code is
/// written.
/// - Precondition of every member: its key comes after the one before it.
package struct CanonicalObjectWriter {
  private var writer: CanonicalJSONWriter
  private var lastKey = ""

  /// - Parameter count: as many bytes as are expected.
  package init(reserving count: Int) { writer = CanonicalJSONWriter(reserving: count) }

  /// The object as far as it is written, closed.
  package var bytes: [UInt8] {
    lastKey.isEmpty ? Array("{}".utf8) : writer.bytes + [UInt8(ascii: "}")]
  }

  /// A text; what needs an escape gets it.
  package mutating func add(_ key: String, _ text: String) {
    add(key)
    writer.write(text)
  }

  /// A whole number.
  package mutating func add(_ key: String, _ number: Int64) {
    add(key)
    writer.write(.integer(number))
  }

  /// True or false.
  package mutating func add(_ key: String, _ flag: Bool) {
    add(key)
    writer.write(.bool(flag))
  }

  /// - Parameter canonical: a value in canonical form.
  package mutating func add(_ key: String, canonical: [UInt8]) {
    add(key)
    writer.append(canonical)
  }

  private mutating func add(_ key: String) {
    precondition(lastKey < key, "\(key) after \(lastKey)")
    writer.append(lastKey.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
    writer.write(key)
    writer.append(UInt8(ascii: ":"))
    lastKey = key
  }
}
