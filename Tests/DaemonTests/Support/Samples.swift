import Replication
import Testing

/// Records to write: those of Deploy/samples, and plain ones made here.
enum Samples {
  /// The folder that holds Package.swift.
  static let repository = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")

  static func lines(_ path: String) throws -> [JSONObject] {
    try Disk.text(repository + "/" + path).split(separator: "\n").map { line in
      try #require(try JSONValue.parse(Array(line.utf8)).object)
    }
  }

  /// A record id of a test: `number` tells them apart.
  static func id(_ number: Int) -> String {
    let hex = String(number, radix: 16)
    return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - hex.count) + hex
  }

  /// Stands in every voucher made here.
  static let unitName = "Văn phòng Tỉnh uỷ Lạng Sơn"

  /// A posted voucher of lang-son.
  static func voucher(_ number: Int, description: String = "Chi tiền mặt") throws -> JSONObject {
    var body = try #require(try lines("Deploy/samples/conflict/lang-son/put.finance.jsonl").first)
    body["recordId"] = .string(Text(id(number)))
    body["voucherNumber"] = .string(Text("PC-\(number)"))
    body["description"] = .string(Text(description))
    return body
  }

  /// An asset of lang-son: its card may be put again, revision by revision.
  static func assetCard() throws -> JSONObject {
    try #require(try lines("Deploy/samples/base/00/lang-son/put.finance.jsonl").first)
  }

  /// A document of lang-son to the centre.
  static func document(_ number: Int, subject: String = "Báo cáo") throws -> JSONObject {
    var body = try #require(try lines("Deploy/samples/cut/lang-son/put.document.jsonl").first)
    body["recordId"] = .string(Text(id(number)))
    body["documentId"] = .string(Text("A99.P20,2026/06/15,\(number)-BC/TU"))
    body["codeNumber"] = .string(Text("\(number)"))
    body["subject"] = .string(Text(subject))
    return body
  }

  /// A document of the centre to lang-son.
  static func centreDocument(_ number: Int) throws -> JSONObject {
    var body = try #require(
      try lines("Deploy/samples/cut/trung-uong/put.document.jsonl").first)
    body["recordId"] = .string(Text(id(number)))
    body["documentId"] = .string(Text("A99.00,2026/06/15,\(number)-CV/VPTW"))
    body["codeNumber"] = .string(Text("\(number)"))
    return body
  }
}
