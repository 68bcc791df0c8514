/// One field of a schema.
struct Field: Sendable {
  let name: Text
  let isRequired: Bool
  let shape: Shape

  static func required(_ name: Text, _ shape: Shape) -> Field {
    Field(name: name, isRequired: true, shape: shape)
  }
  static func optional(_ name: Text, _ shape: Shape) -> Field {
    Field(name: name, isRequired: false, shape: shape)
  }
}

/// What a value must look like.
indirect enum Shape: Sendable {
  /// Not empty, no control characters but line breaks and tabs.
  case text(maximumByteCount: Int)
  case format(FieldFormat)
  case oneOf([Text])
  case integer(ClosedRange<Int64>)
  case bool
  case object(Schema)
  case list(Shape, ClosedRange<Int>)
  /// Free keys, at most `maximumListCount`, values of one shape.
  case map(Shape)
  case orNull(Shape)
  /// Any JSON: parts of the registry whose rules come later.
  case any

  /// A code, a number or a short name.
  static let name = Shape.text(maximumByteCount: 128)
  /// A title, a place, an office.
  static let line = Shape.text(maximumByteCount: 1_024)
  /// Prose.
  static let prose = Shape.text(maximumByteCount: 32 * 1_024)
  static let site = Shape.format(.site)
  static let date = Shape.format(.date)
  static let instant = Shape.format(.instant)
  static let uniqueID = Shape.format(.uniqueID)

  static let maximumListCount = 1_000
  /// Sites listed in one field; leaves room in the header's audience for those named elsewhere.
  static let maximumSiteListCount = EntryHeader.maximumAudienceCount - 5
  static func list(of shape: Shape) -> Shape { .list(shape, 0...maximumListCount) }
  static func nonEmptyList(of shape: Shape) -> Shape { .list(shape, 1...maximumListCount) }
}

/// What is done with a field that no schema names.
package enum UnknownFields: Sendable {
  /// From an application: a slip of the pen, refused by name.
  case refused
  /// From a peer that may run a later version: kept and digested verbatim.
  case kept
}

/// The fields of an object, in key order.
struct Schema: Sendable {
  let fields: [Field]

  init(_ fields: [Field]) {
    self.fields = fields.sorted { $0.name.compareAsKey(with: $1.name) == .before }
  }

  func check(_ object: JSONObject, unknown: UnknownFields) throws(FieldFault) {
    switch object.form {
    case .read(let place): try check(membersOf: place, unknown: unknown)
    case .built: try check(membersOf: JSONValue.object(object), unknown: unknown)
    }
  }

  /// One walk over members and fields, which stand in the same order.
  /// - Precondition: `value` is an object.
  func check(
    membersOf value: some CheckedValue, unknown: UnknownFields
  ) throws(FieldFault) {
    var position = 0
    try value.forEachMember { key, value throws(FieldFault) in
      var order = KeyOrder.after
      while position < fields.count {
        order = fields[position].name.compareAsKey(with: key)
        guard order == .before else { break }
        try requireAbsent(fields[position])
        position += 1
      }
      guard position < fields.count, order == .same else {
        if unknown == .kept { return }
        throw unknownField(key)
      }
      do throws(FieldFault) {
        try fields[position].shape.check(value, unknown: unknown)
      } catch {
        throw error.inside(key.string)
      }
      position += 1
    }
    for field in fields[position...] { try requireAbsent(field) }
  }

  private func requireAbsent(_ field: Field) throws(FieldFault) {
    if field.isRequired { throw FieldFault(field.name.string, .required) }
  }

  private func unknownField(_ name: Text) -> FieldFault {
    let nearest = fields.map { (name: $0.name, distance: editDistance($0.name, name)) }
      .min { $0.distance < $1.distance }
    let shown = FieldFault.shown(name) == nil ? "a field of \(name.bytes.count) bytes" : name.string
    let isNear = (nearest?.distance ?? .max) <= Self.maximumSuggestedDistance
    return FieldFault(shown, .unknown(nearest: isNear ? nearest?.name : nil))
  }

  /// Changed letters up to which another field is suggested.
  private static let maximumSuggestedDistance = 4
}

extension Shape {
  func check(_ value: some CheckedValue, unknown: UnknownFields) throws(FieldFault) {
    switch self {
    case .text(let maximumByteCount): try Self.checkText(value, maximumByteCount)
    case .format(let format):
      guard let text = value.text else { throw FieldFault("", .type(.text), found: value) }
      guard format.matches(text) else { throw FieldFault("", .format(format), found: value) }
    case .oneOf(let allowed):
      guard let text = value.text else { throw FieldFault("", .type(.text), found: value) }
      guard allowed.contains(text) else { throw FieldFault("", .oneOf(allowed), found: value) }
    case .integer(let range):
      guard let number = value.integer else {
        throw FieldFault("", .type(.integer), found: value)
      }
      guard range.contains(number) else {
        throw FieldFault("", .range(range.lowerBound, range.upperBound), found: value)
      }
    case .bool:
      if value.bool == nil { throw FieldFault("", .type(.truth), found: value) }
    case .object(let schema):
      guard value.memberCount != nil else { throw FieldFault("", .type(.object), found: value) }
      try value.checkMembers(by: schema, unknown: unknown)
    case .list(let shape, let count): try Self.checkList(value, shape, count, unknown)
    case .map(let shape): try Self.checkMap(value, shape, unknown)
    case .orNull(let shape): if !value.isNull { try shape.check(value, unknown: unknown) }
    case .any: break
    }
  }

