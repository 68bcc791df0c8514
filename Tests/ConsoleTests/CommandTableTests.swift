import Operations
import Testing

@testable import Console

@Suite struct CommandTableTests {
  let table = CommandTable.specifications

  @Test func everyCommandStandsOnce() {
    #expect(Set(table.map(\.command)).count == table.count)
    #expect(Command.allCases.allSatisfy { command in table.contains { $0.command == command } })
    #expect(Set(table.map(\.name)).count == table.count)
  }

  @Test func noCommandHidesAnother() {
    for command in table {
      #expect(find(command.words)?.command == command.command, "\(command.name)")
    }
  }

  @Test func everyOptionHasItsPlace() {
    for option in Option.allCases {
      let isUsed = Option.common.contains(option) || table.contains { $0.options.contains(option) }
      #expect(isUsed, "\(option.rawValue)")
    }
  }

  @Test func optionalOperandsComeLast() {
    for command in table {
      let flags = command.operands.map(\.isOptional)
      #expect(flags == flags.sorted { !$0 && $1 }, "\(command.usage)")
    }
  }

  @Test(arguments: Language.allCases) func overviewShowsEveryCommandThatIsNotHidden(
    language: Language
  ) {
    let text = Help.text([], in: language)
    for command in table {
      #expect(text.contains("  \(command.usage)") != command.isHidden, "\(command.usage)")
      #expect(!command.summary.text(in: language).isEmpty)
    }
  }

  @Test(arguments: Language.allCases) func helpOfACommandShowsItsOptions(language: Language) {
    for command in table {
      let outcome = run(command.words + ["--help", "--lang", language.rawValue])
      #expect(outcome.exitCode == .done)
      #expect(outcome.output.hasPrefix("dongbo \(command.usage)\n"))
      for option in command.options + Option.common {
        #expect(outcome.output.contains("  \(option.rawValue)"), "\(command.name) \(option)")
      }
      #expect(outcome.output.contains(command.summary.text(in: language)))
    }
  }

  @Test func helpOfAGroupShowsTheGroup() {
    let text = dongbo("conflicts", "--help").output
    #expect(text.contains("conflicts resolve KIND RECORD"))
    #expect(!text.contains("annotate"))
  }

  /// What a finding tells an operator to type must exist.
  @Test func explanationsNameCommandsThatExist() {
    for check in CheckID.allCases {
      for language in Language.allCases {
        let words = check.action.text(in: language).split(separator: " ").map(String.init)
        for (index, word) in words.enumerated() where word == "dongbo" {
          let command = words[(index + 1)...].map { $0.filter { $0.isLetter || $0 == "-" } }
          #expect(find(Array(command)) != nil, "\(check.rawValue): \(words[index...])")
        }
      }
    }
  }
}

@Suite struct ParsingTests {
  private func parsed(_ arguments: String...) throws -> Invocation {
    guard case .run(let invocation) = try parseArguments(arguments) else {
      throw CommandFailure(.failed, "help")
    }
    return invocation
  }

