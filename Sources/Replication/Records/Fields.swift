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
  private let table: ShapeTable

  init(_ fields: [Field]) {
    self.fields = fields.sorted { $0.name.compareAsKey(with: $1.name) == .before }
    table = ShapeTable(objectOf: self.fields)
  }

  /// What was built is checked as it will be read.
  func check(_ object: JSONObject, unknown: UnknownFields) throws(FieldFault) {
    guard let place = object.place else { throw FieldFault("", .type(.object)) }
    try table.check(place, unknown: unknown)
  }
}
