/// A JSON value as records use it: RFC 8785 restricted to integers within ±(2^53-1), which every
/// parser reads alike.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case string(Text)
  case array([JSONValue])
  case object(JSONObject)

  /// Greatest magnitude of an integer: 2^53-1 (domain.md section 6).
  package static let maximumInteger: Int64 = 9_007_199_254_740_991

  /// The one byte form of this value: what is digested, signed, stored and sent.
  package var canonicalBytes: [UInt8] { canonicalBytes(reserving: 0) }

  /// - Parameter count: as many bytes as are expected.
  func canonicalBytes(reserving count: Int) -> [UInt8] {
    var writer = CanonicalJSONWriter(reserving: count)
    writer.write(self)
    return writer.bytes
  }

  package var text: Text? { if case .string(let text) = self { text } else { nil } }
  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
}

extension JSONValue {
  /// Reads one value; white space is allowed, everything ambiguous is refused.
  package static func parse(
    _ bytes: [UInt8], limits: JSONLimits = .record
  ) throws(JSONError) -> JSONValue {
    try parse(bytes, limits: limits, canonicalOnly: false)
  }

  /// Reads bytes that must already be canonical, as a received body: `canonicalBytes` of the result
  /// are `bytes`.
  package static func parseCanonical(
    _ bytes: [UInt8], limits: JSONLimits = .record
  ) throws(JSONError) -> JSONValue {
    try parse(bytes, limits: limits, canonicalOnly: true)
  }

  private static func parse(
    _ bytes: [UInt8], limits: JSONLimits, canonicalOnly: Bool
  ) throws(JSONError) -> JSONValue {
    guard bytes.count <= limits.byteCount else {
      throw JSONError(reason: .tooLong(limit: limits.byteCount), offset: limits.byteCount)
    }
    let (nodes, unescaped) = try bytes.withBorrowedBytes { borrowed throws(JSONError) in
      var parser = JSONParser(bytes: borrowed, limits: limits, canonicalOnly: canonicalOnly)
      try parser.parseDocument()
      return (parser.nodes.array, parser.unescaped)
    }
    let tape = JSONTape(bytes: bytes, nodes: nodes, unescaped: unescaped)
    return JSONPlace(tape: tape, index: 0).value
  }
}

/// An object whose members stand in the order of RFC 8785, each key once.
package struct JSONObject: Sendable {
  /// One key and its value.
  package struct Member: Hashable, Sendable {
    package let key: Text
    package let value: JSONValue
  }

  enum Form: Sendable {
    /// As a parser left it.
    case read(JSONPlace)
    case built([Member])
  }

  private(set) var form: Form

  package init() { form = .built([]) }

  /// - Precondition: `place` is an object.
  init(_ place: JSONPlace) { form = .read(place) }

  package var members: [Member] {
    switch form {
    case .built(let members): return members
    case .read(let place):
      var members: [Member] = []
      members.reserveCapacity(place.node.count)
      place.forEachMember { members.append(Member(key: $0, value: $1.value)) }
      return members
    }
  }

  /// Where it stands as a parser would leave it; nil when no parser would take what was built.
  var place: JSONPlace? {
    if case .read(let place) = form { return place }
    let bytes = JSONValue.object(self).canonicalBytes
    let limits = JSONLimits(byteCount: bytes.count, depth: JSONLimits.record.depth)
    return (try? JSONValue.parse(bytes, limits: limits))?.object.flatMap(\.place)
  }

  /// The value under `key`; nil when there is none. Setting nil removes the member.
  package subscript(key: Text) -> JSONValue? {
    get {
      switch form {
      case .read(let place): return place.member(key)?.value
      case .built(let members):
        let (index, found) = Self.place(of: key, in: members)
        return found ? members[index].value : nil
      }
    }
    set {
      var members = members
      form = .built([])
      Self.set(newValue, under: key, in: &members)
      form = .built(members)
    }
  }

  /// The text under `key`.
  func text(_ key: Text) -> Text? {
    switch form {
    case .read(let place): place.tape.text(key, of: place.index)
    case .built: self[key]?.text
    }
  }

  /// The integer under `key`.
  func integer(_ key: Text) -> Int64? {
    switch form {
    case .read(let place): place.tape.integer(key, of: place.index)
    case .built: self[key]?.integer
    }
  }

  /// The object under `key`.
  func object(_ key: Text) -> JSONObject? {
    switch form {
    case .read(let place):
      place.tape.object(key, of: place.index)
        .map { JSONObject(JSONPlace(tape: place.tape, index: $0)) }
    case .built: self[key]?.object
    }
  }

  /// Whether there is anything under `key`.
  func has(_ key: Text) -> Bool {
    switch form {
    case .read(let place): place.tape.member(key, of: place.index) != nil
    case .built: self[key] != nil
    }
  }

  /// Each object of the list under `key`; nothing else that stands there.
  func forEachObject(in key: Text, _ body: (JSONObject) -> Void) {
    switch form {
    case .read(let place):
      guard let list = place.member(key), list.node.kind == .array else { return }
      list.forEachItem { if $0.node.kind == .object { body(JSONObject($0)) } }
    case .built:
      for item in self[key]?.array ?? [] { if let object = item.object { body(object) } }
    }
  }

  /// The objects of the list under `key`.
  func objects(_ key: Text) -> [JSONObject] {
    var objects: [JSONObject] = []
    forEachObject(in: key) { objects.append($0) }
    return objects
  }

  /// Without the members under `keys`; what was read stays where it was read.
  func removing(_ keys: [Text]) -> JSONObject {
    switch form {
    case .read(let place): return JSONObject(place.removing(keys))
    case .built(let members):
      var rest = JSONObject()
      rest.form = .built(members.filter { !keys.contains($0.key) })
      return rest
    }
  }

  private static func set(_ value: JSONValue?, under key: Text, in members: inout [Member]) {
    let (index, found) = Self.place(of: key, in: members)
    switch (value, found) {
    case (let value?, true): members[index] = Member(key: key, value: value)
    case (let value?, false): members.insert(Member(key: key, value: value), at: index)
    case (nil, true): members.remove(at: index)
    case (nil, false): break
    }
  }

  private static func place(of key: Text, in members: [Member]) -> (index: Int, found: Bool) {
    var low = 0
    var high = members.count
    while low < high {
      let middle = (low + high) / 2
      switch members[middle].key.compareAsKey(with: key) {
      case .before: low = middle + 1
      case .same: return (middle, true)
      case .after: high = middle
      }
    }
    return (low, false)
  }
}

extension JSONObject: CustomStringConvertible {
  package var description: String {
    String(decoding: JSONValue.object(self).canonicalBytes, as: UTF8.self)
  }
}

/// Equal by what they say, read or built.
extension JSONObject: Hashable {
  package static func == (left: Self, right: Self) -> Bool { left.members == right.members }
  package func hash(into hasher: inout Hasher) { hasher.combine(members) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// A key that is written twice keeps its last value.
  package init(dictionaryLiteral elements: (Text, JSONValue)...) {
    var members: [Member] = []
    members.reserveCapacity(elements.count)
    for (key, value) in elements { Self.set(value, under: key, in: &members) }
    form = .built(members)
  }
}
