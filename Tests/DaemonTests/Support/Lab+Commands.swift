import Operations

@testable import Console

extension Lab {
  /// What one run of the command line wrote, and its exit code.
  struct CommandOutcome {
    let exitCode: ExitCode
    let output: String
    let error: String
  }

  /// Runs a command with a site's configuration.
  func dongbo(_ site: String, _ arguments: [String]) -> CommandOutcome {
    var (output, error): ([UInt8], [UInt8]) = ([], [])
    let exitCode = Program.run(
      ["--config", "\(path)/\(site)/dongbo.conf"] + arguments, environment: { _ in nil },
      makeTerminal: { language in
        Terminal(language: language, output: { output += $0 }, error: { error += $0 })
      })
    return CommandOutcome(
      exitCode: exitCode, output: String(decoding: output, as: UTF8.self),
      error: String(decoding: error, as: UTF8.self))
  }
}
