import Operations

/// Help, made from the command table.
enum Help {
  /// Width the first column is padded to before summaries start.
  private static let column = 34

  /// Help on the commands whose words begin with `words`: one command in full, several as a list,
  /// all of them when `words` fit none.
  static func text(_ words: [String], in language: Language) -> String {
    if let command = find(words), words.starts(with: command.words) {
      return details(command, language)
    }
    let shown = CommandTable.specifications.filter { !$0.isHidden }
    let group = shown.filter { $0.words.first == words.first }
    return overview(group.isEmpty ? shown : group, language)
  }

  private static func overview(_ commands: [CommandSpecification], _ language: Language) -> String {
    var text = heading.text(in: language) + "\n\n"
    for command in commands {
      text += row(command.usage, command.summary.text(in: language))
    }
    text += "\n"
    for option in Option.common {
      text += row(usage(of: option), option.summary.text(in: language))
    }
    return text + "\n" + exitCodes.text(in: language) + "\n"
  }

  private static func details(_ command: CommandSpecification, _ language: Language) -> String {
    var text = "dongbo \(command.usage)\n\n  \(command.summary.text(in: language))\n\n"
    for option in command.options + Option.common {
      text += row(usage(of: option), option.summary.text(in: language))
    }
    return text
  }

  private static func usage(of option: Option) -> String {
    guard let value = option.valueName else { return option.rawValue }
    return "\(option.rawValue) \(value)" + (option.isRepeatable ? " ..." : "")
  }

  private static func row(_ left: String, _ right: String) -> String {
    let padding = max(column - left.count, 0)
    // Too long for its column: the summary gets a line of its own.
    guard padding > 0 else {
      return "  \(left)\n" + String(repeating: " ", count: column + 3) + right + "\n"
    }
    return "  " + left + String(repeating: " ", count: padding + 1) + right + "\n"
  }

  private static let heading = LocalText(
    vi: "dongbo: quản trị một điểm của hệ thống đồng bộ. Dùng: dongbo LỆNH [tham số]",
    en: "dongbo: administers one site of the replication. Usage: dongbo COMMAND [arguments]")
  private static let exitCodes = LocalText(
    vi: """
      Mã thoát: 0 xong, 1 thất bại, 2 một phần, 64 sai cách dùng,
      69 không gặp được dongbod, 75 thử lại sau, 77 không được phép, 78 cấu hình sai.
      """,
    en: """
      Exit codes: 0 done, 1 failed, 2 partly done, 64 usage,
      69 daemon not reachable, 75 try again, 77 not allowed, 78 bad configuration.
      """)
}
