import Foundation

@testable import Replication

/// One sample, taken apart as an application would hand it in: the put, and what others append.
struct Sample: Sendable, CustomStringConvertible {
  struct Append: Sendable {
    let author: SiteID
    let json: JSONObject
  }

  let kind: RecordKind
  let owner: SiteID
  let put: JSONObject
  let appends: [Append]
  /// What the fold must give; directives only.
  let derived: JSONObject?
  let description: String

  static let documents = load("documents")
  static let directives = load("directives")
  static let finance = load("finance")
  static let earlier = load("earlier")
  static let all = documents + directives + finance + earlier

  private static func load(_ name: String) -> [Sample] {
    let url = Bundle.module.url(
      forResource: name, withExtension: "jsonl", subdirectory: "Samples")
    guard let url, let data = try? Data(contentsOf: url) else { return [] }
    return [UInt8](data).split(separator: UInt8(ascii: "\n")).enumerated()
      .compactMap { index, line in
        let value = try? JSONValue.parse(Array(line))
        return value?.object.flatMap { Sample(record: $0, description: "\(name):\(index + 1)") }
      }
  }

  private init?(record: JSONObject, description: String) {
    guard let kind = record.text("kind").flatMap({ RecordKind(name: $0.string) }),
      let owner = record.site("ownerSite"),
      let id = record.text("recordId").flatMap({ UniqueID($0.string) })
    else { return nil }
    var put = record
    var appends: [Append] = []
    for list: Text in ["signatures", "receipts", "events", "movements"] {
      for (index, item) in (record[list]?.array ?? []).enumerated() {
        guard var event = item.object else { continue }
        if list == "signatures" {
          event["type"] = "signature"
          // Signatures have no id in the samples: the record's own with other last bytes.
          let low = id.raw.low ^ UInt64(index + 1)
          let own = UniqueID(Bytes16(high: id.raw.high, low: low))
          event["eventId"] = .string(Text(own.description))
        }
        let author = event.site("siteId") ?? event.site("bySite") ?? owner
        appends.append(Append(author: author, json: event))
      }
      if list != "signatures" || record[list] != nil { put[list] = nil }
    }
    self.kind = kind
    self.owner = owner
    self.put = put
    self.appends = appends
    self.derived = record["derived"]?.object
    self.description = description
  }

  var id: RecordID? { put.text("recordId").flatMap { RecordID($0.string) } }

  func readPut() throws(RecordError) -> Submission {
    try Submission.read(kind: kind, operation: .put, json: put.bytes)
  }

  func readAppend(_ append: Append) throws(RecordError) -> Submission {
    try Submission.read(kind: kind, operation: .append, id: id, json: append.json.bytes)
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  public init(stringLiteral value: StaticString) { self = .string(Text(value.description)) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension JSONObject {
  var bytes: [UInt8] { JSONValue.object(self).canonicalBytes }

  func with(_ key: Text, _ value: JSONValue?) -> JSONObject {
    var copy = self
    copy[key] = value
    return copy
  }
}

func site(_ text: String) -> SiteID { SiteID(text) ?? Sample.all[0].owner }

func object(_ bytes: [UInt8]) throws -> JSONObject {
  try JSONValue.parseCanonical(bytes).object ?? JSONObject()
}
