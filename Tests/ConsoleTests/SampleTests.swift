import Foundation
import Replication
import Testing

@testable import Console

/// The records that the demo loads are ones the rules accept, each in the folder of its author.
@Suite struct SampleTests {
  private static let folder = repository + "/Deploy/samples"

  /// Paths below the folder: `base/01/lang-son/append.document.<id>.jsonl`.
  private static let files: [String] = (FileManager.default.enumerator(atPath: folder) ?? .init())
    .compactMap { $0 as? String }.filter { $0.hasSuffix(".jsonl") }.sorted()

  private func lines(_ file: String) throws -> [[UInt8]] {
    let bytes = try Files.read(Self.folder + "/" + file, limit: 1 << 20)
    return bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
  }

  @Test func everySetIsThere() {
    let sets = Set(Self.files.map { $0.prefix { $0 != "/" } })
    #expect(sets == ["base", "merger", "cut", "conflict"])
  }

  @Test(arguments: files) func theRulesAcceptEveryLine(file: String) throws {
    let parts = file.split(separator: "/")
    let author = try #require(SiteID(parts[parts.count - 2]))
    let name = parts[parts.count - 1].split(separator: ".")
    let kind = try #require(RecordKind(name: name[1]))
    for line in try lines(file) {
      switch name[0] {
      case "put":
        let put = try Submission.read(kind: kind, operation: .put, json: line)
        #expect(put.ownerSite == author)
      case "append":
        let record = try #require(RecordID(name[2]))
        _ = try Submission.read(kind: kind, operation: .append, id: record, json: line)
      case _: Issue.record("\(file) is neither put nor append")
      }
    }
  }

  @Test func theConflictIsAboutOneVoucherNumber() throws {
    func vouchers(_ file: String) throws -> [JSONObject] {
      try lines(file).compactMap { try JSONValue.parse($0).object }
    }
    let rival = try #require(try vouchers("conflict/lang-son/put.finance.jsonl").first)
    let first = try #require(
      try vouchers("base/01/lang-son/put.finance.jsonl")
        .first { $0["voucherNumber"] == rival["voucherNumber"] })
    for key: Text in ["fiscalYear", "voucherForm", "accountingUnit"] {
      #expect(first[key] == rival[key])
    }
    #expect(first["recordId"] != rival["recordId"])
    #expect(first["totalAmount"] != rival["totalAmount"])
  }
}
