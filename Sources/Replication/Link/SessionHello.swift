/// A session that waits for the peer's HELLO.
struct Opening: Hashable, Sendable {
  var view: LocalView
  let openedAt: Instant
  /// The end of this site's log as our HELLO named it; nil until that is sent.
  private(set) var namedEnd: Checkpoint?
  /// Another connection claims the peer's site: PING as soon as there is a session.
  private(set) var isProbeDue = false

  init(_ view: LocalView, now: Instant, output: inout StepOutput) {
    self.view = view
    openedAt = now
    if view.role == .dialler { sendHello(output: &output) }
  }

  func step(
    _ input: SessionInput, now: Instant, limits: LinkLimits, output: inout StepOutput
  ) throws(SessionEnd) -> Session.State {
    var next = self
    switch input {
    case .messageReceived(.hello(let hello)):
      return .judging(try next.received(hello, output: &output))
    case .messageReceived(let message):
      throw SessionEnd(.unexpected(message.type, state: "awaiting HELLO"))
    case .opened, .frameRejected, .bytesReceived, .helloJudged, .batchLoaded, .outcomesLoaded,
      .logGrew,
      .outcomesGrew, .committed, .storageFullChanged, .recoveryChanged, .probeRequested,
      .deadlineReached, .closeRequested, .fileWanted, .wantCancelled, .fileWritten, .fileRead,
      .fileUnavailable, .loadStalled, .loadsResumed:
      try next.note(input, deadline: openedAt + limits.helloTimeout, now: now)
      return .awaitingHello(next)
    }
  }

  private mutating func received(
    _ hello: Hello, output: inout StepOutput
  ) throws(SessionEnd) -> Handshake {
    guard hello.site == view.peer else {
      throw SessionEnd(
        refusing: .wrongIdentity, "HELLO of \(hello.site) under the certificate of \(view.peer)")
    }
    guard let version = ProtocolRange.common(with: hello) else {
      throw SessionEnd(
        refusing: .unsupportedVersion,
        "you speak \(hello.protocolMinimum) to \(hello.protocolMaximum), "
          + "I speak \(ProtocolRange.minimum) to \(ProtocolRange.maximum)")
    }
    if view.role == .acceptor { sendHello(output: &output) }
    guard let namedEnd else { preconditionFailure("\(view.role) without a HELLO sent") }
    output.requests.append(.judge(hello))
    return Handshake(opening: self, namedEnd: namedEnd, peer: hello, version: version)
  }

  private mutating func sendHello(output: inout StepOutput) {
    namedEnd = view.logEnd
    output.sendNow.append(
      .hello(
        Hello(
          protocolMinimum: ProtocolRange.minimum, protocolMaximum: ProtocolRange.maximum,
          site: view.site, incarnation: view.incarnation, nonce: view.nonce,
          logEnd: view.logEnd, witness: view.peerState.logEnd,
          received: PerLane(normal: quoted(.normal), urgent: quoted(.urgent)),
          outcomeCursor: view.peerState.outcomesTaken, registry: view.registry,
          isRecovering: view.isRecovering, software: view.software,
          extensions: Hello.extensions(wallTime: view.wallTime))))
  }

  func quoted(_ lane: Lane) -> CheckpointHistory {
    view.peerState.received[lane] ?? CheckpointHistory()
  }

  /// Inputs that only change what this site knows, or find it late.
  mutating func note(
    _ input: SessionInput, deadline: Instant, now: Instant
  ) throws(SessionEnd) {
    switch input {
    // What was repaired has stopped no lane that does not run yet.
    case .bytesReceived, .loadsResumed: break
    case .probeRequested: isProbeDue = true
    case .logGrew(let end): view.logEnd = end
    case .outcomesGrew(let end): view.outcomesEnd = max(view.outcomesEnd, end)
    case .storageFullChanged(let isFull): view.isStorageFull = isFull
    case .recoveryChanged(let isRecovering):
      // A HELLO that said otherwise is out already.
      if isRecovering && !view.isRecovering && namedEnd != nil { throw .restart }
      if namedEnd == nil { view.isRecovering = isRecovering }
    case .deadlineReached:
      if now >= deadline { throw SessionEnd(.handshakeTimedOut) }
    case .opened, .helloJudged, .batchLoaded, .outcomesLoaded, .committed, .messageReceived,
      .frameRejected, .closeRequested, .fileWanted, .wantCancelled, .fileWritten, .fileRead,
      .fileUnavailable, .loadStalled:
      preconditionFailure("\(input) before the session is up")
    }
  }
}

