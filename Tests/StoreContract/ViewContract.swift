import Replication
import Testing

@testable import Storage

/// What is kept beside the log, on every implementation.
@Suite struct ViewContract {
  @Test(arguments: Implementation.allCases)
  func summariesAreReplacedAndListed(_ implementation: Implementation) throws {
    var summary = RecordSummary()
    summary.owner = Fixture.hue
    summary.lane = .urgent
    summary.audience = Recipients([Fixture.lao])
    summary.greatestRevision = Revision(.max)
    summary.conflicts = [.severalPuts, .duplicateKey]
    summary.heldCount = 3
    var calm = summary
    calm.conflicts = []
    let keys = [Fixture.key(3), Fixture.key(1), Fixture.key(2, .finance), Fixture.key(2)]
    try implementation.run { store in
      for key in keys { try store.setSummary(RecordSummary(), of: key) }
      for key in keys.dropLast() { try store.setSummary(summary, of: key) }
      try store.setSummary(calm, of: keys[1])
    } read: { store, _ throws in
      #expect(try store.summary(of: keys[0]) == summary)
      #expect(try store.summary(of: keys[1]) == calm)
      #expect(try store.summary(of: keys[3]) == RecordSummary())
      #expect(try store.summary(of: Fixture.key(9)) == nil)
      // A record without a put is not listed.
      #expect(
        try store.records(kind: .document, after: nil, limit: 9) == [
          Fixture.key(1), Fixture.key(3),
        ])
      #expect(
        try store.records(kind: .document, after: keys[1].id, limit: 9) == [Fixture.key(3)])
      #expect(try store.records(kind: .document, after: nil, limit: 1) == [Fixture.key(1)])
      #expect(try store.conflicts(after: nil, limit: 9) == [keys[0], keys[2]])
      #expect(try store.conflicts(after: keys[0], limit: 9) == [keys[2]])
      #expect(try store.conflicts(after: nil, limit: 1) == [keys[0]])
      let counts = try store.counts()
      #expect(counts[.document]?.records == 2 && counts[.document]?.conflicts == 1)
      #expect(counts[.document]?.held == 6 && counts[.finance]?.held == 3)
    }
  }

  /// What waits, by the numbers of the entries, whose times ascend with them.
  private struct Held {
    var holding: [UInt64] = []
    var unowned: [UInt64] = []
    var waiting: [(UInt64, OutcomeState)] = []
    var oldest: UInt64?
  }

  private static let held: [Held] = [
    Held(), Held(holding: [4, 3], oldest: 3), Held(unowned: [5], oldest: 5),
    Held(waiting: [(2, .quarantined)]), Held(waiting: [(7, .held), (6, .held)], oldest: 6),
    Held(holding: [4], unowned: [3], waiting: [(2, .held)], oldest: 2),
    Held(holding: [4], unowned: [5], waiting: [(2, .quarantined), (6, .held)], oldest: 4),
  ]

  /// Two entries of each record; one record waits for nothing, and is older than all.
  @Test(arguments: Implementation.allCases, held.indices)
  func theOldestOfWhatIsHeld(_ implementation: Implementation, index: Int) throws {
    let some = Self.held[index]
    var owned = RecordSummary()
    owned.owner = Fixture.hue
    var holding = owned
    holding.holds = [.referenceMissing]
    let records =
      [(UInt64(1), owned)] + some.holding.map { ($0, holding) }
      + some.unowned.map { ($0, RecordSummary()) }
    try implementation.run { store in
      for (number, summary) in records {
        for later in [number + 100, number] {
          try store.append(
            Fixture.entry(Fixture.identity(later), record: Fixture.key(number)))
        }
        try store.setSummary(summary, of: Fixture.key(number))
      }
      for (number, state) in some.waiting {
        try store.setWaiting(
          WaitingEntry(
            entry: Fixture.entry(Fixture.identity(number, of: Fixture.hue)), via: nil,
            state: state, code: .registryMissing, attempts: 0))
      }
    } read: { store, _ throws in
      // The times of the kit.
      #expect(try store.oldestHeld(limit: 9)?.microseconds == some.oldest.map { 1_000 + $0 })
    }
  }

  private static func event(_ number: UInt64) -> Subject {
    .event(EventID(UniqueID(Bytes16(high: 9, low: number))))
  }

  /// By subject, by digest and by identity, before the commit and after it.
  @Test(arguments: Implementation.allCases)
  func whatIsInARecordIsFoundWithoutReadingIt(_ implementation: Implementation) throws {
    let (first, second) = (Fixture.key(1), Fixture.key(2, .directive))
    let subjects: [Subject] = [
      .revision(Revision(1)), Self.event(1), Self.event(1), Self.event(2),
      .revision(Revision(2)),
    ]
    let entries = subjects.enumerated().map { index, subject in
      Fixture.entry(Fixture.identity(UInt64(index) + 1), record: first, subject: subject)
    }
    // The same number in another run.
    let other = Fixture.entry(
      Fixture.identity(2, of: Fixture.hue), record: second, subject: Self.event(1))
    let genesis = Fixture.entry(Fixture.identity(10), record: nil)
    let waiting = Fixture.entry(Fixture.identity(1, of: Fixture.hue), record: second)
    func check(_ store: some ContractReads) throws {
      #expect(try store.entries(of: first, about: Self.event(1)) == Array(entries[1...2]))
      #expect(try store.entries(of: first, about: .revision(Revision(2))) == [entries[4]])
      #expect(try store.entries(of: first, about: Self.event(7)).isEmpty)
      #expect(try store.entries(of: second, about: Self.event(1)) == [other])
      #expect(try store.entries(of: second, about: .revision(Revision(1))).isEmpty)
      for entry in entries {
        #expect(try store.isEntry(entry.digest, of: first))
        #expect(try !store.isEntry(entry.digest, of: second))
        #expect(try store.record(of: entry.identity) == first)
      }
      #expect(try !store.isEntry(waiting.digest, of: second))
      #expect(try store.record(of: waiting.identity) == second)
      #expect(try store.record(of: other.identity) == second)
      #expect(try store.entry(other.identity) == other)
      #expect(try store.record(of: genesis.identity) == nil)
      #expect(try store.record(of: Fixture.identity(99)) == nil)
      #expect(try store.entry(Fixture.identity(10, of: Fixture.hue)) == nil)
    }
    try implementation.run { store in
      for entry in entries + [other, genesis] {
        try store.append(entry)
        guard let record = entry.record else { continue }
        #expect(try store.entries(of: record, about: entry.subject).last == entry)
      }
      try store.setWaiting(
        WaitingEntry(
          entry: waiting, via: nil, state: .held, code: .registryMissing, attempts: 1))
      try check(store)
    } read: { store, _ throws in
      try check(store)
    }
  }

  /// Sites that do not hear of each other may write more than one of them alone would; what is left
  /// out of a fold would be another thing at each. Not of readers: so many take a debug build longer
  /// than a reader may.
  @Test(arguments: [Implementation.memory, .transaction])
  func aRecordIsReadWholeHoweverLong(_ implementation: Implementation) throws {
    let record = Fixture.key(1, .directive)
    let entries = (0...UInt64(entriesOfFullRecord)).map { number in
      Fixture.entry(
        Fixture.identity(number + 1), record: record, subject: Self.event(number))
    }
    let last = try #require(entries.last)
    func check(_ store: some RecordView) throws {
      #expect(try store.entries(of: record).map(\.digest) == entries.map(\.digest))
      #expect(try store.entries(of: record, about: last.subject) == [last])
      #expect(try store.isEntry(last.digest, of: record))
    }
    try implementation.run { store in
      for entry in entries { try store.append(entry) }
    } read: { store, _ throws in
      try check(store)
      if let writer = store as? SQLiteWriter { try check(writer.stored) }
    }
  }

  @Test(arguments: Implementation.allCases)
  func keysAreComparedBytewise(_ implementation: Implementation) throws {
    // "uỷ" composed and decomposed: one key for Swift's String, two here.
    let composed = UniqueKey(Array("u\u{1ef7}".utf8))
    let decomposed = UniqueKey(Array("uy\u{309}".utf8))
    let identities = [
      Fixture.identity(7), Fixture.identity(2, of: Fixture.hue), Fixture.identity(1),
    ]
    try implementation.run { store in
      for number in [2, 1, 2] as [UInt64] { try store.claim(composed, by: Fixture.key(number)) }
      try store.claim(composed, by: Fixture.key(1, .directive))
      for identity in identities + identities { try store.refer(identity, to: composed) }
    } read: { store, _ throws in
      #expect(
        try store.claimants(of: composed) == [
          Fixture.key(1), Fixture.key(2), Fixture.key(1, .directive),
        ])
      #expect(try store.referrers(of: composed) == identities.sorted())
      #expect(try store.claimants(of: decomposed).isEmpty)
      #expect(try store.referrers(of: decomposed).isEmpty)
    }
  }

  @Test(arguments: Implementation.allCases)
  func entriesWaitInOrderOfArrival(_ implementation: Implementation) throws {
    func waiting(_ sequence: UInt64, _ state: OutcomeState, attempts: UInt32 = 0) -> WaitingEntry {
      WaitingEntry(
        entry: Fixture.entry(Fixture.identity(sequence, of: Fixture.hue), registry: 5),
        via: Fixture.hue, state: state, code: .registryMissing, attempts: attempts)
    }
    let again = waiting(9, .held, attempts: 2)
    try implementation.run { store in
      for sequence in [9, 3, 5] as [UInt64] { try store.setWaiting(waiting(sequence, .held)) }
      try store.setWaiting(waiting(4, .quarantined))
      try store.setWaiting(again)
      try store.removeWaiting(Fixture.identity(3, of: Fixture.hue))
    } read: { store, _ throws in
      let revision = RegistryRevision(number: 5, digest: .zero)
      #expect(
        try store.waiting(forRegistry: revision, limit: 9).map(\.sequence.value) == [9, 5])
      #expect(try store.waiting(forRegistry: revision, limit: 1).count == 1)
      #expect(try store.waiting(forRegistry: .builtIn, limit: 9).isEmpty)
      #expect(try store.waiting(again.entry.identity) == again)
      #expect(try store.waiting(Fixture.identity(3, of: Fixture.hue)) == nil)
      let sequences = try store.waitingEntries(skip: 0, limit: 9).map { $0.entry.identity.sequence }
      #expect(sequences.map(\.value) == [9, 5, 4])
      #expect(try store.waitingEntries(skip: 1, limit: 1).map(\.state) == [.held])
      // It is known, but has no row.
      #expect(try store.entry(again.entry.identity) == again.entry)
      #expect(try store.digest(of: again.entry.identity) == again.entry.digest)
      #expect(try store.entry(digest: again.entry.digest) == nil)
      #expect(try store.recipients(of: again.entry.identity) == nil)
      #expect(try store.counts()[.document]?.held == 2)
      #expect(try store.counts()[.document]?.quarantined == 1)
    }
  }

  @Test(arguments: Implementation.allCases)
  func outcomesAreNumberedPerPeer(_ implementation: Implementation) throws {
    func outcome(_ sequence: UInt64, _ state: OutcomeState, by site: SiteID = Fixture.centre)
      -> Outcome
    {
      Outcome(site: site, entry: Fixture.identity(sequence), state: state, code: .malformed)
    }
    try implementation.run { store in
      [
        try store.addOutcome(outcome(1, .held), for: Fixture.hue),
        try store.addOutcome(outcome(1, .held), for: Fixture.lao),
        try store.addOutcome(outcome(2, .conflict), for: Fixture.hue),
        try store.addOutcome(outcome(1, .applied), for: Fixture.hue),
      ]
    } read: { store, numbers throws in
      #expect(numbers == [1, 1, 2, 3])
      #expect(
        try store.outcomes(for: Fixture.hue, after: 1, limit: 9) == [
          NumberedOutcome(number: 2, outcome: outcome(2, .conflict)),
          NumberedOutcome(number: 3, outcome: outcome(1, .applied)),
        ])
      #expect(try store.outcomes(for: Fixture.hue, after: 0, limit: 1).map(\.number) == [1])
      #expect(try store.outcomes(for: Fixture.hue, after: .max, limit: 9).isEmpty)
      #expect(try store.outcomes(for: Fixture.centre, after: 0, limit: 9).isEmpty)
    }
  }

  @Test(arguments: Implementation.allCases)
  func aRemoteSitesLastWordCounts(_ implementation: Implementation) throws {
    func word(_ site: SiteID, _ state: OutcomeState) -> Outcome {
      Outcome(site: site, entry: Fixture.identity(1), state: state, code: .none)
    }
    try implementation.run { store in
      for outcome in [
        word(Fixture.lao, .held), word(Fixture.hue, .held), word(Fixture.lao, .applied),
      ] { try store.setRemoteOutcome(outcome) }
    } read: { store, _ throws in
      #expect(
        try store.remoteOutcomes(of: Fixture.identity(1)) == [
          word(Fixture.hue, .held), word(Fixture.lao, .applied),
        ])
      #expect(try store.remoteOutcomes(of: Fixture.identity(2)).isEmpty)
    }
  }

  @Test(arguments: Implementation.allCases)
  func aDroppedBodyLeavesDigestAndLeaf(_ implementation: Implementation) throws {
    let entry = Fixture.entry(Fixture.identity(1), body: "{\"long\":1}")
    try implementation.run { store in
      try store.append(entry)
      try store.dropBody(of: entry.identity)
      try store.dropBody(of: entry.identity)
      try store.dropBody(of: Fixture.identity(2))
    } read: { store, _ throws in
      #expect(try store.entry(entry.identity) == entry.stub)
      #expect(try store.entry(digest: entry.digest) == entry.stub)
      #expect(try store.entries(of: Fixture.key(1)) == [entry.stub])
      #expect(try store.leaves(after: nil, limit: 9).map(\.digest) == [entry.digest])
      let batch = try store.rows(
        after: .start, lane: .normal, selection: .province(Fixture.hue), limits: .wide)
      #expect(batch.entries == [entry.stub])
    }
  }

  @Test(arguments: Implementation.allCases)
  func leavesAscendByIdentityAcrossRuns(_ implementation: Implementation) throws {
    let identities = [
      Fixture.identity(2, of: Fixture.lao), Fixture.identity(3), Fixture.identity(1),
      Fixture.identity(2, of: Fixture.centre, Fixture.later), Fixture.identity(1, of: Fixture.hue),
      Fixture.identity(2, of: Fixture.hue, Fixture.later), Fixture.identity(300),
    ]
    try implementation.run { store in
      for identity in identities {
        let record = identity == Fixture.identity(1) ? nil : Fixture.key(1)
        try store.append(Fixture.entry(identity, record: record), for: Recipients([Fixture.hue]))
      }
      // Waits without a row: no leaf.
      try store.setWaiting(
        WaitingEntry(
          entry: Fixture.entry(Fixture.identity(50)), via: nil, state: .held, code: .none,
          attempts: 0))
    } read: { store, _ throws in
      let all = try store.leaves(after: nil, limit: 100)
      #expect(all.map(\.identity) == identities.sorted())
      #expect(all.first?.kind == nil && all.last?.kind == .document)
      #expect(all.allSatisfy { $0.recipients == Recipients([Fixture.hue]) })
      var paged: [DigestLeaf] = []
      while paged.count < all.count {
        let page = try store.leaves(after: paged.last?.identity, limit: 2)
        guard !page.isEmpty else { break }
        paged += page
      }
      #expect(paged == all)
      #expect(try store.leaves(after: all.last?.identity, limit: 2).isEmpty)
    }
  }

  @Test(arguments: Implementation.allCases)
  func peersAndTheSitesStateAreKept(_ implementation: Implementation) throws {
    var peer = PeerState()
    let mark = Checkpoint(
      incarnation: Fixture.home, lsn: LSN(5), head: .zero, tag: Bytes16(high: 3, low: 4))
    peer.received[.urgent]?.advance(to: mark)
    peer.acknowledged[.normal] = LSN(9)
    peer.logEnd = mark
    peer.outcomesTaken = 12
    peer.recoverUpTo = LSN(7)
    var state = SiteState(storeID: Fixture.storeID, site: Fixture.centre)
    state.lastSequence = SequenceNumber(44)
    state.clock = HybridTime(microseconds: .max, counter: .max)
    state.greatestDepth = Depth(.max)
    state.registry = RegistryRevision(number: 3, digest: TestHashing().digest([3]))
    state.lock = .witnessAhead
    state.unconfirmed = [Fixture.hue, Fixture.lao]
    let pins = [TestHashing().digest([4])]
    let sites = [
      RegistrySnapshot.Site(id: Fixture.centre, tier: .centre, generation: 1, pins: pins),
      RegistrySnapshot.Site(id: Fixture.hue, tier: .province, generation: 2, pins: pins),
    ]
    let body = Fixture.registryBody(sites, number: state.registry.number)
    try implementation.run { store in
      try store.setPeer(PeerState(), of: Fixture.lao)
      try store.setPeer(peer, of: Fixture.hue)
      try store.setPeer(peer, of: Fixture.lao)
      try store.setSiteState(state)
      try store.setRegistry(state.registry, body: body)
    } read: { store, _ throws in
      #expect(try store.peer(Fixture.lao) == peer)
      #expect(try store.peer(Fixture.centre) == PeerState())
      #expect(try store.peers() == [Fixture.hue, Fixture.lao])
      #expect(try store.siteState() == state)
      let listed = Dictionary(uniqueKeysWithValues: sites.map { ($0.id, $0) })
      #expect(try store.registry(state.registry)?.sites == listed)
      #expect(try store.registry(RegistryRevision(number: 3, digest: .zero)) == nil)
    }
  }

  @Test(arguments: Implementation.allCases)
  func forksAreKeptBesideTheFirst(_ implementation: Implementation) throws {
    let first = Fixture.entry(Fixture.identity(1), body: "1")
    let others = ["2", "3"].map { Fixture.entry(Fixture.identity(1), body: $0) }
    try implementation.run { store in
      try store.append(first)
      for other in others + others { try store.keepFork(other, via: Fixture.hue) }
    } read: { store, _ throws in
      #expect(try store.forks(of: first.identity) == others.sorted { $0.digest < $1.digest })
      #expect(try store.forks(of: Fixture.identity(2)).isEmpty)
      #expect(try store.entry(first.identity) == first)
      #expect(try store.leaves(after: nil, limit: 9).map(\.digest) == [first.digest])
    }
  }

  @Test func theTestHashIsSHA256() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(TestHashing().digest(Array("a".utf8), Array("bc".utf8)).description == expected)
  }
}
