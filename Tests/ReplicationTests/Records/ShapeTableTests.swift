import Testing

@testable import Replication

/// A table finds what a plain walk over shapes and built values finds: the same first fault at the
/// same place, or none.
@Suite struct ShapeTableTests {
  private static let names: [Text] = [
    "a", "ab", "accountingPeriod", "accountingUnit", "date", "date2", "eightall", "eightalls", "z",
  ]

  @Test(arguments: UInt64(0)..<600) func aTableFindsWhatAPlainWalkFinds(seed: UInt64) throws {
    var random = SeededRandom(state: seed)
    let schema = randomSchema(depth: 0, using: &random)
    for _ in 0..<20 {
      let object = randomMembers(of: schema, depth: 0, using: &random)
      for unknown in [UnknownFields.kept, .refused] {
        let read = try #require(JSONValue.parse(JSONValue.object(object).canonicalBytes).object)
        let expected = fault { () throws(FieldFault) in
          try PlainWalk(unknown: unknown).check(object, schema.fields)
        }
        let found = fault { () throws(FieldFault) in try schema.check(read, unknown: unknown) }
        #expect(found == expected, "\(object)")
        let ofBuilt = fault { () throws(FieldFault) in try schema.check(object, unknown: unknown) }
        #expect(ofBuilt == expected, "\(object)")
      }
    }
  }

  @Test func whatNoParserWouldTakeIsRefused() {
    let schema = Schema([.required("a", .integer(0...(.max)))])
    let tooGreat: JSONObject = ["a": .integer(JSONValue.maximumInteger + 1)]
    #expect(throws: FieldFault.self) { try schema.check(tooGreat, unknown: .kept) }
  }

  private func fault(_ check: () throws(FieldFault) -> Void) -> FieldFault? {
    do throws(FieldFault) { try check() } catch { return error }
    return nil
  }

  // MARK: Chance

  private func randomSchema(depth: Int, using random: inout SeededRandom) -> Schema {
    let names = Self.names.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
    return Schema(
      names.map { name in
        let shape = randomShape(depth: depth + 1, using: &random)
        return Bool.random(using: &random) ? .required(name, shape) : .optional(name, shape)
      })
  }

  private func randomShape(depth: Int, using random: inout SeededRandom) -> Replication.Shape {
    switch Int.random(in: 0..<(depth < 3 ? 13 : 8), using: &random) {
    case 0: .text(maximumByteCount: Int.random(in: 1..<20, using: &random))
    case 1: .line
    case 2:
      .format([.site, .digits(2, 3), .month, .decimal].randomElement(using: &random) ?? .date)
    case 3: .oneOf(["a", "accountingUnits", "\u{1f}"])
    case 4: .integer(-3...3)
    case 5: .bool
    case 6: .any
    case 7: .date
    case 8: .map(randomShape(depth: depth + 1, using: &random))
    case 9: .orNull(randomShape(depth: depth + 1, using: &random))
    case 10: .list(randomShape(depth: depth + 1, using: &random), 0...2)
    default: .object(randomSchema(depth: depth + 1, using: &random))
    }
  }

  /// Mostly what the schema asks for, and what it does not know.
  private func randomMembers(
    of schema: Schema, depth: Int, using random: inout SeededRandom
  ) -> JSONObject {
    var object = JSONObject()
    for field in schema.fields where Int.random(in: 0..<12, using: &random) > 0 {
      object[field.name] = randomValue(of: field.shape, depth: depth, using: &random)
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      let strange: [Text] = [
        "a\u{0}", "accountingUnity", "é", "\u{FFFF}", "\u{10000}", "b", "date1",
      ]
      object[strange.randomElement(using: &random) ?? "b"] = .null
    }
    return object
  }

  private func randomValue(
    of shape: Replication.Shape, depth: Int, using random: inout SeededRandom
  ) -> JSONValue {
    guard Int.random(in: 0..<10, using: &random) > 0 else { return strangeValue(using: &random) }
    switch shape {
    case .text, .format, .oneOf: return .string(randomText(using: &random))
    case .integer: return .integer(Int64.random(in: -4...4, using: &random))
    case .bool: return .bool(Bool.random(using: &random))
    case .any: return strangeValue(using: &random)
    case .object(let schema):
      return .object(randomMembers(of: schema, depth: depth + 1, using: &random))
    case .list(let item, _):
      let count = Int.random(in: 0..<4, using: &random)
      return .array((0..<count).map { _ in randomValue(of: item, depth: depth, using: &random) })
    case .map(let value):
      var object = JSONObject()
      for name: Text in ["a", "two words", "é"] where Bool.random(using: &random) {
        object[name] = randomValue(of: value, depth: depth, using: &random)
      }
      return .object(object)
    case .orNull(let other):
      return Bool.random(using: &random)
        ? .null : randomValue(of: other, depth: depth, using: &random)
    }
  }

