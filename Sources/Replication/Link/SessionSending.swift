/// This site's log and outcomes on their way to the peer.
struct SendingSide: Hashable, Sendable {
  var lanes: PerLane<LaneSender>
  var rate: LineRate
  var urgentFrameRun = 0
  var files = FileServing()
  /// Frames of the lanes since the last FILE frame.
  var laneFrameRun = 0
  /// The peer recovers and takes its own entries back, up to this end of our log.
  let recoversUpTo: LSN?

  /// Numbers of outcomes: taken by the peer <= sent <= end.
  var outcomesTaken: UInt64
  var outcomesSent: UInt64
  var outcomesEnd: UInt64
  var isLoadingOutcomes = false
  /// What the peer last said of the end of its own outcomes for us.
  var announcedEnd: UInt64 = 0

  init(_ sent: HelloOK, limits: LinkLimits, outcomesEnd: UInt64, recoversUpTo: LSN?) {
    lanes = sent.resume.map { LaneSender(resumingAfter: $0, credit: limits.initialCredit) }
    rate = LineRate(limits)
    self.recoversUpTo = recoversUpTo
    outcomesTaken = sent.outcomeCursor
    outcomesSent = sent.outcomeCursor
    self.outcomesEnd = outcomesEnd
  }

  /// Whether the peer recovers no more: it has acknowledged all lanes up to the end that we named.
  var peerIsWhole: Bool {
    guard let recoversUpTo else { return true }
    return Lane.allCases.allSatisfy { lanes[$0].acknowledged.lsn >= recoversUpTo }
  }

  var framesInFlight: Int { lanes.normal.inFlight.count + lanes.urgent.inFlight.count }

  /// Whether the line has room for a frame of any lane.
  private func hasPlace(_ limits: LinkLimits) -> Bool {
    rate.hasPlace(
      after: framesInFlight,
      byteCount: lanes.normal.byteCountInFlight + lanes.urgent.byteCountInFlight, limits)
  }

  /// A few frames of a lane whose turn it is, whatever the other has in flight.
  private func hasPlace(for lane: Lane, _ limits: LinkLimits) -> Bool {
    lanes[lane].inFlight.count < limits.framesInFlightOfItsOwn || hasPlace(limits)
  }

  /// Urgent first; after `urgentFramesInARow` of them a waiting normal frame, which then has places
  /// of its own too.
  func nextLane(logEnd: LSN, now: Instant, limits: LinkLimits) -> Lane? {
    let isNormalsTurn = urgentFrameRun >= limits.urgentFramesInARow
    let hasNormal = lanes.normal.hasFrame(logEnd: logEnd, now: now, limits: limits)
    let hasUrgent = lanes.urgent.hasFrame(logEnd: logEnd, now: now, limits: limits)
    if hasNormal && isNormalsTurn { return hasPlace(for: .normal, limits) ? .normal : nil }
    if hasUrgent { return hasPlace(for: .urgent, limits) ? .urgent : nil }
    return hasNormal && hasPlace(limits) ? .normal : nil
  }

  /// When progress without entries is due; nil while it would have to wait for a place anyway.
  func progressDeadline(logEnd: LSN, _ limits: LinkLimits) -> Instant? {
    guard hasPlace(limits) else { return nil }
    return Lane.allCases.compactMap { lanes[$0].progressDeadline(logEnd: logEnd, limits) }.min()
  }
}

extension Streaming {
  /// Sends what may go now and asks for what may go next.
  mutating func send(now: Instant, output: inout StepOutput) {
    // Bounded: every frame takes one of the places in flight.
    while let lane = sending.nextLane(logEnd: logEnd.lsn, now: now, limits: limits) {
      let mark = sending.rate.mark(now: now, hasOthersInFlight: sending.hasFramesInFlight)
      let message = sending.lanes[lane].takeFrame(lane: lane, now: now, mark: mark)
      sending.urgentFrameRun = lane == .urgent ? sending.urgentFrameRun + 1 : 0
      sending.laneFrameRun = min(sending.laneFrameRun + 1, limits.laneFramesPerFileFrame)
      output.sendNow.append(.entries(message))
    }
    for lane in [Lane.urgent, .normal] { requestLoad(lane, output: &output) }
    requestOutcomes(output: &output)
    requestFile(now: now, output: &output)
  }

