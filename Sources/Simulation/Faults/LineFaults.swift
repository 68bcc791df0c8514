import Replication

extension Strike {
  /// What goes on until somebody repairs it, or for good.
  mutating func weaken(_ line: SimulatedLine) {
    let world = line.world
    switch fault {
    case .jitter: line.jitter = random.milliseconds(1...800)
    case .cutAtByte:
      line.byteCountUntilCut = 1 + random.below(20_000)
      world.after(random.milliseconds(500...10_000)) { line.heal() }
    case .longCut:
      line.cut(silently: random.chance(40))
      world.after(random.milliseconds(2_000...90_000)) { line.heal() }
    case .flapping: world.flap(line, every: random.milliseconds(500...30_000), count: 5)
    case .slowLine:
      line.bitsPerSecond = 56_000
      line.latency = .milliseconds(300)
    default: return
    }
    world.inject(fault)
  }

  mutating func disturb(_ line: SimulatedLine) {
    let world = line.world
    let end: ConnectionEnd = random.chance(50) ? .dialler : .acceptor
    switch fault {
    case .halfOpen: if line.halfOpen(telling: end, lateFor: nil) { world.inject(fault) }
    case .lateBytes:
      let wait = random.milliseconds(50...20_000)
      if line.halfOpen(telling: .dialler, lateFor: wait) { world.inject(fault) }
    case .oneWay:
      line.block(from: end)
      world.inject(fault)
      world.after(random.milliseconds(1_000...120_000)) { line.unblock(from: end) }
    case .slowReader:
      line.slowReader = (end, 8_000 + random.below(24_000))
      world.inject(fault)
      world.after(random.milliseconds(5_000...60_000)) { line.slowReader = nil }
    // Counted when they come about.
    case .damagedBytes: line.plannedDamage.append(.flippedBit)
    case .repeatedBytes: line.plannedDamage.append(.repeated)
    case .spoiledFrame: line.spoil(random.pick(Spoiling.allCases) ?? .garbled, from: end)
    default: return
    }
  }

  /// Some lines clog one by one; they open again in another order.
  mutating func clog(in world: SimulatedWorld) {
    world.inject(fault)
    var lines = world.provinces.map { world.line(of: $0.id) }
    lines.shuffle(using: &random)
    lines = Array(lines.prefix(1 + random.below(lines.count)))
    var wait = Duration.zero
    for line in lines {
      wait += random.milliseconds(10...5_000)
      world.after(wait) { for end in [ConnectionEnd.dialler, .acceptor] { line.block(from: end) } }
    }
    for line in lines.shuffled(using: &random) {
      wait += random.milliseconds(10...30_000)
      world.after(wait) {
        for end in [ConnectionEnd.dialler, .acceptor] { line.unblock(from: end) }
      }
    }
  }
}

extension SimulatedWorld {
  /// Cuts the line and heals it, in turns, `count` times.
  func flap(_ line: SimulatedLine, every period: Duration, count: Int) {
    guard count > 0 else { return line.heal() }
    line.cut()
    after(period / 2) { line.heal() }
    after(period) { [self] in flap(line, every: period, count: count - 1) }
  }
}
