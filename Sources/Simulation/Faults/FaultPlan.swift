import Replication

/// When the mishaps of a seed happen, and to whom. Each kind draws from a generator of its own, so
/// that leaving one out leaves the others as they are: what fails can be made smaller.
struct FaultPlan {
  let seed: UInt64
  /// Virtual time in which writes and mishaps happen.
  let spanMilliseconds: Int
  private static let strikeCounts = 1...4

  func plan(_ faults: [Fault], in world: SimulatedWorld) {
    var choices = SplitMix64(seed: seed ^ 0x0B5E55ED)
    // One site of a world goes back in time, perhaps again and again: two may lose what only they
    // had.
    let rolledBack = choices.pick(world.sites) ?? world.centre
    for (index, fault) in Fault.allCases.enumerated() where faults.contains(fault) {
      var random = SplitMix64(seed: seed &* 31 &+ UInt64(index) &+ 1)
      for _ in 0..<Int.random(in: Self.strikeCounts, using: &random) {
        let strike = Strike(
          fault: fault, rolledBack: rolledBack, spanMilliseconds: spanMilliseconds,
          random: SplitMix64(seed: random.next()))
        world.after(random.milliseconds(1...spanMilliseconds)) {
          var strike = strike
          strike.happen(in: world)
        }
      }
    }
  }
}

/// One mishap.
struct Strike {
  let fault: Fault
  let rolledBack: SimulatedSite
  let spanMilliseconds: Int
  var random: SplitMix64

  mutating func happen(in world: SimulatedWorld) {
    guard let site = random.pick(world.sites), let province = random.pick(world.provinces) else {
      return
    }
    let line = world.line(of: province.id)
    switch fault {
    case .clockOffset, .clockDrift, .clockJump, .clockFrozen: wrong(&site.clock, of: site)
    case .jitter, .cutAtByte, .longCut, .flapping, .slowLine: weaken(line)
    case .halfOpen, .oneWay, .lateBytes, .slowReader, .damagedBytes, .repeatedBytes,
      .spoiledFrame:
      disturb(line)
    case .swizzleClog: clog(in: world)
    case .kill, .powerLoss, .failedCommit, .fullDisk: fail(site)
    case .diskFault:
      guard world.isOnDisk, site.isUp else { return }
      site.plannedDiskFault = .any(&random)
      world.inject(fault)
    case .bitRot: rot(site)
    case .restore, .snapshot, .clone, .forgottenCursors: rollBack(in: world)
    case .rejoin: planRejoin(of: rolledBack, in: world)
    case .release:
      guard site.isUp else { return }
      site.post(.release)
      world.inject(fault)
    case .lateSite, .narrowLimits: break
    }
  }
}
