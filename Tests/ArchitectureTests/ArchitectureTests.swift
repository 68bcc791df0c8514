import Testing

/// The sources hold themselves to the design. A rule that must be loosened is loosened in its own
/// file, with the reason.
@Suite struct ArchitectureTests {
  private func expectNone(_ violations: [Violation]) {
    for violation in violations { Issue.record("\(violation)") }
  }

  @Test func importsPointDown() { expectNone(SourceTree.sources.flatMap(ImportRules.check)) }

  @Test func eachShimHasOneImporter() { expectNone(ImportRules.checkShims(SourceTree.sources)) }

  @Test func everyTargetIsKnown() {
    let known = ImportRules.shims.union(ImportRules.allowed.keys)
    #expect(SourceTree.targets == known.sorted())
  }

  @Test func nothingForTestsIsInWhatRunsAtASite() {
    let package = SourceTree.text("Package.swift")
    for program in ImportRules.sitePrograms {
      let parts = ImportRules.parts(of: program, package: package)
      #expect(parts.contains("Replication"))
      #expect(parts.isDisjoint(with: ImportRules.testOnly), "\(program)")
    }
    let tool = ImportRules.parts(of: "dongbo-sim", package: package)
    #expect(tool.isSuperset(of: ImportRules.testOnly))
  }

  @Test func noPackageIsDependedOn() {
    #expect(!blankingComments(SourceTree.text("Package.swift")).contains(".package("))
  }

  @Test func replicationIsPure() {
    expectNone(SourceTree.sources.filter { $0.target == "Replication" }.flatMap(PurityRules.check))
  }

  @Test func filesAreShort() { expectNone(SourceTree.sources.flatMap(ShapeRules.checkFile)) }

  @Test func functionsAreShort() {
    expectNone(SourceTree.sources.flatMap(ShapeRules.checkFunctions))
  }

  @Test func linesAreShort() { expectNone(SourceTree.sources.flatMap(ShapeRules.checkColumns)) }

  @Test func nothingBannedStands() { expectNone(SourceTree.sources.flatMap(WordingRules.check)) }

  @Test func escapesFromIsolationAreExplained() {
    expectNone((SourceTree.sources + SourceTree.tests).flatMap(WordingRules.checkEscapes))
  }

  @Test func packageDeclarationsAreDocumented() {
    let fulfilled = WordingRules.requirements(SourceTree.sources)
    expectNone(
      SourceTree.sources.flatMap { WordingRules.checkComments($0, fulfilled: fulfilled) })
  }

  @Test func noFileIsLarge() {
    let large = SourceTree.files.filter {
      SourceTree.byteCount($0) > ShapeRules.maximumFileByteCount
    }
    #expect(large.isEmpty)
  }

  @Test func topLevelIsFixed() {
    #expect(
      SourceTree.topLevel == ["Config", "Deploy", "Package.swift", "README.md", "Sources", "Tests"])
  }

  @Test func markdownHasOneTitle() {
    let pages = SourceTree.files.filter { $0.hasSuffix(".md") }
    expectNone(pages.flatMap { MarkdownRules.check(path: $0, text: SourceTree.text($0)) })
  }
}
