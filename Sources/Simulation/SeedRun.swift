import Replication

/// One seed: a world, its workload and its mishaps, then peace, then the oracles.
package struct SeedRun: Sendable {
  package let seed: UInt64
  package let provinceCount: Int
  package let operationCount: Int

  /// - Parameters:
  ///   - provinceCount: 1 to 6.
  ///   - operationCount: writes that are tried; some are refused, as they should be.
  package init(seed: UInt64, provinceCount: Int = 2, operationCount: Int = 30) {
    self.seed = seed
    self.provinceCount = provinceCount
    self.operationCount = operationCount
  }

  /// - Parameter listener: gets every event of the trace as it happens.
  package func run(listener: ((String) -> Void)? = nil) -> SeedReport {
    var choices = SplitMix64(seed: seed ^ 0x5EED)
    let isLate = provinceCount > 1 && choices.chance(30)
    let world = SimulatedWorld(
      seed: seed, provinceCount: provinceCount, lateProvinceCount: isLate ? 1 : 0)
    if let listener { world.listen(listener) }
    let faults = Fault.allCases.filter { _ in choices.chance(35) }
    world.note("seed \(seed) with \(faults)")
    world.start()
    planWrites(in: world)
    if isLate { planLateProvince(in: world) }
    for fault in faults { plan(fault, in: world) }
    planCompaction(in: world)
    world.run(for: .milliseconds(spanMilliseconds))
    makePeace(in: world)
    if world.drain() {
      world.centre.post(.release)
      if world.drain() { world.judge() }
    }
    return SeedReport(self, world)
  }

  /// Virtual time in which writes and mishaps happen.
  private var spanMilliseconds: Int { 4_000 + 300 * operationCount }

  private func planWrites(in world: SimulatedWorld) {
    let workload = Box(Workload())
    for _ in 0..<operationCount {
      world.after(world.random.milliseconds(1_000...spanMilliseconds)) {
        workload.value.step(in: world)
      }
    }
  }

  private func planLateProvince(in world: SimulatedWorld) {
    world.after(world.random.milliseconds(500...spanMilliseconds / 2)) {
      guard let late = world.provinces.last?.id else { return }
      world.addMember(late)
    }
  }

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

  private func plan(_ fault: Fault, in world: SimulatedWorld) {
    // One site of a world is put back, perhaps twice: two at once may lose what only they had.
    let restored = world.random.pick(world.sites) ?? world.centre
    for _ in 0..<(1 + world.random.below(2)) {
      let wait = world.random.milliseconds(0...spanMilliseconds)
      switch fault {
      case .restore: planRestore(of: restored, in: world)
      case .cutAtByte, .cutForLong, .flapping, .slowLine, .kill, .forgottenCursors, .clockStep,
        .fullDisk:
        world.after(wait) { strike(fault, in: world) }
      }
    }
  }

  private func planRestore(of site: SimulatedSite, in world: SimulatedWorld) {
    let copied = world.random.milliseconds(500...spanMilliseconds * 2 / 3)
    let lasted = world.random.milliseconds(200...spanMilliseconds / 3)
    world.after(copied) {
      let backup = world.backUp(site)
      world.after(lasted) {
        let witness = world.random.pick(RestoredWitness.allCases) ?? .kept
        world.restore(site, to: backup, witness: witness)
      }
    }
  }

  private func strike(_ fault: Fault, in world: SimulatedWorld) {
    guard let site = world.random.pick(world.sites),
      let province = world.random.pick(world.provinces)
    else { return }
    let line = world.line(of: province.id)
    switch fault {
    case .cutAtByte:
      line.byteCountUntilCut = 1 + world.random.below(6_000)
      world.after(world.random.milliseconds(500...5_000)) { line.heal() }
    case .cutForLong:
      line.cut(silently: world.random.chance(40))
      world.after(world.random.milliseconds(2_000...60_000)) { line.heal() }
    case .flapping: world.flap(line, every: .seconds(2), count: 1 + world.random.below(5))
    case .slowLine:
      line.bitsPerSecond = 56_000
      line.latency = .milliseconds(300)
    case .kill: planKill(of: site, in: world)
    case .forgottenCursors: world.forgetCursors(site)
    case .clockStep:
      site.clockOffsetMicroseconds = Int64(world.random.below(7_200) - 3_600) * 1_000_000
    case .fullDisk:
      site.isDiskFull = true
      world.after(world.random.milliseconds(500...6_000)) { site.isDiskFull = false }
    case .restore: break
    }
  }

  private func planKill(of site: SimulatedSite, in world: SimulatedWorld) {
    if world.random.chance(50) {
      site.kill(silently: world.random.chance(40))
    } else if let step = world.random.pick(KillStep.allCases) {
      site.plannedKill = (step, 1 + world.random.below(4))
    }
    world.after(world.random.milliseconds(1_000...8_000)) {
      if !site.isUp { site.start() }
    }
  }

  /// No mishap from here on; what stays as it is are slow lines and wrong clocks.
  private func makePeace(in world: SimulatedWorld) {
    world.note("peace")
    for site in world.sites {
      site.plannedKill = nil
      site.isDiskFull = false
      if !site.isUp { site.start() }
    }
    for province in world.provinces {
      world.line(of: province.id).byteCountUntilCut = nil
      world.line(of: province.id).heal()
    }
  }
}

/// A value that planned events change together.
private final class Box<Value> {
  var value: Value
  init(_ value: Value) { self.value = value }
}

/// How a seed went.
package struct SeedReport: Sendable {
  /// What must not have happened; empty when all is well.
  package let failures: [String]
  /// Equal in every run of the same seed, provinces and operations.
  package let traceHash: UInt64
  package let eventCount: Int
  package let okCount: Int
  package let refusedCount: Int
  /// Acknowledged writes that a restore took from every store at once.
  package let lostCount: Int
  package let virtualTime: Duration
  private let run: SeedRun
  private let lastEvents: [String]

  init(_ run: SeedRun, _ world: SimulatedWorld) {
    self.run = run
    failures = world.failures
    traceHash = world.trace.hash
    eventCount = world.eventCount
    okCount = world.clients.okCount
    refusedCount = world.clients.refusedCount
    lostCount = world.ledger.lost.count
    virtualTime = world.now - Instant(nanoseconds: 0)
    lastEvents = world.trace.last
  }

  package var isGood: Bool { failures.isEmpty }

  /// One line.
  package var summary: String {
    "seed \(run.seed): \(isGood ? "ok" : "FAILED")  ok \(okCount)  refused \(refusedCount)"
      + "  lost \(lostCount)  events \(eventCount)  virtual \(virtualTime.components.seconds) s"
      + "  trace \(String(traceHash, radix: 16))"
  }

  /// What a person needs to look into a failure.
  package var explanation: String {
    let lines =
      [summary] + failures.prefix(20).map { "  \($0)" } + ["last events:"]
      + lastEvents.map { "  \($0)" } + ["replay: \(command)"]
    return lines.joined(separator: "\n")
  }

  package var command: String {
    "dongbo-sim --seed \(run.seed) --provinces \(run.provinceCount)"
      + " --operations \(run.operationCount) --verbose"
  }
}
