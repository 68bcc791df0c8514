/// One installation with its own store and log. `[a-z0-9-]{1,32}`, never reused: a merged
/// province is a new site.
package struct SiteID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let maximumByteCount = 32
  /// The text, padded with zeros, which the alphabet excludes: so words order like the text.
  package let padded: Bytes32

  /// - Returns: nil unless `bytes` is 1 to 32 of `a-z 0-9 -`.
  package init?(_ bytes: some Collection<UInt8>) {
    let count = bytes.count
    guard (1...Self.maximumByteCount).contains(count) else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    // Every byte moves the others up; what is missing at the end are the zeros.
    for byte in bytes {
      guard Self.isAllowed(byte) else { return nil }
      Self.shift(&words, byte)
    }
    for _ in count..<Self.maximumByteCount { Self.shift(&words, 0) }
    padded = Bytes32(words.0, words.1, words.2, words.3)
  }

  /// The same of a text, a word at a time.
  package init?(_ text: Text) {
    let count = text.bytes.count
    guard (1...Self.maximumByteCount).contains(count), text.bytes.allSatisfy(Self.isAllowed) else {
      return nil
    }
    padded = text.bytes.padded
  }

  private static func shift(_ words: inout (UInt64, UInt64, UInt64, UInt64), _ byte: UInt8) {
    words.0 = words.0 << 8 | words.1 >> 56
    words.1 = words.1 << 8 | words.2 >> 56
    words.2 = words.2 << 8 | words.3 >> 56
    words.3 = words.3 << 8 | UInt64(byte)
  }

  package init?(_ text: some StringProtocol) { self.init(Array(text.utf8)) }

  package var bytes: [UInt8] {
    var bytes = padded.bytes
    bytes.removeLast(bytes.count - byteCount)
    return bytes
  }

  package var byteCount: Int {
    var zeros = padded.fourth.trailingZeroBitCount
    if zeros == 64 { zeros += padded.third.trailingZeroBitCount }
    if zeros == 128 { zeros += padded.second.trailingZeroBitCount }
    if zeros == 192 { zeros += padded.first.trailingZeroBitCount }
    return Self.maximumByteCount - zeros / 8
  }

  /// - Precondition: `index` is below ``byteCount``.
  func byte(_ index: Int) -> UInt8 { padded.byte(index) }

  package var description: String { String(decoding: bytes, as: UTF8.self) }

  package static func < (left: Self, right: Self) -> Bool { left.padded < right.padded }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

/// One life of a site's daemon: 16 random bytes, new at every start (law 5).
package struct Incarnation: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let raw: Bytes16
  package init(_ raw: Bytes16) { self.raw = raw }
  package var description: String { hexText(raw.bytes) }
  package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}

/// Place of an entry at its origin: dense along the line of incarnations, from 1. A genesis takes
/// the number after its parent's branch point, so on one branch numbers order entries.
package struct SequenceNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let value: UInt64
  package init(_ value: UInt64) { self.value = value }
  package static let start = SequenceNumber(0)
  /// Traps past 2^64-1: no site writes that many entries.
  package var next: SequenceNumber { SequenceNumber(value + 1) }
  package var description: String { "\(value)" }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Position of a row in *one* site's log, from 1; 0 is the start. Runs on through incarnations.
package struct LSN: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let value: UInt64
  package init(_ value: UInt64) { self.value = value }
  package static let start = LSN(0)
  /// Traps past 2^64-1: no log has that many rows.
  package var next: LSN { LSN(value + 1) }
  package var description: String { "\(value)" }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What an entry is, for ever: given once, in the commit, by the one writer of its origin (law 1).
package struct EntryIdentity: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let origin: SiteID
  package let incarnation: Incarnation
  package let sequence: SequenceNumber

  package init(origin: SiteID, incarnation: Incarnation, sequence: SequenceNumber) {
    self.origin = origin
    self.incarnation = incarnation
    self.sequence = sequence
  }

  package var description: String { "\(origin)/\(incarnation)/\(sequence)" }

  package static func < (left: Self, right: Self) -> Bool {
    (left.origin, left.incarnation, left.sequence)
      < (right.origin, right.incarnation, right.sequence)
  }
}

