/// A shape as bodies are held against it: it and all inside it in one table, made once, in which
/// places stand for what a ``Shape`` refers to. Every field of every entry is checked, so a walk
/// takes nothing out of the body and counts no reference.
final class ShapeTable: Sendable {
  /// A ``Shape`` with places in the table for what it holds.
  fileprivate enum Step: Sendable {
    case text(maximumByteCount: Int)
    case format(FieldFormat)
    /// Of ``choices``.
    case oneOf(Int)
    case integer(Int64, Int64)
    case bool
    /// Of ``fields``.
    case object(first: Int, end: Int)
    /// Of ``steps``; each of these.
    case list(Int, Int, Int)
    case map(Int)
    case orNull(Int)
    case any
  }

  fileprivate struct Member: Sendable {
    let leadingWord: UInt64
    /// In ``names``.
    let name: Range<Int>
    let isRequired: Bool
    /// Place of its shape.
    let step: Int
  }

  /// The last one is the shape as a whole.
  fileprivate let steps: [Step]
  fileprivate let fields: [Member]
  fileprivate let names: [UInt8]
  fileprivate let choices: [[Text]]

  private init(_ builder: Builder) {
    steps = builder.steps
    fields = builder.fields
    names = builder.names
    choices = builder.choices
  }

  convenience init(_ shape: Shape) {
    var builder = Builder()
    _ = builder.add(shape)
    self.init(builder)
  }

  /// - Parameter fields: in key order, names of ASCII.
  convenience init(objectOf fields: [Field]) {
    var builder = Builder()
    _ = builder.add(objectOf: fields)
    self.init(builder)
  }

  fileprivate func name(_ field: Int) -> Text { Text(validated: names, in: fields[field].name) }

  /// - Throws: the first fault, members in key order.
  func check(_ place: JSONPlace, unknown: UnknownFields) throws(FieldFault) {
    try ShapeWalk(table: self, tape: place.tape, unknown: unknown)
      .check(place.index, against: steps.count - 1)
  }
}

/// What a table is made with: what a shape holds stands before it, an object's fields side by side.
private struct Builder {
  var steps: [ShapeTable.Step] = []
  var fields: [ShapeTable.Member] = []
  var names: [UInt8] = []
  var choices: [[Text]] = []

  /// - Returns: its place.
  mutating func add(_ shape: Shape) -> Int {
    switch shape {
    case .text(let maximum): return append(.text(maximumByteCount: maximum))
    case .format(let format): return append(.format(format))
    case .oneOf(let allowed):
      choices.append(allowed)
      return append(.oneOf(choices.count - 1))
    case .integer(let range): return append(.integer(range.lowerBound, range.upperBound))
    case .bool: return append(.bool)
    case .object(let schema): return add(objectOf: schema.fields)
    case .list(let item, let count):
      let place = add(item)
      return append(.list(place, count.lowerBound, count.upperBound))
    case .map(let value):
      let place = add(value)
      return append(.map(place))
    case .orNull(let value):
      let place = add(value)
      return append(.orNull(place))
    case .any: return append(.any)
    }
  }

  mutating func add(objectOf members: [Field]) -> Int {
    let own = members.map { field in
      // Of ASCII the leading words order all keys as their characters do.
      precondition(field.name.bytes.allSatisfy { $0 < 0x80 }, "field \(field.name)")
      return ShapeTable.Member(
        leadingWord: field.name.bytes.leadingWord, name: append(field.name),
        isRequired: field.isRequired,
        step: add(field.shape))
    }
    fields += own
    return append(.object(first: fields.count - own.count, end: fields.count))
  }

  private mutating func append(_ name: Text) -> Range<Int> {
    names += name.bytes.slice
    return names.count - name.bytes.count..<names.count
  }

  private mutating func append(_ step: ShapeTable.Step) -> Int {
    steps.append(step)
    return steps.count - 1
  }
}

/// One walk over a body and a table.
private struct ShapeWalk {
  let table: ShapeTable
  let tape: JSONTape
  let unknown: UnknownFields

  func check(_ index: Int, against step: Int) throws(FieldFault) {
    switch table.steps[step] {
    case .text(let maximum): try checkText(index, maximum)
    case .format(let format):
      guard tape.isText(index) else { throw fault(.type(.text), index) }
      guard format.matches(tape.text(tape.nodes[index])) else {
        throw fault(.format(format), index)
      }
    case .oneOf(let place): try checkChoice(index, place)
    case .integer(let low, let high):
      guard tape.nodes[index].kind == .integer else { throw fault(.type(.integer), index) }
      let number = tape.integer(tape.nodes[index])
      guard low <= number, number <= high else { throw fault(.range(low, high), index) }
    case .bool:
      let kind = tape.nodes[index].kind
      guard kind == .yes || kind == .no else { throw fault(.type(.truth), index) }
    case .object(let first, let end):
      guard tape.nodes[index].kind == .object else { throw fault(.type(.object), index) }
      try checkMembers(of: index, first, end)
    case .list(let item, let low, let high): try checkItems(of: index, item, low...high)
    case .map(let value): try checkValues(of: index, value)
    case .orNull(let value):
      if tape.nodes[index].kind != .null { try check(index, against: value) }
    case .any: break
    }
  }

