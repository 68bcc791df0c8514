import Testing

/// Each rule fails on a small bad piece and passes its good twin: a rule that cannot fail is none.
@Suite struct RuleTests {
  typealias Rule = @Sendable (SourceFile) -> [Violation]

  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let path: String
    let rule: Rule
    let count: Int
    var testDescription: String { String(text.prefix(60)) }

    init(
      _ text: String, _ count: Int, path: String = "Sources/Replication/X.swift",
      _ rule: @escaping Rule
    ) {
      self.text = text
      self.count = count
      self.path = path
      self.rule = rule
    }
  }

  static let imports: [Case] = [
    Case("import Foundation", 1, ImportRules.check),
    Case("package import Storage", 1, ImportRules.check),
    Case("@testable import Storage", 1, ImportRules.check),
    Case("internal import struct Glibc.timespec", 1, ImportRules.check),
    Case("// import Foundation\nlet text = \"import Foundation\"", 0, ImportRules.check),
    Case("/* /* */ import Foundation */", 0, ImportRules.check),
    Case("internal import CSQLite", 0, path: "Sources/Storage/X.swift", ImportRules.check),
    Case("internal import Storage", 1, path: "Sources/Transport/X.swift", ImportRules.check),
    Case("internal import Daemon", 1, path: "Sources/Console/X.swift", ImportRules.check),
    Case("import Foundation", 1, path: "Sources/Daemon/X.swift", ImportRules.check),
    Case("", 1, path: "Sources/Unheard/X.swift", ImportRules.check),
  ]

  static let purity: [Case] = [
    Case("func run() async {}", 1, PurityRules.check),
    Case("let value = await next()", 1, PurityRules.check),
    Case("Task { run() }", 1, PurityRules.check),
    Case("let now = Date()", 1, PurityRules.check),
    Case("let clock = ContinuousClock()", 1, PurityRules.check),
    Case("let dice = Int.random(in: 1...6)", 1, PurityRules.check),
    Case("let dice = Int.random(in: 1...6, using: &random)", 0, PurityRules.check),
    Case("sites.shuffle()", 1, PurityRules.check),
    Case("let one = sites.randomElement(using: &random)", 0, PurityRules.check),
    Case("var random = SystemRandomNumberGenerator()", 1, PurityRules.check),
    Case("var names: [String: Int]", 1, PurityRules.check),
    Case("var names: Set<String>", 1, PurityRules.check),
    Case("var names: [Text: String]", 0, PurityRules.check),
    Case("sites.sorted { $0.description < $1.description }", 1, PurityRules.check),
    Case("sites.sorted { $0 < $1 }.map(\\.description)", 0, PurityRules.check),
    Case("order = site.hashValue", 1, PurityRules.check),
    Case("/// An async Task with a Date().", 0, PurityRules.check),
  ]

  static let wording: [Case] = [
    Case("print(1)", 1, WordingRules.check),
    Case("footprint(1)", 0, WordingRules.check),
    Case("let a = try! b()", 1, WordingRules.check),
    Case("let a = b as! C", 1, WordingRules.check),
    Case("fatalError()", 1, WordingRules.check),
    Case("// fatalError() and try! are banned", 0, WordingRules.check),
    Case("let a = \"\\(print(\"x\"))\"", 1, WordingRules.check),
    Case("let a = \"print(x)\"", 0, WordingRules.check),
    Case("let a = #\"a\"print(1)\"#", 0, WordingRules.check),
    Case("let a = \"\"\"\n  print(1) \"quoted\"\n  \"\"\"\nprint(2)", 1, WordingRules.check),
    Case("// TODO: later", 1, WordingRules.check),
    Case("// MARK: Put", 0, WordingRules.check),
    Case("public struct A {}", 1, WordingRules.check),
  ]

  static let escapes: [Case] = [
    Case("final class A: @unchecked Sendable {}", 1, WordingRules.checkEscapes),
    Case(
      "// `lock` guards it.\nfinal class A: @unchecked Sendable {}", 0, WordingRules.checkEscapes),
    Case(
      "// `lock` guards it.\n\n\n\n\nfinal class A: @unchecked Sendable {}", 1,
      WordingRules.checkEscapes),
    Case("nonisolated(unsafe) var a = 1", 1, WordingRules.checkEscapes),
  ]

  static let commentRule: Rule = { WordingRules.checkComments($0, fulfilled: ["fulfil"]) }

  static let comments: [Case] = [
    Case("  package func fulfil() {}", 0, commentRule),
    Case("  package func other() {}", 1, commentRule),
    Case("/// A.\npackage func a() {}\npackage func a(b: B) {}", 0, commentRule),
    Case(
      "\n/// A.\npackage func a() {}\npackage func a(b: B) {}\npackage func a(c: C) {}", 0,
      commentRule),
    Case("/// A.\npackage func a() {}\npackage func b() {}", 1, commentRule),
    Case("/// A.\npackage func a() {}\n\npackage func a(b: B) {}", 1, commentRule),
    Case("package struct A {}", 1, commentRule),
    Case("/// An a.\npackage struct A {}", 0, commentRule),
    Case("/// An a.\n@frozen\npackage struct A {}", 0, commentRule),
    Case("/// An a.\n\npackage struct A {}", 1, commentRule),
    Case("  package mutating func run() {}", 1, commentRule),
    Case("  package internal(set) var a = 1", 0, commentRule),
    Case(
      "  package static func < (left: A, right: A) -> Bool { true }", 0, commentRule),
    Case("  package init(a: Int) { self.a = a }", 0, commentRule),
    Case("  package init?(a: Int) { nil }", 0, commentRule),
    Case("  package init(\n    a: Int\n  ) throws(E) {}", 1, commentRule),
    Case("package import Replication", 0, commentRule),
    Case("package protocol P {}", 1, commentRule),
    Case("struct A {}", 0, commentRule),
  ]

  static let shapes: [Case] = [
    Case(String(repeating: "let a = 1\n", count: 400), 0, ShapeRules.checkFile),
    Case(String(repeating: "let a = 1\n", count: 401), 1, ShapeRules.checkFile),
    Case(
      String(repeating: "let a = 1\n", count: 151), 1, path: "Sources/dongbo/main.swift",
      ShapeRules.checkFile),
    Case(String(repeating: "x", count: 101), 1, ShapeRules.checkColumns),
    Case(String(repeating: "ệ", count: 100), 0, ShapeRules.checkColumns),
    Case(function(lineCount: 70), 0, ShapeRules.checkFunctions),
    Case(function(lineCount: 71), 1, ShapeRules.checkFunctions),
    Case(
      "protocol P {\n  func a()\n  func b()\n}\n" + String(repeating: "let a = { 1 }\n", count: 80),
      0, ShapeRules.checkFunctions),
  ]

  private static func function(lineCount: Int) -> String {
    let body = String(repeating: "    if a { b(\"}\") }  // }\n", count: lineCount - 3)
    return
      "  package static func run(\n    _ a: Bool = { true }()) throws(E) -> [Int] {\n\(body)  }\n"
  }

  @Test(arguments: imports + purity + wording + escapes + comments + shapes)
  func ruleFindsWhatItIsFor(_ bad: Case) {
    let violations = bad.rule(SourceFile(path: bad.path, text: bad.text))
    #expect(violations.count == bad.count, "\(violations)")
  }

  @Test func shimWithTwoImportersIsFound() {
    let files = ["Storage", "Daemon"].map {
      SourceFile(path: "Sources/\($0)/X.swift", text: "internal import CSQLite")
    }
    let found = ImportRules.checkShims(files).filter { $0.path == "Sources/CSQLite" }
    #expect(found.map(\.message) == ["imported by [Daemon, Storage], not by one target"])
  }

  @Test(arguments: [
    ("# One\ntext", 0), ("text", 1), ("# One\n# Two", 1), ("# One\n```\n# two\n```", 0),
  ])
  func markdownTitlesAreCounted(text: String, count: Int) {
    #expect(MarkdownRules.check(path: "README.md", text: text).count == count)
  }

  @Test func requirementsAreFound() {
    let text = "package protocol P {\n  func a()\n}\nstruct S {\n  func b() {}\n}"
    #expect(WordingRules.requirements([SourceFile(path: "X.swift", text: text)]) == ["a"])
  }

  @Test func treeIsReallyRead() {
    #expect(SourceTree.sources.contains { $0.path == "Sources/Replication/ChangeLog/Entry.swift" })
    #expect(SourceTree.targets.contains("Replication"))
    #expect(SourceTree.byteCount("Package.swift") > 1_000)
  }
}
