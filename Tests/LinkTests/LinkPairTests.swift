import Testing

@testable import Replication

@Suite struct LinkPairTests {
  private func expectConverged(_ pair: LinkPair) {
    for lane in Lane.allCases {
      #expect(
        pair.centre.taken[lane] == expectedEntries(lane, of: pair.province, at: pair.centre))
      #expect(
        pair.province.taken[lane] == expectedEntries(lane, of: pair.centre, at: pair.province))
      // Cursors pass rows for others too, and the acknowledged positions are written.
      for (side, other) in [(pair.province, pair.centre), (pair.centre, pair.province)] {
        #expect(side.peerState.received[lane]?.newest == other.log.sealedEnd)
        #expect(side.peerState.acknowledged[lane] == side.log.end.lsn)
      }
    }
    #expect(pair.province.peerState.logEnd == pair.centre.log.sealedEnd)
    #expect(pair.centre.peerState.logEnd == pair.province.log.sealedEnd)
    #expect(pair.province.takenOutcomes == pair.centre.log.outcomes.map(\.outcome))
    #expect(pair.centre.takenOutcomes == pair.province.log.outcomes.map(\.outcome))
    #expect(!pair.centre.takenOutcomes.isEmpty)
  }

  @Test(arguments: [true, false])
  func everythingArrivesOnceInOrder(commitsAtOnce: Bool) {
    var pair = pairWithRows(300, bodyByteCount: 200)
    pair.province.commitsAtOnce = commitsAtOnce
    pair.centre.commitsAtOnce = commitsAtOnce
    pair.connect()
    pair.run()
    #expect(pair.province.closures.isEmpty && pair.centre.closures.isEmpty)
    expectConverged(pair)
  }

  @Test(arguments: [true, false])
  func aCutAtAnyByteLosesAndRepeatsNothing(commitsAtOnce: Bool) {
    var whole = pairWithRows(12)
    whole.limits.firstFrameByteCount = 512
    whole.province.commitsAtOnce = commitsAtOnce
    whole.centre.commitsAtOnce = commitsAtOnce
    var running = whole
    running.connect()
    whole.connect()
    whole.run(for: .zero)
    #expect(whole.deliveredByteCount > 5_000)
    var tried: [FakeSite.Durable] = []
    var differentCount = 0
    for cut in 0..<whole.deliveredByteCount {
      running.run(for: .zero, upToByte: cut)
      var pair = running
      pair.cut()
      // What is left of a cut is its durable state: the same state need not be tried twice.
      if pair.durable == tried { continue }
      tried = pair.durable
      differentCount += 1
      pair.connect()
      pair.run()
      for lane in Lane.allCases {
        #expect(
          pair.centre.taken[lane] == expectedEntries(lane, of: pair.province, at: pair.centre),
          "cut after \(cut)")
        #expect(
          pair.province.taken[lane] == expectedEntries(lane, of: pair.centre, at: pair.province),
          "cut after \(cut)")
      }
      #expect(pair.province.takenOutcomes == pair.centre.log.outcomes.map(\.outcome))
      #expect(pair.centre.takenOutcomes == pair.province.log.outcomes.map(\.outcome))
    }
    #expect(differentCount > 10)
  }

  @Test func whatIsWrittenWhileUpFollows() {
    var pair = pairWithRows(8)
    pair.connect()
    pair.run()
    for number in UInt64(9)...40 {
      pair.province.log.append(testEntry(pair.province.id, number))
      pair.province.step(.logGrew(pair.province.log.sealedEnd), pair.now)
    }
    pair.run()
    expectConverged(pair)
  }

  @Test func rowsForOthersCostFewFrames() {
    var pair = pairWithRows(1)
    for number in UInt64(2)...5_000 {
      pair.centre.log.append(
        testEntry(pair.centre.id, number), recipients: Recipients([site("cao-bang")]))
    }
    pair.connect()
    pair.run(for: .milliseconds(500))
    #expect(pair.province.peerState.received[.urgent]?.newest == pair.centre.log.sealedEnd)
    #expect(pair.province.peerState.received[.normal]?.newest == pair.centre.log.sealedEnd)
    // 5,000 rows passed over in two lanes: a frame of some 94 bytes per 1,024 rows, and its ACK.
    #expect(pair.deliveredByteCount < 12_000)
  }

  @Test func aSiteThatLostRowsTakesThemBack() {
    var pair = pairWithRows(40)
    pair.connect()
    pair.run()
    let before = pair.province.log
    // Restored from a copy of row 20, before it had taken anything.
    var restored = FakeLog(pair.province.id)
    for row in before.rows.prefix(20) {
      if let entry = before.entries[row.entry] { restored.append(entry) }
    }
    pair.province.log = restored
    pair.province.log.incarnation = incarnation(2)
    pair.province.peerState = PeerState()
    pair.province.taken = PerLane(both: [])
    pair.province.takenOutcomes = []
    pair.connect()
    pair.run()
    #expect(pair.province.closures == [.restart])
    #expect(pair.province.events.contains(.lostRows))
    #expect(pair.province.isRecovering)
    pair.centre.step(.closeRequested(.transportEnded), pair.now)
    pair.connect()
    pair.run()
    #expect(pair.province.events.contains(.recovered))
    #expect(!pair.province.isRecovering)
    #expect(pair.province.peerState.recoverUpTo == nil)
    let own = before.rows.filter { $0.via == nil }.map(\.entry)
    #expect(own.allSatisfy { pair.province.log.entries[$0] != nil })
    // Its outcomes were lost with the rows and their numbers given again: all are sent again.
    let outcomes = pair.province.log.outcomes.map(\.outcome)
    #expect(!outcomes.isEmpty)
    #expect(Array(pair.centre.takenOutcomes.suffix(outcomes.count)) == outcomes)
    #expect(pair.centre.peerState.outcomesTaken == UInt64(outcomes.count))
  }

  /// Replaced, it begins to take its rows back, and is replaced once more: the second time nothing
  /// but the centre knows of the loss. Kills: a witness that follows a peer that recovers.
  @Test func aSiteThatIsPutBackWhileItRecoversIsToldAgain() {
    var pair = pairWithRows(400)
    pair.connect()
    pair.run()
    let own = pair.province.log.rows.filter { $0.via == nil }.map(\.entry)
    let proof = pair.centre.peerState.logEnd
    for life: UInt64 in 2...3 {
      pair.province.log = FakeLog(pair.province.id)
      pair.province.log.incarnation = incarnation(life)
      pair.province.peerState = PeerState()
      pair.province.isRecovering = false
      pair.province.events = []
      pair.connect()
      pair.run()
      #expect(pair.province.events == [.lostRows] && pair.province.isRecovering)
      pair.cut()
      pair.connect()
      pair.run(upToByte: 4_000)
      #expect(pair.centre.session.isUp && !pair.province.events.contains(.recovered))
      #expect(pair.centre.peerState.logEnd == proof)
      pair.cut()
    }
    pair.connect()
    pair.run()
    #expect(pair.province.events.contains(.recovered) && !pair.province.isRecovering)
    #expect(own.allSatisfy { pair.province.log.entries[$0] != nil })
    #expect(pair.centre.peerState.logEnd == pair.province.log.sealedEnd)
  }

  @Test func aPeerThatLostItsCursorIsNoticed() {
    var pair = pairWithRows(10)
    pair.connect()
    pair.run()
    pair.centre.peerState = PeerState()
    pair.connect()
    pair.run()
    #expect(
      pair.province.events.contains(
        .peerLostRows(.normal, from: pair.province.log.end.lsn, to: .start)))
    #expect(pair.province.closures.isEmpty)
  }

  @Test func aForkAndAForgedTagStopTheLink() {
    for (isForged, code) in [(false, RefusalCode.logForked), (true, .badTag)] {
      var pair = pairWithRows(10)
      let good = pair.province.log.checkpoint(at: 5)
      let other = LogEnd(lsn: LSN(5), incarnation: good.incarnation, head: .zero)
      let sealed = pair.province.log.sealed(other)
      pair.centre.peerState.logEnd = Checkpoint(
        incarnation: sealed.incarnation, lsn: sealed.lsn, head: sealed.head,
        tag: isForged ? good.tag : sealed.tag)
      pair.connect()
      pair.run()
      #expect(pair.province.events == [isForged ? .badTag : .forkSuspected])
      guard case .refused(code, _) = pair.province.closures.first,
        case .refusedByPeer(code, _) = pair.centre.closures.first
      else {
        Issue.record("\(pair.province.closures) \(pair.centre.closures)")
        continue
      }
      #expect(pair.centre.taken == PerLane(both: []))
    }
  }

  @Test func aSlowPeerCostsABoundedBuffer() {
    var pair = pairWithRows(2_000, bodyByteCount: 1_000)
    pair.connect()
    // The centre reads, but commits nothing: no credit beyond the first comes back.
    pair.centre.commitsAtOnce = false
    var delivered = 0
    for _ in 0..<200 {
      let bytes = pair.province.outbox
      pair.province.outbox = []
      delivered += bytes.count
      pair.centre.receive(bytes, pair.now)
      let back = pair.centre.outbox
      pair.centre.outbox = []
      pair.province.receive(back, pair.now)
    }
    #expect(pair.province.largestInFlight <= 64)
    #expect(delivered < 100 << 10)
  }

  @Test func aFullDiskIsZeroCredit() {
    var pair = pairWithRows(1)
    pair.connect()
    pair.run()
    pair.centre.step(.storageFullChanged(true), pair.now)
    pair.run(for: .zero)
    let before = pair.centre.taken
    for number in UInt64(2)...50 {
      pair.province.log.append(testEntry(pair.province.id, number))
    }
    pair.province.step(.logGrew(pair.province.log.sealedEnd), pair.now)
    pair.run()
    #expect(pair.centre.taken == before)
    pair.centre.step(.storageFullChanged(false), pair.now)
    pair.run()
    #expect(pair.centre.taken.normal.count == 50)
  }

  @Test func idlePeersKeepEachOtherAlive() {
    var pair = pairWithRows(3)
    pair.connect()
    pair.run(for: .seconds(600))
    #expect(pair.province.closures.isEmpty && pair.centre.closures.isEmpty)
    pair.run(for: .seconds(13 * 3_600))
    #expect(pair.province.closures.first == .lifeEnded)
  }
}
