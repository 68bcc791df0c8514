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

  @Test(arguments: UInt64(0)..<200) func loopsOverRawBytesAreThePlainOnes(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let letters = Array("abz \"\\\u{1f}\u{0}\u{7f}ủ".utf8)
    let bytes = (0..<40).map { _ -> UInt8 in
      Int.random(in: 0..<9, using: &random) > 0
        ? UInt8(ascii: "a") : letters.randomElement(using: &random) ?? 0
    }
    for start in 0...bytes.count {
      let special = bytes[start...].firstIndex {
        $0 < 0x20 || $0 > 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
      }
      let range = start..<bytes.count
      #expect(
        bytes.endOfPlainText(in: range, isASCII: true) == special ?? bytes.count,
        "\(bytes) \(start)")
      let escaped = bytes[start...].firstIndex {
        $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
      }
      #expect(
        bytes.endOfPlainText(in: range, isASCII: false) == escaped ?? bytes.count,
        "\(bytes) \(start)")
    }
    var other = bytes
    other[Int.random(in: 0..<40, using: &random)] ^= 1
    for start in 0..<40 {
      let plain = zip(bytes[start...], other[start...]).prefix { $0 == $1 }.count
      #expect(
        bytes.equalCount(from: start, with: other, from: start, count: 40 - start) == plain)
      #expect(
        bytes.equalCount(from: start, with: bytes, from: start, count: 40 - start) == 40 - start)
    }
    let words = Array(stride(from: 0, to: 32, by: 8))
    for offset in words {
      let plain = bytes[offset..<offset + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(bytes.bigEndianWord(at: offset) == plain)
      var written: [UInt8] = []
      written.append(bigEndian: plain)
      #expect(written == Array(bytes[offset..<offset + 8]))
    }
  }
}
