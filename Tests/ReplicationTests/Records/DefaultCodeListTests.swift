import Foundation
import Testing

@testable import Replication

/// `Config/code-lists.json`: the lists that an installation begins with.
@Suite struct DefaultCodeListTests {
  private let json: JSONObject
  private let lists: CodeLists

  init() throws {
    var root = URL(filePath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    let data = try Data(contentsOf: root.appending(path: "Config/code-lists.json"))
    json = try #require(try JSONValue.parse([UInt8](data)).object)
    lists = CodeLists(json: json)
  }

  @Test func theRegistryTakesThem() throws {
    let body = RegistrySnapshot.signing(
      JSONObject().with("number", 1).with("codeLists", .object(json)).with(
        "sites",
        .array([
          .object([
            "siteId": "trung-uong", "tier": "centre", "generation": 1, "ceiling": "none",
            "pins": .array([.string(Text("sha256:" + String(repeating: "0", count: 64)))]),
          ])
        ])), publicKey: [1], signature: [2])
    let facts = try EntryFacts.read(
      record: RegistryRules.record, operation: .put, body: body, unknown: .refused)
    #expect(facts.references.isEmpty)
    #expect(Set(lists.lists.keys) == Set(CodeLists.Name.allCases))
    for (name, codes) in lists.lists {
      #expect(codes.count == json[Text(name.rawValue)]?.array?.count, "\(name): a code twice")
      #expect(codes.values.joined().allSatisfy { $0.name != nil }, "\(name): a code unnamed")
    }
  }

  /// Codes that the rules themselves know are listed, or nobody could use them.
  @Test func whatTheRulesKnowIsListed() {
    let statuses = Set(lists.lists[.documentStatuses]?.keys.map { $0 } ?? [])
    #expect(statuses == Set(ReceiptCode.allTexts))
    let types = Set(lists.lists[.directiveEventTypes]?.keys.map { $0 } ?? [])
    #expect(
      types == Set(DirectiveRules.eventTypes).subtracting(Schema.commonTypes))
    let classes = (1...7).map { Text("tangible-\($0)") } + (1...6).map { Text("intangible-\($0)") }
    #expect(Set(lists.lists[.assetClasses]?.keys.map { $0 } ?? []) == Set(classes))
  }

  @Test(arguments: Sample.all) func everySamplePasses(sample: Sample) throws {
    let day = try #require(CalendarDate("2026-03-02"))
    let appends = try sample.appends.map { try sample.readAppend($0) }
    for use in ([try sample.readPut()] + appends).flatMap(\.facts.codes) {
      #expect(lists.fault(of: use, entryDay: day) == nil)
    }
  }

  /// An account of the circular of 2017 ends with it, and one of 2024 begins.
  @Test(
    arguments: [
      ("008", "2024-12-31", true), ("008", "2025-01-01", false), ("006", "2024-12-31", false),
      ("006", "2025-01-01", true), ("999", "2026-01-01", false),
    ] as [(Text, Text, Bool)])
  func accountsHaveTheirDays(code: Text, day: Text, isListed: Bool) {
    let use = CodeUse(.accounts, code, on: CalendarDate(day), at: "account")
    let fault = lists.fault(of: use, entryDay: CalendarDate(dayNumber: 0))
    #expect((fault == nil) == isListed)
  }
}
