/// A session that is up. Sending is in `SessionSending.swift`, receiving in
/// `SessionReceiving.swift`; here are the inputs, the clock, and the writes about progress.
struct Streaming: Hashable, Sendable {
  let limits: LinkLimits
  let openedAt: Instant
  /// The version spoken has WANT and FILE.
  let speaksFiles: Bool

  var sending: SendingSide
  var receiving: ReceivingSide
  /// The end of this site's log.
  var logEnd: Checkpoint
  var isRecovering: Bool

  private var lastHeardAt: Instant
  private var lastPingAt: Instant
  private var lastPingToken: UInt64 = 0
  private var probeToken: UInt64?

  private var lastTicket = Ticket(0)
  private var lastProgressWriteAt: Instant
  /// What the peer said of its log's end before this session: while it recovers, the proof of what
  /// it lost. If it is put back once more, to before it knew of its loss, nothing else tells it.
  private let provenEnd: Checkpoint
  private var writtenWitness: Checkpoint
  private var writtenAcknowledged: PerLane<LSN>

  init(
    _ handshake: Handshake, sent: HelloOK, answer: HelloOK, limits: LinkLimits, now: Instant,
    output: inout StepOutput
  ) {
    let view = handshake.opening.view
    self.limits = limits
    openedAt = handshake.opening.openedAt
    speaksFiles = handshake.version >= ProtocolRange.firstWithFiles
    logEnd = view.logEnd
    isRecovering = view.isRecovering
    lastHeardAt = now
    lastPingAt = now
    lastProgressWriteAt = now
    provenEnd = view.peerState.logEnd
    writtenWitness = provenEnd
    writtenAcknowledged = PerLane(
      normal: view.peerState.acknowledged[.normal] ?? .start,
      urgent: view.peerState.acknowledged[.urgent] ?? .start)
    sending = SendingSide(
      sent, limits: limits, outcomesEnd: view.outcomesEnd,
      recoversUpTo: handshake.peer.isRecovering ? handshake.namedEnd.lsn : nil)
    receiving = ReceivingSide(
      answer, peerLogEnd: handshake.peer.logEnd, isStorageFull: view.isStorageFull,
      recoverUpTo: view.isRecovering ? handshake.peer.logEnd.lsn : nil)
    writtenWitness = witness
    receiving.resumeTicket = write(
      .resume(
        checkpoints: answer.resume, peerLogEnd: witness,
        peerLife: handshake.peer.incarnation,
        outcomesTaken: answer.outcomeCursor, recoverUpTo: receiving.recoverUpTo),
      output: &output)
    output.events.append(
      .becameUp(
        peer: view.peer, version: handshake.version,
        peerIsRecovering: handshake.peer.isRecovering))
    if handshake.opening.isProbeDue { probe(now: now, output: &output) }
    send(now: now, output: &output)
  }

  mutating func step(
    _ input: SessionInput, now: Instant, output: inout StepOutput
  ) throws(SessionEnd) {
    switch input {
    case .messageReceived(let message):
      lastHeardAt = now
      try received(message, now: now, output: &output)
    case .bytesReceived: lastHeardAt = now
    case .batchLoaded(let lane, let batch, let checkpoint):
      sending.lanes[lane].loaded(batch, checkpoint)
    case .loadStalled(let lane): sending.lanes[lane].stall()
    case .loadsResumed: for lane in Lane.allCases { sending.lanes[lane].resume() }
    case .outcomesLoaded(let outcomes): outcomesLoaded(outcomes, output: &output)
    case .logGrew(let end): noteLogEnd(end)
    case .outcomesGrew(let end): sending.outcomesEnd = max(sending.outcomesEnd, end)
    case .committed(let ticket, let report): committed(ticket, report, output: &output)
    case .storageFullChanged(let isFull): storageFullChanged(isFull, output: &output)
    case .recoveryChanged(let recovers):
      if recovers && !isRecovering { throw .restart }
      // A loss that is proved after this recovery ended begins another one.
      isRecovering = recovers
    case .probeRequested: probe(now: now, output: &output)
    case .fileWanted(let wanted, let byteCount, let offset):
      fileWanted(
        wanted, FileTaking.Ask(byteCount: byteCount, offset: offset), output: &output)
    case .wantCancelled(let wanted): receiving.files.cancel(wanted, output: &output)
    case .fileWritten(let wanted, let upTo):
      receiving.files.written(wanted, upTo: upTo, limits: limits, output: &output)
    case .fileRead(let wanted, let offset, let bytes, let totalByteCount):
      fileRead(
        wanted, offset: offset, bytes: bytes, totalByteCount: totalByteCount, now: now,
        output: &output)
    case .fileUnavailable(let wanted, let reason):
      fileUnavailable(wanted, reason, output: &output)
    case .deadlineReached: try watchClock(now: now, output: &output)
    case .opened, .helloJudged, .frameRejected, .closeRequested:
      preconditionFailure("\(input) in a session that is up")
    }
    send(now: now, output: &output)
    if isProgressWriteDue(now) {
      lastProgressWriteAt = now
      writeProgress(output: &output)
    }
  }

