import Testing

@testable import Replication

private func checkpoint(_ lsn: UInt64) -> Checkpoint {
  Checkpoint(
    incarnation: incarnation(1), lsn: LSN(lsn), head: .zero, tag: Bytes16(high: 0, low: lsn))
}

private func batch(after: UInt64, _ last: UInt64, count: Int) -> RowBatch {
  RowBatch(
    after: LSN(after), last: LogEnd(lsn: LSN(last), incarnation: incarnation(1), head: .zero),
    entries: (0..<count).map { testEntry(site("lang-son"), last &* 1_000 &+ UInt64($0)) })
}

@Suite struct LinkSendingTests {
  private let limits = LinkLimits()

  private func sender(entries: UInt32, bytes: UInt32) -> LaneSender {
    LaneSender(resumingAfter: .start, credit: Credit(entries: entries, bytes: bytes))
  }

  private func mark() -> LineRate.Mark {
    var rate = LineRate(limits)
    return rate.mark(now: seconds(1), hasOthersInFlight: false)
  }

  /// A lane in front of what cannot be read waits for the repair, whatever else happens.
  @Test func aStalledLaneLoadsAgainOnceItIsRepaired() {
    var lane = sender(entries: 10, bytes: 10_000)
    func nextLoad(_ end: UInt64) -> RowLimits? {
      lane.nextLoad(logEnd: LSN(end), frameByteCount: 2_000, limits: limits)
    }
    #expect(nextLoad(5) != nil)
    lane.stall()
    #expect(!lane.isLoading && lane.scanned == .start)
    #expect(nextLoad(9) == nil, "the log grew")
    lane.resume()
    #expect(nextLoad(9) != nil)
  }

  @Test func creditIsNeverNegativeAndNeverPassed() throws {
    var random = TestRandom(state: 3)
    for _ in 0..<200 {
      var lane = sender(entries: 10, bytes: 10_000)
      var sent: [Checkpoint] = []
      for step in 0..<60 {
        if let load = lane.nextLoad(logEnd: LSN(10_000), frameByteCount: 2_000, limits: limits) {
          #expect(load.entries > 0 && load.entries <= lane.availableEntryCount)
          #expect(load.bytes > 0 && load.bytes <= min(2_000, lane.availableByteCount))
          let count = Int.random(in: 0...load.entries, using: &random)
          let after = lane.scanned.value
          let last = after + UInt64(max(count, 1))
          lane.loaded(batch(after: after, last, count: count), checkpoint(last))
        }
        let credit = Credit(
          entries: UInt32.random(in: 0...10, using: &random),
          bytes: UInt32.random(in: 0...10_000, using: &random))
        if lane.hasFrame(logEnd: LSN(10_000), now: seconds(step), limits: limits) {
          let before = lane.availableEntryCount
          let frame = lane.takeFrame(lane: .normal, now: seconds(step), mark: mark())
          #expect(frame.entries.count <= before)
          #expect(sent.last?.lsn ?? .start == frame.previousLSN)
          sent.append(frame.checkpoint)
        } else if let point = sent.randomElement(using: &random), point.lsn >= lane.acknowledged.lsn
        {
          #expect(lane.acknowledge(point, credit: credit) != nil)
        }
        #expect(lane.availableEntryCount >= 0 && lane.availableByteCount >= 0)
        #expect(lane.acknowledged.lsn <= lane.sent.lsn && lane.sent.lsn <= lane.scanned)
      }
    }
  }

  @Test func aSmallerCreditGivesLoadedEntriesBack() {
    var lane = sender(entries: 10, bytes: 10_000)
    _ = lane.nextLoad(logEnd: LSN(50), frameByteCount: 8_192, limits: limits)
    lane.loaded(batch(after: 0, 8, count: 8), checkpoint(8))
    #expect(lane.hasFrame(logEnd: LSN(50), now: seconds(1), limits: limits))
    #expect(lane.acknowledge(.start, credit: Credit(entries: 5, bytes: 10_000)) == [])
    #expect(!lane.hasFrame(logEnd: LSN(50), now: seconds(1), limits: limits))
    #expect(lane.scanned == .start)
    let again = lane.nextLoad(logEnd: LSN(50), frameByteCount: 8_192, limits: limits)
    #expect(again?.entries == 5)
  }

  @Test func oneLoadAtATimeAndNoneAfterTheEnd() {
    var lane = sender(entries: 10, bytes: 10_000)
    #expect(lane.nextLoad(logEnd: LSN(5), frameByteCount: 100, limits: limits) != nil)
    #expect(lane.nextLoad(logEnd: LSN(5), frameByteCount: 100, limits: limits) == nil)
    lane.loaded(batch(after: 0, 0, count: 0), checkpoint(0))
    #expect(lane.nextLoad(logEnd: LSN(5), frameByteCount: 100, limits: limits) == nil)
    #expect(lane.nextLoad(logEnd: LSN(6), frameByteCount: 100, limits: limits) != nil)
  }