  private func randomText(using random: inout SeededRandom) -> Text {
    let texts: [Text] = [
      "", "a", "accountingUnits", "accountingUnita", "tinh-a", "12", "2026-03", "2026-03-02",
      "12.5",
      "two\nlines\tand", "del\u{7f}", "del at the end \u{7f}", "\u{1f}", "ủ \"quoted\" \\",
      "nineteen bytes long", "twenty bytes long it",
    ]
    return texts.randomElement(using: &random) ?? ""
  }

  private func strangeValue(using random: inout SeededRandom) -> JSONValue {
    let values: [JSONValue] = [
      .null, .bool(true), .integer(7), .string(randomText(using: &random)), .array([]),
      .array([.null]), .object([:]), .object(["a": .integer(1)]),
    ]
    return values.randomElement(using: &random) ?? .null
  }
}

/// Shapes as they read, held against values as they are built.
private struct PlainWalk {
  let unknown: UnknownFields

  func check(_ object: JSONObject, _ fields: [Field]) throws(FieldFault) {
    var left = fields[...]
    for member in object.members {
      while let field = left.first, field.name.compareAsKey(with: member.key) == .before {
        if field.isRequired { throw FieldFault(field.name.string, .required) }
        left.removeFirst()
      }
      guard let field = left.first, field.name == member.key else {
        if unknown == .kept { continue }
        throw unknownField(member.key, fields)
      }
      left.removeFirst()
      do throws(FieldFault) { try check(member.value, field.shape) } catch {
        throw error.inside(member.key.string)
      }
    }
    if let field = left.first(where: \.isRequired) {
      throw FieldFault(field.name.string, .required)
    }
  }

  /// What is suggested is the table's own matter.
  private func unknownField(_ name: Text, _ fields: [Field]) -> FieldFault {
    let table = ShapeTable(objectOf: fields.map { .optional($0.name, .any) })
    let alone = JSONObject(dictionaryLiteral: (name, .null)).place
    do throws(FieldFault) {
      if let alone { try table.check(alone, unknown: .refused) }
    } catch {
      return error
    }
    return FieldFault(name.string, .unknown(nearest: nil))
  }

  private func check(_ value: JSONValue, _ shape: Replication.Shape) throws(FieldFault) {
    func require(_ holds: Bool, _ rule: FieldRule) throws(FieldFault) {
      if !holds { throw FieldFault("", rule, found: value) }
    }
    switch shape {
    case .text(let maximum):
      try require(value.text != nil, .type(.text))
      let bytes = value.text?.bytes.array ?? []
      if bytes.isEmpty { throw FieldFault("", .required) }
      try require(bytes.count <= maximum, .tooLong(maximumByteCount: maximum))
      let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A }
      if !isPlain { throw FieldFault("", .controlCharacter) }
    case .format(let format):
      try require(value.text != nil, .type(.text))
      try require(format.matches(value.text ?? ""), .format(format))
    case .oneOf(let allowed):
      try require(value.text != nil, .type(.text))
      try require(allowed.contains(value.text ?? ""), .oneOf(allowed))
    case .integer(let range):
      try require(value.integer != nil, .type(.integer))
      try require(range.contains(value.integer ?? 0), .range(range.lowerBound, range.upperBound))
    case .bool: try require(value.bool != nil, .type(.truth))
    case .object(let schema):
      try require(value.object != nil, .type(.object))
      try check(value.object ?? JSONObject(), schema.fields)
    case .list(let item, let count):
      try require(value.array != nil, .type(.list))
      let items = value.array ?? []
      try require(count.contains(items.count), .count(count.lowerBound, count.upperBound))
      for (index, each) in items.enumerated() {
        do throws(FieldFault) { try check(each, item) } catch { throw error.inside("[\(index)]") }
      }
    case .map(let shape):
      try require(value.object != nil, .type(.object))
      for member in value.object?.members ?? [] {
        do throws(FieldFault) { try check(member.value, shape) } catch {
          throw error.inside(FieldFault.shown(member.key) == nil ? "*" : member.key.string)
        }
      }
    case .orNull(let other): if value != .null { try check(value, other) }
    case .any: break
    }
  }
}
