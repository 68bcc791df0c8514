/// The plans of the commands that have more than a number or two.
extension BenchCommand {
  static func allPlan(_ options: inout BenchOptions) throws(BenchFailure) -> AllRun.Plan {
    var plan = AllRun.Plan()
    plan.changeCount = try options.number(
      "--changes", default: plan.changeCount, in: 1...maximumChangeCount)
    plan.roundCount = try options.number(
      "--rounds", default: plan.roundCount, in: 1...maximumRoundCount)
    plan.seed = try options.seed()
    plan.peersPath = options.optionalPath("--peers")
    if options.flag("--large") { plan.storeEntryCount = AllRun.Plan.largeEntryCount }
    return plan
  }

  static func replicatePlan(_ options: inout BenchOptions) throws(BenchFailure)
    -> ReplicateRun.Plan
  {
    var plan = ReplicateRun.Plan()
    plan.changeCount = try options.number(
      "--changes", default: plan.changeCount, in: 1...maximumChangeCount)
    plan.seed = try options.seed()
    plan.isOneByOne = options.flag("--one-by-one")
    return plan
  }

  static func fanoutPlan(_ options: inout BenchOptions) throws(BenchFailure) -> FanoutRun.Plan {
    var plan = FanoutRun.Plan()
    plan.linkCount = try options.number(
      "--links", default: plan.linkCount, in: 1...maximumLinkCount)
    plan.changeCount = try options.number(
      "--changes", default: plan.changeCount, in: 1...maximumChangeCount)
    plan.seed = try options.seed()
    return plan
  }

  static func linksPlan(_ options: inout BenchOptions) throws(BenchFailure) -> LinksRun.Plan {
    var plan = LinksRun.Plan()
    plan.linkCount = try options.number(
      "--links", default: plan.linkCount, in: 1...maximumLinkCount)
    plan.seconds = try options.number("--seconds", default: plan.seconds, in: 1...maximumSeconds)
    return plan
  }

  static func largePlan(_ options: inout BenchOptions) throws(BenchFailure) -> LargeRun.Plan {
    var plan = LargeRun.Plan()
    plan.entryCount = try options.number(
      "--entries", default: plan.entryCount, in: 1...maximumEntryCount)
    plan.changeCount = try options.number(
      "--changes", default: plan.changeCount, in: 1...maximumChangeCount)
    plan.seed = try options.seed()
    return plan
  }

  static func filesPlan(_ options: inout BenchOptions) throws(BenchFailure) -> FilesRun.Plan {
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

  static func loadPlan(_ options: inout BenchOptions) throws(BenchFailure) -> LoadRun.Plan {
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

  static func checkPlan(_ options: inout BenchOptions) throws(BenchFailure) -> CheckRun.Plan {
    var plan = CheckRun.Plan(lab: try options.path("--lab"), ledger: try options.path("--ledger"))
    plan.seconds = try options.number("--seconds", default: plan.seconds, in: 1...maximumSeconds)
    plan.isStopped = options.flag("--stopped")
    return plan
  }
}