  @Test func progressWithoutEntriesIsGathered() {
    var lane = sender(entries: 10, bytes: 10_000)
    func pass(to end: UInt64, at now: Instant) -> Bool {
      _ = lane.nextLoad(logEnd: LSN(end), frameByteCount: 100, limits: limits)
      let after = lane.scanned.value
      lane.loaded(batch(after: after, end, count: 0), checkpoint(end))
      guard lane.hasFrame(logEnd: LSN(end), now: now, limits: limits) else { return false }
      _ = lane.takeFrame(lane: .normal, now: now, mark: mark())
      return true
    }
    #expect(pass(to: 1, at: seconds(10)))
    #expect(!pass(to: 2, at: seconds(10)))
    #expect(!pass(to: 3, at: seconds(10) + .milliseconds(99)))
    #expect(pass(to: 4, at: seconds(10) + .milliseconds(100)))
    #expect(!pass(to: 5, at: seconds(10) + .milliseconds(100)))
    #expect(pass(to: 4 + 1_024, at: seconds(10) + .milliseconds(100)))
  }

  /// The bytes and time of each round of full frames, and the frame that follows.
  @Test func framesFollowTheLine() {
    // 7,000 bytes a second, frames always queued: some 200 ms of it.
    #expect((1_300...1_500).contains(frameAfterSending(bytesPerSecond: 7_000, inCompany: true)))
    // The same for a frame that travels alone proves nothing about the line.
    #expect(frameAfterSending(bytesPerSecond: 7_000, inCompany: false) == 8 << 10)
    #expect(frameAfterSending(bytesPerSecond: 100_000_000, inCompany: true) == 256 << 10)
    #expect(frameAfterSending(bytesPerSecond: 100, inCompany: true) == 1 << 10)
  }

  private func frameAfterSending(bytesPerSecond: UInt64, inCompany: Bool) -> Int {
    var rate = LineRate(limits)
    var now = seconds(1)
    for _ in 0..<20 {
      let mark = rate.mark(now: now, hasOthersInFlight: inCompany)
      let byteCount = rate.frameByteCount
      now =
        now + .nanoseconds(Int64(UInt64(byteCount) * 1_000_000_000 / bytesPerSecond))
      rate.arrived(byteCount, mark, now: now, limits: limits)
    }
    return rate.frameByteCount
  }

  /// Lines by what they carry in a second and their round trip, and the share that entries get of
  /// them once frames and places have grown.
  @Test(arguments: [
    (7_000, 5), (7_000, 600), (250_000, 100), (250_000, 600), (12_500_000, 5),
    (12_500_000, 100), (12_500_000, 600), (25_000_000, 600), (1_000_000, 3_000),
  ])
  func aLineIsFilledWhateverItsRoundTrip(bytesPerSecond: Int, milliseconds: Int) {
    let share = shareUsed(ofLine: bytesPerSecond, roundTrip: .milliseconds(milliseconds))
    #expect(share > 0.95)
  }

  /// In the last third of a minute.
  private func shareUsed(ofLine bytesPerSecond: Int, roundTrip: Duration) -> Double {
    var rate = LineRate(limits)
    var inFlight: [(byteCount: Int, mark: LineRate.Mark, acknowledged: Instant)] = []
    var now = seconds(1)
    var lineIsFree = now
    var used = 0
    while now < seconds(61) {
      while rate.hasPlace(
        after: inFlight.count, byteCount: inFlight.reduce(0) { $0 + $1.byteCount }, limits)
      {
        let byteCount = rate.frameByteCount
        let nanoseconds = Int64(byteCount) * 1_000_000_000 / Int64(bytesPerSecond)
        let mark = rate.mark(now: now, hasOthersInFlight: !inFlight.isEmpty)
        lineIsFree = max(lineIsFree, now) + .nanoseconds(nanoseconds)
        inFlight.append((byteCount, mark, lineIsFree + roundTrip))
      }
      let frame = inFlight.removeFirst()
      now = frame.acknowledged
      rate.arrived(frame.byteCount, frame.mark, now: now, limits: limits)
      if now > seconds(41) && now <= seconds(61) { used += frame.byteCount }
    }
    return Double(used) / Double(bytesPerSecond * 20)
  }

