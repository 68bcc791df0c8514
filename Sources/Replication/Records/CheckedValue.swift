/// A value as a schema looks at it: on the parser's tape, where most bodies are checked and nothing
/// is taken out for it, or built.
protocol CheckedValue {
  var text: Text? { get }
  var integer: Int64? { get }
  var bool: Bool? { get }
  var isNull: Bool { get }
  /// nil: no array.
  var itemCount: Int? { get }
  /// nil: no object.
  var memberCount: Int? { get }
  /// - Precondition: an object.
  func checkMembers(by schema: Schema, unknown: UnknownFields) throws(FieldFault)
  /// What a fault shows.
  var value: JSONValue { get }
  func forEachItem(_ body: (Self) throws(FieldFault) -> Void) throws(FieldFault)
  /// In key order.
  func forEachMember(_ body: (Text, Self) throws(FieldFault) -> Void) throws(FieldFault)
}

extension JSONPlace: CheckedValue {
  var text: Text? {
    node.kind == .text || node.kind == .escapedText ? tape.text(node) : nil
  }
  var integer: Int64? { node.kind == .integer ? value.integer : nil }
  var bool: Bool? { node.kind == .yes ? true : node.kind == .no ? false : nil }
  var isNull: Bool { node.kind == .null }
  var itemCount: Int? { node.kind == .array ? Int(node.count) : nil }
  var memberCount: Int? { node.kind == .object ? Int(node.count) : nil }

  func checkMembers(by schema: Schema, unknown: UnknownFields) throws(FieldFault) {
    try schema.check(membersOf: self, unknown: unknown)
  }
}

extension JSONValue: CheckedValue {
  var isNull: Bool { self == .null }
  var itemCount: Int? { array?.count }
  var memberCount: Int? { object?.memberCount }
  var value: JSONValue { self }

  /// What was read is checked where it stands, inside a built object too.
  func checkMembers(by schema: Schema, unknown: UnknownFields) throws(FieldFault) {
    try schema.check(object ?? JSONObject(), unknown: unknown)
  }

  func forEachItem(_ body: (JSONValue) throws(FieldFault) -> Void) throws(FieldFault) {
    for item in array ?? [] { try body(item) }
  }

  func forEachMember(_ body: (Text, JSONValue) throws(FieldFault) -> Void) throws(FieldFault) {
    for member in object?.members ?? [] { try body(member.key, member.value) }
  }
}