  private mutating func received(
    _ message: Message, now: Instant, output: inout StepOutput
  ) throws(SessionEnd) {
    do throws(LinkViolation) {
      switch message {
      case .entries(let entries): try take(entries, output: &output)
      case .acknowledge(let acknowledgement):
        try acknowledged(acknowledgement, now: now, output: &output)
        try takeOutcomes(acknowledgement, output: &output)
        notePeerLogEnd(acknowledgement.logEnd)
        if let token = probeToken, acknowledgement.pingToken >= token {
          probeToken = nil
          output.events.append(.probeAnswered)
        }
      case .ping(let ping):
        notePeerLogEnd(ping.logEnd)
        receiving.pingToken = ping.token
        acknowledge(.normal, output: &output)
      case .want(let want): try received(want, now: now, output: &output)
      case .file(let file): try received(file, output: &output)
      case .hello, .helloOK, .refuse:
        throw LinkViolation.unexpected(message.type, state: "streaming")
      }
    } catch {
      throw SessionEnd(error)
    }
  }

  mutating func write(_ change: LinkChange, output: inout StepOutput) -> Ticket {
    lastTicket = Ticket(lastTicket.value + 1)
    output.writes.append(LinkWrite(ticket: lastTicket, change: change))
    return lastTicket
  }

  /// - Precondition: the ticket was given out.
  func check(_ ticket: Ticket) {
    precondition(ticket <= lastTicket, "ticket \(ticket) after \(lastTicket)")
  }

  mutating func notePeerLogEnd(_ end: Checkpoint) {
    if end.lsn >= receiving.peerLogEnd.lsn { receiving.peerLogEnd = end }
  }

  mutating func noteLogEnd(_ end: Checkpoint) {
    if end.lsn > logEnd.lsn { logEnd = end }
  }

  // MARK: Clock

  var nextDeadline: Instant {
    var deadline = min(
      lastHeardAt + limits.silenceTimeout, openedAt + limits.sessionLife, nextPingAt)
    if hasProgressToWrite {
      deadline = min(deadline, lastProgressWriteAt + limits.progressWriteInterval)
    }
    if let progress = sending.progressDeadline(logEnd: logEnd.lsn, limits) {
      deadline = min(deadline, progress)
    }
    return deadline
  }

  private var nextPingAt: Instant { max(lastHeardAt, lastPingAt) + limits.pingInterval }

  private mutating func watchClock(
    now: Instant, output: inout StepOutput
  ) throws(SessionEnd) {
    if now >= openedAt + limits.sessionLife { throw SessionEnd(.lifeEnded) }
    if now >= lastHeardAt + limits.silenceTimeout { throw SessionEnd(.silent) }
    if now >= nextPingAt { ping(now: now, output: &output) }
  }

  private mutating func probe(now: Instant, output: inout StepOutput) {
    ping(now: now, output: &output)
    probeToken = lastPingToken
  }

  private mutating func ping(now: Instant, output: inout StepOutput) {
    lastPingToken += 1
    lastPingAt = now
    output.sendNow.append(.ping(Ping(token: lastPingToken, logEnd: logEnd)))
  }

  // MARK: Progress

  var progress: SessionProgress {
    SessionProgress(
      sent: sending.lanes.map { $0.sent.lsn },
      acknowledged: sending.lanes.map { $0.acknowledged.lsn },
      inFlightEntryCount: sending.lanes.map { $0.inFlight.reduce(0) { $0 + $1.entryCount } },
      frameByteCount: sending.rate.frameByteCount, peerLogEnd: receiving.peerLogEnd,
      lastHeardAt: lastHeardAt)
  }

  /// The end of the peer's log that is quoted to it in the next HELLO.
  var witness: Checkpoint { sending.peerIsWhole ? receiving.peerLogEnd : provenEnd }

  private var hasProgressToWrite: Bool {
    writtenWitness != witness
      || writtenAcknowledged != sending.lanes.map { $0.acknowledged.lsn }
  }

  private func isProgressWriteDue(_ now: Instant) -> Bool {
    hasProgressToWrite && now >= lastProgressWriteAt + limits.progressWriteInterval
  }

  /// A take or a resume has carried the witness along.
  mutating func witnessWritten() { writtenWitness = witness }

  /// Writes what is new about the witness and the acknowledged positions.
  mutating func writeProgress(output: inout StepOutput) {
    if writtenWitness != witness {
      writtenWitness = witness
      _ = write(.witness(writtenWitness), output: &output)
    }
    for lane in Lane.allCases {
      let lsn = sending.lanes[lane].acknowledged.lsn
      guard writtenAcknowledged[lane] != lsn else { continue }
      writtenAcknowledged[lane] = lsn
      _ = write(.acknowledged(lane: lane, lsn), output: &output)
    }
  }
}