  private mutating func requestLoad(_ lane: Lane, output: inout StepOutput) {
    let limitsOfLoad = sending.lanes[lane].nextLoad(
      logEnd: logEnd.lsn, frameByteCount: sending.rate.frameByteCount, limits: limits)
    guard let limitsOfLoad else { return }
    let after = sending.lanes[lane].scanned
    // The frame being sent, whatever is loaded meanwhile, is what an urgent one waits for.
    let queued = min(sending.rate.frameByteCount, limits.queuedByteCount)
    output.requests.append(
      .load(
        lane: lane, after: after, limits: limitsOfLoad,
        peerIsRecovering: sending.recoversUpTo.map { after < $0 } ?? false,
        whenQueuedAtMost: lane == .urgent ? nil : queued))
  }

  mutating func acknowledged(
    _ message: Acknowledgement, now: Instant, output: inout StepOutput
  ) throws(LinkViolation) {
    let lane = message.lane
    let arrived = sending.lanes[lane].acknowledge(message.checkpoint, credit: message.credit)
    guard let arrived else { throw .unsentCheckpoint(lane, message.checkpoint.lsn) }
    if let last = arrived.last {
      let byteCount = arrived.reduce(0) { $0 + $1.byteCount }
      sending.rate.arrived(byteCount, last.mark, now: now, limits: limits)
    }
    guard (sending.outcomesTaken...sending.outcomesSent).contains(message.outcomeCursor) else {
      throw .outcomeCursorAhead(message.outcomeCursor, sent: sending.outcomesSent)
    }
    sending.outcomesTaken = message.outcomeCursor
    if message.outcomesEnd != sending.announcedEnd {
      sending.announcedEnd = message.outcomesEnd
      output.events.append(.outcomesAnnounced(end: message.outcomesEnd))
    }
    if !arrived.isEmpty { output.events.append(.acknowledged(lane, message.checkpoint.lsn)) }
  }

  // MARK: Outcomes

  /// The next outcomes, once the peer has taken those sent before.
  private mutating func requestOutcomes(output: inout StepOutput) {
    guard receiving.resumeTicket == nil, !sending.isLoadingOutcomes,
      sending.outcomesTaken == sending.outcomesSent, sending.outcomesSent < sending.outcomesEnd
    else { return }
    sending.isLoadingOutcomes = true
    output.requests.append(
      .loadOutcomes(after: sending.outcomesSent, limit: limits.outcomesPerMessage))
  }

  mutating func outcomesLoaded(_ outcomes: [NumberedOutcome], output: inout StepOutput) {
    precondition(sending.isLoadingOutcomes, "\(outcomes.count) outcomes unasked")
    precondition(
      outcomes.enumerated().allSatisfy {
        $1.number == sending.outcomesSent + UInt64($0) + 1
      }, "outcomes not numbered on from \(sending.outcomesSent)")
    precondition(outcomes.count <= limits.outcomesPerMessage, "\(outcomes.count) outcomes")
    sending.isLoadingOutcomes = false
    guard let first = outcomes.first else {
      // None so far: an end that the store does not have; ask again when it grows.
      sending.outcomesEnd = sending.outcomesSent
      return
    }
    sending.outcomesSent += UInt64(outcomes.count)
    sending.outcomesEnd = max(sending.outcomesEnd, sending.outcomesSent)
    acknowledge(
      .normal, firstOutcome: first.number, outcomes.map(\.outcome), output: &output)
  }
}
