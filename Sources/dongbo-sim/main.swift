import Glibc
import Simulation

/// `dongbo-sim --seed N | --seeds A..B [--provinces P] [--operations M] [--verbose]`
struct Options {
  var seeds: ClosedRange<UInt64> = 1...20
  var provinceCount = 2
  var operationCount = 30
  var isVerbose = false

  /// - Returns: nil when an argument is not understood.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      if name == "--verbose" {
        isVerbose = true
        continue
      }
      guard let value = rest.popFirst() else { return nil }
      switch name {
      case "--seed":
        guard let seed = UInt64(value) else { return nil }
        seeds = seed...seed
      case "--seeds":
        let bounds = value.split(separator: ".").compactMap { UInt64($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { return nil }
        seeds = bounds[0]...bounds[1]
      case "--provinces":
        guard let count = Int(value), (1...6).contains(count) else { return nil }
        provinceCount = count
      case "--operations":
        guard let count = Int(value), (0...1_000_000).contains(count) else { return nil }
        operationCount = count
      default: return nil
      }
    }
  }
}

func say(_ line: String, to descriptor: CInt = STDOUT_FILENO) {
  let bytes = Array((line + "\n").utf8)
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { buffer in
      let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
      return write(descriptor, rest.baseAddress, rest.count)
    }
    guard count > 0 else { return }
    written += count
  }
}

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
  say(
    "usage: dongbo-sim --seed N | --seeds A..B [--provinces 1-6] [--operations N] [--verbose]",
    to: STDERR_FILENO)
  exit(2)
}

var failedSeeds: [UInt64] = []
for seed in options.seeds {
  let run = SeedRun(
    seed: seed, provinceCount: options.provinceCount, operationCount: options.operationCount)
  let report = run.run(listener: options.isVerbose ? { say($0) } : nil)
  say(report.isGood ? report.summary : report.explanation)
  if !report.isGood { failedSeeds.append(seed) }
}
say("\(options.seeds.count) seeds, \(failedSeeds.count) failed: \(failedSeeds)")
exit(failedSeeds.isEmpty ? 0 : 1)
