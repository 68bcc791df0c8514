@testable import Transport

extension FuzzTarget {
  /// What an application or a browser sends to the admin API.
  static let httpRequest = FuzzTarget(
    name: "http-request", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 64 << 10, factor: 256),
    seeds: { try SeedFiles.corpus("http-request") },
    makeCheck: { { input in try HTTPRequestChecks.check(input) } })

  /// What a daemon answers to the command line.
  static let httpResponse = FuzzTarget(
    name: "http-response", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 64 << 10, factor: 256),
    seeds: { try SeedFiles.corpus("http-response") },
    makeCheck: { { input in try HTTPResponseChecks.check(input) } })
}

enum HTTPRequestChecks {
  private static let bodyLimit = 2_048

  private struct Outcome: Equatable {
    var requests: [HTTPRequest] = []
    var error: HTTPParseError?
    var unreadByteCount = 0

    init(_ pieces: [[UInt8]], bodyLimit: Int) {
      var parser = HTTPRequestParser(bodyLimit: bodyLimit)
      do throws(HTTPParseError) {
        for piece in pieces {
          parser.received(piece)
          while let request = try parser.next() { requests.append(request) }
          _ = parser.takeContinue()
        }
        unreadByteCount = parser.unreadByteCount
      } catch {
        self.error = error
        repeatsError = throwsError { () throws(HTTPParseError) in
          parser.received(Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8))
          _ = try parser.next()
        }
      }
    }

    var repeatsError = true
  }

  static func check(_ input: [UInt8]) throws {
    var chance = InputChance(input)
    let whole = Outcome([input], bodyLimit: bodyLimit)
    try require(whole.repeatsError, "the parser goes on after \(whole.error.debugDescription)")
    try require(
      Outcome(chance.pieces(of: input), bodyLimit: bodyLimit) == whole,
      "the pieces in which bytes come change the requests")
    let start = Outcome([Array(input.prefix(chance.below(input.count + 1)))], bodyLimit: bodyLimit)
    try require(whole.requests.starts(with: start.requests), "more bytes change an earlier request")
    try require(
      start.error == nil || start.error == whole.error, "more bytes change an earlier error")
    for request in whole.requests { try checkRequest(request) }
  }

  /// A request written out again is the same request.
  private static func checkRequest(_ request: HTTPRequest) throws {
    try require(request.body.count <= bodyLimit, "a body of \(request.body.count) bytes")
    try require(
      request.target.segments.allSatisfy { !["", ".", ".."].contains($0) && !$0.contains("/") },
      "segments \(request.target.segments)")
    let line = "\(request.method.rawValue) \(request.target.text) HTTP/1.1"
    var bytes = Array("\(line)\r\n".utf8)
    let framing: Set<String> = ["content-length", "transfer-encoding"]
    let kept = request.fields.filter { !framing.contains($0.name) }
    for field in kept { field.append(to: &bytes) }
    if request.method.needsBody || !request.body.isEmpty {
      HTTPField("content-length", "\(request.body.count)").append(to: &bytes)
    }
    bytes += Array("\r\n".utf8)
    // Escapes and added white space may carry it beyond the bounds of a head.
    guard line.utf8.count <= HTTPLimits.requestLineByteCount,
      bytes.count <= HTTPLimits.headByteCount
    else { return }
    let again = Outcome([bytes + request.body], bodyLimit: bodyLimit)
    try require(again.error == nil, "\(again.error.debugDescription) when written again")
    guard let other = again.requests.first, again.requests.count == 1 else {
      throw BrokenProperty(description: "\(again.requests.count) requests when written again")
    }
    try require(
      other.method == request.method && other.target == request.target
        && other.host == request.host && other.body == request.body
        && other.fields.filter { !framing.contains($0.name) } == kept,
      "another request when written again")
  }
}

enum HTTPResponseChecks {
  private static let bodyLimit = 2_048

  private struct Outcome: Equatable {
    var response: HTTPResponse?
    var error: HTTPParseError?

    init(_ pieces: [[UInt8]], omitsBody: Bool) {
      var parser = HTTPResponseParser(omitsBody: omitsBody, bodyLimit: bodyLimit)
      do throws(HTTPParseError) {
        for piece in pieces where response == nil {
          parser.received(piece)
          response = try parser.next()
        }
      } catch { self.error = error }
    }
  }

  static func check(_ input: [UInt8]) throws {
    var chance = InputChance(input)
    let omitsBody = chance.below(4) == 0
    let whole = Outcome([input], omitsBody: omitsBody)
    try require(
      Outcome(chance.pieces(of: input), omitsBody: omitsBody) == whole,
      "the pieces in which bytes come change the answer")
    guard let response = whole.response else { return }
    try require(response.body.count <= bodyLimit, "a body of \(response.body.count) bytes")
    try require((200...999).contains(response.status.code), "status \(response.status.code)")
    var plain = response
    plain.fields.removeAll { ["content-length", "transfer-encoding"].contains($0.name) }
    let bytes = plain.serialized(keepsAlive: true)
    guard bytes.count - plain.body.count <= HTTPLimits.headByteCount,
      plain.fields.count < HTTPLimits.fieldCount
    else { return }
    var again = Outcome([bytes], omitsBody: false).response
    again?.fields.removeAll { $0.name == "content-length" }
    try require(again == plain, "another answer when written again")
  }
}
