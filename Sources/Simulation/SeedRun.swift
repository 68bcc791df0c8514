import Replication

/// One seed: a world, its workload and its mishaps, then peace, then the oracles. All that happens
/// follows from these four values.
package struct SeedRun: Hashable, Sendable {
  package static let siteCounts = 2...1 + SiteNames.provinceCounts.upperBound
  package static let operationCounts = 0...1_000_000

  package let seed: UInt64
  /// The centre among them.
  package let siteCount: Int
  /// Writes that are tried; some are refused, as they should be.
  package let operationCount: Int
  /// In the order of the kinds.
  package let faults: [Fault]

  /// What is nil follows from the seed: 4 to 9 sites, 40 to 240 operations, few faults or many.
  /// - Precondition: the counts are within their bounds.
  package init(
    seed: UInt64, siteCount: Int? = nil, operationCount: Int? = nil, faults: [Fault]? = nil
  ) {
    var choices = SplitMix64(seed: seed ^ 0x5EED)
    let drawnSites = 4 + choices.below(6)
    let drawnOperations = 40 + choices.below(201)
    let percent = choices.pick([8, 20, 40]) ?? 20
    let drawn = Fault.allCases.filter { _ in choices.chance(percent) }
    self.seed = seed
    self.siteCount = siteCount ?? drawnSites
    self.operationCount = operationCount ?? drawnOperations
    self.faults = Fault.allCases.filter { (faults ?? drawn).contains($0) }
    precondition(Self.siteCounts.contains(self.siteCount), "\(self.siteCount) sites")
    precondition(Self.operationCounts.contains(self.operationCount), "\(self.operationCount)")
  }

  /// - Parameter listener: gets every event of the trace as it happens.
  package func run(listener: ((String) -> Void)? = nil) -> SeedReport {
    let isLate = faults.contains(.lateSite) && siteCount > 2
    let world = SimulatedWorld(
      seed: seed, provinceCount: siteCount - 1, lateProvinceCount: isLate ? 1 : 0,
      isOnDisk: isOnDisk)
    defer { world.end() }
    if let listener { world.listen(listener) }
    world.note("seed \(seed) with \(faults.map(\.rawValue))")
    if faults.contains(.narrowLimits) {
      var random = SplitMix64(seed: seed ^ 0x11A77)
      world.limits = .narrow(&random)
      world.inject(.narrowLimits)
    }
    world.start()
    planWrites(in: world)
    if isLate { planLateProvince(in: world) }
    FaultPlan(seed: seed, spanMilliseconds: spanMilliseconds).plan(faults, in: world)
    planCompaction(in: world)
    world.run(for: .milliseconds(spanMilliseconds))
    world.makePeace()
    if world.drain() {
      for site in world.sites { site.post(.release) }
      if world.drain() {
        world.judge()
        world.judgeSymptoms(of: faults)
      }
    }
    return SeedReport(self, world)
  }

  /// One seed in so many is run twice; a prime, so that worlds of every sort are among them.
  private static let checkedInterval: UInt64 = 101

  /// The same; now and then twice, and both must leave one trace.
  package func runChecked() -> SeedReport {
    var report = run()
    guard seed % Self.checkedInterval == 0 else { return report }
    let again = run()
    if again.traceHash != report.traceHash { report.fail("two runs of it leave two traces") }
    return report
  }

  /// Stores are the product's own in one of eight seeds.
  private var isOnDisk: Bool { seed % 8 == 6 }

  /// Virtual time in which writes and mishaps happen: a day in one of eight seeds.
  private var spanMilliseconds: Int {
    seed % 8 == 3 ? 24 * 3_600_000 : 4_000 + 300 * operationCount
  }

  private func planWrites(in world: SimulatedWorld) {
    let workload = Box(Workload())
    var times = SplitMix64(seed: seed ^ 0x714E5)
    for _ in 0..<operationCount {
      world.after(times.milliseconds(1_000...max(spanMilliseconds, 1_001))) {
        workload.value.step(in: world)
      }
    }
  }

  private func planLateProvince(in world: SimulatedWorld) {
    world.after(world.random.milliseconds(500...spanMilliseconds / 2)) {
      guard let late = world.provinces.last?.id else { return }
      world.inject(.lateSite)
      world.addMember(late)
    }
  }
}

extension SeedRun {
  /// At any moment, between writes and mishaps.
  private func planCompaction(in world: SimulatedWorld) {
    for site in world.sites {
      for _ in 0..<world.random.below(4) {
        let age = Duration.milliseconds(world.random.below(2_000))
        world.after(world.random.milliseconds(1_000...spanMilliseconds)) {
          if site.isUp { site.post(.compact(keeping: age)) }
        }
      }
    }
  }
}

// MARK: As a command

extension SeedRun {
  package var arguments: [String] {
    let names = faults.isEmpty ? "none" : faults.map(\.rawValue).joined(separator: ",")
    return [
      "--seed", "\(seed)", "--sites", "\(siteCount)", "--operations", "\(operationCount)",
      "--faults", names,
    ]
  }

  /// Runs exactly this, and shows it.
  package var command: String {
    "dongbo-sim " + arguments.joined(separator: " ") + " --verbose"
  }

  package var siteNames: [String] {
    ([SiteNames.centre] + SiteNames.provinces(siteCount - 1)).map(\.description)
  }
}

extension SimulatedWorld {
  /// No mishap from here on; what stays as it is are slow lines and wrong clocks.
  func makePeace() {
    note("peace")
    isAtPeace = true
    for clone in clones { endClone(of: clone.id) }
    for site in sites {
      site.plannedKill = nil
      site.plannedSyncFailure = nil
      site.plannedDiskFault = nil
      site.isDiskFull = false
      if !site.isUp { site.start() }
      site.scrub()
    }
    for province in provinces {
      let line = line(of: province.id)
      line.byteCountUntilCut = nil
      line.plannedDamage = []
      line.slowReader = nil
      for end in [ConnectionEnd.dialler, .acceptor] { line.unblock(from: end) }
      line.heal()
    }
  }
}

/// A value that planned events change together.
private final class Box<Value> {
  var value: Value
  init(_ value: Value) { self.value = value }
}
