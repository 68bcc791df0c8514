/// The methods our API knows.
package enum HTTPMethod: String, Hashable, Sendable, CaseIterable {
  case get = "GET"
  case head = "HEAD"
  case post = "POST"
  case put = "PUT"
  case delete = "DELETE"

  /// Whether a body is part of the request's meaning, so that its length must be told.
  var needsBody: Bool { self == .post || self == .put }
  var allowsBody: Bool { self != .get && self != .head }
  /// Whether sending it twice does what sending it once does.
  var isIdempotent: Bool { self != .post }
}

/// One complete, well-formed request.
package struct HTTPRequest: Hashable, Sendable {
  package let method: HTTPMethod
  package let target: HTTPTarget
  /// In the order received; trailers are not among them.
  package let fields: [HTTPField]
  /// The `Host` field in lower case, without the port.
  package let host: String
  package internal(set) var body: [UInt8]

  /// Whether the client lets the connection live on.
  var keepsAlive: Bool { !fields.hasOption("close", in: "connection") }
}

/// How the length of a body is told.
enum HTTPFraming: Hashable, Sendable {
  case none
  case length(Int)
  case chunked

  /// Reads the two fields that speak of it. Whatever two parsers could understand differently is
  /// an error: that difference is what request smuggling lives on.
  init(_ fields: [HTTPField]) throws(HTTPParseError) {
    let length = try fields.onlyValue(of: "content-length", elseThrow: .lengthRepeated)
    let coding = try fields.onlyValue(of: "transfer-encoding", elseThrow: .codingRepeated)
    switch (length, coding) {
    case (nil, nil): self = .none
    case (.some, .some): throw HTTPParseError(.lengthAndCoding)
    case (nil, let coding?):
      guard coding.lowercased() == "chunked" else { throw HTTPParseError(.codingNotSupported) }
      self = .chunked
    case (let digits?, nil):
      guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit) else {
        throw HTTPParseError(.lengthMalformed)
      }
      // All digits, so nil means greater than any limit.
      self = .length(Int(digits) ?? .max)
    }
  }
}

/// The head of a request: its line and fields, judged.
struct HTTPRequestHead: Hashable, Sendable {
  let method: HTTPMethod
  let target: HTTPTarget
  let fields: [HTTPField]
  let host: String
  let framing: HTTPFraming

  /// The request line, without its line end: three parts with one space between.
  static func parse(
    line: ArraySlice<UInt8>
  ) throws(HTTPParseError) -> (method: HTTPMethod, target: HTTPTarget) {
    guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20),
      first < last, !line[(first + 1)..<last].contains(0x20)
    else { throw HTTPParseError(.requestLineMalformed) }
    let name = line[..<first]
    guard !name.isEmpty, name.allSatisfy(\.isTokenByte) else {
      throw HTTPParseError(.methodMalformed)
    }
    try checkVersion(line[(last + 1)...])
    guard let method = HTTPMethod(rawValue: String(decoding: name, as: UTF8.self)) else {
      throw HTTPParseError(.methodUnknown)
    }
    return (method, try HTTPTarget(line[(first + 1)..<last]))
  }

  init(
    method: HTTPMethod, target: HTTPTarget, fields: [HTTPField], bodyLimit: Int
  ) throws(HTTPParseError) {
    guard let host = try fields.onlyValue(of: "host", elseThrow: .hostRepeated) else {
      throw HTTPParseError(.hostMissing)
    }
    self.host = try Self.hostWithoutPort(host)
    let framing = try HTTPFraming(fields)
    switch framing {
    case .none:
      if method.needsBody { throw HTTPParseError(.lengthRequired) }
    case .length(let count):
      if count > 0, !method.allowsBody { throw HTTPParseError(.bodyNotAllowed) }
      if count > bodyLimit { throw HTTPParseError(.bodyTooLong) }
    case .chunked:
      if !method.allowsBody { throw HTTPParseError(.bodyNotAllowed) }
    }
    self.method = method
    self.target = target
    self.fields = fields
    self.framing = framing
  }

  private static func checkVersion(_ text: ArraySlice<UInt8>) throws(HTTPParseError) {
    if text.elementsEqual("HTTP/1.1".utf8) { return }
    let digits = text.dropFirst(5)
    guard text.starts(with: "HTTP/".utf8), digits.count == 3,
      let major = digits.first, major.isDigit, digits.dropFirst().first == UInt8(ascii: "."),
      let minor = digits.last, minor.isDigit
    else { throw HTTPParseError(.versionMalformed) }
    throw HTTPParseError(.versionNotSupported)
  }

  private static func hostWithoutPort(_ text: String) throws(HTTPParseError) -> String {
    let bytes = Array(text.utf8)
    var host = bytes[...]
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else {
        throw HTTPParseError(.hostMalformed)
      }
      host = bytes[...end]
      let inner = host.dropFirst().dropLast()
      guard !inner.isEmpty,
        inner.allSatisfy({ $0.hexadecimalValue != nil || ":.".utf8.contains($0) })
      else { throw HTTPParseError(.hostMalformed) }
    } else {
      host = bytes.prefix { $0 != UInt8(ascii: ":") }
      guard !host.isEmpty, host.allSatisfy({ $0.isTokenByte }) else {
        throw HTTPParseError(.hostMalformed)
      }
    }
    let port = bytes[host.endIndex...]
    guard port.isEmpty || port.first == UInt8(ascii: ":"), port.count <= 6,
      port.dropFirst().allSatisfy(\.isDigit)
    else { throw HTTPParseError(.hostMalformed) }
    return host.lowercasedText
  }
}
