import Testing

@testable import Replication

/// Values on the parser's tape say what built ones say, and the loops over raw bytes what plain
/// ones would.
@Suite struct JSONTapeTests {
  private func read(_ text: String) throws -> JSONObject {
    try #require(JSONValue.parse(Array(text.utf8)).object)
  }

  @Test func aReadObjectIsWhatItWasBuiltOf() throws {
    let built: JSONObject = [
      "a": .integer(-7), "b": .array([.null, .object(["x": .bool(false)])]), "c": .string("ủ\n"),
    ]
    let object = try read(#"{ "c":"ủ\n", "a":-7 , "b":[null,{"x":false}]}"#)
    #expect(object == built)
    #expect(object.hashValue == built.hashValue)
    #expect(object.members.map(\.key) == ["a", "b", "c"])
    for key in ["a", "b", "c", "d"] as [Text] { #expect(object[key] == built[key]) }
    #expect(JSONValue.object(object).canonicalBytes == JSONValue.object(built).canonicalBytes)
  }

  /// Members that hold others move as a whole; a key with an escape is found as it reads.
  @Test func unsortedMembersAreSortedWithAllInsideThem() throws {
    let object = try read(#"{"z":{"b":[1,2],"a":{}},"\u0061":["x",{"k":1}],"m":3}"#)
    #expect(
      String(decoding: JSONValue.object(object).canonicalBytes, as: UTF8.self)
        == #"{"a":["x",{"k":1}],"m":3,"z":{"a":{},"b":[1,2]}}"#)
    #expect(object["a"]?.array?.count == 2)
    #expect(object["z"]?.object?["b"] == .array([.integer(1), .integer(2)]))
  }

  @Test func aReadObjectIsChangedAsACopy() throws {
    let object = try read(#"{"a":1,"b":{"c":2}}"#)
    var changed = object
    changed["b"] = nil
    changed["0"] = .null
    #expect(changed == ["0": .null, "a": .integer(1)])
    #expect(object["b"]?.object?["c"] == .integer(2))
  }

  /// What goes out in one piece, because it came canonical, is what would be written anew.
  @Test(arguments: UInt64(0)..<300) func canonicalPiecesAreWhatIsWrittenAnew(seed: UInt64) throws {
    var random = SeededRandom(state: seed)
    let text = randomObject(depth: 0, using: &random)
    let read = try read(text)
    let built = rebuilt(.object(read))
    #expect(JSONValue.object(read).canonicalBytes == built.canonicalBytes, "\(text)")
    #expect(
      try JSONValue.parseCanonical(built.canonicalBytes).canonicalBytes == built.canonicalBytes)
    let names = read.members.map(\.key).filter { _ in Bool.random(using: &random) } + ["absent"]
    let rest = read.removing(names)
    var expected = try #require(built.object)
    for name in names { expected[name] = nil }
    #expect(rest == expected)
    #expect(JSONValue.object(rest).canonicalBytes == JSONValue.object(expected).canonicalBytes)
    for member in read.members {
      #expect(rest[member.key] == (names.contains(member.key) ? nil : member.value))
    }
    #expect(expected.removing(names) == expected)
  }

  /// Often not canonical: blanks, keys in no order, escapes that need not be.
  private func randomObject(depth: Int, using random: inout SeededRandom) -> String {
    let keys = ["a", "b", "é", "\\u0063", "d", #"q\"q"#, "\\u001f", "z"]
    var names = keys.filter { _ in Bool.random(using: &random) }
    if Int.random(in: 0..<4, using: &random) == 0 { names.shuffle(using: &random) }
    let members = names.map { name in
      "\"\(name)\":" + blank(&random) + randomValue(depth: depth + 1, using: &random)
    }
    return "{" + members.joined(separator: "," + blank(&random)) + "}"
  }

  private func blank(_ random: inout SeededRandom) -> String {
    Int.random(in: 0..<8, using: &random) == 0 ? " " : ""
  }

  private func randomValue(depth: Int, using random: inout SeededRandom) -> String {
    switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &random) {
    case 0: return "null"
    case 1: return "-\(Int.random(in: 1..<99, using: &random))"
    case 2: return #""plain ủ""#
    case 3: return [#""\/""#, #""\u0041""#, #""\u001F""#].randomElement(using: &random) ?? ""
    case 4: return [#""\n\"""#, #""\u001f""#, #""\\""#].randomElement(using: &random) ?? ""
    case 5: return "true"
    case 6:
      let items = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
        randomValue(depth: depth + 1, using: &random)
      }
      return "[" + items.joined(separator: "," + blank(&random)) + "]"
    default: return randomObject(depth: depth, using: &random)
    }
  }

  /// The same, of which nothing stands on a tape.
  private func rebuilt(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let items): return .array(items.map(rebuilt))
    case .object(let object):
      var copy = JSONObject()
      for member in object.members {
        copy[Text(member.key.string)] = rebuilt(member.value)
      }
      return .object(copy)
    case .string(let text): return .string(Text(text.string))
    case .null, .bool, .integer: return value
    }
  }

  @Test func anObjectWrittenByMembersIsThatOfItsValues() {
    var inner = CanonicalObjectWriter(reserving: 0)
    #expect(inner.bytes == Array("{}".utf8))
    inner.add("flag", false)
    var object = CanonicalObjectWriter(reserving: 64)
    object.add("a", "plain")
    object.add("b", "\"\\\n\u{1f}ủ")
    object.add("n", -7)
    object.add("object", canonical: inner.bytes)
    let expected: JSONObject = [
      "a": .string("plain"), "b": .string("\"\\\n\u{1f}ủ"), "n": .integer(-7),
      "object": .object(["flag": .bool(false)]),
    ]
    #expect(object.bytes == JSONValue.object(expected).canonicalBytes)
  }

  /// A text keeps its place in the body: equal, hashed, ordered and indexed as if it stood alone.
  @Test func textsAreTheSameWhereverTheyStand() throws {
    let body = Array("xxabcdefghijkyyabcdefghijz".utf8)
    let part = Text(validated: body, in: 2..<13)
    let alone: Text = "abcdefghijk"
    #expect(part == alone && part.hashValue == alone.hashValue)
    #expect(part.bytes[10] == UInt8(ascii: "k") && part.bytes.array == Array("abcdefghijk".utf8))
    #expect(part != Text(validated: body, in: 15..<26))
    #expect(part.compareAsKey(with: Text(validated: body, in: 15..<26)) == .before)
    #expect(part.compareAsKey(with: Text(validated: body, in: 15..<25)) == .after)
    #expect(Text(validated: body, in: 15..<25).compareAsKey(with: "abcdefghij") == .same)
  }
}
