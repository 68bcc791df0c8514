/// Why a message is refused: for a request, the status of the answer; always a token for metrics
/// and the log. The connection closes after it, as nobody knows where the next message begins.
package struct HTTPParseError: Error, Hashable, Sendable {
  package let status: HTTPStatus
  package let reason: Reason

  /// The rule that was broken.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    case requestLineTooLong, requestLineMalformed, methodMalformed, methodUnknown
    case versionMalformed, versionNotSupported
    case targetMalformed, targetNotAPath, targetEscapeMalformed, targetNotUTF8
    case targetForbiddenByte, targetEmptySegment, targetDotSegment, targetTooManyItems
    case bareCarriageReturn, bareLineFeed
    case headTooLong, tooManyFields, fieldNameMalformed, fieldValueMalformed, foldedField
    case hostMissing, hostRepeated, hostMalformed
    case lengthMalformed, lengthRepeated, lengthAndCoding, lengthRequired
    case codingRepeated, codingNotSupported
    case bodyTooLong, bodyNotAllowed
    case statusLineMalformed
    case chunkSizeMalformed, chunkNotTerminated, trailerMalformed, trailersTooLong
  }

  init(_ reason: Reason) {
    self.reason = reason
    switch reason {
    case .requestLineTooLong: status = .uriTooLong
    case .headTooLong, .tooManyFields: status = .fieldsTooLarge
    case .methodUnknown, .codingNotSupported: status = .notImplemented
    case .versionNotSupported: status = .versionNotSupported
    case .lengthRequired: status = .lengthRequired
    case .bodyTooLong: status = .contentTooLarge
    case .requestLineMalformed, .methodMalformed, .versionMalformed, .targetMalformed,
      .targetNotAPath, .targetEscapeMalformed, .targetNotUTF8, .targetForbiddenByte,
      .targetEmptySegment, .targetDotSegment, .targetTooManyItems, .bareCarriageReturn,
      .bareLineFeed, .fieldNameMalformed, .fieldValueMalformed, .foldedField, .hostMissing,
      .hostRepeated, .hostMalformed, .lengthMalformed, .lengthRepeated, .lengthAndCoding,
      .codingRepeated, .bodyNotAllowed, .chunkSizeMalformed, .chunkNotTerminated,
      .statusLineMalformed, .trailerMalformed, .trailersTooLong:
      status = .badRequest
    }
  }
}

/// A status code with its standard phrase.
package struct HTTPStatus: Hashable, Sendable {
  package let code: Int

  /// - Precondition: three digits.
  package init(_ code: Int) {
    precondition((100...999).contains(code), "status \(code)")
    self.code = code
  }

  package static let ok = HTTPStatus(200)
  package static let badRequest = HTTPStatus(400)
  package static let notFound = HTTPStatus(404)
  package static let requestTimeout = HTTPStatus(408)
  package static let lengthRequired = HTTPStatus(411)
  package static let contentTooLarge = HTTPStatus(413)
  package static let uriTooLong = HTTPStatus(414)
  package static let misdirected = HTTPStatus(421)
  package static let fieldsTooLarge = HTTPStatus(431)
  package static let notImplemented = HTTPStatus(501)
  package static let versionNotSupported = HTTPStatus(505)

  /// For people who look at the wire; programs read the code.
  var phrase: String {
    switch code {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    case 507: "Insufficient Storage"
    default: "Status"
    }
  }
}