/// A session that has the peer's HELLO.
struct Handshake: Hashable, Sendable {
  var opening: Opening
  let namedEnd: Checkpoint
  let peer: Hello
  let version: ProtocolVersion
  /// The peer's answer to our HELLO, when it came before we had judged the peer's.
  var answer: HelloOK?

  private var view: LocalView { opening.view }

  func stepJudging(
    _ input: SessionInput, now: Instant, limits: LinkLimits, output: inout StepOutput
  ) throws(SessionEnd) -> Session.State {
    var next = self
    switch input {
    case .helloJudged(let judgement):
      let sent = try accept(judgement, output: &output)
      output.sendNow.append(.helloOK(sent))
      guard let answer else { return .awaitingHelloOK(self, sent: sent) }
      return .streaming(
        Streaming(self, sent: sent, answer: answer, limits: limits, now: now, output: &output))
    case .messageReceived(.helloOK(let answer)) where self.answer == nil:
      try check(answer)
      next.answer = answer
    case .messageReceived(let message):
      throw SessionEnd(.unexpected(message.type, state: "judging HELLO"))
    case .opened, .frameRejected, .bytesReceived, .batchLoaded, .outcomesLoaded, .logGrew,
      .outcomesGrew, .committed, .storageFullChanged, .recoveryChanged, .probeRequested,
      .deadlineReached, .closeRequested, .fileWanted, .wantCancelled, .fileWritten, .fileRead,
      .fileUnavailable, .loadStalled, .loadsResumed:
      try next.opening.note(input, deadline: opening.openedAt + limits.helloOKTimeout, now: now)
    }
    return .judging(next)
  }

  func stepAwaiting(
    _ input: SessionInput, sent: HelloOK, now: Instant, limits: LinkLimits,
    output: inout StepOutput
  ) throws(SessionEnd) -> Session.State {
    var next = self
    switch input {
    case .messageReceived(.helloOK(let answer)):
      try check(answer)
      return .streaming(
        Streaming(self, sent: sent, answer: answer, limits: limits, now: now, output: &output))
    case .messageReceived(let message):
      throw SessionEnd(.unexpected(message.type, state: "awaiting HELLO_OK"))
    case .opened, .frameRejected, .bytesReceived, .helloJudged, .batchLoaded, .outcomesLoaded,
      .logGrew,
      .outcomesGrew, .committed, .storageFullChanged, .recoveryChanged, .probeRequested,
      .deadlineReached, .closeRequested, .fileWanted, .wantCancelled, .fileWritten, .fileRead,
      .fileUnavailable, .loadStalled, .loadsResumed:
      try next.opening.note(input, deadline: opening.openedAt + limits.helloOKTimeout, now: now)
      return .awaitingHelloOK(next, sent: sent)
    }
  }

  /// Our HELLO_OK, unless the peer's checkpoints prove that something is wrong.
  private func accept(
    _ judgement: HelloJudgement, output: inout StepOutput
  ) throws(SessionEnd) -> HelloOK {
    if judgement.hasBadTag {
      output.events.append(.badTag)
      throw SessionEnd(refusing: .badTag, "you quote a checkpoint that \(view.site) never wrote")
    }
    if judgement.isForked {
      output.events.append(.forkSuspected)
      throw SessionEnd(
        refusing: .logForked, "\(view.site) has other rows where your checkpoint says")
    }
    if judgement.lostRows && !view.isRecovering {
      output.events.append(.lostRows)
      output.writes.append(LinkWrite(ticket: Ticket(1), change: .rowsLost))
      throw .restart
    }
    for lane in Lane.allCases {
      let before = view.peerState.acknowledged[lane] ?? .start
      let after = judgement.resume[lane].lsn
      if after < before && !judgement.lostRows {
        output.events.append(.peerLostRows(lane, from: before, to: after))
      }
    }
    // With our rows we may have lost outcomes, and given their numbers again: send all of them.
    let outcomeCursor =
      judgement.lostRows ? 0 : min(peer.outcomeCursor, view.outcomesEnd)
    return HelloOK(
      version: version, nonce: peer.nonce, resume: judgement.resume, outcomeCursor: outcomeCursor)
  }

  private func check(_ answer: HelloOK) throws(SessionEnd) {
    guard answer.version == version else { throw SessionEnd(.wrongVersion(answer.version)) }
    guard answer.nonce == view.nonce else { throw SessionEnd(.wrongNonce) }
    for lane in Lane.allCases
    where !opening.quoted(lane).newestFirst.contains(answer.resume[lane]) {
      throw SessionEnd(.unquotedResume(lane))
    }
    guard answer.outcomeCursor <= view.peerState.outcomesTaken else {
      throw SessionEnd(
        .outcomeCursorAhead(answer.outcomeCursor, sent: view.peerState.outcomesTaken))
    }
  }
}
