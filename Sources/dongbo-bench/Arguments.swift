/// What the command line asks for.
enum BenchCommand: Equatable, Sendable {
  case replicate(changeCount: Int, seed: UInt64, isJSON: Bool)
  case latency(rate: Int, count: Int, seed: UInt64, isJSON: Bool)
  case files(FilesRun.Plan, isJSON: Bool)
  case behind(changeCount: Int, seed: UInt64, isJSON: Bool)
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

    dongbo-bench behind [--changes N] [--seed S] [--json]
        Revises directives N times (20000) at the centre while the province is away, withdraws
        some, lets the centre compact, and measures how the province catches up from its old
        checkpoint. Ends with 1 when the digests differ, when a withdrawn one is back, or when
        what was superseded did not go.

    dongbod and dongbo are taken from the directory of dongbo-bench.

    """

  static let maximumChangeCount = 2_000_000
  static let maximumRate = 100_000
  static let maximumFaultCount = 1_000
  /// What a site keeps of files that no record names yet, as configured by default.
  static let maximumFileByteCount = 4 << 30

  /// - Parameter arguments: without the program's name.
  static func parse(_ arguments: [String]) throws(BenchFailure) -> BenchCommand {
    guard let name = arguments.first else { throw BenchFailure("a command is needed\n\n\(usage)") }
    var numbers: [String: Int] = [:]
    var isJSON = false
    var rest = arguments.dropFirst()
    while let option = rest.popFirst() {
      switch option {
      case "--json": isJSON = true
      case "--changes", "--rate", "--count", "--seed", "--cuts", "--kills":
        guard let text = rest.popFirst(), let number = Int(text), number >= 0 else {
          throw BenchFailure("\(option) needs a number")
        }
        numbers[option] = number
      case "--size":
        guard let text = rest.popFirst(), let byteCount = size(text) else {
          throw BenchFailure("\(option) needs a number of bytes, as 64M or 1G")
        }
        numbers[option] = byteCount
      default: throw BenchFailure("unknown option \(option)\n\n\(usage)")
      }
    }
    func number(_ option: String, default ordinary: Int, in range: ClosedRange<Int>)
      throws(BenchFailure) -> Int
    {
      let number = numbers.removeValue(forKey: option) ?? ordinary
      guard range.contains(number) else {
        throw BenchFailure(
          "\(option) \(number) is not in \(range.lowerBound)...\(range.upperBound)")
      }
      return number
    }
    let seed = UInt64(try number("--seed", default: 1, in: 0...Int.max))
    let counts = 1...maximumChangeCount
    let command: BenchCommand
    switch name {
    case "replicate":
      let count = try number("--changes", default: 200_000, in: counts)
      command = .replicate(changeCount: count, seed: seed, isJSON: isJSON)
    case "latency":
      let rate = try number("--rate", default: 200, in: 1...maximumRate)
      let count = try number("--count", default: 2_000, in: counts)
      command = .latency(rate: rate, count: count, seed: seed, isJSON: isJSON)
    case "files":
      var plan = FilesRun.Plan()
      plan.byteCount = try number(
        "--size", default: plan.byteCount, in: 1...maximumFileByteCount)
      plan.cutCount = try number("--cuts", default: plan.cutCount, in: 0...maximumFaultCount)
      plan.killCount = try number("--kills", default: plan.killCount, in: 0...maximumFaultCount)
      plan.rate = try number("--rate", default: plan.rate, in: 1...maximumRate)
      plan.seed = seed
      command = .files(plan, isJSON: isJSON)
    case "behind":
      let count = try number("--changes", default: 20_000, in: counts)
      command = .behind(changeCount: count, seed: seed, isJSON: isJSON)
    case "help", "--help", "-h": command = .help
    default: throw BenchFailure("unknown command \(name)\n\n\(usage)")
    }
    guard numbers.isEmpty else {
      throw BenchFailure("\(name) knows no \(numbers.keys.sorted().joined(separator: ", "))")
    }
    return command
  }

  /// Bytes, with K, M or G for a power of 1024.
  private static func size(_ text: String) -> Int? {
    let shift = ["K": 10, "M": 20, "G": 30][text.suffix(1)] ?? 0
    let digits = shift == 0 ? text[...] : text.dropLast()
    guard let number = Int(digits), number >= 0, number <= Int.max >> shift else { return nil }
    return number << shift
  }
}