  private func fault(_ rule: FieldRule, _ index: Int) -> FieldFault {
    FieldFault("", rule, found: JSONPlace(tape: tape, index: index).value)
  }

  // MARK: Texts

  /// Controls but line breaks and tabs are refused; those below U+0020 can only have been escaped.
  private func checkText(_ index: Int, _ maximumByteCount: Int) throws(FieldFault) {
    guard tape.isText(index) else { throw fault(.type(.text), index) }
    let node = tape.nodes[index]
    let count = node.kind == .text ? node.range.count : tape.text(node).bytes.count
    guard count > 0 else { throw FieldFault("", .required) }
    guard count <= maximumByteCount else {
      throw fault(.tooLong(maximumByteCount: maximumByteCount), index)
    }
    let isPlain =
      node.kind == .text
      ? !tape.bytes.withBorrowedBytes { $0.contains(0x7F, in: node.range) }
      : tape.text(node).bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A }
    guard isPlain else { throw FieldFault("", .controlCharacter) }
  }

  private func checkChoice(_ index: Int, _ place: Int) throws(FieldFault) {
    guard tape.isText(index) else { throw fault(.type(.text), index) }
    for choice in table.choices[place] where tape.isText(index, choice) { return }
    throw fault(.oneOf(table.choices[place]), index)
  }

  // MARK: Objects

  /// Members and fields stand in the same order.
  private func checkMembers(of index: Int, _ first: Int, _ end: Int) throws(FieldFault) {
    var field = first
    var key = index + 1
    for _ in 0..<tape.nodes[index].count {
      var isKnown = false
      while field < end {
        isKnown = isName(of: field, key)
        guard !isKnown, stands(field, before: key) else { break }
        try requireAbsent(field)
        field += 1
      }
      if isKnown {
        do throws(FieldFault) { try check(key + 1, against: table.fields[field].step) } catch {
          throw error.inside(table.name(field).string)
        }
        field += 1
      } else if unknown == .refused {
        throw unknownField(tape.text(tape.nodes[key]), first..<end)
      }
      key += Int(tape.nodes[key].size)
    }
    while field < end {
      try requireAbsent(field)
      field += 1
    }
  }

  @inline(__always)
  private func isName(of field: Int, _ key: Int) -> Bool {
    table.fields[field].leadingWord == tape.nodes[key].leadingWord
      && table.names.withBorrowedBytes { tape.isKey(key, $0, table.fields[field].name) }
  }

  /// - Precondition: they differ.
  private func stands(_ field: Int, before key: Int) -> Bool {
    let (own, other) = (table.fields[field].leadingWord, tape.nodes[key].leadingWord)
    guard own == other else { return own < other }
    return table.name(field).compareAsKey(with: tape.text(tape.nodes[key])) == .before
  }

  private func requireAbsent(_ field: Int) throws(FieldFault) {
    if table.fields[field].isRequired {
      throw FieldFault(table.name(field).string, .required)
    }
  }

  private func unknownField(_ name: Text, _ fields: Range<Int>) -> FieldFault {
    let nearest = fields.map(table.name)
      .map { (name: $0, distance: editDistance($0, name)) }
      .min { $0.distance < $1.distance }
    let shown = FieldFault.shown(name) == nil ? "a field of \(name.bytes.count) bytes" : name.string
    let isNear = (nearest?.distance ?? .max) <= Self.maximumSuggestedDistance
    return FieldFault(shown, .unknown(nearest: isNear ? nearest?.name : nil))
  }

  /// Changed letters up to which another field is suggested.
  private static let maximumSuggestedDistance = 4

  private func checkValues(of index: Int, _ step: Int) throws(FieldFault) {
    guard tape.nodes[index].kind == .object else { throw fault(.type(.object), index) }
    guard tape.nodes[index].count <= Shape.maximumListCount else {
      throw fault(.count(0, Shape.maximumListCount), index)
    }
    var key = index + 1
    for _ in 0..<tape.nodes[index].count {
      do throws(FieldFault) { try check(key + 1, against: step) } catch {
        let name = tape.text(tape.nodes[key])
        throw error.inside(FieldFault.shown(name) == nil ? "*" : name.string)
      }
      key += Int(tape.nodes[key].size)
    }
  }

  // MARK: Lists

  private func checkItems(
    of index: Int, _ step: Int, _ counts: ClosedRange<Int>
  ) throws(FieldFault) {
    guard tape.nodes[index].kind == .array else { throw fault(.type(.list), index) }
    let count = tape.nodes[index].count
    guard counts.contains(count) else {
      throw fault(.count(counts.lowerBound, counts.upperBound), index)
    }
    var item = index + 1
    for number in 0..<count {
      do throws(FieldFault) { try check(item, against: step) } catch {
        throw error.inside("[\(number)]")
      }
      item += Int(tape.nodes[item].size)
    }
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