  /// TCP that begins with ten packets and sends 2.89 times as much in each round trip never runs
  /// out of frames before it has found the rate of a line; one that did would take the line for
  /// slower than it is, or never end its search. Kills: a window that grows by what arrived, once.
  @Test(arguments: [250_000, 12_500_000]) func theSearchForTheRateNeverRunsDry(line: Int) {
    var rate = LineRate(limits)
    var waiting: [(byteCount: Int, mark: LineRate.Mark)] = []
    var now = seconds(1)
    var wanted = 14_480.0
    while Int(wanted) < line * 6 / 10 {
      while rate.hasPlace(
        after: waiting.count, byteCount: waiting.reduce(0) { $0 + $1.byteCount }, limits)
      {
        let mark = rate.mark(now: now, hasOthersInFlight: !waiting.isEmpty)
        waiting.append((rate.frameByteCount, mark))
      }
      let offered = waiting.reduce(0) { $0 + $1.byteCount }
      #expect(offered >= Int(wanted), "\(offered) for \(wanted)")
      // Whole frames of what was sent in this round trip are answered in the next.
      now = now + .milliseconds(600)
      var answered = Int(wanted)
      while let frame = waiting.first, frame.byteCount <= answered {
        answered -= frame.byteCount
        waiting.removeFirst()
        rate.arrived(frame.byteCount, frame.mark, now: now, limits: limits)
      }
      wanted *= 2.89
    }
  }

  /// A peer on a short line that takes its time over each commit has no more to keep for it.
  @Test func aSlowPeerOnAShortLineGathersNoMoreFrames() {
    var rate = LineRate(limits)
    var now = seconds(1)
    for wait in [Duration.milliseconds(1)] + Array(repeating: .milliseconds(700), count: 40) {
      let mark = rate.mark(now: now, hasOthersInFlight: true)
      now = now + wait
      rate.arrived(8 * rate.frameByteCount, mark, now: now, limits: limits)
    }
    #expect(rate.frameByteCount == limits.largestFrameByteCount)
    let few = limits.framesInFlight
    let byteCount = few * rate.frameByteCount
    #expect(rate.hasPlace(after: few - 1, byteCount: byteCount, limits))
    #expect(!rate.hasPlace(after: few, byteCount: byteCount, limits))
  }

  @Test func whatMayBeInFlightIsWithinWhatAPeerTakes() {
    let places = limits.mostFramesInFlight + limits.framesInFlightOfItsOwn
    #expect(places <= limits.uncommittedFrames)
    #expect(limits.framesInFlight <= limits.mostFramesInFlight)
    #expect(places * limits.largestFrameByteCount <= Int(limits.creditWindow.bytes))
  }

  @Test func urgentGoesFirstButNotForEver() {
    var side = SendingSide(
      HelloOK(
        version: 1, nonce: Bytes16(high: 0, low: 0), resume: PerLane(both: .start),
        outcomeCursor: 0),
      limits: limits, outcomesEnd: 0, recoversUpTo: nil)
    var order: [Lane] = []
    for _ in 0..<20 {
      for lane in Lane.allCases {
        let load = side.lanes[lane].nextLoad(
          logEnd: LSN(1_000), frameByteCount: 8_192, limits: limits)
        guard load != nil else { continue }
        let after = side.lanes[lane].scanned.value
        side.lanes[lane].loaded(batch(after: after, after + 1, count: 1), checkpoint(after + 1))
      }
      guard let lane = side.nextLane(logEnd: LSN(1_000), now: seconds(1), limits: limits) else {
        Issue.record("nothing to send after \(order)")
        break
      }
      let frame = side.lanes[lane].takeFrame(lane: lane, now: seconds(1), mark: mark())
      side.urgentFrameRun = lane == .urgent ? side.urgentFrameRun + 1 : 0
      order.append(lane)
      _ = side.lanes[lane].acknowledge(
        frame.checkpoint, credit: Credit(entries: 64, bytes: 65_536))
    }
    let run = [Lane](repeating: .urgent, count: 8) + [.normal]
    #expect(order == run + run + [.urgent, .urgent])
  }

  @Test func normalFramesLeavePlacesForUrgentOnes() {
    var limits = self.limits
    limits.mostFramesInFlight = limits.framesInFlight
    var side = SendingSide(
      HelloOK(
        version: 1, nonce: Bytes16(high: 0, low: 0), resume: PerLane(both: .start),
        outcomeCursor: 0),
      limits: limits, outcomesEnd: 0, recoversUpTo: nil)
    func fill(_ lane: Lane) -> Int {
      for count in 0..<20 {
        _ = side.lanes[lane].nextLoad(logEnd: LSN(1_000), frameByteCount: 8_192, limits: limits)
        let after = side.lanes[lane].scanned.value
        side.lanes[lane].loaded(batch(after: after, after + 1, count: 1), checkpoint(after + 1))
        guard side.nextLane(logEnd: LSN(1_000), now: seconds(1), limits: limits) == lane else {
          return count
        }
        _ = side.lanes[lane].takeFrame(lane: lane, now: seconds(1), mark: mark())
      }
      return 20
    }
    #expect(fill(.normal) == limits.framesInFlight)
    #expect(fill(.urgent) == limits.framesInFlightOfItsOwn)
  }
}
