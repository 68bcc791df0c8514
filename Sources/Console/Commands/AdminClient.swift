package import Operations
package import Replication
package import Transport

/// The admin API of the daemon, as commands call it: one keep-alive connection, errors as what an
/// operator reads. Confined to one thread.
package final class AdminClient {
  private let http: HTTPClient
  private let socket: String
  private let language: Language

  /// - Parameter timeout: of each answer; must exceed what the request asks the daemon to wait.
  package init(socket: String, language: Language, timeout: Duration) {
    self.socket = socket
    self.language = language
    http = HTTPClient(unixPath: socket, timeout: timeout)
  }

  /// Sends a request and takes whatever answer comes. All our requests may be repeated, for they
  /// carry their own identity: one whose answer was lost is sent once more.
  package func send(
    _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.QueryItem] = [], body: [UInt8] = [],
    contentType: String = "application/json"
  ) throws(CommandFailure) -> HTTPResponse {
    let target = HTTPTarget(segments: ["api", "v1"] + path, query: query)
    var fields = [HTTPField("accept-language", language.rawValue)]
    if !body.isEmpty { fields.append(HTTPField("content-type", contentType)) }
    do throws(HTTPClientError) {
      do throws(HTTPClientError) {
        return try http.send(method, target, fields: fields, body: body)
      } catch .lost {
        return try http.send(method, target, fields: fields, body: body)
      }
    } catch {
      throw failure(error)
    }
  }

  /// As ``send(_:_:query:body:)``, taking only success.
  package func call(
    _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.QueryItem] = [], body: [UInt8] = []
  ) throws(CommandFailure) -> [UInt8] {
    let response = try send(method, path, query: query, body: body)
    guard response.status.code == 200 else { throw Problem(response).failure }
    return response.body
  }

  /// An answer read as an object. Pages are asked for small enough to be read.
  package func object(
    _ path: [String], query: [HTTPTarget.QueryItem] = []
  ) throws(CommandFailure) -> JSONObject {
    let body = try call(.get, path, query: query)
    guard let object = (try? JSONValue.parse(body))?.object else {
      throw failure(.malformed(.statusLineMalformed))
    }
    return object
  }

  private func failure(_ error: HTTPClientError) -> CommandFailure {
    let hint = LocalText(vi: error.hint, en: error.hint)
    let name = visibleText(socket)
    switch error {
    case .notReachable(.denied(_)):
      return CommandFailure(
        .notAllowed,
        LocalText(vi: "không được mở \(name)", en: "may not open \(name)"),
        hint: LocalText(
          vi: "Chạy bằng người dùng của dongbod hoặc nhóm trong WriteGroup=, ReadGroup=.",
          en: "Run as dongbod's user, or in the group of WriteGroup= or ReadGroup=."))
    case .notReachable:
      return CommandFailure(
        .notReachable,
        LocalText(
          vi: "không gặp được dongbod tại \(name)", en: "dongbod is not reachable at \(name)"),
        hint: LocalText(
          vi: "systemctl status dongbod; hoặc chỉ đúng tệp bằng --config",
          en: "systemctl status dongbod; or name the right file with --config"))
    case .timedOut, .lost:
      return CommandFailure(
        .tryAgain,
        LocalText(
          vi: "dongbod tại \(name) không trả lời", en: "dongbod at \(name) did not answer"),
        hint: hint)
    case .malformed:
      return CommandFailure(
        .notReachable,
        LocalText(
          vi: "câu trả lời tại \(name) không phải của dongbod",
          en: "what answers at \(name) is not dongbod"), hint: hint)
    }
  }
}
