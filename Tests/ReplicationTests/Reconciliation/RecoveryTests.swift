import Storage
import Testing

@testable import Replication

/// What comes back to a site that lost rows, and what a hostile peer may pass for it.
@Suite struct RecoveryTests {
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]
  private let centre = TestNetwork.centre

  /// A centre that was put back to before `b` wrote to `a`, locked; `a` still has the document.
  private func restoredCentre(seed: UInt64) throws -> (network: TestNetwork, lost: Entry) {
    var network = try TestNetwork(seed: seed)
    try network.put(b, .document, network.document(from: b, to: [a]))
    try network.settle()
    let backup = network.centre
    let written = try network.put(b, .document, network.document(from: b, to: [a]))
    try network.settle()
    network.centre = backup
    network.start(centre)
    try network.centre.lock()
    return (network, try #require(try network[a].store.entry(written.identity)))
  }

  /// Kills: `precedesItsOrigin` left out; `yield` left out.
  @Test func aRelayedEntryWaitsForItsOrigin() throws {
    var (network, lost) = try restoredCentre(seed: 21)
    let relayed = try network.centre.receive(lost, from: a, isRecovering: true)
    #expect(relayed.state == .quarantined && relayed.code == .foreignOrigin)
    #expect(try network.centre.outcomes(for: b).isEmpty, "nothing to say before b was asked")
    // A second witness is no origin.
    let again = try network.centre.receive(lost, from: TestNetwork.provinces[2], isRecovering: true)
    #expect(again.isDuplicate)
    #expect(try network.centre.store.waiting(lost.identity) != nil)
    #expect(try network.centre.receive(lost, from: b, isRecovering: true).state == .applied)
    #expect(try network.centre.store.waiting(lost.identity) == nil)
    #expect(try network.centre.store.forks(of: lost.identity).isEmpty)
  }

  /// `a` knows how far `b` has counted and invents its next entry.
  @Test func anInventedEntryDoesNotTakeItsOriginsPlace() throws {
    var (network, _) = try restoredCentre(seed: 22)
    let invented = try network.draft(b, .document, .put, network.document(from: b, to: [a]))
    let written = try network.put(b, .document, network.document(from: b, to: [a]))
    #expect(invented.identity == written.identity && invented.digest != written.digest)
    let relayed = try network.centre.receive(invented, from: a, isRecovering: true)
    #expect(relayed.state == .quarantined)
    // Whoever unlocks the centre: `b` lives on, and may yet write under that identity.
    let end = try network[b].store.logEnd()
    try network.centre.transact { reconciler, store in
      _ = try reconciler.perform(hello(of: end.incarnation), of: b, in: &store)
      _ = try reconciler.perform(.recovered, of: b, in: &store)
    }
    #expect(try network.centre.store.waiting(invented.identity) != nil)
    let real = try #require(try network[b].store.entry(written.identity))
    #expect(try network.centre.receive(real, from: b, isRecovering: false).state == .applied)
    #expect(try network.centre.store.digest(of: written.identity) == written.digest)
    #expect(try network.centre.store.forks(of: written.identity) == [invented])
    #expect(network.centre.alarms.contains(.identityFork(written.identity)))
  }

  /// What the origin has lost too is taken from who kept it, once the origin has begun a new life
  /// and said all it has; and the origin gets it. Kills: `wants` without the third site's row.
  @Test func whatItsOriginLostTooComesFromAThirdSite() throws {
    var (network, lost) = try restoredCentre(seed: 23)
    network[b] = TestSite(b, centre: centre, random: &network.random)
    try network.deliver(centre, b, isRecovering: true)
    #expect(try network[b].store.entry(lost.identity) == nil)
    try network.centre.receive(lost, from: a, isRecovering: true)
    let end = try network[b].store.logEnd()
    try network.centre.transact { reconciler, store in
      _ = try reconciler.perform(hello(of: end.incarnation), of: b, in: &store)
      #expect(try store.waiting(lost.identity) != nil)
      _ = try reconciler.perform(.recovered, of: b, in: &store)
    }
    #expect(try network.centre.store.waiting(lost.identity) == nil)
    #expect(try network.centre.store.recipients(of: lost.identity) != nil)
    try network.deliver(centre, b)
    #expect(try network[b].store.digest(of: lost.identity) == lost.digest)
  }

  /// Kills: `rejoin` not releasing what waits for who is answered for.
  @Test func theOperatorAnswersForASilentOrigin() throws {
    var (network, lost) = try restoredCentre(seed: 24)
    try network.centre.receive(lost, from: a, isRecovering: true)
    try network.centre.transact { reconciler, store in
      _ = try reconciler.rejoin(without: [b], in: &store)
    }
    #expect(try network.centre.store.recipients(of: lost.identity) != nil)
  }

  /// This life has lost nothing. Kills: `refusalOfCarrier` asking about former lives only while
  /// the site does not recover.
  @Test(arguments: [true, false]) func nobodyWritesUnderALivingIncarnation(isOpened: Bool) throws {
    var (network, _) = try restoredCentre(seed: 25)
    if isOpened { try network.deliver(b, centre) }
    let before = try network.centre.store.siteState()
    let invented = try network.draft(
      centre, .document, .put, network.document(from: centre, to: [a]))
    let result = try network.centre.receive(invented, from: a, isRecovering: true)
    #expect(result.state == .refused && result.code == .foreignOrigin)
    #expect(try network.centre.store.siteState().lastSequence == before.lastSequence)
  }

  /// Kills: an alarm for each entry beyond the branch point.
  @Test func aRollbackIsAlarmedOnceAndKept() throws {
    var network = try TestNetwork(seed: 26)
    try network.writeSomething(a, count: 1)
    try network.settle()
    let backup = network[a]
    try network.writeSomething(a, count: 5)
    try network.settle()
    network[a] = backup
    network.start(a)
    try network.writeSomething(a, count: 3)
    network.centre.cursors[a] = nil
    try network.deliver(a, centre)
    let seen = try network.centre.store.referrers(of: Genesis.rollbacksKey)
    #expect(seen.map(\.origin) == [a])
    let alarms = network.centre.alarms.filter {
      if case .rollbackSeen = $0 { true } else { false }
    }
    #expect(alarms.count == 1)
  }

  /// Kills: gaps counted from the least number that is here, whatever it is.
  @Test(arguments: [0, 2]) func whatNobodyHadIsCounted(left: Int) throws {
    var network = try TestNetwork(seed: 27)
    for _ in 0..<4 { try network.put(a, .document, network.document(from: a, to: [b])) }
    let own = try network[a].entries().filter { $0.origin == a }
      .sorted { $0.identity < $1.identity }
    network[a] = TestSite(a, centre: centre, random: &network.random)
    try network.deliver(centre, a)
    for (index, entry) in own.enumerated() where index != left {
      try network[a].receive(entry, from: centre, isRecovering: true)
    }
    let missing = try MissingEntries.of(a, in: network[a].store)
    let last = try #require(own.last?.identity)
    #expect(
      missing == [
        MissingEntries(
          incarnation: last.incarnation, count: 1, last: last.sequence,
          isBeginningKnown: left != 0)
      ])
  }

  /// A store of an earlier version says nothing of what came back.
  @Test func theTallyIsKeptWithThePeer() throws {
    var network = try TestNetwork(seed: 28)
    let entry = try network.draft(a, .document, .put, network.document(from: a, to: [b]))
    var state = PeerState()
    state.outcomesTaken = 7
    state.cameBack.note(entry.header, isOwn: true)
    state.cameBack.note(entry.header, isOwn: false)
    var writer = ByteWriter(reserving: 512)
    state.encode(to: &writer)
    var reader = ByteReader(writer.bytes)
    #expect(try PeerState(from: &reader) == state)
    #expect(state.cameBack.own[.document] == 1 && state.cameBack.others.total == 1)
    #expect(state.cameBack.first == entry.header.time)

    var tally = ByteWriter(reserving: 128)
    tally.write(state.life.raw)
    state.cameBack.encode(to: &tally)
    var older = ByteReader(Array(writer.bytes.dropLast(tally.bytes.count)))
    let read = try PeerState(from: &older)
    #expect(read.outcomesTaken == 7 && read.cameBack == RecoveryTally())
  }

  /// A session has begun with a peer that lives in this incarnation.
  private func hello(of life: Incarnation) -> LinkChange {
    .resume(
      checkpoints: PerLane(both: .start), peerLogEnd: .start, peerLife: life, outcomesTaken: 0,
      recoverUpTo: LSN(1))
  }
}
