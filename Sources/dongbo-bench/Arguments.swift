/// What the command line asks for.
enum BenchCommand: Equatable, Sendable {
  case replicate(changeCount: Int, seed: UInt64, isJSON: Bool)
  case latency(rate: Int, count: Int, seed: UInt64, isJSON: Bool)
  case files(FilesRun.Plan, isJSON: Bool)
  case load(LoadRun.Plan, isJSON: Bool)
  case check(CheckRun.Plan, isJSON: Bool)
  case behind(changeCount: Int, seed: UInt64, isJSON: Bool)
  case stages(changeCount: Int, seed: UInt64, isJSON: Bool)
  case limits(changeCount: Int, seed: UInt64, isJSON: Bool)
  case workload(changeCount: Int, seed: UInt64)
  case help

  static let usage = """
    dongbo-bench replicate --changes N [--seed S] [--json]
        Loads N changes at a province while the centre is down, starts the centre, and measures
        until the last one is durable there.
    dongbo-bench latency --rate R --count N [--seed S] [--json]
        Writes N changes at R a second and measures each from its OK until the centre shows it.

    dongbo-bench files [--size BYTES] [--cuts N] [--kills N] [--rate R] [--seed S] [--json]
        Sends a file (1G; K, M and G are powers of 1024) from the province to the centre while R
        directives a second flow each way, the line is cut and daemons are killed in turn. Ends
        with 1 when what must hold does not: equal digests, at most one window sent again for each
        fault, memory near idle, directives arriving meanwhile.

    dongbo-bench load --lab DIR --ledger FILE [--clients N] [--rate R] [--seconds S]
                      [--until FILE] [--changes N] [--provinces] [--noise BYTES] [--json]
        Writes at all sites of a running lab, or at its provinces only, repeats what is not
        answered, and notes every OK in the ledger, until FILE is there, the time is up, or so many
        changes are tried. The text of each put has BYTES more, which hardly compress.
    dongbo-bench check --lab DIR --ledger FILE [--seconds S] [--stopped] [--json]
        Ends with 1 unless every OK of the ledger is at every site that may have it, once, and both
        ends of each link are equal; with --stopped, unless every log is dense, its heads are true
        and no identity is used twice.
    dongbo-bench behind [--changes N] [--seed S] [--json]
        Revises directives N times (20000) at the centre while the province is away, withdraws
        some, lets the centre compact, and measures how the province catches up from its old
        checkpoint. Ends with 1 when the digests differ, when a withdrawn one is back, or when
        what was superseded did not go.
    dongbo-bench stages [--changes N] [--seed S] [--json]
        Passes N changes (20000) from one store into another by the daemon's own steps, in one
        thread, and tells the CPU time of each step for a change.
    dongbo-bench limits [--changes N] [--seed S] [--json]
        Tells what this machine allows, by the bytes of N changes (100000): rows that SQLite
        inserts from C, syncs, zstd, SHA-256, TLS.
    dongbo-bench workload [--changes N] [--seed S]
        Prints N changes (200000) of the workload, one a line, as other databases copy them in:
        number, i(nsert), u(pdate) or d(elete), kind, id, body.

    dongbod and dongbo are taken from the directory of dongbo-bench.

    """

  static let maximumChangeCount = 2_000_000
  static let maximumRate = 100_000
  static let maximumFaultCount = 1_000
  static let maximumSeconds = 86_400
  /// With the text of the workload below what one field may have.
  static let maximumNoiseByteCount = 30 << 10
  /// What a site keeps of files that no record names yet, as configured by default.
  static let maximumFileByteCount = 4 << 30

  /// - Parameter arguments: without the program's name.
  static func parse(_ arguments: [String]) throws(BenchFailure) -> BenchCommand {
    guard let name = arguments.first else { throw BenchFailure("a command is needed\n\n\(usage)") }
    var options = try BenchOptions(arguments.dropFirst(), of: name)
    let command = try command(name, &options)
    try options.finish()
    return command
  }

