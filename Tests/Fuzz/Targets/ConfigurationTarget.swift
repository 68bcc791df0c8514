@testable import Operations

extension FuzzTarget {
  /// The main file of a configuration.
  static let configuration = FuzzTarget(
    name: "configuration", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 512 << 10, factor: 512),
    seeds: {
      try SeedFiles.folder("Config").filter { $0.name.hasSuffix(".conf") }
        + SeedFiles.corpus("configuration")
    },
    makeCheck: { { input in try ConfigurationChecks.check(input) } })
}

enum ConfigurationChecks {
  private static let file = "/etc/dongbo/dongbo.conf"

  static func check(_ input: [UInt8]) throws {
    let parsed = IniFile(ConfigurationText(file: file, bytes: input))
    try checkParsed(parsed, input)
    try checkRendered(parsed)
    let text = ConfigurationText(file: file, bytes: input)
    do {
      let loaded = try LoadedConfiguration([text], mainFile: file)
      try checkShown(loaded)
    } catch let error as ConfigurationError {
      try require(!error.faults.isEmpty, "refused without a reason")
      for language in Language.allCases {
        let said = error.text(in: language)
        try require(
          !said.utf8.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F },
          "control characters reach the terminal")
      }
    }
  }

  private static func checkParsed(_ parsed: IniFile, _ input: [UInt8]) throws {
    let lineCount = input.count { $0 == 0x0A } + 1
    for assignment in parsed.assignments {
      try require((1...lineCount).contains(assignment.origin.line), "\(assignment.origin)")
      try require(
        !assignment.key.isEmpty && assignment.value.utf8.count <= IniFile.maximumLineByteCount,
        "\(assignment)")
    }
    try require(
      parsed.assignments.count + parsed.faults.count + parsed.sections.count <= lineCount,
      "more findings than lines")
  }

  /// What was read, written line by line, is read again.
  private static func checkRendered(_ parsed: IniFile) throws {
    let lines = parsed.assignments.filter { !$0.value.hasSuffix("\\") }.map {
      (section: $0.section, key: $0.key, value: $0.value)
    }
    let text = lines.map { "[\($0.section)]\n\($0.key)=\($0.value)" }.joined(separator: "\n")
    let again = IniFile(ConfigurationText(file: file, text))
    try require(again.faults.isEmpty, "\(again.faults) when written again")
    let read = again.assignments.map { [$0.section, $0.key, $0.value].map { Array($0.utf8) } }
    try require(
      read == lines.map { [$0.section, $0.key, $0.value].map { Array($0.utf8) } },
      "other assignments when written again")
  }

  /// `config show` reads back to the same values.
  private static func checkShown(_ loaded: LoadedConfiguration) throws {
    let shown = loaded.settings.text(origin: false)
    let again = Result { () throws(ConfigurationError) in
      try LoadedConfiguration([ConfigurationText(file: file, shown)], mainFile: file)
    }
    switch again {
    case .success(let again):
      try require(
        again.configuration == loaded.configuration, "config show reads back to other values")
    case .failure(let error):
      throw BrokenProperty(description: "config show is refused: \(error.text(in: .en))")
    }
  }
}
