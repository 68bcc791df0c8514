import Replication
import Storage

extension Strike {
  private static let hour: Int64 = 3_600_000_000
  private static let year: Int64 = 365 * 24 * 3_600_000_000

  mutating func wrong(_ clock: inout SimulatedClock, of site: SimulatedSite) {
    site.world.inject(fault)
    switch fault {
    case .clockOffset:
      clock.offsetMicroseconds = Int64.random(in: -10 * Self.year...10 * Self.year, using: &random)
    case .clockDrift:
      clock.driftPartsPerMillion = Int64.random(in: -100_000...100_000, using: &random)
    case .clockJump:
      let steps = [Self.year, -Self.year, Self.hour, -Self.hour, 90_000_000, -90_000_000]
      clock.offsetMicroseconds += random.pick(steps) ?? 0
    default:
      clock.frozenAt = clock.shown(at: site.world.now)
      let world = site.world
      world.after(random.milliseconds(1_000...600_000)) { site.clock.frozenAt = nil }
    }
  }

  // MARK: Processes and disks

  mutating func fail(_ site: SimulatedSite) {
    let world = site.world
    guard site.isUp else { return }
    world.inject(fault)
    if fault != .fullDisk { site.restartsAfter = random.milliseconds(500...30_000) }
    switch fault {
    case .kill:
      if random.chance(50) {
        site.kill()
      } else if let step = random.pick(KillStep.allCases) {
        site.plannedKill = (step, 1 + random.below(4))
      }
    case .powerLoss:
      // In the middle of a sync when there is one soon; else at once.
      if random.chance(60) {
        site.plannedSyncFailure = (isTaken: random.chance(50), isPowerLoss: true)
      } else {
        site.kill(silently: true)
      }
    case .failedCommit:
      site.plannedSyncFailure = (isTaken: random.chance(50), isPowerLoss: false)
    default:
      site.isDiskFull = true
      world.after(random.milliseconds(500...20_000)) { site.isDiskFull = false }
    }
  }

  /// Spoils entries that the site can get back: from a neighbour that never goes back in time.
  mutating func rot(_ site: SimulatedSite) {
    let world = site.world
    let neighbours = (site.isCentre ? world.provinces : [world.centre])
      .filter { $0 !== rolledBack && world.members.contains($0.id) }
    guard !world.isOnDisk, site !== rolledBack, let neighbour = random.pick(neighbours) else {
      return
    }
    world.attempt("rot at \(site.id)", at: site) { () throws(StoreError) in
      let held = try site.store.leaves(after: nil, limit: SimulatedWorld.noLimit)
      let shared = try neighbour.store.leaves(after: nil, limit: SimulatedWorld.noLimit)
      let sound = Set(shared.map(\.digest)).subtracting(neighbour.store.rottenEntries)
      let candidates = held.map(\.digest).filter { sound.contains($0) }
      for _ in 0..<1 + random.below(3) {
        guard let digest = random.pick(candidates) else { return }
        site.store.rot(digest)
        world.inject(fault)
      }
      // The scrub comes round in the end.
      world.after(random.milliseconds(1_000...60_000)) { site.scrub() }
    }
  }

  // MARK: Roll-backs

  mutating func rollBack(in world: SimulatedWorld) {
    let site = rolledBack
    switch fault {
    case .forgottenCursors:
      guard site.isUp else { return }
      world.inject(fault)
      world.forgetCursors(site)
    case .restore: planRestore(of: site, in: world)
    case .snapshot: planSnapshot(of: site, in: world)
    default:
      // The centre has one address: its clone is never reached.
      guard !site.isCentre, world.clones.isEmpty, site.isUp else { return }
      world.inject(fault)
      world.startClone(of: site)
      world.after(random.milliseconds(2_000...90_000)) { world.endClone(of: site.id) }
    }
  }

  private mutating func planRestore(of site: SimulatedSite, in world: SimulatedWorld) {
    let backup = world.backUp(site)
    let witness = random.pick(RestoredWitness.allCases) ?? .kept
    world.after(random.milliseconds(200...spanMilliseconds / 3)) {
      guard !world.isAtPeace else { return }
      world.inject(.restore)
      world.restore(site, to: backup, witness: witness)
    }
  }

  /// A virtual machine goes back to its snapshot, memory aside, and works on alone for a while.
  private mutating func planSnapshot(of site: SimulatedSite, in world: SimulatedWorld) {
    let backup = world.backUp(site)
    let lines = (site.isCentre ? world.provinces : [site]).map { world.line(of: $0.id) }
    let alone = random.milliseconds(1_000...40_000)
    world.after(random.milliseconds(200...spanMilliseconds / 3)) {
      guard !world.isAtPeace else { return }
      world.inject(.snapshot)
      for line in lines { line.cut() }
      world.restore(site, to: backup, witness: .wentBackToo)
      world.after(alone) { for line in lines { line.heal() } }
    }
  }

  // MARK: Operators

  /// The site comes back from an older copy while some of its peers are silent. Its operator
  /// answers for those, as for some that are only late; they come back in the end.
  mutating func planRejoin(of site: SimulatedSite, in world: SimulatedWorld) {
    let backup = world.backUp(site)
    let witness: RestoredWitness = random.chance(70) ? .kept : .lost
    var lines = (site.isCentre ? world.provinces : [site]).map { world.line(of: $0.id) }
    lines.shuffle(using: &random)
    lines = Array(lines.prefix(1 + random.below(lines.count)))
    let alone = random.milliseconds(2_000...60_000)
    let strike = self
    world.after(random.milliseconds(200...max(spanMilliseconds / 3, 201))) {
      guard !world.isAtPeace else { return }
      for line in lines { line.cut() }
      world.restore(site, to: backup, witness: witness)
      world.after(alone) { for line in lines { line.heal() } }
      var strike = strike
      strike.rejoin(site, until: world.now + .seconds(60))
    }
  }

  /// A person looks again and again as long as the site is locked, and never waits for all peers.
  private mutating func rejoin(_ site: SimulatedSite, until end: Instant) {
    let world = site.world
    guard world.now < end, !world.isAtPeace else { return }
    if site.isUp, let state = try? site.store.siteState(), state.lock != nil {
      let absent = state.unconfirmed.filter { peer in
        let line = world.line(of: site.isCentre ? peer : site.id)
        return random.chance(line.isCut ? 80 : 20)
      }
      if !absent.isEmpty {
        site.post(.rejoin(without: absent))
        world.inject(fault)
      }
    }
    let strike = self
    world.after(random.milliseconds(500...5_000)) {
      var strike = strike
      strike.rejoin(site, until: end)
    }
  }
}
