package import Operations

/// Why a command did not do what was asked: what failed, and what to do about it.
package struct CommandFailure: Error, Hashable, Sendable {
  package let exitCode: ExitCode
  /// One sentence with the value at fault; safe for a terminal.
  package let message: LocalText
  /// What helps, as a sentence or a command to paste; nil when the message says it all.
  package let hint: LocalText?

  /// A failure with a text of ours; values in it have been made visible.
  package init(_ exitCode: ExitCode, _ message: LocalText, hint: LocalText? = nil) {
    self.exitCode = exitCode
    self.message = message
    self.hint = hint
  }

  /// The same text in both languages: it came from the system or the daemon.
  package init(_ exitCode: ExitCode, _ message: String, hint: String? = nil) {
    let safe = visibleText(message)
    self.init(
      exitCode, LocalText(vi: safe, en: safe),
      hint: hint.map(visibleText).map { LocalText(vi: $0, en: $0) })
  }

  /// For stderr: `dongbo: message` and, indented, what to do.
  package func text(in language: Language) -> String {
    let first = "dongbo: \(message.text(in: language))\n"
    guard let hint else { return first }
    return first + "  \(hint.text(in: language))\n"
  }
}
