/// A client's side of one request and its answer, as bytes out and bytes in: for who waits on one
/// connection (``HTTPClient``), and for who drives many from one thread.
package struct HTTPExchange: Hashable, Sendable {
  /// To be sent first.
  package let requestBytes: [UInt8]
  private var parser: HTTPResponseParser

  /// - Parameter responseLimit: greatest body of the answer, in bytes.
  package init(
    _ method: HTTPMethod, _ target: HTTPTarget, fields: [HTTPField] = [], body: [UInt8] = [],
    responseLimit: Int = HTTPLimits.bodyByteCount
  ) {
    requestBytes = Self.serialized(method, target, fields, body)
    parser = HTTPResponseParser(omitsBody: method == .head, bodyLimit: responseLimit)
  }

  /// Takes what has come.
  /// - Returns: the answer once it is complete.
  /// - Throws: when it is none of ours, more than one answer included.
  package mutating func received(_ bytes: [UInt8]) throws(HTTPParseError) -> HTTPResponse? {
    parser.received(bytes)
    guard let response = try parser.next() else { return nil }
    if parser.unreadByteCount > 0 { throw HTTPParseError(.statusLineMalformed) }
    return response
  }

  private static func serialized(
    _ method: HTTPMethod, _ target: HTTPTarget, _ fields: [HTTPField], _ body: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count + 256)
    bytes.append(contentsOf: "\(method.rawValue) \(target.text) HTTP/1.1\r\n".utf8)
    bytes.append(contentsOf: "host: localhost\r\n".utf8)
    for field in fields { field.append(to: &bytes) }
    if method.needsBody || !body.isEmpty {
      bytes.append(contentsOf: "content-length: \(body.count)\r\n".utf8)
    }
    bytes.append(contentsOf: "\r\n".utf8)
    bytes.append(contentsOf: body)
    return bytes
  }
}
