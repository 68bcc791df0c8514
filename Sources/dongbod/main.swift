import Daemon
import Glibc
import Operations

/// dongbod --config PATH: runs one site until SIGTERM.
func fail(_ text: String, code: Int32) -> Never {
  let line = Array((text + "\n").utf8)
  _ = write(STDERR_FILENO, line, line.count)
  exit(code)
}

let arguments = Array(CommandLine.arguments.dropFirst())
var path = environmentValue("DONGBO_CONFIG")
switch arguments.count {
case 0: break
case 1 where arguments[0] == "--version":
  print("dongbod \(DongboVersion.text)")
  exit(0)
case 1 where arguments[0] == "--help":
  print("usage: dongbod --config PATH\nSignals: TERM stops, HUP reloads the configuration.")
  exit(0)
case 2 where arguments[0] == "--config": path = arguments[1]
default: fail("usage: dongbod --config PATH (see dongbod --help)", code: 64)
}
guard let path else { fail("dongbod: name a configuration: dongbod --config PATH", code: 64) }
let language = Language.choose(flag: nil, environment: environmentValue, configured: .en)
do throws(StartError) {
  try DongboDaemon(configurationPath: path).run()
} catch {
  fail("dongbod: " + error.text(in: language), code: error.exitCode)
}