/// SHA-256 of bytes.
package struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let raw: Bytes32
  package init(_ raw: Bytes32) { self.raw = raw }
  package static let zero = Digest(.zero)
  package var bytes: [UInt8] { raw.bytes }
  package var description: String { hexText(raw.bytes) }
  package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}

/// A UUID in its 16 bytes. Text form: 36 lower-case characters, `8-4-4-4-12`, nothing else.
package struct UniqueID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let raw: Bytes16
  package init(_ raw: Bytes16) { self.raw = raw }

  /// - Returns: nil unless `text` is the lower-case canonical form: two spellings would be two
  /// keys.
  package init?(_ text: some StringProtocol) { self.init(spelling: text.utf8) }

  package init?(spelling text: Text) { self.init(spelling: text.bytes) }

  private init?(spelling characters: some Collection<UInt8>) {
    guard characters.count == Self.spelledByteCount else { return nil }
    var words: (high: UInt64, low: UInt64) = (0, 0)
    for (index, byte) in characters.enumerated() {
      switch index {
      case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return nil }
      default:
        guard let digit = hexValue(byte) else { return nil }
        words = (words.high << 4 | words.low >> 60, words.low << 4 | UInt64(digit))
      }
    }
    self.init(Bytes16(high: words.high, low: words.low))
  }

  private static let spelledByteCount = 36

  /// The canonical form.
  package var text: Text {
    let spelled = [UInt8](capacity: Self.spelledByteCount) { target in
      for (index, byte) in raw.bytes.enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 {
          target.append(UInt8(ascii: "-"))
        }
        target.append(hexDigit(byte >> 4))
        target.append(hexDigit(byte & 15))
      }
    }
    return Text(validated: spelled)
  }

  package var description: String { text.string }

  package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}

/// The caller's id of a record: with the revision, the idempotency key of a put.
package struct RecordID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let raw: UniqueID
  package init(_ raw: UniqueID) { self.raw = raw }
  package init?(_ text: some StringProtocol) {
    guard let raw = UniqueID(text) else { return nil }
    self.raw = raw
  }
  package var description: String { raw.description }
  package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}

/// The caller's id of an event: the idempotency key of an append or annotation.
package struct EventID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let raw: UniqueID
  package init(_ raw: UniqueID) { self.raw = raw }
  package init?(_ text: some StringProtocol) {
    guard let raw = UniqueID(text) else { return nil }
    self.raw = raw
  }
  package var description: String { raw.description }
  package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}

/// One document, directive, finance entry or the registry.
package struct RecordKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let kind: RecordKind
  package let id: RecordID
  package init(kind: RecordKind, id: RecordID) {
    self.kind = kind
    self.id = id
  }
  package var description: String { "\(kind)/\(id)" }
  package static func < (left: Self, right: Self) -> Bool {
    (left.kind.rawValue, left.id) < (right.kind.rawValue, right.id)
  }
}

/// The four kinds of record. Raw values are on the wire and on disk.
package enum RecordKind: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case document = 1
  case directive = 2
  case finance = 3
  case registry = 4

  package init?(name: some StringProtocol) {
    guard let kind = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = kind
  }

  package var description: String {
    switch self {
    case .document: "document"
    case .directive: "directive"
    case .finance: "finance"
    case .registry: "registry"
    }
  }
}

/// An ordered cursor over the log. A record's lane is fixed by its first put, so a record never
/// overtakes itself. Raw values are on the wire and on disk.
package enum Lane: UInt8, Hashable, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  case normal = 0
  case urgent = 1

  package var description: String { self == .urgent ? "urgent" : "normal" }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Levels of the law on state secrets. Only `none` may be on this network (domain.md section 4).
package enum SecrecyLevel: UInt8, Hashable, Sendable, CaseIterable, Comparable,
  CustomStringConvertible
{
  case none = 0
  case mat = 1
  case toiMat = 2
  case tuyetMat = 3

  package init?(name: some StringProtocol) {
    guard let level = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = level
  }

  package var description: String {
    switch self {
    case .none: "none"
    case .mat: "mat"
    case .toiMat: "toiMat"
    case .tuyetMat: "tuyetMat"
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