  @Test func optionsMayStandAnywhereAndInBothForms() throws {
    let expected = Invocation(
      .get, operands: ["finance", "x"], values: [.config: ["/c"], .asOf: ["2026-05-20"]])
    #expect(
      try parsed("--config", "/c", "get", "finance", "x", "--as-of", "2026-05-20") == expected)
    #expect(
      try parsed("get", "--as-of=2026-05-20", "finance", "--config=/c", "x") == expected)
  }

  @Test func aDashIsAnOperandAndTwoEndTheOptions() throws {
    #expect(try parsed("put", "document", "-").operands == ["document", "-"])
    #expect(try parsed("put", "document", "--", "--odd").operands == ["document", "--odd"])
  }

  @Test func repeatableOptionsKeepTheirOrder() throws {
    let invocation = try parsed("rejoin", "--without", "b", "--without", "a")
    #expect(invocation.all(.without) == ["b", "a"])
  }

  @Test(arguments: [
    (["stauts"], "no command 'stauts'; did you mean status?"),
    (["conflicts", "shwo"], "no command 'conflicts shwo'; did you mean conflicts show?"),
    (["config"], "config: one of config check, config show"),
    (["status", "--jsn"], "no option '--jsn'; did you mean --json?"),
    (["get", "document", "x", "--asof", "y"], "no option '--asof'; did you mean --as-of?"),
    (["status", "--keep", "x"], "status: no option '--keep'; did you mean --help?"),
    (["get", "document"], "get: RECORD is missing"),
    (["digest", "now"], "digest: unexpected 'now'"),
    (["status", "--json=yes"], "--json takes no value"),
    (["digest", "--peer"], "--peer needs SITE"),
    (["digest", "--peer", "a", "--peer", "b"], "--peer stands twice"),
    (["status", "--lang", "fr"], "--lang 'fr': vi or en"),
    (["st\u{1B}[2Jx"], "no command 'st\\u{1b}[2Jx'; did you mean status?"),
  ])
  func usageErrorsNameTheNearest(arguments: [String], message: String) {
    let outcome = run(arguments)
    #expect(outcome.exitCode == .usage)
    #expect(outcome.error.hasPrefix("dongbo: \(message)\n"), "\(outcome.error)")
    #expect(outcome.error.contains("--help"))
    #expect(outcome.output.isEmpty)
  }

  @Test func errorsFollowTheLanguage() {
    let outcome = dongbo("stauts", environment: ["LANG": "vi_VN.UTF-8"])
    #expect(outcome.error.hasPrefix("dongbo: không có lệnh 'stauts'; có phải status?"))
  }

  @Test func aBareGroupMeansItsList() throws {
    #expect(try parsed("conflicts", "--json").command == .conflictsList)
    #expect(try parsed("quarantine").operands == [])
  }

  @Test func badValuesOfOperandsAreUsageErrors() throws {
    let site = try FakeSite()
    for arguments in [
      ["put", "documnt"], ["get", "document", "X"], ["digest", "--peer", "Hà Nội"],
      ["withdraw", "document", "569ec6fc-a81d-574a-9ecd-8e1a5ec71c35", "--revision", "0"],
      ["withdraw", "document", "569ec6fc-a81d-574a-9ecd-8e1a5ec71c35"],
      ["put", "document", "/dev/null", "--wait", "province"],
      ["put", "document", "/dev/null", "--wait", "centre", "--timeout", "soon"],
      ["site", "add", "nghe-an"], ["site", "add", "nghe-an", "--pin", "sha1:00"],
    ] {
      #expect(run(["--config", site.configuration] + arguments).exitCode == .usage, "\(arguments)")
    }
  }

  @Test func aMissingConfigurationIsNamedWithItsReason() {
    let outcome = dongbo("status", "--config", "/nowhere/dongbo.conf")
    #expect(outcome.exitCode == .badConfiguration)
    #expect(outcome.error.contains("/nowhere/dongbo.conf"))
  }

  @Test func theConfigurationComesFromTheEnvironmentToo() throws {
    let site = try FakeSite()
    let outcome = dongbo(
      "config", "check", environment: ["DONGBO_CONFIG": site.configuration])
    #expect(outcome.exitCode == .done)
    #expect(outcome.output == "lang-son province: OK\n")
  }

  @Test func configCheckTellsEveryFault() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.file("bad.conf", "[Site]\nId=Bad\nTeir=province\n")
    let outcome = dongbo("config", "check", file)
    #expect(outcome.exitCode == .badConfiguration)
    #expect(outcome.error.contains("bad.conf:2"))
    #expect(
      outcome.error.contains("did you mean Tier?") || outcome.error.contains("Did you mean Tier?"))
  }

  @Test func explainAnswersWithoutADaemon() {
    #expect(dongbo("explain", "db-link-003").output.hasPrefix("DB-LINK-003"))
    #expect(dongbo("explain", "DB-LINK-9").error.contains("did you mean DB-LINK-00"))
  }
}
