import Foundation
import Testing

/// The rules of domain.md section 9 against the tests that carry their ids: in a display name, as
/// `@Test("D4: only the issuing organ ...")`, or at the start of a function's, as `t8TheCentre...`.
///
/// A rule without a test fails. The table goes to standard output:
/// `swift test --filter RuleTableTests`.
@Suite struct RuleTableTests {
  /// How many rules each kind has.
  static let counts = [("D", 10), ("T", 9), ("F", 13)]
  static let rules = counts.flatMap { kind, count in (1...count).map { "\(kind)\($0)" } }

  @Test func everyRuleHasATest() {
    let tests = SourceTree.tests.flatMap(RuleTable.tests)
    let table = RuleTable(of: tests)
    FileHandle.standardOutput.write(Data(table.text(of: Self.rules).utf8))
    for rule in Self.rules where table.names(of: rule).isEmpty {
      Issue.record("no test carries the id of rule \(rule)")
    }
    let unknown = table.ruleIDs.subtracting(Self.rules)
    #expect(unknown.isEmpty, "ids that are no rule")
  }

  /// Kills: ids found in comments, in the middle of words, or in one of the two places only.
  @Test func idsAreFoundWhereTheyStand() {
    let file = SourceFile(
      path: "Tests/X/YTests.swift",
      text: """
        // @Test("F1: a comment")
        @Test("D4, D5: a recall; D10: a date") func recall() {}
        @Test(
          "F13: who writes", arguments: [1])
        func authority(x: Int) {}
        @Test(arguments: [("T6", 2)]) func t8TheCentreWaits() { let f2 = "F3" }
        @Test func shaD256AndT10x() {}
        """)
    let tests = RuleTable.tests(in: file)
    #expect(tests.map(\.name) == ["recall", "authority", "t8TheCentreWaits", "shaD256AndT10x"])
    #expect(tests.map(\.rules) == [["D4", "D5", "D10"], ["F13"], ["T8"], []])
    let table = RuleTable(of: tests)
    #expect(
      table.text(of: ["D5", "D6"]) == """
        D5   YTests.recall
        D6   -

        """)
  }
}

/// Which tests carry which rule's id.
struct RuleTable {
  struct Test: Hashable {
    /// `YTests`, the file's name.
    let file: String
    let name: String
    let rules: [String]
  }

  private var found: [String: [String]] = [:]

  init(of tests: [Test]) {
    for test in tests {
      for rule in test.rules { found[rule, default: []].append("\(test.file).\(test.name)") }
    }
  }

  var ruleIDs: Set<String> { Set(found.keys) }

  func names(of rule: String) -> [String] { found[rule] ?? [] }

  /// One line a test, the rule's id at its first.
  func text(of rules: [String]) -> String {
    rules.map { rule in
      let names = names(of: rule).isEmpty ? ["-"] : names(of: rule)
      return names.enumerated().map { index, name in
        (index == 0 ? rule : "").padding(toLength: 5, withPad: " ", startingAt: 0) + name + "\n"
      }.joined()
    }.joined()
  }

  static func tests(in file: SourceFile) -> [Test] {
    var tests: [Test] = []
    var index = 0
    while index < file.code.count {
      defer { index += 1 }
      guard file.code[index].contains(/@Test\b/) else { continue }
      // From the attribute to the name of its function.
      let start = index
      while index < file.code.count - 1, !file.code[index].contains(/\bfunc +\w/) { index += 1 }
      guard let name = file.code[index].firstMatch(of: /\bfunc +(\w+)/)?.output.1 else { continue }
      let text = file.lines[start...index].joined(separator: "\n")
      let display = text.firstMatch(of: /@Test\(\s*"([^"]*)"/)?.output.1 ?? ""
      let suite = file.name.replacing(".swift", with: "")
      tests.append(
        Test(file: suite, name: String(name), rules: ids(inName: name) + ids(inDisplay: display)))
    }
    return tests
  }

  private static func ids(inDisplay text: Substring) -> [String] {
    text.matches(of: /\b[DTF][0-9]{1,2}\b/).map { String($0.output) }
  }

  private static func ids(inName name: Substring) -> [String] {
    name.prefixMatch(of: /([dtf][0-9]{1,2})(?=[A-Z])/).map { [$0.output.1.uppercased()] } ?? []
  }
}
