import Testing

@testable import Replication

private func parse(_ text: String) throws -> JSONValue { try JSONValue.parse(Array(text.utf8)) }

private func canonical(_ text: String) throws -> String {
  String(decoding: try parse(text).canonicalBytes, as: UTF8.self)
}

/// Seeded generator (SplitMix64): a failure is replayed from its number.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

@Suite struct CanonicalJSONTests {
  /// RFC 8785 sections 3.2.2 and 3.2.3 as far as integers go, and its key order by UTF-16 units.
  @Test(arguments: [
    (#"{ "b" : 2 , "a" : 1 }"#, #"{"a":1,"b":2}"#),
    (
      #"{"1":{"f":{"f":"hi","F":5},"\n":56},"10":{},"":"empty","a":{},"111":[],"A":{}}"#,
      #"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[],"A":{},"a":{}}"#
    ),
    ("[ true , false , null ]", "[true,false,null]"),
    (#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#, #""€$\u000f\nA'B\"\\\\\"/""#),
    (#""\b\t\n\f\r\u001f\u007f""#, "\"\\b\\t\\n\\f\\r\\u001f\u{7f}\""),
    ("9007199254740991", "9007199254740991"), ("-9007199254740991", "-9007199254740991"),
    ("[0,-1]", "[0,-1]"), (#""\uD83D\uDE00""#, "\"😀\""),
    (
      "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"ö\":7}",
      "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
    ),
  ])
  func hasOneForm(source: String, expected: String) throws {
    let bytes = Array(try canonical(source).utf8)
    #expect(bytes == Array(expected.utf8))
    #expect(try JSONValue.parseCanonical(bytes).canonicalBytes == bytes)
  }

  @Test func composedAndDecomposedTextsAreTwo() throws {
    let value = try parse("{\"u\\u0309\":1,\"\\u1ee7\":2}")
    #expect(value.object?.members.count == 2)
    #expect(Text("\u{1ee7}") != Text("u\u{309}"))
    #expect(value.object?["\u{1ee7}"]?.integer == 2)
  }

  @Test(arguments: [
    (#"{"a":1,"a":2}"#, JSONError.Reason.duplicateKey, 7),
    (#"{"b":1,"a":2,"a":4,"b":3}"#, .duplicateKey, 13),
    (#"{"a":1,"\u0061":2}"#, .duplicateKey, 7),
    ("[1.5]", .notAnInteger, 1), ("[1e3]", .notAnInteger, 1), ("[ 2E3]", .notAnInteger, 2),
    ("01", .notAnInteger, 0), ("-01", .notAnInteger, 0), ("-0", .notAnInteger, 0),
    ("00", .notAnInteger, 0), ("-", .unexpectedEnd, 1), ("[-]", .unexpectedByte(0x5D), 2),
    ("9007199254740992", .integerOutOfRange, 0), ("[-9007199254740992]", .integerOutOfRange, 1),
    (String(repeating: "9", count: 4_000), .integerOutOfRange, 0),
    ("\"a\u{1}\"", .controlCharacter, 2), ("\"a\n\"", .controlCharacter, 2),
    (#"["\ud800"]"#, .loneSurrogate, 2), (#""\udc00""#, .loneSurrogate, 1),
    (#""\ud800\u0041""#, .loneSurrogate, 1), (#""x\ud800\n""#, .loneSurrogate, 2),
    (#""\x""#, .invalidEscape, 1), (#""\u12G4""#, .invalidEscape, 1),
    (#""\u12"#, .unexpectedEnd, 5), (#""abc"#, .unexpectedEnd, 4), ("", .unexpectedEnd, 0),
    ("{} x", .trailingBytes, 3), ("1 2", .trailingBytes, 2), ("tru", .unexpectedEnd, 3),
    ("trux", .unexpectedByte(0x78), 3), ("[1,]", .unexpectedByte(0x5D), 3),
    ("{\"a\"}", .unexpectedByte(0x7D), 4), ("{a:1}", .unexpectedByte(0x61), 1),
    ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("[1 2]", .unexpectedByte(0x32), 3),
    ("\u{FEFF}1", .unexpectedByte(0xEF), 0), ("NaN", .unexpectedByte(0x4E), 0),
  ])
  func refusesWithPosition(source: String, reason: JSONError.Reason, offset: Int) {
    #expect(throws: JSONError(reason: reason, offset: offset)) { try parse(source) }
  }

  /// Overlong forms, encoded surrogates, past U+10FFFF, cut sequences, stray continuation bytes.
  @Test(
    arguments: [
      [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xBF],
      [0xC3], [0xE2, 0x82], [0xE2, 0x82, 0x41], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x41, 0x80],
      [0xFF],
    ] as [[UInt8]])
  func refusesInvalidUTF8(sequence: [UInt8]) {
    let bytes = [0x22, 0x61] + sequence + [0x22]
    #expect(throws: JSONError(reason: .invalidUTF8, offset: 2)) { try JSONValue.parse(bytes) }
  }

  @Test func boundsDepthAndLength() throws {
    let deepest = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    #expect(try canonical(deepest) == deepest)
    #expect(throws: JSONError(reason: .tooDeep(limit: 32), offset: 32)) {
      try parse("[\(deepest)]")
    }
    #expect(throws: JSONError(reason: .tooDeep(limit: 32), offset: 160)) {
      try parse(String(repeating: "{\"a\":", count: 33))
    }
    let longest = "\"" + String(repeating: "x", count: 256 * 1024 - 2) + "\""
    #expect(try parse(longest).text?.bytes.count == 256 * 1024 - 2)
    #expect(throws: JSONError(reason: .tooLong(limit: 262_144), offset: 262_144)) {
      try parse(longest + " ")
    }
  }

  @Test(arguments: [
    (#"{"b":1,"a":2}"#, 7), ("[1, 2]", 3), (" 1", 0), ("1\n", 1), (#""\/""#, 1), (#""A\u0041""#, 2),
    (#""\u000a""#, 1), (#""\u001F""#, 1), (#""\u20ac""#, 1), ("{\"\u{fb33}\":1,\"😀\":2}", 9),
  ])
  func receivedBytesMustBeCanonical(source: String, offset: Int) throws {
    _ = try parse(source)
    #expect(throws: JSONError(reason: .notCanonical, offset: offset)) {
      try JSONValue.parseCanonical(Array(source.utf8))
    }
  }

  @Test func objectsFindReplaceAndRemove() {
    var object: JSONObject = ["b": .integer(2), "a": .integer(1), "\u{fb33}": .null]
    object["😀"] = .bool(true)
    object["b"] = .string("x")
    #expect(object.members.map(\.key) == ["a", "b", "😀", "\u{fb33}"])
    #expect(object["b"] == .string("x"))
    object["a"] = nil
    object["none"] = nil
    #expect(object["a"] == nil && object.members.count == 3)
  }

  @Test(arguments: UInt64(0)..<300) func roundTrips(seed: UInt64) throws {
    var random = SeededRandom(state: seed)
    let value = randomValue(depth: 4, using: &random)
    let bytes = value.canonicalBytes
    #expect(try JSONValue.parse(bytes) == value)
    #expect(try JSONValue.parseCanonical(bytes) == value)
  }

  /// Bytes one change away from valid, and plain noise: never a trap; the strict parser takes
  /// exactly the bytes that the loose one writes back unchanged.
  @Test(arguments: UInt64(0)..<300) func neverTraps(seed: UInt64) {
    var random = SeededRandom(state: seed)
    var bytes = randomValue(depth: 3, using: &random).canonicalBytes
    for _ in 0..<20 {
      if !bytes.isEmpty, Bool.random(using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      } else {
        bytes.insert(Array("{}[]\",:\\u0e-9 \u{c3}".utf8).randomElement(using: &random) ?? 0, at: 0)
      }
      let loose = try? JSONValue.parse(bytes)
      let strict = try? JSONValue.parseCanonical(bytes)
      #expect(strict == (loose?.canonicalBytes == bytes ? loose : nil), "seed \(seed): \(bytes)")
    }
  }
}

private func randomValue(depth: Int, using random: inout SeededRandom) -> JSONValue {
  switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
  case 0: return .null
  case 1: return .bool(Bool.random(using: &random))
  case 2:
    let limit = JSONValue.maximumInteger
    return .integer(Int64.random(in: -limit...limit, using: &random))
  case 3, 4: return .string(randomText(using: &random))
  case 5:
    let count = Int.random(in: 0..<5, using: &random)
    return .array((0..<count).map { _ in randomValue(depth: depth - 1, using: &random) })
  default:
    var object = JSONObject()
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      object[randomText(using: &random)] = randomValue(depth: depth - 1, using: &random)
    }
    return .object(object)
  }
}

private func randomText(using random: inout SeededRandom) -> Text {
  let scalars: [Unicode.Scalar] = [
    "a", "\"", "\\", "\n", "\u{1f}", "/", "é", "ủ", "\u{309}", "€", "\u{fb33}", "\u{ffff}", "😀",
    "\u{10ffff}", "\u{0}",
  ]
  var string = String.UnicodeScalarView()
  for _ in 0..<Int.random(in: 0..<6, using: &random) {
    string.append(scalars.randomElement(using: &random) ?? "a")
  }
  return Text(String(string))
}
