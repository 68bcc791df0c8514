import Replication
import Testing
import Transport

/// An answer of the admin API.
struct Answer {
  let status: Int
  let json: JSONObject

  func text(_ key: Text) -> String? { json[key]?.text?.string }
  func integer(_ key: Text) -> Int64? { json[key]?.integer }
  func object(_ key: Text) -> JSONObject? { json[key]?.object }
  func objects(_ key: Text) -> [JSONObject] { (json[key]?.array ?? []).compactMap(\.object) }
  /// The stable token of a refusal.
  var code: String? { text("code") }
}

extension JSONObject {
  func text(_ key: Text) -> String? { self[key]?.text?.string }
}

/// The admin API of one site, as an application calls it. One thread's at a time.
final class SiteAPI {
  private let client: HTTPClient

  init(socket: String) { client = HTTPClient(unixPath: socket, timeout: .seconds(60)) }

  /// - Parameter query: names and values by turns.
  func get(_ path: String, _ query: String...) throws -> Answer {
    try send(.get, path, query)
  }

  func post(_ path: String, _ body: JSONObject, _ query: String...) throws -> Answer {
    try send(.post, path, query, JSONValue.object(body).canonicalBytes)
  }

  func post(_ path: String, bytes: [UInt8], _ query: String...) throws -> Answer {
    try send(.post, path, query, bytes)
  }

  /// Any answer as it comes, for bodies that are no JSON.
  func bytes(_ path: String, _ query: String...) throws -> [UInt8] {
    try response(.get, path, query).body
  }

  /// Puts a record and expects OK.
  @discardableResult func put(
    _ kind: String, _ body: JSONObject, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Answer {
    let answer = try post("records/\(kind)", body)
    try #require(answer.status == 200, "\(answer)", sourceLocation: sourceLocation)
    return answer
  }

  /// nil while the site does not answer.
  func digest(with peer: String) -> String? {
    let answer = try? get("digest", "peer", peer)
    return answer?.status == 200 ? answer?.text("total") : nil
  }

  /// The peer's row of the status screen, as JSON.
  func peer(_ site: String) throws -> JSONObject? {
    try get("status", "format", "json").objects("peers").first { $0.text("site") == site }
  }

  private func send(
    _ method: HTTPMethod, _ path: String, _ query: [String], _ body: [UInt8] = []
  ) throws -> Answer {
    let response = try response(method, path, query, body)
    let json = try? JSONValue.parse(response.body)
    return Answer(status: response.status.code, json: json?.object ?? JSONObject())
  }

  private func response(
    _ method: HTTPMethod, _ path: String, _ query: [String], _ body: [UInt8] = []
  ) throws -> HTTPResponse {
    let items = stride(from: 0, to: query.count, by: 2).map {
      HTTPTarget.QueryItem(query[$0], query[$0 + 1])
    }
    let segments = ["api", "v1"] + path.split(separator: "/").map(String.init)
    return try client.send(method, HTTPTarget(segments: segments, query: items), body: body)
  }
}
