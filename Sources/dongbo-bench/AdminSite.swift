import Replication
import Transport

/// One daemon's admin API on one connection. Confined to one thread.
final class AdminSite {
  private let http: HTTPClient

  init(socket: String) { http = HTTPClient(unixPath: socket) }

  /// Whether a record is here: committed, therefore durable.
  func has(_ record: RecordKey) throws(BenchFailure) -> Bool {
    let path = ["records", record.kind.description, record.id.description]
    let response = try send(.get, path)
    switch response.status.code {
    case 200: return true
    case 404: return false
    default: throw Self.unexpected(response, path)
    }
  }

  /// Writes one change; everything but "applied" fails the run.
  func write(_ change: WorkloadChange) throws(BenchFailure) {
    try Self.check(try send(.post, Self.path(of: change), body: change.json), to: change)
  }

  /// The same write, for who waits for many answers at once.
  static func exchange(for change: WorkloadChange) -> HTTPExchange {
    HTTPExchange(
      .post, target(path(of: change)), fields: [contentType("application/json")],
      body: change.json)
  }

  /// - Throws: unless the change was applied.
  static func check(
    _ response: HTTPResponse, to change: WorkloadChange
  ) throws(BenchFailure) {
    guard response.status.code == 200, object(response)?["state"] == .text("applied") else {
      throw unexpected(response, path(of: change))
    }
  }

  static func path(of change: WorkloadChange) -> [String] {
    let records = ["records", change.record.kind.description]
    let id = change.record.id.description
    return switch change.operation {
    case .put: records
    case .append: records + [id, "events"]
    case .annotate: records + [id, "annotations"]
    case .withdraw: records + [id, "withdrawal"]
    case .genesis, .offer, .accept, .unknown:
      preconditionFailure("no application writes \(change.operation)")
    }
  }

  /// The number of the registry in force; 0 while none has come or the daemon is not up.
  func registryRevision() -> Int64 {
    guard let response = try? send(.get, ["registry"]), response.status.code == 200 else {
      return 0
    }
    return Self.object(response)?["revision"]?.integer ?? 0
  }

  /// Entries that `peer` has not acknowledged; nil while there is no session with it.
  func lag(to peer: SiteID) -> Int64? { status().flatMap { Self.lag(to: peer, in: $0) } }

  /// Peers in a session that have acknowledged everything there is for them.
  func caughtUpPeerCount() -> Int {
    guard let status = status() else { return 0 }
    let names = (status["peers"]?.array ?? []).compactMap { $0.object?["site"]?.text?.string }
    return names.compactMap { SiteID($0) }.filter { Self.lag(to: $0, in: status) == 0 }.count
  }

  /// nil while the daemon is not up.
  private func status() -> JSONObject? {
    guard
      let response = try? send(
        .get, ["status"], query: [HTTPTarget.QueryItem("format", "json")]),
      response.status.code == 200
    else { return nil }
    return Self.object(response)
  }

  static func lag(to peer: SiteID, in status: JSONObject) -> Int64? {
    let peers = (status["peers"]?.array ?? []).compactMap(\.object)
    guard let found = peers.first(where: { $0["site"] == .text(peer.description) }),
      found["state"] == .text("streaming") || found["state"] == .text("catch-up")
    else { return nil }
    return found["lagOut"]?.object?["entries"]?.integer
  }

  /// The digest over what both sites are entitled to, with the number of its entries.
  func digest(with peer: SiteID) throws(BenchFailure) -> EntryDigest {
    let response = try send(
      .get, ["digest"], query: [HTTPTarget.QueryItem("peer", peer.description)])
    guard let answer = Self.object(response), let total = answer["total"]?.text,
      let count = answer["entries"]?.integer
    else { throw Self.unexpected(response, ["digest"]) }
    return EntryDigest(total: total, entryCount: Int(count))
  }

  func send(
    _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.QueryItem] = [],
    body: [UInt8] = [], contentType: String = "application/json"
  ) throws(BenchFailure) -> HTTPResponse {
    let target = Self.target(path, query)
    let fields = body.isEmpty ? [] : [Self.contentType(contentType)]
    do throws(HTTPClientError) {
      return try http.send(method, target, fields: fields, body: body)
    } catch {
      throw BenchFailure("\(target.text): \(error); \(error.hint)")
    }
  }

  private static func target(
    _ path: [String], _ query: [HTTPTarget.QueryItem] = []
  ) -> HTTPTarget {
    HTTPTarget(segments: ["api", "v1"] + path, query: query)
  }

  private static func contentType(_ type: String) -> HTTPField {
    HTTPField("content-type", type)
  }

  static func object(_ response: HTTPResponse) -> JSONObject? {
    (try? JSONValue.parse(response.body))?.object
  }

  static func unexpected(_ response: HTTPResponse, _ path: [String]) -> BenchFailure {
    let body = String(decoding: response.body.prefix(500), as: UTF8.self)
    return BenchFailure("\(path.joined(separator: "/")): \(response.status.code) \(body)")
  }
}

/// What `GET digest` answers: the digest over entries and their number.
struct EntryDigest: Equatable, Sendable {
  let total: Text
  let entryCount: Int
}