  private static func command(
    _ name: String, _ options: inout BenchOptions
  ) throws(BenchFailure) -> BenchCommand {
    let counts = 1...maximumChangeCount
    switch name {
    case "replicate":
      return .replicate(
        changeCount: try options.number("--changes", default: 200_000, in: counts),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "latency":
      return .latency(
        rate: try options.number("--rate", default: 200, in: 1...maximumRate),
        count: try options.number("--count", default: 2_000, in: counts),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "files": return .files(try filesPlan(&options), isJSON: options.flag("--json"))
    case "behind":
      return .behind(
        changeCount: try options.number("--changes", default: 20_000, in: counts),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "stages":
      return .stages(
        changeCount: try options.number("--changes", default: 20_000, in: counts),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "limits":
      return .limits(
        changeCount: try options.number("--changes", default: 100_000, in: counts),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "workload":
      return .workload(
        changeCount: try options.number("--changes", default: 200_000, in: counts),
        seed: try options.seed())
    case "load": return .load(try loadPlan(&options), isJSON: options.flag("--json"))
    case "check":
      var plan = CheckRun.Plan(
        lab: try options.path("--lab"), ledger: try options.path("--ledger"))
      plan.seconds = try options.number("--seconds", default: plan.seconds, in: 1...maximumSeconds)
      plan.isStopped = options.flag("--stopped")
      return .check(plan, isJSON: options.flag("--json"))
    case "help", "--help", "-h": return .help
    default: throw BenchFailure("unknown command \(name)\n\n\(usage)")
    }
  }

  private static func filesPlan(_ options: inout BenchOptions) throws(BenchFailure) -> FilesRun.Plan
  {
    var plan = FilesRun.Plan()
    plan.byteCount = try options.number(
      "--size", default: plan.byteCount, in: 1...maximumFileByteCount)
    plan.cutCount = try options.number("--cuts", default: plan.cutCount, in: 0...maximumFaultCount)
    plan.killCount = try options.number(
      "--kills", default: plan.killCount, in: 0...maximumFaultCount)
    plan.rate = try options.number("--rate", default: plan.rate, in: 1...maximumRate)
    plan.seed = try options.seed()
    return plan
  }

  private static func loadPlan(_ options: inout BenchOptions) throws(BenchFailure) -> LoadRun.Plan {
    var plan = LoadRun.Plan(lab: try options.path("--lab"), ledger: try options.path("--ledger"))
    plan.clientCount = try options.number(
      "--clients", default: plan.clientCount, in: 1...LoadRun.maximumClientCount)
    plan.rate = try options.number("--rate", default: plan.rate, in: 1...maximumRate)
    plan.seconds = try options.number("--seconds", default: plan.seconds, in: 1...maximumSeconds)
    plan.stopFile = options.optionalPath("--until")
    plan.changeCount = try options.number(
      "--changes", default: plan.changeCount, in: 1...Int.max)
    plan.isAtProvincesOnly = options.flag("--provinces")
    plan.noiseByteCount = try options.number(
      "--noise", default: plan.noiseByteCount, in: 0...maximumNoiseByteCount)
    return plan
  }
}

/// The words behind a command; each is taken once by the command that knows it.
private struct BenchOptions {
  private let name: String
  private var numbers: [String: Int] = [:]
  private var paths: [String: String] = [:]
  private var flags: Set<String> = []

  init(_ words: ArraySlice<String>, of name: String) throws(BenchFailure) {
    self.name = name
    var rest = words
    while let option = rest.popFirst() {
      switch option {
      case "--json", "--stopped", "--provinces": flags.insert(option)
      case "--lab", "--ledger", "--until":
        guard let path = rest.popFirst() else { throw BenchFailure("\(option) needs a path") }
        paths[option] = path
      case "--changes", "--rate", "--count", "--seed", "--cuts", "--kills", "--clients",
        "--seconds", "--noise":
        guard let text = rest.popFirst(), let number = Int(text), number >= 0 else {
          throw BenchFailure("\(option) needs a number")
        }
        numbers[option] = number
      case "--size":
        guard let text = rest.popFirst(), let byteCount = Self.size(text) else {
          throw BenchFailure("\(option) needs a number of bytes, as 64M or 1G")
        }
        numbers[option] = byteCount
      default: throw BenchFailure("unknown option \(option)\n\n\(BenchCommand.usage)")
      }
    }
  }

  mutating func number(
    _ option: String, default ordinary: Int, in range: ClosedRange<Int>
  ) throws(BenchFailure) -> Int {
    let number = numbers.removeValue(forKey: option) ?? ordinary
    guard range.contains(number) else {
      throw BenchFailure("\(option) \(number) is not in \(range.lowerBound)...\(range.upperBound)")
    }
    return number
  }

  mutating func seed() throws(BenchFailure) -> UInt64 {
    UInt64(try number("--seed", default: 1, in: 0...Int.max))
  }

  mutating func flag(_ option: String) -> Bool { flags.remove(option) != nil }

  mutating func optionalPath(_ option: String) -> String? { paths.removeValue(forKey: option) }

  mutating func path(_ option: String) throws(BenchFailure) -> String {
    guard let path = optionalPath(option) else { throw BenchFailure("\(name) needs \(option)") }
    return path
  }

  /// - Throws: when the command knows one of the words not.
  func finish() throws(BenchFailure) {
    let unknown = (Array(numbers.keys) + Array(paths.keys) + Array(flags)).sorted()
    guard unknown.isEmpty else {
      throw BenchFailure("\(name) knows no \(unknown.joined(separator: ", "))")
    }
  }

  /// Bytes, with K, M or G for a power of 1024.
  private static func size(_ text: String) -> Int? {
    let shift = ["K": 10, "M": 20, "G": 30][text.suffix(1)] ?? 0
    let digits = shift == 0 ? text[...] : text.dropLast()
    guard let number = Int(digits), number >= 0, number <= Int.max >> shift else { return nil }
    return number << shift
  }
}
