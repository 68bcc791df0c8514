import Console
import Glibc

let exitCode = Program.run(
  Array(CommandLine.arguments.dropFirst()),
  environment: { name in getenv(name).map { String(cString: $0) } },
  makeTerminal: { .standard($0) })
exit(exitCode.rawValue)
