import Testing

@testable import Transport

/// What a parser says about a whole stream: its requests, then its error if there is one.
private struct Outcome: Equatable {
  var requests: [HTTPRequest] = []
  var error: HTTPParseError?
}

private func parse(_ pieces: [[UInt8]], bodyLimit: Int = 1024) -> Outcome {
  var parser = HTTPRequestParser(bodyLimit: bodyLimit)
  var outcome = Outcome()
  do throws(HTTPParseError) {
    for piece in pieces {
      parser.received(piece)
      while let request = try parser.next() { outcome.requests.append(request) }
    }
  } catch {
    outcome.error = error
  }
  return outcome
}

private func parse(_ text: String) -> Outcome { parse([Array(text.utf8)]) }

struct Refusal: Sendable, CustomTestStringConvertible {
  let reason: HTTPParseError.Reason
  let status: Int
  let text: String
  var testDescription: String { "\(reason.rawValue): \(text.prefix(60).debugDescription)" }
  init(_ reason: HTTPParseError.Reason, _ status: Int, _ text: String) {
    self.reason = reason
    self.status = status
    self.text = text
  }
  init(_ reason: HTTPParseError.Reason, get target: String) {
    self.init(reason, 400, "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
  }
  init(_ reason: HTTPParseError.Reason, _ status: Int = 400, put fields: String, body: String = "")
  {
    self.init(reason, status, "PUT / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)")
  }
  init(_ reason: HTTPParseError.Reason, chunks: String) {
    self.init(reason, put: "Transfer-Encoding: chunked", body: chunks)
  }
}

private let long = String(repeating: "x", count: 5_000)
private let manyFields = (0..<64).map { "f\($0): 1\r\n" }.joined()
private let manyItems = (0..<65).map { "a\($0)=1" }.joined(separator: "&")

let refusals: [Refusal] = [
  Refusal(.requestLineTooLong, 414, "GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.requestLineMalformed, 400, "GET /\r\nHost: a\r\n\r\n"),
  Refusal(.requestLineMalformed, 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.requestLineMalformed, 400, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.methodMalformed, 400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.methodUnknown, 501, "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.methodUnknown, 501, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.versionNotSupported, 505, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
  Refusal(.versionNotSupported, 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Refusal(.versionMalformed, 400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
  Refusal(.versionMalformed, 400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
  Refusal(.targetNotAPath, get: "http://a/"),
  Refusal(.targetNotAPath, get: "a:80"),
  Refusal(.targetNotAPath, get: "*"),
  Refusal(.targetMalformed, get: "/a#b"),
  Refusal(.targetMalformed, get: "/a\u{0}"),
  Refusal(.targetMalformed, get: "/a\\b"),
  Refusal(.targetMalformed, get: "/uỷ"),
  Refusal(.targetEscapeMalformed, get: "/a%2"),
  Refusal(.targetEscapeMalformed, get: "/a%zz"),
  Refusal(.targetNotUTF8, get: "/a%ff"),
  Refusal(.targetForbiddenByte, get: "/a%00"),
  Refusal(.targetForbiddenByte, get: "/?a=%00"),
  Refusal(.targetForbiddenByte, get: "/a%2Fb"),
  Refusal(.targetForbiddenByte, get: "/a%5cb"),
  Refusal(.targetForbiddenByte, get: "/a%0d%0ab"),
  Refusal(.targetEmptySegment, get: "//a"),
  Refusal(.targetEmptySegment, get: "/a/"),
  Refusal(.targetDotSegment, get: "/a/../b"),
  Refusal(.targetDotSegment, get: "/a/%2e%2E/b"),
  Refusal(.targetDotSegment, get: "/./b"),
  Refusal(.targetTooManyItems, get: "/?\(manyItems)"),
  Refusal(.targetTooManyItems, get: String(repeating: "/a", count: 33)),
  Refusal(.bareLineFeed, 400, "GET / HTTP/1.1\nHost: a\n\n"),
  Refusal(.bareLineFeed, 400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
  Refusal(.bareCarriageReturn, 400, "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
  Refusal(
    .headTooLong, 431,
    "GET / HTTP/1.1\r\nA: \(long)\r\nB: \(long)\r\nC: \(long)\r\nD: \(long)\r\n\r\n"),
  Refusal(.tooManyFields, 431, "GET / HTTP/1.1\r\nHost: a\r\n\(manyFields)\r\n"),
  Refusal(.fieldNameMalformed, put: "Content-Length : 0"),
  Refusal(.fieldNameMalformed, put: ": 0"),
  Refusal(.fieldNameMalformed, put: "no colon"),
  Refusal(.fieldValueMalformed, put: "a: \u{0}"),
  Refusal(.fieldValueMalformed, put: "a: uỷ"),
  Refusal(.foldedField, put: "a: b\r\n c"),
  Refusal(.foldedField, 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
  Refusal(.hostMissing, 400, "GET / HTTP/1.1\r\n\r\n"),
  Refusal(.hostRepeated, 400, "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
  Refusal(.hostMalformed, 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
  Refusal(.hostMalformed, 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  Refusal(.hostMalformed, 400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
  Refusal(.hostMalformed, 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
  Refusal(.lengthMalformed, put: "Content-Length: +1", body: "x"),
  Refusal(.lengthMalformed, put: "Content-Length: -1", body: "x"),
  Refusal(.lengthMalformed, put: "Content-Length: 0x1", body: "x"),
  Refusal(.lengthMalformed, put: "Content-Length: 1, 1", body: "x"),
  Refusal(.lengthMalformed, put: "Content-Length:", body: "x"),
  Refusal(.lengthRepeated, put: "Content-Length: 1\r\nContent-Length: 1", body: "x"),
  Refusal(.lengthAndCoding, put: "Content-Length: 1\r\nTransfer-Encoding: chunked"),
  Refusal(.lengthRequired, 411, put: "a: b"),
  Refusal(.codingNotSupported, 501, put: "Transfer-Encoding: gzip, chunked"),
  Refusal(.codingNotSupported, 501, put: "Transfer-Encoding: chunked, identity"),
  Refusal(.codingNotSupported, 501, put: "Transfer-Encoding: xchunked"),
  Refusal(.codingRepeated, put: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
  Refusal(.bodyTooLong, 413, put: "Content-Length: 1025"),
  Refusal(.bodyTooLong, 413, put: "Content-Length: 99999999999999999999"),
  Refusal(.bodyTooLong, 413, put: "Transfer-Encoding: chunked", body: "401\r\n"),
  Refusal(.bodyTooLong, 413, put: "Transfer-Encoding: chunked", body: "1\r\nx\r\n400\r\n"),
  Refusal(.bodyNotAllowed, 400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"),
  Refusal(.bodyNotAllowed, 400, "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
  Refusal(.chunkSizeMalformed, chunks: "\r\n"),
  Refusal(.chunkSizeMalformed, chunks: "-1\r\n"),
  Refusal(.chunkSizeMalformed, chunks: "1;a=b\r\nx\r\n0\r\n\r\n"),
  Refusal(.chunkSizeMalformed, chunks: "000000001\r\nx\r\n0\r\n\r\n"),
  Refusal(.chunkNotTerminated, chunks: "1\r\nxy\r\n0\r\n\r\n"),
  Refusal(.bareLineFeed, chunks: "1\nx\n0\n\n"),
  Refusal(.trailerMalformed, chunks: "0\r\nno colon\r\n\r\n"),
  Refusal(.trailersTooLong, chunks: "0\r\n" + String(repeating: "a: \(long)\r\n", count: 4)),
]

@Suite struct HTTPRequestParserTests {
  @Test(arguments: refusals) func refuses(_ refusal: Refusal) {
    let outcome = parse(refusal.text)
    #expect(outcome.requests.isEmpty)
    #expect(outcome.error?.reason == refusal.reason)
    #expect(outcome.error?.status.code == refusal.status)
  }

  @Test func everyReasonHasItsCase() {
    let covered = Set(refusals.map(\.reason))
    // Said of answers only.
    #expect(
      HTTPParseError.Reason.allCases.filter { !covered.contains($0) } == [.statusLineMalformed])
  }

  @Test func takesApartTargetAndFields() throws {
    let outcome = parse(
      "GET /api/v1/u%E1%BB%B7?since=1+2&%61=b%20c&flag HTTP/1.1\r\nHOST: Centre.Local:8443\r\n"
        + "X-A:  b c \t\r\n\r\n")
    let request = try #require(outcome.requests.first)
    #expect(outcome.error == nil)
    #expect(request.target.segments == ["api", "v1", "uỷ"])
    #expect(request.target.query == [.init("since", "1+2"), .init("a", "b c"), .init("flag", "")])
    #expect(request.host == "centre.local")
    #expect(request.fields.value(of: "x-a") == "b c")
    #expect(request.keepsAlive)
  }

  @Test(arguments: ["[::1]:80": "[::1]", "a": "a", "127.0.0.1:9": "127.0.0.1", "a:": "a"])
  func hostLosesItsPort(field: String, host: String) {
    let outcome = parse("GET / HTTP/1.1\r\nHost: \(field)\r\n\r\n")
    #expect(outcome.requests.first?.host == host)
  }

  @Test func limitsAreInclusive() {
    let line = "GET /" + String(repeating: "x", count: 4_096 - 14) + " HTTP/1.1"
    #expect(line.utf8.count == HTTPLimits.requestLineByteCount)
    #expect(parse(line + "\r\nHost: a\r\n\r\n").error == nil)
    let start = "GET / HTTP/1.1\r\nHost: a\r\nx: "
    let fill = String(repeating: "y", count: HTTPLimits.headByteCount - start.utf8.count - 4)
    #expect(parse(start + fill + "\r\n\r\n").requests.count == 1)
    #expect(parse(start + fill + "y\r\n\r\n").error?.reason == .headTooLong)
    let body = String(repeating: "z", count: 1_024)
    #expect(parse("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n\(body)").error == nil)
  }

  @Test func chunksJoinAndTrailersVanish() throws {
    let outcome = parse(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "5\r\nĐồ\r\n01\r\nx\r\n0\r\nHost: evil\r\n\r\nDELETE /a HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(outcome.requests.count == 2)
    let first = try #require(outcome.requests.first)
    #expect(first.body == Array("Đồx".utf8))
    #expect(first.host == "a")
    #expect(first.fields.count == 2)
  }

  @Test func clientsThatWaitForContinueAreToldOnce() throws {
    var parser = HTTPRequestParser()
    parser.received(
      Array("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n".utf8))
    let early = try parser.next()
    #expect(early == nil)
    let asked = [parser.takeContinue(), parser.takeContinue()]
    #expect(asked == [true, false])
    parser.received(Array("x".utf8))
    let request = try parser.next()
    #expect(request?.body == Array("x".utf8))
  }

  /// Law of the parser: the outcome is a function of the bytes, not of how they were cut.
  @Test func cutsDoNotMatter() {
    var random = SeededGenerator(seed: 1)
    let good = [
      "GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
      "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        + "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
      "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n"
        + "0\r\nt: u\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
    ]
    for text in good + refusals.map(\.text) {
      let bytes = Array(text.utf8)
      let whole = parse([bytes])
      #expect(parse(bytes.map { [$0] }) == whole)
      for _ in 0..<8 {
        #expect(parse(cut(bytes, using: &random)) == whole, "\(text.prefix(80))")
      }
    }
  }

  /// A trap would end the test process.
  @Test func mutatedAndRandomBytesNeverTrap() {
    var random = SeededGenerator(seed: 2)
    for refusal in refusals {
      var bytes = Array(refusal.text.utf8)
      for _ in 0..<40 {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
        _ = parse(cut(bytes, using: &random))
      }
    }
    for _ in 0..<500 {
      let count = Int.random(in: 0...200, using: &random)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(parse(cut(bytes, using: &random)) == parse([bytes]))
    }
  }

  @Test func targetsSurviveTheirText() throws {
    let target = HTTPTarget(
      segments: ["api", "văn bản", "a+b %41"], query: [.init("a&b", "=?/#"), .init("x", "+07:00")])
    #expect(try HTTPTarget(Array(target.text.utf8)[...]) == target)
    #expect(HTTPTarget(segments: []).text == "/")
  }
}

@Suite struct HTTPResponseTests {
  @Test func noValueCanSplitAResponse() {
    let response = HTTPResponse(
      .ok, fields: [HTTPField("x", "a\r\nset-cookie: b\u{0}uỷ")], body: Array("hi".utf8))
    let text = String(decoding: response.serialized(keepsAlive: false), as: UTF8.self)
    #expect(
      text == "HTTP/1.1 200 OK\r\nx: a??set-cookie: b?u???\r\ncontent-length: 2\r\n"
        + "connection: close\r\n\r\nhi")
  }

  @Test func theClientReadsWhatTheServerWrites() throws {
    let response = HTTPResponse(.notFound, contentType: "text/plain", body: Array("no".utf8))
    var parser = HTTPResponseParser(omitsBody: false, bodyLimit: 10)
    parser.received(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    for byte in response.serialized(keepsAlive: true) {
      let early = try parser.next()
      #expect(early == nil)
      parser.received([byte])
    }
    let last = try parser.next()
    let read = try #require(last)
    #expect(read.status == .notFound)
    #expect(read.body == response.body)
  }

  @Test(arguments: [
    "HTTP/1.1 20 OK\r\n": HTTPParseError.Reason.statusLineMalformed,
    "HTTP/1.1 2000 OK\r\n": .statusLineMalformed,
    "ICY 200 OK\r\n": .statusLineMalformed,
    "HTTP/1.1 200 OK\r\n\r\n": .lengthRequired,
    "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n": .bodyTooLong,
  ])
  func refusesAnswers(text: String, reason: HTTPParseError.Reason) {
    var parser = HTTPResponseParser(omitsBody: false, bodyLimit: 10)
    parser.received(Array(text.utf8))
    #expect(throws: HTTPParseError(reason)) { try parser.next() }
  }
}

private func cut(_ bytes: [UInt8], using random: inout SeededGenerator) -> [[UInt8]] {
  var pieces: [[UInt8]] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = Int.random(in: 1...max(1, min(rest.count, 40)), using: &random)
    pieces.append(Array(rest.prefix(count)))
    rest = rest.dropFirst(count)
  }
  return pieces
}
