import Replication
import Storage
import Testing

@testable import Simulation

/// Roll-back (promise 6): a site put back to an older copy of its disk.
@Suite struct RestoreTests {
  /// Proof of loss locks the site; it authors again once its peers have given back what was its own.
  @Test(arguments: [0, 1], [RestoredWitness.kept, .lost])
  func aSiteRecoversFromItsPeers(victim: Int, witness: RestoredWitness) throws {
    let world = SimulatedWorld.small()
    let site = world.sites[victim]
    try write(3, at: site, in: world)
    let backup = world.backUp(site)
    try write(3, at: site, in: world)
    world.run(for: .seconds(3))
    for province in world.provinces { world.line(of: province.id).cut() }
    world.restore(site, to: backup, witness: witness)
    let reason: LockReason = witness == .kept ? .witnessAhead : .witnessMissing
    #expect(try world.lock(of: site) == reason)
    let refused = try world.write(.document, letter(99, site, in: world), at: site)
    #expect(refused == .refused("locked(\(reason))"))
    for province in world.provinces { world.line(of: province.id).heal() }
    #expect(world.verdict().isEmpty)
    #expect(world.ledger.lost.isEmpty)
    #expect(try world.count(.document, at: site) == 6)
    try write(2, at: site, in: world)
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.document, at: world.centre) == 8)
  }

  /// The machine went back with its witness and works alone: what it wrote stands beside what it had
  /// written before, under identities of their own, and a number given twice is shown as a conflict.
  @Test(arguments: [0, 1]) func withoutProofTwoBranchesStandSideBySide(victim: Int) throws {
    let world = SimulatedWorld.small()
    let site = world.sites[victim]
    try world.write(.document, letter(1, site, in: world), at: site)
    world.run(for: .seconds(3))
    let backup = world.backUp(site)
    try world.write(.document, letter(2, site, in: world), at: site)
    world.run(for: .seconds(3))
    for province in world.provinces { world.line(of: province.id).cut() }
    world.restore(site, to: backup, witness: .wentBackToo)
    #expect(try world.lock(of: site) == nil)
    // Its people give the number 2 again: they cannot know.
    let again = try world.write(.document, letter(2, site, in: world), at: site)
    guard case .ok = again else { throw TestFailure("\(again)") }
    for province in world.provinces { world.line(of: province.id).heal() }
    #expect(world.verdict().isEmpty)
    for holder in [site, world.centre] {
      #expect(try world.count(.document, at: holder) == 3)
      #expect(try holder.store.conflicts(after: nil, limit: 10).count == 2)
    }
    #expect(try world.lock(of: site) == nil)
  }

  /// Law 5: whatever became of a site, none of its identities is given twice.
  @Test func aSiteThatIsPutBackAgainAndAgainUsesNoIdentityTwice() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let province = world.provinces[0]
    try world.write(.document, letter(1, province, in: world), at: province)
    let backup = world.backUp(province)
    for number in 2...6 {
      try world.write(.document, letter(number, province, in: world), at: province)
      world.restore(province, to: backup, witness: .wentBackToo)
      world.run(for: .seconds(8))
    }
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.document, at: province) == 6)
  }

  /// What no peer had is gone, and is counted, and is all that is gone.
  @Test func onlyWhatNobodyHadIsLost() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let province = world.provinces[0]
    try write(2, at: province, in: world)
    world.run(for: .seconds(2))
    let backup = world.backUp(province)
    try write(2, at: province, in: world)
    world.run(for: .seconds(2))
    world.line(of: province.id).cut()
    try write(3, at: province, in: world)
    world.restore(province, to: backup, witness: .kept)
    world.line(of: province.id).heal()
    #expect(world.verdict().isEmpty)
    #expect(world.ledger.lost.count == 3)
    #expect(try world.count(.document, at: province) == 4)
  }

  /// A loss that a peer proves after the site has recovered from another reopens recovery on every
  /// link, also on those that recovered in a session that is still up.
  @Test func aSecondLossIsRecoveredToo() throws {
    let world = SimulatedWorld.small()
    let province = world.provinces[0]
    try write(2, at: world.centre, in: world)
    let before = world.backUp(world.centre)
    try write(2, at: world.centre, in: world)
    world.run(for: .seconds(2))
    let witnessOfTheFirstLife = world.backUp(province)
    world.restore(world.centre, to: before, witness: .kept)
    #expect(world.verdict().isEmpty)
    world.restore(province, to: witnessOfTheFirstLife, witness: .wentBackToo)
    world.run(for: .seconds(1))
    #expect(world.verdict().isEmpty)
    #expect(try world.lock(of: world.centre) == nil)
  }

  /// Centre and origin put back together: the origin has no proof that it lost a letter. The centre
  /// gets it back from a third site, once the origin has said all it has, and passes it on to it.
  @Test(arguments: RestoredWitness.allCases)
  func whatAThirdSiteKeptReachesItsOrigin(witness: RestoredWitness) throws {
    let world = SimulatedWorld.small()
    let (origin, keeper) = (world.provinces[0], world.provinces[1])
    let backups = [world.centre, origin].map { ($0, world.backUp($0)) }
    let letter = Bodies.document(
      UniqueID(world.randomBytes16()), number: 1, from: origin.id, to: [keeper.id],
      isUrgent: false)
    try world.write(.document, letter, at: origin)
    world.run(for: .seconds(2))
    world.line(of: keeper.id).cut()
    for (site, backup) in backups { world.restore(site, to: backup, witness: witness) }
    world.run(for: .seconds(5))
    world.line(of: keeper.id).heal()
    #expect(world.verdict().isEmpty)
    for site in world.sites { #expect(try world.count(.document, at: site) == 1, "\(site.id)") }
    #expect(try world.lock(of: world.centre) == nil)
    #expect(try world.lock(of: origin) == nil)
    #expect(try world.centre.store.waitingEntries(skip: 0, limit: 10).isEmpty)
  }

  /// A peer that is away for good does not keep a site locked: the operator answers for it.
  @Test func rejoinWithoutAPeerUnlocks() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let province = world.provinces[0]
    try write(2, at: province, in: world)
    world.line(of: province.id).cut()
    province.kill()
    province.witness = .absent
    province.start()
    #expect(try world.lock(of: province) == .witnessMissing)
    province.post(.rejoin(without: [world.centre.id]))
    world.run(for: .seconds(1))
    #expect(try world.lock(of: province) == nil)
    try write(1, at: province, in: world)
    world.line(of: province.id).heal()
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.document, at: world.centre) == 3)
  }

  /// What `rejoin` has answered for comes back all the same, and does not lock the site again.
  @Test func aLatePeerGivesBackWithoutALock() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let province = world.provinces[0]
    try write(1, at: province, in: world)
    let backup = world.backUp(province)
    try write(3, at: province, in: world)
    world.run(for: .seconds(2))
    world.line(of: province.id).cut()
    world.restore(province, to: backup, witness: .kept)
    province.post(.rejoin(without: [world.centre.id]))
    world.run(for: .seconds(1))
    #expect(try world.lock(of: province) == nil)
    let alone = try world.write(.document, letter(50, province, in: world), at: province)
    guard case .ok = alone else { throw TestFailure("\(alone)") }
    world.line(of: province.id).heal()
    for _ in 0..<100 {
      world.run(for: .milliseconds(50))
      #expect(try world.lock(of: province) == nil)
    }
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.document, at: province) == 5)
    let link = try province.store.peer(world.centre.id)
    #expect(link.cameBack.own[.document] == 3)
    #expect(!link.isAnsweredFor && link.recoverUpTo == nil)
    #expect(try province.store.siteState().unconfirmed == [])
  }

  private func write(_ count: Int, at site: SimulatedSite, in world: SimulatedWorld) throws {
    let before = try world.count(.document, at: site)
    for number in before + 1...before + count {
      try world.write(.document, letter(number, site, in: world), at: site)
    }
  }

  /// To the other tier: what the centre writes for nobody, nobody could give back.
  private func letter(
    _ number: Int, _ site: SimulatedSite, in world: SimulatedWorld
  ) -> JSONObject {
    let other = site.isCentre ? world.provinces[0].id : world.centre.id
    return Bodies.document(
      UniqueID(world.randomBytes16()), number: number, from: site.id, to: [other],
      isUrgent: number % 2 == 0)
  }
}
