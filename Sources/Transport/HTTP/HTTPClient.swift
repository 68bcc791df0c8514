internal import Glibc

/// Why a client got no answer.
package enum HTTPClientError: Error, Hashable, Sendable {
  /// Nobody listens at the socket, or we may not open it.
  case notReachable(TransportError)
  case timedOut
  /// The connection ended before the answer was complete. Whether the request took effect is not
  /// known, except that requests carry their own identity and may be sent again.
  case lost
  /// What came is no answer of ours.
  case malformed(HTTPParseError.Reason)

  /// One sentence an operator can act on.
  package var hint: String {
    switch self {
    case .notReachable(let error): error.hint
    case .timedOut: "The daemon is busy or stuck: look at its log, or allow more time."
    case .lost: "The daemon may have restarted: look at its log, then send again."
    case .malformed: "Something other than dongbod answers there: check the socket path."
    }
  }
}

/// A blocking client of the admin socket, for the command line. One connection serves many
/// requests, one after the other. Confined to the thread that uses it.
package final class HTTPClient {
  private let path: String
  private let timeout: Duration
  private let responseLimit: Int
  private var connection: FileDescriptor?

  private static let readByteLimit = 64 * 1024

  /// Connects with the first request.
  /// - Parameters:
  ///   - timeout: for each wait on the socket; must exceed the longest poll asked for.
  ///   - responseLimit: greatest body of an answer, in bytes.
  package init(
    unixPath path: String, timeout: Duration = .seconds(30),
    responseLimit: Int = 64 * 1024 * 1024
  ) {
    self.path = path
    self.timeout = timeout
    self.responseLimit = responseLimit
  }

  /// Sends one request and waits for its answer, whatever its status. A connection that the daemon
  /// closed while it was idle is replaced, and a request that may be repeated is sent once more.
  package func send(
    _ method: HTTPMethod, _ target: HTTPTarget, fields: [HTTPField] = [], body: [UInt8] = []
  ) throws(HTTPClientError) -> HTTPResponse {
    let exchange = HTTPExchange(
      method, target, fields: fields, body: body, responseLimit: responseLimit)
    let isReused = connection != nil
    do throws(HTTPClientError) {
      return try perform(exchange)
    } catch .lost where isReused && method.isIdempotent {
      return try perform(exchange)
    }
  }

  /// On every error the connection is given up.
  private func perform(_ exchange: HTTPExchange) throws(HTTPClientError) -> HTTPResponse {
    do throws(HTTPClientError) {
      if connection == nil { connection = try connect() }
      guard let number = connection?.number else { throw .lost }
      try write(exchange.requestBytes, to: number)
      let response = try readResponse(from: number, to: exchange)
      if response.fields.hasOption("close", in: "connection") { connection = nil }
      return response
    } catch {
      connection = nil
      throw error
    }
  }

  private func connect() throws(HTTPClientError) -> FileDescriptor {
    do throws(TransportError) {
      return try Socket.connectBlocking(to: .unix(path: path), timeout: timeout)
    } catch {
      throw .notReachable(error)
    }
  }

  private func write(_ bytes: [UInt8], to number: CInt) throws(HTTPClientError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch try io({ () throws(TransportError) in try Socket.write(rest, to: number) }) {
      case .bytes(let count): rest.removeFirst(count)
      case .wouldBlock: throw .timedOut
      // The daemon may have refused the request and said why before it closed.
      case .closed: return
      }
    }
  }

  private func readResponse(
    from number: CInt, to exchange: HTTPExchange
  ) throws(HTTPClientError) -> HTTPResponse {
    var exchange = exchange
    while true {
      // A thread that sleeps in `recv` is woken when the other end has read its request, too, and
      // wakes in vain; one that sleeps in `poll` is not.
      guard Socket.isReadable(number, within: timeout) else { throw .timedOut }
      var bytes: [UInt8] = []
      let result = try io { () throws(TransportError) in
        try Socket.read(from: number, appendingTo: &bytes, limit: Self.readByteLimit)
      }
      switch result {
      case .bytes: break
      case .wouldBlock: throw .timedOut
      case .closed: throw .lost
      }
      do throws(HTTPParseError) {
        if let response = try exchange.received(bytes) { return response }
      } catch {
        throw .malformed(error.reason)
      }
    }
  }

  private func io(
    _ call: () throws(TransportError) -> IOResult
  ) throws(HTTPClientError) -> IOResult {
    do throws(TransportError) {
      return try call()
    } catch {
      throw .lost
    }
  }
}
