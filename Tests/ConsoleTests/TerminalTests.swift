import Replication
import Testing

@testable import Console

@Suite struct JSONLayoutTests {
  @Test(arguments: [
    (#"{}"#, "{}"), (#"[]"#, "[]"), (#"{"a":[],"b":{}}"#, "{\n  \"a\": [],\n  \"b\": {}\n}"),
    (#"[1,"x, {y}",null]"#, "[\n  1,\n  \"x, {y}\",\n  null\n]"),
    (#"{"q":"a\"b\\"}"#, "{\n  \"q\": \"a\\\"b\\\\\"\n}"),
    ("{\"s\":\"\u{202E}x\u{9B}\"}", "{\n  \"s\": \"\\u202ex\\u009b\"\n}"),
  ])
  func laysOutWithoutChangingValues(text: String, expected: String) {
    let laidOut = JSONLayout.indented(Array(text.utf8))
    #expect(String(decoding: laidOut, as: UTF8.self) == expected)
    let value = try? JSONValue.parse(Array(text.utf8))
    #expect(value == (try? JSONValue.parse(laidOut)))
    if !text.contains("\u{202E}") {
      #expect(JSONLayout.compact(laidOut) == Array(text.utf8))
    }
  }

  @Test(arguments: ["", "}", "\"", "{\"a", "\u{1}", "nonsense ]["])
  func doesNotTrapOnWhatIsNoJSON(text: String) {
    _ = JSONLayout.indented(Array(text.utf8))
    _ = JSONLayout.compact(Array(text.utf8))
  }
}

@Suite struct ProgressTests {
  private func at(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: milliseconds * 1_000_000)
  }

  @Test func saysNothingOfShortWork() {
    var bar = Progress(at: at(0), isTerminal: true, totalByteCount: 100)
    #expect(bar.step(at: at(1_999), itemCount: 1, byteCount: 10) == nil)
    #expect(bar.end(at: at(1_999), itemCount: 1, byteCount: 100) == nil)
  }

  @Test func drawsABarOnATerminal() {
    var bar = Progress(at: at(0), isTerminal: true, totalByteCount: 100_000)
    let first = bar.step(at: at(2_000), itemCount: 10, byteCount: 50_000)
    let half = String(repeating: "#", count: 15) + String(repeating: "-", count: 15)
    #expect(first == "\r\u{1B}[K50% [\(half)] 10 · 5/s · 2 s · ~2 s left")
    #expect(bar.step(at: at(2_199), itemCount: 11, byteCount: 60_000) == nil)
    #expect(bar.step(at: at(2_200), itemCount: 11, byteCount: 60_000) != nil)
  }

  @Test func writesALineEveryTenSecondsElsewhere() {
    var lines = Progress(at: at(0), isTerminal: false, totalByteCount: nil)
    #expect(lines.step(at: at(9_999), itemCount: 5, byteCount: 5) == nil)
    #expect(lines.step(at: at(10_000), itemCount: 50, byteCount: 5) == "50 · 5/s · 10 s\n")
    #expect(lines.step(at: at(19_999), itemCount: 60, byteCount: 5) == nil)
    #expect(lines.step(at: at(20_000), itemCount: 60, byteCount: 5) != nil)
    #expect(lines.end(at: at(21_000), itemCount: 63, byteCount: 9) == "63 · 3/s · 21 s\n")
  }
}

@Suite struct LineReaderTests {
  @Test func readsLinesOfAnyKindWithTheirNumbers() throws {
    let directory = try TemporaryDirectory()
    let long = String(repeating: "y", count: LineReader.lineByteLimit + 70_000)
    let file = try directory.file("lines", "a\n\n  \r\nb\n\(long)\nc")
    let reader = try LineReader(file)
    var lines: [LineReader.Line] = []
    while let line = try reader.next() { lines.append(line) }
    #expect(
      lines == [
        .bytes(Array("a".utf8), number: 1), .bytes(Array("b".utf8), number: 4),
        .tooLong(number: 5), .bytes(Array("c".utf8), number: 6),
      ])
    #expect(reader.consumedByteCount == reader.totalByteCount)
  }

  @Test func aLineOfTheLimitStillPasses() throws {
    let directory = try TemporaryDirectory()
    let full = String(repeating: "y", count: LineReader.lineByteLimit)
    let reader = try LineReader(try directory.file("full", full + "\n"))
    #expect(try reader.next() == .bytes(Array(full.utf8), number: 1))
    #expect(try reader.next() == nil)
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: CommandFailure.self) { try LineReader("/nowhere/at all") }
  }
}
