import Glibc
import Simulation

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
  say(Options.usage, to: STDERR_FILENO)
  exit(2)
}
switch options.mode {
case .help:
  say(Options.usage)
case .one:
  let run = options.run(of: options.seeds.lowerBound)
  let report = run.run(listener: options.isVerbose ? { say($0) } : nil)
  say(options.isJSON ? report.json : report.summary)
  if !options.isJSON { for failure in report.failures.prefix(20) { say("  \(failure)") } }
  exit(report.isGood ? 0 : 1)
case .worker:
  work(options)
case .all:
  exit(superviseWorkers(options) ? 0 : 1)
}
