/// Turns received bytes into one answer; the client's mirror of ``HTTPRequestParser``.
struct HTTPResponseParser: Hashable, Sendable {
  private enum State: Hashable {
    case statusLine  // -> fields
    case fields(HTTPStatus, [HTTPField])  // -> statusLine after 1xx, body
    case body(HTTPStatus, [HTTPField], HTTPBodyReader)
  }

  private var state: State = .statusLine
  private var reader = HTTPLineReader()
  private var headByteCount = 0
  private let omitsBody: Bool
  private let bodyLimit: Int

  /// - Parameter omitsBody: the answer is one to HEAD.
  init(omitsBody: Bool, bodyLimit: Int) {
    self.omitsBody = omitsBody
    self.bodyLimit = bodyLimit
  }

  mutating func received(_ bytes: [UInt8]) { reader.append(bytes) }

  /// Bytes beyond the answer: nobody asked for them.
  var unreadByteCount: Int { reader.count }

  /// The complete answer, or nil when bytes are missing.
  mutating func next() throws(HTTPParseError) -> HTTPResponse? {
    while true {
      switch state {
      case .statusLine:
        guard
          let line = try reader.nextLine(
            limit: HTTPLimits.requestLineByteCount, tooLong: .requestLineTooLong)
        else { return nil }
        headByteCount += line.count + 2
        state = .fields(try Self.status(line), [])
      case .fields(let status, let fields):
        guard
          let line = try reader.nextLine(
            limit: max(HTTPLimits.headByteCount - headByteCount - 2, 0), tooLong: .headTooLong)
        else { return nil }
        headByteCount += line.count + 2
        if !line.isEmpty {
          guard fields.count < HTTPLimits.fieldCount else { throw HTTPParseError(.tooManyFields) }
          state = .fields(status, fields + [try HTTPField(line: line)])
        } else if status.code < 200 {
          state = .statusLine
        } else {
          state = .body(status, fields, try bodyReader(status, fields))
        }
      case .body(let status, let fields, var body):
        state = .statusLine
        guard try body.read(from: &reader) else {
          state = .body(status, fields, body)
          return nil
        }
        return HTTPResponse(status, fields: fields, body: body.body)
      }
    }
  }

  private func bodyReader(
    _ status: HTTPStatus, _ fields: [HTTPField]
  ) throws(HTTPParseError) -> HTTPBodyReader {
    let framing = try HTTPFraming(fields)
    guard status.allowsBody, !omitsBody else { return try HTTPBodyReader(.none, limit: 0) }
    // A body that ends with the connection cannot be told from one that was cut off.
    guard framing != .none else { throw HTTPParseError(.lengthRequired) }
    return try HTTPBodyReader(framing, limit: bodyLimit)
  }

  private static func status(_ line: ArraySlice<UInt8>) throws(HTTPParseError) -> HTTPStatus {
    let rest = line.dropFirst(9)
    let digits = rest.prefix(3)
    guard line.starts(with: "HTTP/1.1 ".utf8), digits.count == 3, digits.allSatisfy(\.isDigit),
      rest.count == 3 || rest.dropFirst(3).first == 0x20,
      let code = Int(String(decoding: digits, as: UTF8.self)), code >= 100
    else { throw HTTPParseError(.statusLineMalformed) }
    return HTTPStatus(code)
  }
}
