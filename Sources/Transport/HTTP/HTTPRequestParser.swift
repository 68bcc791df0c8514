/// Turns received bytes into requests: a strict subset of HTTP/1.1, without sockets or time.
///
/// `received(_:)` adds bytes, `next()` takes out a request once it is complete. After an error the
/// parser repeats it for ever, as the connection is of no more use.
package struct HTTPRequestParser: Hashable, Sendable {
  private enum State: Hashable {
    case requestLine  // -> fields
    case fields(HTTPMethod, HTTPTarget)  // -> body
    case body(HTTPRequestHead, HTTPBodyReader)  // -> requestLine of the next request
    case failed(HTTPParseError)
  }

  private var state: State = .requestLine
  private var reader = HTTPLineReader()
  /// Of the head that is being read.
  private var fields: [HTTPField] = []
  private var headByteCount = 0
  private var owesContinue = false
  private let bodyLimit: Int

  /// - Parameter bodyLimit: greatest body of a request, in bytes; a longer one is a 413.
  package init(bodyLimit: Int = HTTPLimits.bodyByteCount) {
    precondition(bodyLimit >= 0, "body limit \(bodyLimit)")
    self.bodyLimit = bodyLimit
  }

  /// Adds bytes in the order of arrival. The caller bounds what it adds before it asks ``next()``.
  package mutating func received(_ bytes: some Collection<UInt8>) { reader.append(bytes) }

  /// Number of bytes received and not looked at; those of a next request that came too early.
  package var unreadByteCount: Int { reader.count }

  /// Whether a request has begun and is not complete.
  package var isWithinRequest: Bool {
    switch state {
    case .requestLine: reader.count > 0
    case .fields, .body: true
    case .failed: false
    }
  }

  /// Whether the head is complete and the body is not.
  package var isWithinBody: Bool {
    if case .body = state { true } else { false }
  }

  /// True once for each request whose client waits for `100 Continue` before it sends the body.
  package mutating func takeContinue() -> Bool {
    defer { owesContinue = false }
    return owesContinue && isWithinBody
  }

  /// The next complete request, or nil when bytes are missing.
  package mutating func next() throws(HTTPParseError) -> HTTPRequest? {
    do throws(HTTPParseError) {
      while true {
        switch state {
        case .requestLine:
          guard
            let line = try reader.nextLine(
              limit: HTTPLimits.requestLineByteCount, tooLong: .requestLineTooLong)
          else { return nil }
          headByteCount = line.count + 2
          let (method, target) = try HTTPRequestHead.parse(line: line)
          fields = []
          state = .fields(method, target)
        case .fields(let method, let target):
          guard try readField(method, target) else { return nil }
        case .body(let head, var body):
          // Leaves the state first, so that the body grows in place.
          state = .requestLine
          guard try body.read(from: &reader) else {
            state = .body(head, body)
            return nil
          }
          return HTTPRequest(
            method: head.method, target: head.target, fields: head.fields, host: head.host,
            body: body.body)
        case .failed(let error): throw error
        }
      }
    } catch {
      state = .failed(error)
      throw error
    }
  }

  /// - Returns: false when the line is not complete.
  private mutating func readField(
    _ method: HTTPMethod, _ target: HTTPTarget
  ) throws(HTTPParseError) -> Bool {
    let room = HTTPLimits.headByteCount - headByteCount
    guard let line = try reader.nextLine(limit: max(room - 2, 0), tooLong: .headTooLong) else {
      return false
    }
    headByteCount += line.count + 2
    guard headByteCount <= HTTPLimits.headByteCount else { throw HTTPParseError(.headTooLong) }
    guard line.isEmpty else {
      guard fields.count < HTTPLimits.fieldCount else { throw HTTPParseError(.tooManyFields) }
      fields.append(try HTTPField(line: line))
      return true
    }
    let head = try HTTPRequestHead(
      method: method, target: target, fields: fields, bodyLimit: bodyLimit)
    owesContinue = fields.value(of: "expect")?.lowercased() == "100-continue"
    fields = []
    state = .body(head, try HTTPBodyReader(head.framing, limit: bodyLimit))
    return true
  }
}
