/// Where the values of one piece of JSON stand in its bytes: what the parser leaves. Nothing is
/// taken out before somebody asks, since most of a body is only checked, stored and sent.
final class JSONTape: Sendable {
  let bytes: [UInt8]
  /// In the order of the text, an object's members in key order: a value, then all inside it.
  let nodes: [JSONNode]
  /// Texts with escapes, which do not stand in `bytes` as they read.
  let unescaped: [Text]

  init(bytes: [UInt8], nodes: [JSONNode], unescaped: [Text]) {
    self.bytes = bytes
    self.nodes = nodes
    self.unescaped = unescaped
  }

  func text(_ node: JSONNode) -> Text {
    node.kind == .escapedText
      ? unescaped[Int(node.end)]
      : Text(validated: bytes, in: node.range)
  }

  func isText(_ index: Int) -> Bool {
    nodes[index].kind == .text || nodes[index].kind == .escapedText
  }

  /// Whether the key reads as the bytes in `range` do.
  /// - Precondition: their leading words are the same.
  @inline(__always)
  func isKey(_ index: Int, _ wanted: BorrowedBytes, _ range: Range<Int>) -> Bool {
    let node = nodes[index]
    guard node.kind == .text else { return isText(index, wanted, range) }
    guard node.range.count == range.count else { return false }
    return range.count <= 8
      || bytes.withBorrowedBytes { wanted.isEqual(range, $0, node.range) }
  }

  /// Whether the node is a text that reads so.
  func isText(_ index: Int, _ text: Text) -> Bool {
    text.bytes.withBorrowed { isText(index, $0, $1) }
  }

  /// The same of the bytes in `range`.
  func isText(_ index: Int, _ wanted: BorrowedBytes, _ range: Range<Int>) -> Bool {
    let node = nodes[index]
    guard node.kind == .text else {
      return node.kind == .escapedText
        && text(node).bytes.withBorrowed { wanted.isEqual(range, $0, $1) }
    }
    return node.range.count == range.count
      && bytes.withBorrowedBytes { wanted.isEqual(range, $0, node.range) }
  }

  /// The text under `key` of the object at `index`; nil when there is none. The like of it for
  /// other values: what rules ask most stands where it is asked for.
  func text(_ key: Text, of index: Int) -> Text? {
    guard let place = member(key, of: index), isText(place) else { return nil }
    return text(nodes[place])
  }

  func integer(_ key: Text, of index: Int) -> Int64? {
    guard let place = member(key, of: index), nodes[place].kind == .integer else { return nil }
    return integer(nodes[place])
  }

  /// - Returns: where it stands.
  func object(_ key: Text, of index: Int) -> Int? {
    guard let place = member(key, of: index), nodes[place].kind == .object else { return nil }
    return place
  }

  /// The parser has seen digits only, within the range.
  /// - Precondition: an integer.
  func integer(_ node: JSONNode) -> Int64 {
    var magnitude: Int64 = 0
    var isNegative = false
    for index in node.range {
      let byte = bytes[index]
      if byte == UInt8(ascii: "-") {
        isNegative = true
      } else {
        magnitude = magnitude * 10 + Int64(byte - UInt8(ascii: "0"))
      }
    }
    return isNegative ? -magnitude : magnitude
  }

  /// Where the value stands that the object at `index` has under `key`. Here and not at a place, so
  /// that the arrays are looked at where they are, without a reference counted.
  func member(_ key: Text, of index: Int) -> Int? {
    key.bytes.withBorrowed { member($0, $1, of: index) }
  }

  private func member(_ key: BorrowedBytes, _ range: Range<Int>, of index: Int) -> Int? {
    let wanted = key.leadingWord(in: range)
    var next = index + 1
    for _ in 0..<nodes[index].count {
      let node = nodes[next]
      let own = node.leadingWord
      if own == wanted {
        if isKey(next, key, range) { return next + 1 }
      } else if own > wanted, (own | wanted) & UInt64.topBits == 0 {
        // Keys are sorted, and those of ASCII by their bytes.
        return nil
      }
      next &+= Int(node.size)
    }
    return nil
  }
}

/// One value, or the key of the value after it.
struct JSONNode: Sendable {
  enum Kind: UInt8, Sendable {
    case null, yes, no, integer, text
    /// Reads otherwise than its bytes: ``JSONTape/unescaped`` has it.
    case escapedText
    /// Its items follow, each with all inside it.
    case array
    /// Its members follow, each a key and a value.
    case object
  }

