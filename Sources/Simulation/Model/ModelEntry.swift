import Replication

/// One entry as plain values: all that the reference model reads.
struct ModelEntry {
  let identity: EntryIdentity
  let digest: String
  let site: String
  let kind: RecordKind
  let record: RecordKey
  let operation: String
  let revision: UInt64
  let event: String
  let parents: [String]
  let bodyDigest: String
  let body: JSONObject
  private let place: (UInt32, UInt64, UInt16, String, String)

  /// - Returns: nil for an entry of no record.
  init?(_ entry: Entry) {
    guard let record = entry.header.record else { return nil }
    identity = entry.identity
    digest = entry.digest.description
    site = entry.origin.description
    kind = record.kind
    self.record = record
    operation = entry.header.operation.description
    if case .revision(let number) = entry.header.subject {
      revision = number.value
    } else {
      revision = 0
    }
    if case .event(let id) = entry.header.subject { event = id.description } else { event = "" }
    parents = entry.header.parents.map(\.description)
    bodyDigest = entry.bodyDigest.description
    body = entry.body.flatMap { (try? JSONValue.parse($0))?.object } ?? JSONObject()
    let time = entry.header.time
    place = (entry.header.depth.value, time.microseconds, time.counter, site, digest)
  }

  /// The one order: (depth, time, site, digest).
  static func isBefore(_ left: Self, _ right: Self) -> Bool { left.place < right.place }

  var isVersion: Bool { operation == "put" || operation == "withdraw" }
  /// Two with one identity of content are one write, made twice.
  var write: String { "\(operation) \(revision) \(event) \(bodyDigest)" }
  var type: String { body.string("type") ?? (operation == "append" ? "receipt" : "") }
}

extension JSONObject {
  func string(_ key: Text) -> String? { self[key]?.text?.description }
  func site(of organ: Text) -> String? { self[organ]?.object?.string("siteId") }
  func list(_ key: Text) -> [JSONObject] { (self[key]?.array ?? []).compactMap(\.object) }
}

extension JSONValue {
  static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string(Text($0)) }) }
}
