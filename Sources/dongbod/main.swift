import Daemon
import Glibc
import Operations

/// dongbod --config PATH: runs one site until SIGTERM.
func tell(_ text: String, on descriptor: Int32 = STDOUT_FILENO) {
  let line = Array((text + "\n").utf8)
  _ = write(descriptor, line, line.count)
}

func fail(_ text: String, code: Int32) -> Never {
  tell(text, on: STDERR_FILENO)
  exit(code)
}

let arguments = Array(CommandLine.arguments.dropFirst())
var path = environmentValue("DONGBO_CONFIG")
switch arguments.count {
case 0: break
case 1 where arguments[0] == "--version":
  tell("dongbod \(DongboVersion.text)")
  exit(0)
case 1 where arguments[0] == "--help":
  tell("usage: dongbod --config PATH\nSignals: TERM stops, HUP reloads the configuration.")
  exit(0)
case 2 where arguments[0] == "--config": path = arguments[1]
default: fail("usage: dongbod --config PATH (see dongbod --help)", code: 64)
}
guard let path else { fail("dongbod: name a configuration: dongbod --config PATH", code: 64) }
let language = Language.choose(flag: nil, environment: environmentValue, configured: .en)
do throws(StartError) {
  try DongboDaemon(configurationPath: path).run()
} catch {
  tell("dongbod: " + error.text(in: language), on: STDERR_FILENO)
  // Not exit(): threads that the failure left behind may still run, and OpenSSL's handlers would
  // take the library down under them.
  _exit(error.exitCode)
}
