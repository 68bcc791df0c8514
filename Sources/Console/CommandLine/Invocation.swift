import Operations

/// One command line, taken apart by the table.
struct Invocation: Hashable, Sendable {
  let command: Command
  let operands: [String]
  private let values: [Option: [String]]

  /// Greatest number of arguments looked at; more are a usage error.
  static let maximumArgumentCount = 4096

  init(_ command: Command, operands: [String] = [], values: [Option: [String]] = [:]) {
    self.command = command
    self.operands = operands
    self.values = values
  }

  func has(_ option: Option) -> Bool { values[option] != nil }
  /// The value of an option that stands at most once.
  func value(_ option: Option) -> String? { values[option]?.first }
  /// All values of a repeatable option, in order.
  func all(_ option: Option) -> [String] { values[option] ?? [] }
}

/// What the arguments ask for.
enum ParsedArguments: Hashable, Sendable {
  case run(Invocation)
  /// Help on the commands that begin with these words; none: the overview.
  case help([String], Language?)
}

/// Parses arguments, the program's name excluded.
/// - Throws: exit code 64 with the nearest word one may have meant.
func parseArguments(_ arguments: [String]) throws(CommandFailure) -> ParsedArguments {
  guard arguments.count <= Invocation.maximumArgumentCount else {
    throw usageFailure(vi: "quá nhiều tham số", en: "too many arguments")
  }
  var parser = ArgumentParser(arguments)
  try parser.scan()
  return try parser.finish()
}

/// Splits options from words first, then finds the command: so `--config PATH` may stand anywhere.
private struct ArgumentParser {
  private var rest: ArraySlice<String>
  private var words: [String] = []
  private var values: [Option: [String]] = [:]
  private var endsOptions = false

  init(_ arguments: [String]) { rest = arguments[...] }

  mutating func scan() throws(CommandFailure) {
    while let argument = rest.popFirst() {
      if argument == "--", !endsOptions {
        endsOptions = true
      } else if argument == "-h", !endsOptions {
        values[.help] = [""]
      } else if argument.hasPrefix("-"), argument != "-", !endsOptions {
        try takeOption(argument)
      } else {
        words.append(argument)
      }
    }
  }

  private mutating func takeOption(_ argument: String) throws(CommandFailure) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = Option(rawValue: name) else {
      throw unknownOption(name, among: known.map(\.rawValue))
    }
    guard values[option] == nil || option.isRepeatable else {
      throw usageFailure(vi: "\(name) đứng hai lần", en: "\(name) stands twice")
    }
    guard option.valueName != nil else {
      guard parts.count == 1 else {
        throw usageFailure(vi: "\(name) không nhận giá trị", en: "\(name) takes no value")
      }
      values[option] = [""]
      return
    }
    guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
      let wanted = option.valueName ?? ""
      throw usageFailure(vi: "\(name) cần \(wanted)", en: "\(name) needs \(wanted)")
    }
    values[option, default: []].append(value)
  }

  /// The options of the command as far as it is known by now.
  private var known: [Option] { (find(words)?.options ?? Option.allCases) + Option.common }

  func finish() throws(CommandFailure) -> ParsedArguments {
    let language = values[.language]?.first.flatMap { Language(rawValue: $0) }
    if let text = values[.language]?.first, language == nil {
      throw usageFailure(
        vi: "--lang \(visible(text)): vi hoặc en", en: "--lang \(visible(text)): vi or en")
    }
    if words.first == "help" { return .help(Array(words.dropFirst()), language) }
    if words.isEmpty || values[.help] != nil { return .help(words, language) }
    guard let found = find(words) else { throw unknownCommand(words) }
    let allowed = found.options + Option.common
    for option in Option.allCases where values[option] != nil && !allowed.contains(option) {
      throw unknownOption(option.rawValue, among: allowed.map(\.rawValue), of: found)
    }
    let operands = Array(words.dropFirst(found.words.count))
    let required = found.operands.filter { !$0.isOptional }
    guard operands.count >= required.count else {
      let missing = required[operands.count].name
      throw usageFailure(
        vi: "\(found.name): thiếu \(missing)", en: "\(found.name): \(missing) is missing", found)
    }
    guard operands.count <= found.operands.count else {
      let extra = visible(operands[found.operands.count])
      throw usageFailure(
        vi: "\(found.name): thừa \(extra)", en: "\(found.name): unexpected \(extra)", found)
    }
    return .run(Invocation(found.command, operands: operands, values: values))
  }
}

/// The command whose words `words` begins with; a bare group such as `conflicts` means its list.
func find(_ words: [String]) -> CommandSpecification? {
  CommandTable.specifications.first { words.starts(with: $0.words) }
    ?? CommandTable.specifications.first { $0.words == words + ["ls"] }
}

private func visible(_ text: String) -> String { "'\(visibleText(text))'" }

private func unknownOption(
  _ name: String, among known: [String], of command: CommandSpecification? = nil
) -> CommandFailure {
  let nearest = nearestName(to: name, among: known)
  let place = command.map { "\($0.name): " } ?? ""
  return usageFailure(
    vi: "\(place)không có tùy chọn \(visible(name)); có phải \(nearest)?",
    en: "\(place)no option \(visible(name)); did you mean \(nearest)?", command)
}

private func unknownCommand(_ words: [String]) -> CommandFailure {
  let shown = CommandTable.specifications.filter { !$0.isHidden }
  let group = shown.filter { $0.words.first == words.first }
  let typed = words.prefix(group.isEmpty ? 1 : 2).joined(separator: " ")
  let names = (group.isEmpty ? shown : group).map(\.name)
  guard group.isEmpty || words.count > 1 else {
    let list = names.joined(separator: ", ")
    return usageFailure(vi: "\(typed): \(list)", en: "\(typed): one of \(list)")
  }
  let nearest = nearestName(to: typed, among: names)
  return usageFailure(
    vi: "không có lệnh \(visible(typed)); có phải \(nearest)?",
    en: "no command \(visible(typed)); did you mean \(nearest)?")
}

func usageFailure(
  vi: String, en: String, _ command: CommandSpecification? = nil
) -> CommandFailure {
  let help = "dongbo \(command.map { $0.name + " " } ?? "")--help"
  return CommandFailure(.usage, LocalText(vi: vi, en: en), hint: LocalText(vi: help, en: help))
}