  private static func checkText(
    _ value: some CheckedValue, _ maximumByteCount: Int
  ) throws(FieldFault) {
    guard let text = value.text else { throw FieldFault("", .type(.text), found: value) }
    guard !text.bytes.isEmpty else { throw FieldFault("", .required) }
    guard text.bytes.count <= maximumByteCount else {
      throw FieldFault("", .tooLong(maximumByteCount: maximumByteCount), found: value)
    }
    let isPlain = text.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A }
    guard isPlain else { throw FieldFault("", .controlCharacter) }
  }

  private static func checkList(
    _ value: some CheckedValue, _ shape: Shape, _ count: ClosedRange<Int>,
    _ unknown: UnknownFields
  ) throws(FieldFault) {
    guard let itemCount = value.itemCount else {
      throw FieldFault("", .type(.list), found: value)
    }
    guard count.contains(itemCount) else {
      throw FieldFault("", .count(count.lowerBound, count.upperBound), found: value)
    }
    var index = 0
    try value.forEachItem { item throws(FieldFault) in
      do throws(FieldFault) { try shape.check(item, unknown: unknown) } catch {
        throw error.inside("[\(index)]")
      }
      index += 1
    }
  }

  private static func checkMap(
    _ value: some CheckedValue, _ shape: Shape, _ unknown: UnknownFields
  ) throws(FieldFault) {
    guard let memberCount = value.memberCount else {
      throw FieldFault("", .type(.object), found: value)
    }
    guard memberCount <= maximumListCount else {
      throw FieldFault("", .count(0, maximumListCount), found: value)
    }
    try value.forEachMember { key, value throws(FieldFault) in
      do throws(FieldFault) { try shape.check(value, unknown: unknown) } catch {
        throw error.inside(FieldFault.shown(key) == nil ? "*" : key.string)
      }
    }
  }
}

extension FieldFormat {
  func matches(_ text: Text) -> Bool {
    let bytes = text.bytes
    return switch self {
    case .uniqueID: UniqueID(spelling: text) != nil
    case .site: SiteID(bytes) != nil
    case .date: CalendarDate(text) != nil
    case .month: CalendarDate(bytes.array + Array("-01".utf8), separator: UInt8(ascii: "-")) != nil
    case .instant: WallTime(text) != nil
    case .digest: Self.isTaggedDigest(bytes, tag: Self.digestTag)
    case .hexDigest: Self.isTaggedDigest(bytes, tag: Self.noTag)
    case .pin: Self.isTaggedDigest(bytes, tag: Self.pinTag)
    case .documentID: Self.isDocumentID(bytes)
    case .decimal: Self.isDecimal(bytes)
    case .base64: !bytes.isEmpty && Base64.decode(bytes.array) != nil
    case .digits(let low, let high): (low...high).contains(bytes.count) && Self.areDigits(bytes)
    }
  }

  private static func isTaggedDigest(_ bytes: Text.Bytes, tag: Text) -> Bool {
    let digits = bytes.dropFirst(tag.bytes.count)
    return bytes.starts(with: tag.bytes) && digits.count == 64
      && digits.allSatisfy { hexValue($0) != nil }
  }

  private static let digestTag: Text = "sha-256:"
  private static let noTag: Text = ""
  private static let pinTag: Text = "sha256:"

  /// `organId,YYYY/MM/DD,number-and-symbol`; the organ code is opaque (domain.md section 3.1).
  /// Short enough for a ``UniqueKey``.
  private static func isDocumentID(_ bytes: Text.Bytes) -> Bool {
    let comma = UInt8(ascii: ",")
    guard bytes.count <= 256, let first = bytes.firstIndex(of: comma),
      let last = bytes.lastIndex(of: comma), first > 0, last > first, last + 1 < bytes.count
    else { return false }
    return CalendarDate(bytes[first + 1..<last], separator: UInt8(ascii: "/")) != nil
      && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  /// A rate as text, for it must not become a float: up to 3 digits, perhaps a point and up to 4.
  private static func isDecimal(_ bytes: Text.Bytes) -> Bool {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return (1...2).contains(parts.count) && (1...3).contains(parts[0].count)
      && parts.allSatisfy { (1...4).contains($0.count) && areDigits($0) }
  }

  private static func areDigits(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }
}

/// Letters to insert, remove or change between two names; long names are not compared.
private func editDistance(_ left: Text, _ right: Text) -> Int {
  guard left.bytes.count <= FieldFault.shownByteCount,
    right.bytes.count <= FieldFault.shownByteCount
  else { return .max }
  var row = Array(0...right.bytes.count)
  for (index, byte) in left.bytes.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in 0..<right.bytes.count {
      let change = diagonal + (byte == right.bytes[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(change, diagonal + 1, row[column] + 1)
    }
  }
  return row[right.bytes.count]
}
