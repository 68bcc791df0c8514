import Glibc
import Simulation

/// What the command line asks for.
struct Options {
  enum Mode {
    case help
    /// One seed, in this process.
    case one
    /// Many seeds, in other processes.
    case all
    /// One of those processes.
    case worker
  }

  static let usage = """
    usage: dongbo-sim --seeds A..B [options]   many seeds, on every processor
           dongbo-sim --seed N [options]       one seed
      --sites N        centre and provinces, 2 to 101   (else 4 to 9, as the seed draws)
      --operations N   writes that applications try     (else 40 to 240)
      --faults LIST    kinds of faults, or none         (else as the seed draws)
      --json           an object for each seed, and one for all
      --verbose        every event; with --seed
    kinds: \(Fault.allCases.map(\.rawValue).joined(separator: " "))
    Ends with 0 when every seed is good, with 1 when one is not, with 2 for wrong arguments.
    A seed that fails is made as small as it still fails, and shown with the command that replays
    it.
    """

  private(set) var mode = Mode.help
  private(set) var seeds: ClosedRange<UInt64> = 1...1
  private(set) var siteCount: Int?
  private(set) var operationCount: Int?
  private(set) var faults: [Fault]?
  private(set) var isJSON = false
  private(set) var isVerbose = false
  /// Of a worker: it takes every so many-th seed.
  private(set) var stride: UInt64 = 1

  /// - Returns: nil when an argument is not understood.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      switch name {
      case "--help", "-h":
        mode = .help
        return
      case "--verbose": isVerbose = true
      case "--json": isJSON = true
      default: guard let value = rest.popFirst(), take(name, value) else { return nil }
      }
    }
    if mode == .help { return nil }
  }

  private mutating func take(_ name: String, _ value: String) -> Bool {
    switch name {
    case "--seed":
      guard let seed = UInt64(value) else { return false }
      seeds = seed...seed
      mode = .one
    case "--seeds":
      let bounds = value.split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
      guard bounds.count == 2, let first = bounds[0], let last = bounds[1], first <= last,
        value == "\(first)..\(last)"
      else { return false }
      seeds = first...last
      mode = mode == .worker ? .worker : .all
    case "--worker":
      guard let every = UInt64(value), every > 0 else { return false }
      stride = every
      mode = .worker
    case "--sites":
      guard let count = Int(value), SeedRun.siteCounts.contains(count) else { return false }
      siteCount = count
    case "--operations":
      guard let count = Int(value), SeedRun.operationCounts.contains(count) else { return false }
      operationCount = count
    case "--faults":
      guard let list = Fault.list(value) else { return false }
      faults = list
    default: return false
    }
    return true
  }

  func run(of seed: UInt64) -> SeedRun {
    SeedRun(seed: seed, siteCount: siteCount, operationCount: operationCount, faults: faults)
  }

  /// What a worker is told beside its seeds.
  var shared: [String] {
    var words: [String] = []
    if let siteCount { words += ["--sites", "\(siteCount)"] }
    if let operationCount { words += ["--operations", "\(operationCount)"] }
    if let faults {
      words += [
        "--faults", faults.isEmpty ? "none" : faults.map(\.rawValue).joined(separator: ","),
      ]
    }
    return words
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
