/// One answer: what the server sends and what the client gets.
package struct HTTPResponse: Hashable, Sendable {
  package var status: HTTPStatus
  /// Without Content-Length and Connection, which the server adds.
  package var fields: [HTTPField]
  package var body: [UInt8]

  /// An answer without a media type: usually one without a body.
  package init(_ status: HTTPStatus, fields: [HTTPField] = [], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// An answer with a body of the given media type.
  package init(
    _ status: HTTPStatus, contentType: String, fields: [HTTPField] = [], body: [UInt8]
  ) {
    self.init(status, fields: [HTTPField(contentType: contentType)] + fields, body: body)
  }

  /// The bytes on the wire.
  /// - Parameter omitsBody: for HEAD; the length is told all the same.
  package func serialized(keepsAlive: Bool, omitsBody: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count + 256)
    bytes.append(contentsOf: "HTTP/1.1 ".utf8)
    bytes.append(contentsOf: String(status.code).utf8)
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: status.phrase.utf8)
    bytes.append(contentsOf: "\r\n".utf8)
    for field in fields { field.append(to: &bytes) }
    if status.allowsBody {
      bytes.append(contentsOf: "content-length: ".utf8)
      bytes.append(contentsOf: String(body.count).utf8)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    if !keepsAlive { bytes.append(contentsOf: "connection: close\r\n".utf8) }
    bytes.append(contentsOf: "\r\n".utf8)
    if status.allowsBody, !omitsBody { bytes.append(contentsOf: body) }
    return bytes
  }

  /// The answer to a request that could not be parsed.
  init(refusing error: HTTPParseError) {
    self.init(
      error.status, contentType: "application/problem+json",
      body: Array(#"{"status":\#(error.status.code),"title":"\#(error.reason.rawValue)"}"#.utf8))
  }
}

extension HTTPStatus {
  /// Whether an answer of this status has a body and a length at all.
  var allowsBody: Bool { code >= 200 && code != 204 && code != 304 }
}
