import Foundation
import Testing

@testable import Replication

/// What people are told when a rule is broken: each rule has a message of its own in Vietnamese and
/// English, which names the field, the value and the rule. Which write breaks which rule is in
/// `BrokenRules.swift`.
@Suite struct RuleMessageTests {
  /// Longest message, for a line of a log or a form.
  private static let maximumCharacterCount = 300

  @Test(arguments: BrokenRule.all) func namesFieldValueAndRule(broken: BrokenRule) throws {
    let fault = try #require(try broken.provoke(), "nothing is broken")
    let rule = try #require(fault.brokenRule, "\(fault)")
    #expect(rule.id == broken.rule && fault.path == broken.path)
    let english = broken.found.map { "\(broken.path) (\($0)) " } ?? "\(broken.path) "
    #expect(fault.description.hasPrefix(english + rule.english), "\(fault)")
    // Codes, numbers and dates are the same in both languages.
    if case .shown? = fault.found { #expect(fault.vietnamese.hasPrefix(english)) }
    #expect(fault.vietnamese.hasPrefix(broken.path) && fault.vietnamese.contains(rule.vietnamese))
    #expect((fault.found == nil) == (broken.found == nil))
    for text in [fault.description, fault.vietnamese] {
      #expect(text.hasSuffix(" [\(broken.rule)]") && text.count <= Self.maximumCharacterCount)
    }
    #expect(fault.description != fault.vietnamese)
  }

  /// A value is shown in the language of the sentence round it.
  @Test func whatIsFoundIsToldInBothLanguages() {
    for (value, vietnamese, english): (JSONValue, String, String) in [
      (.array([1, 2]), "danh sách 2 phần tử", "a list of 2"),
      (.object(["a": 1]), "đối tượng 1 trường", "an object of 1 fields"),
      ("có dấu cách", "văn bản dài 15 byte", "a text of 15 bytes"), (.null, "null", "null"),
    ] {
      let fault = FieldFault("x", .type(.integer), found: value)
      #expect(fault.description == "x (\(english)) must be an integer")
      #expect(fault.vietnamese == "x (\(vietnamese)) sai kiểu dữ liệu, cần: số nguyên")
    }
    let digits = FieldFault("x", .format(.digits(3, 8)))
    #expect(digits.description == "x must have the form 3 to 8 digits")
    #expect(digits.vietnamese == "x phải có dạng 3 đến 8 chữ số")
    let digest = FieldFault("x", .format(.digest))
    #expect(digest.description == "x must have the form sha-256:<64 hex digits>")
    #expect(digest.vietnamese == "x phải có dạng sha-256:<64 chữ số hex>")
  }

  /// Kills: a rule without a row in the table; two rules with one text; a text that says only what
  /// is wrong and not what to do.
  @Test func everyRuleOfTheSourcesIsInTheTable() throws {
    let written = try WrittenRule.all()
    #expect(written.count >= 38, "the search finds the rules")
    var told: Set<WrittenRule> = []
    for broken in BrokenRule.all {
      guard let rule = try broken.provoke()?.brokenRule else { continue }
      told.insert(WrittenRule(id: rule.id, vietnamese: rule.vietnamese, english: rule.english))
    }
    for rule in written.filter({ !told.contains($0) }) {
      Issue.record("\(rule.id) has no row in BrokenRule.all: \(rule.english)")
    }
    #expect(told.subtracting(written).isEmpty)
    #expect(Set(written.map(\.english)).count == written.count)
    #expect(Set(written.map(\.vietnamese)).count == written.count)
    for rule in written {
      #expect(rule.english.utf8.allSatisfy { $0 < 0x80 }, "\(rule)")
      #expect(rule.vietnamese.utf8.contains { $0 >= 0x80 }, "\(rule)")
      for text in [rule.english, rule.vietnamese] {
        #expect(text.contains("; ") && !text.hasSuffix("."), "what to do, no full stop: \(text)")
      }
    }
  }
}

extension FieldFault {
  fileprivate var brokenRule: Rule? {
    guard case .broken(let rule, _) = rule else { return nil }
    return rule
  }
}

/// A rule as it stands in the sources.
private struct WrittenRule: Hashable {
  let id: String
  let vietnamese: String
  let english: String

  static func all() throws -> [WrittenRule] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appending(path: "Sources/Replication/Records")
    var found: [WrittenRule] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      let rules = text.matches(of: /\bRule\(\s*"([^"]+)",\s*vi: "([^"]+)",\s*en: "([^"]+)"\)/)
      found += rules.map {
        WrittenRule(
          id: String($0.output.1), vietnamese: String($0.output.2), english: String($0.output.3))
      }
      // One that is written otherwise would be passed over.
      #expect(text.matches(of: /\bRule\(/).count == rules.count, "\(name)")
    }
    return found
  }
}
