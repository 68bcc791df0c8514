/// The peer's log and outcomes on their way into this site's store.
struct ReceivingSide: Hashable, Sendable {
  struct LaneReceiver: Hashable, Sendable {
    struct Take: Hashable, Sendable {
      let ticket: Ticket
      let checkpoint: Checkpoint
      let entryCount: Int
      let byteCount: Int
    }
    /// Where the next frame must continue: counts takes that are not durable yet.
    var received: Checkpoint
    /// What an ACK may say.
    var durable: Checkpoint
    /// Takes that are not durable yet, oldest first.
    var uncommitted: [Take] = []
  }

  struct OutcomeTake: Hashable, Sendable {
    let ticket: Ticket
    let end: UInt64
  }

  var lanes: PerLane<LaneReceiver>
  /// The write of the resume point; nil once it is durable. No ACK before.
  var resumeTicket: Ticket?
  var peerLogEnd: Checkpoint
  /// This site recovers until both lanes are durable up to here.
  var recoverUpTo: LSN?
  var isStorageFull: Bool
  var files: FileTaking
  /// Token of the peer's last PING; 0 before the first.
  var pingToken: UInt64 = 0

  /// Number of the peer's last outcome that is durable here.
  var outcomesTaken: UInt64
  var outcomeTakes: [OutcomeTake] = []
  var outcomesReceived: UInt64 { outcomeTakes.last?.end ?? outcomesTaken }

  init(_ answer: HelloOK, peerLogEnd: Checkpoint, isStorageFull: Bool, recoverUpTo: LSN?) {
    lanes = answer.resume.map { LaneReceiver(received: $0, durable: $0) }
    self.peerLogEnd = peerLogEnd
    self.recoverUpTo = recoverUpTo
    self.isStorageFull = isStorageFull
    files = FileTaking(isPaused: isStorageFull)
    outcomesTaken = answer.outcomeCursor
  }
}

extension Streaming {
  /// Accepts entries that continue where this lane stands, within the credit.
  mutating func take(
    _ message: EntriesMessage, output: inout StepOutput
  ) throws(LinkViolation) {
    let lane = message.lane
    let receiver = receiving.lanes[lane]
    let previous = receiver.received.lsn
    let last = message.checkpoint.lsn
    guard message.previousLSN == previous else {
      throw .wrongPrevious(lane, message.previousLSN, expected: previous)
    }
    guard last > previous, last.value - previous.value >= UInt64(message.entries.count) else {
      throw .noProgress(lane, from: previous, to: last, entryCount: message.entries.count)
    }
    // One frame may pass the window: a single large entry goes alone.
    let entryCount = receiver.uncommitted.reduce(0) { $0 + $1.entryCount }
    let byteCount = receiver.uncommitted.reduce(0) { $0 + $1.byteCount }
    guard receiver.uncommitted.count < limits.uncommittedFrames,
      entryCount + message.entries.count <= Int(limits.creditWindow.entries),
      byteCount <= Int(limits.creditWindow.bytes)
    else { throw .creditExceeded(lane) }
    // So far its log reaches at least. A resume may put the cursor back, and then nothing but the
    // witness proves these rows to a peer that is put back to before them.
    notePeerLogEnd(message.checkpoint)
    let ticket = write(
      .take(
        lane: lane, previousLSN: previous, entries: message.entries,
        checkpoint: message.checkpoint, peerLogEnd: witness),
      output: &output)
    witnessWritten()
    receiving.lanes[lane].received = message.checkpoint
    receiving.lanes[lane].uncommitted.append(
      ReceivingSide.LaneReceiver.Take(
        ticket: ticket, checkpoint: message.checkpoint, entryCount: message.entries.count,
        byteCount: message.creditByteCount))
  }

  mutating func takeOutcomes(
    _ message: Acknowledgement, output: inout StepOutput
  ) throws(LinkViolation) {
    guard !message.outcomes.isEmpty else { return }
    let received = receiving.outcomesReceived
    guard message.firstOutcomeNumber - 1 == received else {
      throw .outcomeGap(message.firstOutcomeNumber, expected: received &+ 1)
    }
    let end = received + UInt64(message.outcomes.count)
    guard end - receiving.outcomesTaken <= UInt64(Acknowledgement.maximumOutcomeCount) else {
      throw .tooManyOutcomes
    }
    let ticket = write(
      .takeOutcomes(first: message.firstOutcomeNumber, message.outcomes), output: &output)
    receiving.outcomeTakes.append(ReceivingSide.OutcomeTake(ticket: ticket, end: end))
  }

  /// Everything up to `ticket` is durable: only now may the peer hear of it.
  mutating func committed(
    _ ticket: Ticket, _ report: CommitReport, output: inout StepOutput
  ) {
    check(ticket)
    noteLogEnd(report.logEnd)
    sending.outcomesEnd = max(sending.outcomesEnd, report.outcomesEnd)
    var lanesToAcknowledge: Set<Lane> = []
    if let resume = receiving.resumeTicket, resume <= ticket {
      receiving.resumeTicket = nil
      lanesToAcknowledge = [.normal, .urgent]
    }
    for lane in Lane.allCases {
      let count = receiving.lanes[lane].uncommitted.prefix { $0.ticket <= ticket }.count
      guard count > 0 else { continue }
      receiving.lanes[lane].durable = receiving.lanes[lane].uncommitted[count - 1].checkpoint
      receiving.lanes[lane].uncommitted.removeFirst(count)
      lanesToAcknowledge.insert(lane)
    }
    while let take = receiving.outcomeTakes.first, take.ticket <= ticket {
      receiving.outcomesTaken = take.end
      receiving.outcomeTakes.removeFirst()
      lanesToAcknowledge.insert(.normal)
    }
    for lane in lanesToAcknowledge.sorted() { acknowledge(lane, output: &output) }
    finishRecovery(output: &output)
  }

  private mutating func finishRecovery(output: inout StepOutput) {
    guard receiving.resumeTicket == nil, let upTo = receiving.recoverUpTo,
      Lane.allCases.allSatisfy({ receiving.lanes[$0].durable.lsn >= upTo })
    else { return }
    receiving.recoverUpTo = nil
    _ = write(.recovered, output: &output)
    output.events.append(.recovered)
  }

  mutating func storageFullChanged(_ isFull: Bool, output: inout StepOutput) {
    guard isFull != receiving.isStorageFull else { return }
    receiving.isStorageFull = isFull
    for lane in Lane.allCases { acknowledge(lane, output: &output) }
    receiving.files.pause(isFull, limits: limits, output: &output)
  }

  /// Tells the peer what is durable here and what it may send; nothing before the resume point is.
  mutating func acknowledge(
    _ lane: Lane, firstOutcome: UInt64 = 0, _ outcomes: [Outcome] = [],
    output: inout StepOutput
  ) {
    guard receiving.resumeTicket == nil else { return }
    // The credit counts from the durable checkpoint, so what is taken but not durable is part of
    // what the peer has in flight: the window alone bounds both.
    let credit = receiving.isStorageFull ? .zero : limits.creditWindow
    output.sendNow.append(
      .acknowledge(
        Acknowledgement(
          lane: lane, checkpoint: receiving.lanes[lane].durable, credit: credit,
          outcomeCursor: receiving.outcomesTaken, outcomesEnd: sending.outcomesEnd,
          pingToken: receiving.pingToken, logEnd: logEnd, firstOutcomeNumber: firstOutcome,
          outcomes: outcomes)))
  }
}
