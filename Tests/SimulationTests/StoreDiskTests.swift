import Replication
import Testing

@testable import Simulation

/// Whole sites over the product's own store, on disks that fail.
@Suite struct StoreDiskTests {
  /// Promises 1 and 2: a commit is cut off at each of its writes and at its sync, and the process
  /// ends; what of it is there then, nobody knows before the next start.
  @Test(arguments: [0, 1]) func aCommitThatIsCutOffLosesNothing(victim: Int) throws {
    var endCount = 0
    for call in 1...8 as ClosedRange<UInt64> {
      let world = SimulatedWorld.small(provinces: 1, seed: call, isOnDisk: true)
      let site = world.sites[victim]
      site.plannedDiskFault = PlannedDiskFault(mishap: .writeError, first: call)
      try submitVouchers(1...3, in: world)
      world.run(for: .seconds(20))
      #expect(world.verdict().isEmpty, "call \(call)")
      #expect(try world.count(.finance, at: world.centre) == 3, "call \(call)")
      endCount += world.symptoms[.processEnd]
      #expect(world.diskMishaps[.writeError] == world.symptoms[.processEnd])
      #expect(world.diskMishaps[.powerLoss] == world.symptoms[.processEnd])
    }
    #expect(endCount > 1)
  }

  /// Promise 5: what finds no room is refused or comes again; nothing is skipped.
  @Test(arguments: [0, 1]) func aWriteWithoutRoomSkipsNothing(victim: Int) throws {
    for call in 1...4 as ClosedRange<UInt64> {
      let world = SimulatedWorld.small(provinces: 1, seed: call, isOnDisk: true)
      let site = world.sites[victim]
      try world.writeVouchers(1...1, at: world.provinces[0])
      site.plannedDiskFault = PlannedDiskFault(mishap: .full, first: call)
      for number in 2...3 {
        let body = Bodies.voucher(
          UniqueID(Bytes16(high: 2, low: UInt64(number))), number: number, unit: 1,
          of: world.provinces[0].id, amount: 5)
        while case .refused = try world.write(.finance, body, at: world.provinces[0]) {}
      }
      world.run(for: .seconds(10))
      #expect(world.verdict().isEmpty, "call \(call)")
      #expect(world.symptoms[.processEnd] == 0)
      #expect(try world.count(.finance, at: world.centre) == 3, "call \(call)")
    }
  }

  /// A snapshot of the disk comes back: the peers return what it had not.
  @Test func anOlderDiskIsFilledUpAgain() throws {
    let world = SimulatedWorld.small(provinces: 1, isOnDisk: true)
    let province = world.provinces[0]
    try world.writeVouchers(1...2, at: province)
    let backup = world.backUp(province)
    try world.writeVouchers(3...5, at: province)
    world.restore(province, to: backup, witness: .kept)
    #expect(try world.count(.finance, at: province) == 2)
    #expect(try world.lock(of: province) == .witnessAhead)
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.finance, at: province) == 5)
  }

  /// Power is lost at every moment of a small world's writing, with whatever was not synced.
  @Test func aPowerLossAtAnyMomentLosesNothing() throws {
    for moment in 0..<12 {
      let world = SimulatedWorld.small(provinces: 1, seed: UInt64(moment), isOnDisk: true)
      world.limits.walByteCount = 0
      for site in world.sites {
        site.restartsAfter = .milliseconds(300)
        world.after(.milliseconds(3 * moment)) { site.kill(silently: true) }
      }
      try submitVouchers(1...2, in: world)
      world.run(for: .seconds(60))
      #expect(world.verdict().isEmpty, "moment \(moment)")
      #expect(try world.count(.finance, at: world.centre) == 2, "moment \(moment)")
      #expect(world.diskMishaps[.powerLoss] == 2)
    }
  }

  /// Of the first province, which may be down before it answers and is asked again then.
  private func submitVouchers(_ numbers: ClosedRange<Int>, in world: SimulatedWorld) throws {
    let province = world.provinces[0]
    for number in numbers {
      let body = Bodies.voucher(
        UniqueID(world.randomBytes16()), number: number, unit: 1, of: province.id, amount: 5)
      let json = JSONValue.object(body).canonicalBytes
      world.submit(
        try Submission.read(kind: .finance, operation: .put, json: json), at: province)
      world.run(for: .milliseconds(20))
    }
  }

  /// The same disk, the same faults, the same trace; and the report counts them.
  @Test func aSeedOnDisksIsOneWorld() {
    let faults: [Fault] = [.kill, .powerLoss, .failedCommit, .restore, .diskFault, .narrowLimits]
    let run = SeedRun(seed: 14, siteCount: 4, operationCount: 40, faults: faults)
    let first = run.run()
    #expect(first.failures == [])
    #expect(first.traceHash == run.run().traceHash)
    #expect(first.diskMishaps[.powerLoss] > 0)
  }
}