  let kind: Kind
  /// Bytes of a scalar; of a text those between the quotes; of a list its bracket.
  let start: UInt32
  /// Of an escaped text: its place among those. Of a list that is canonical as it stands: after its
  /// closing bracket; of any other its `start`.
  var end: UInt32
  /// Nodes up to the next of its kind: of a value it and all inside it, of a key its value as well.
  var size: UInt32 = 1
  private var word: UInt64 = 0

  init(_ kind: Kind, _ range: Range<Int>) {
    self.kind = kind
    start = UInt32(range.lowerBound)
    end = UInt32(range.upperBound)
  }

  init(escapedTextAt start: Int, place: Int) {
    kind = .escapedText
    self.start = UInt32(start)
    end = UInt32(place)
  }

  /// Of what stands in the bytes as it reads.
  var range: Range<Int> { Int(start)..<Int(end) }

  /// Items or members.
  /// - Precondition: no key.
  var count: Int {
    get { Int(truncatingIfNeeded: word) }
    set { word = UInt64(newValue) }
  }
  /// The first eight bytes as they read, by which most keys are told apart and ordered.
  /// - Precondition: a key.
  var leadingWord: UInt64 {
    get { word }
    set { word = newValue }
  }
}

/// One value of a tape.
struct JSONPlace: Sendable {
  let tape: JSONTape
  let index: Int

  var node: JSONNode { tape.nodes[index] }

  /// The value as the rules handle it; objects inside stay on the tape.
  var value: JSONValue {
    switch node.kind {
    case .null: .null
    case .yes: .bool(true)
    case .no: .bool(false)
    case .integer: .integer(tape.integer(node))
    case .text, .escapedText: .string(tape.text(node))
    case .array: .array(arrayValue)
    case .object: .object(JSONObject(self))
    }
  }

  private var arrayValue: [JSONValue] {
    var items: [JSONValue] = []
    items.reserveCapacity(node.count)
    forEachItem { items.append($0.value) }
    return items
  }

  /// - Precondition: an array.
  func forEachItem<Failure>(_ body: (JSONPlace) throws(Failure) -> Void) throws(Failure) {
    var next = index + 1
    for _ in 0..<node.count {
      try body(JSONPlace(tape: tape, index: next))
      next += Int(tape.nodes[next].size)
    }
  }

  /// - Precondition: an object.
  func forEachMember<Failure>(
    _ body: (Text, JSONPlace) throws(Failure) -> Void
  ) throws(Failure) {
    var next = index + 1
    for _ in 0..<node.count {
      try body(tape.text(tape.nodes[next]), JSONPlace(tape: tape, index: next + 1))
      next += Int(tape.nodes[next].size)
    }
  }

  /// The same with each key as a place of its own.
  /// - Precondition: an object.
  func forEachMemberPlace(_ body: (JSONPlace, JSONPlace) -> Void) {
    var next = index + 1
    for _ in 0..<node.count {
      body(JSONPlace(tape: tape, index: next), JSONPlace(tape: tape, index: next + 1))
      next += Int(tape.nodes[next].size)
    }
  }

  /// Its canonical form, where it stands so in the bytes already.
  var canonicalSlice: ArraySlice<UInt8>? {
    let node = node
    switch node.kind {
    case .null, .yes, .no, .integer: return tape.bytes[Int(node.start)..<Int(node.end)]
    case .text: return tape.bytes[Int(node.start) - 1..<Int(node.end) + 1]
    case .escapedText: return nil
    case .array, .object:
      return node.end > node.start ? tape.bytes[Int(node.start)..<Int(node.end)] : nil
    }
  }

  /// The object without the members under `keys`, on the same bytes.
  /// - Precondition: an object.
  func removing(_ keys: [Text]) -> JSONPlace {
    var nodes: [JSONNode] = []
    nodes.reserveCapacity(Int(node.size))
    nodes.append(node)
    var next = index + 1
    for _ in 0..<node.count {
      let end = next + Int(tape.nodes[next].size)
      if keys.contains(tape.text(tape.nodes[next])) {
        nodes[0].count -= 1
      } else {
        nodes.append(contentsOf: tape.nodes[next..<end])
      }
      next = end
    }
    nodes[0].size = UInt32(nodes.count)
    nodes[0].end = nodes[0].start
    return JSONPlace(
      tape: JSONTape(bytes: tape.bytes, nodes: nodes, unescaped: tape.unescaped), index: 0)
  }

  /// The value under `key`; nil when there is none.
  /// - Precondition: an object.
  func member(_ key: Text) -> JSONPlace? {
    tape.member(key, of: index).map { JSONPlace(tape: tape, index: $0) }
  }
}
