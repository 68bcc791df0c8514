/// What the command line asks for.
enum BenchCommand: Equatable, Sendable {
  case all(AllRun.Plan, isJSON: Bool)
  case replicate(ReplicateRun.Plan, isJSON: Bool)
  case latency(rate: Int, count: Int, seed: UInt64, isJSON: Bool)
  case signatures(documentCount: Int, seed: UInt64, isJSON: Bool)
  case fanout(FanoutRun.Plan, isJSON: Bool)
  case links(LinksRun.Plan, isJSON: Bool)
  case large(LargeRun.Plan, isJSON: Bool)
  case copy(byteCount: Int, seed: UInt64, isJSON: Bool)
  case files(FilesRun.Plan, isJSON: Bool)
  case load(LoadRun.Plan, isJSON: Bool)
  case check(CheckRun.Plan, isJSON: Bool)
  case behind(changeCount: Int, seed: UInt64, isJSON: Bool)
  case stages(changeCount: Int, seed: UInt64, isJSON: Bool)
  case limits(changeCount: Int, seed: UInt64, isJSON: Bool)
  case workload(changeCount: Int, seed: UInt64)
  case help

  static let maximumChangeCount = 2_000_000
  static let maximumRate = 100_000
  static let maximumRoundCount = 100
  /// What `dongbo lab create` makes at most.
  static let maximumLinkCount = 200
  /// What is added to a large store is as many changes again at most.
  static let maximumEntryCount = 100_000_000
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
    switch name {
    case "all": return .all(try allPlan(&options), isJSON: options.flag("--json"))
    case "replicate": return .replicate(try replicatePlan(&options), isJSON: options.flag("--json"))
    case "latency":
      return .latency(
        rate: try options.number("--rate", default: 200, in: 1...maximumRate),
        count: try options.number("--count", default: 2_000, in: 1...maximumChangeCount),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "signatures":
      return .signatures(
        documentCount: try options.number(
          "--documents", default: SignaturesRun.documentCount, in: 1...maximumChangeCount),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "fanout": return .fanout(try fanoutPlan(&options), isJSON: options.flag("--json"))
    case "links": return .links(try linksPlan(&options), isJSON: options.flag("--json"))
    case "large": return .large(try largePlan(&options), isJSON: options.flag("--json"))
    case "files": return .files(try filesPlan(&options), isJSON: options.flag("--json"))
    case "copy":
      return .copy(
        byteCount: try options.number("--size", default: 1 << 30, in: 1...maximumFileByteCount),
        seed: try options.seed(), isJSON: options.flag("--json"))
    case "load": return .load(try loadPlan(&options), isJSON: options.flag("--json"))
    case "check": return .check(try checkPlan(&options), isJSON: options.flag("--json"))
    case "help", "--help", "-h": return .help
    default: return try changesCommand(name, &options)
    }
  }

  /// Those that need no more than a number of changes.
  private static func changesCommand(
    _ name: String, _ options: inout BenchOptions
  ) throws(BenchFailure) -> BenchCommand {
    func changes(_ ordinary: Int) throws(BenchFailure) -> Int {
      try options.number("--changes", default: ordinary, in: 1...maximumChangeCount)
    }
    switch name {
    case "behind":
      return .behind(
        changeCount: try changes(20_000), seed: try options.seed(),
        isJSON: options.flag("--json"))
    case "stages":
      return .stages(
        changeCount: try changes(20_000), seed: try options.seed(),
        isJSON: options.flag("--json"))
    case "limits":
      return .limits(
        changeCount: try changes(100_000), seed: try options.seed(),
        isJSON: options.flag("--json"))
    case "workload":
      return .workload(changeCount: try changes(200_000), seed: try options.seed())
    default: throw BenchFailure("unknown command \(name)\n\n\(usage)")
    }
  }
}
