/// The session of one connection of a link: frames, lanes and credit, no store, no clock, no I/O.
///
/// A shell owns it, feeds it what happened and performs what each step asks for:
///
/// ```swift
/// var session = Session(limits: LinkLimits())
/// perform(session.step(.opened(view), now: now()))
/// // Bytes from the connection:
/// assembler.append(bytes)
/// perform(session.step(.bytesReceived, now: now()))
/// do throws(FrameRejection) {
///   // The limit is read afresh for each frame. `decoded` decompresses, then `Message.decode`.
///   while let frame = try nextFrame(&assembler, limit: session.maximumFrameByteCount) {
///     perform(session.step(.messageReceived(try decoded(frame)), now: now()))
///   }
/// } catch {
///   perform(session.step(.frameRejected(error), now: now()))
/// }
/// ```
///
/// `perform` queues `sendNow` for the connection, hands `writes` to the writer in order, starts the
/// reads of `requests`, sets one timer for `nextDeadline`, and shuts the connection after `close`.
/// Each answer (`.committed`, `.batchLoaded`, `.helloJudged`, `.outcomesLoaded`) is a further step.
/// A closed session ignores every input, so answers that come late need no care.
///
/// File content is wanted with `.fileWanted`, as many at once as ``freeFilePlaces`` says; nothing
/// of it outlives the session: after a cut the shell wants again from what is on its disk.
///
/// The handshake is the same on both sides once the dialler has sent its HELLO: each side has the
/// peer's checkpoints judged, sends HELLO_OK with the resume points in its own log, and streams
/// when it has both sent and received one. So no entries can reach a side before it knows where
/// they continue, and the link is up only after the centre's HELLO_OK.
package struct Session: Hashable, Sendable {
  package let limits: LinkLimits
  private(set) var state: State = .idle

  package init(limits: LinkLimits) {
    precondition(
      limits.initialCredit.entries <= limits.creditWindow.entries
        && limits.initialCredit.bytes <= limits.creditWindow.bytes,
      "initial credit \(limits.initialCredit) above the window \(limits.creditWindow)")
    self.limits = limits
  }

  /// Each state owns exactly its data.
  enum State: Hashable, Sendable {
    /// Before `.opened`. -> awaitingHello
    case idle
    /// -> judging on a valid HELLO; closed
    case awaitingHello(Opening)
    /// The shell judges the peer's HELLO. -> awaitingHelloOK, or streaming when the peer's HELLO_OK
    /// came first; closed
    case judging(Handshake)
    /// Our HELLO_OK is sent. -> streaming on the peer's; closed
    case awaitingHelloOK(Handshake, sent: HelloOK)
    /// -> closed
    case streaming(Streaming)
    /// The end: ignores every input.
    case closed(LinkClosure)
  }

  /// What ``FrameAssembler/next(limit:)`` may accept now.
  package var maximumFrameByteCount: Int {
    switch state {
    case .streaming: FrameHeader.maximumFrameByteCount
    case .idle, .awaitingHello, .judging, .awaitingHelloOK, .closed:
      FrameHeader.maximumHelloByteCount
    }
  }

  /// Whether both HELLO_OKs are exchanged.
  package var isUp: Bool {
    if case .streaming = state { true } else { false }
  }

  /// For status: how far each lane is sent and acknowledged; nil unless up.
  package var progress: SessionProgress? {
    guard case .streaming(let streaming) = state else { return nil }
    return streaming.progress
  }

  /// How many more contents the shell may want with `.fileWanted`; 0 unless up, and with a peer
  /// whose version has no files.
  package var freeFilePlaces: Int {
    guard case .streaming(let streaming) = state else { return 0 }
    return streaming.freeFilePlaces
  }

  /// The only way in.
  /// - Parameter now: never earlier than at the step before.
  /// - Precondition: `.opened` once and first; answers only to requests made; tickets ascending.
  package mutating func step(_ input: SessionInput, now: Instant) -> StepOutput {
    var output = StepOutput()
    do throws(SessionEnd) {
      try advance(input, now: now, output: &output)
    } catch {
      finish(error, output: &output)
    }
    // A session that was up has said so itself: to ask it again would copy it.
    if output.nextDeadline == nil { output.nextDeadline = nextDeadline }
    return output
  }

  private mutating func advance(
    _ input: SessionInput, now: Instant, output: inout StepOutput
  ) throws(SessionEnd) {
    if case .closed = state { return }
    switch input {
    case .closeRequested(.transportEnded): throw SessionEnd(.transportEnded)
    case .closeRequested(.replaced): throw SessionEnd(.replaced)
    case .closeRequested(.refuse(let code, let text)): throw SessionEnd(refusing: code, text)
    case .frameRejected(let rejection): throw SessionEnd(.rejected(rejection))
    case .messageReceived(.refuse(let refuse)):
      throw SessionEnd(.refusedByPeer(refuse.code, refuse.text))
    case .opened, .messageReceived, .bytesReceived, .helloJudged, .batchLoaded, .outcomesLoaded,
      .logGrew, .outcomesGrew, .committed, .storageFullChanged, .recoveryChanged, .probeRequested,
      .deadlineReached, .fileWanted, .wantCancelled, .fileWritten, .fileRead, .fileUnavailable,
      .loadStalled, .loadsResumed:
      break
    }
    switch state {
    case .idle:
      guard case .opened(let view) = input else { preconditionFailure("\(input) before .opened") }
      state = .awaitingHello(Opening(view, now: now, output: &output))
    case .awaitingHello(let opening):
      state = try opening.step(input, now: now, limits: limits, output: &output)
    case .judging(let handshake):
      state = try handshake.stepJudging(input, now: now, limits: limits, output: &output)
    case .awaitingHelloOK(let handshake, let sent):
      state = try handshake.stepAwaiting(
        input, sent: sent, now: now, limits: limits, output: &output)
    case .streaming(var streaming):
      // Not held twice while it changes, so its arrays are changed in place.
      state = .idle
      defer { state = .streaming(streaming) }
      try streaming.step(input, now: now, output: &output)
      output.nextDeadline = streaming.nextDeadline
    case .closed: break
    }
  }

  private mutating func finish(_ end: SessionEnd, output: inout StepOutput) {
    if case .streaming(var streaming) = state { streaming.writeProgress(output: &output) }
    // What was asked for is of no use any more; what was sent and written stands.
    output.requests = []
    if let refuse = end.refuse { output.sendNow.append(.refuse(refuse)) }
    output.close = end.closure
    state = .closed(end.closure)
  }

  private var nextDeadline: Instant? {
    switch state {
    case .idle, .closed: nil
    case .awaitingHello(let opening): opening.openedAt + limits.helloTimeout
    case .judging(let handshake), .awaitingHelloOK(let handshake, _):
      handshake.opening.openedAt + limits.helloOKTimeout
    case .streaming(let streaming): streaming.nextDeadline
    }
  }
}

/// The way out of any state: how the session ends, and what the peer is told.
struct SessionEnd: Error {
  let closure: LinkClosure
  let refuse: Refuse?

  /// An end that the peer is not told of.
  init(_ closure: LinkClosure) {
    self.closure = closure
    refuse = nil
  }

  init(refusing code: RefusalCode, _ text: String) {
    closure = .refused(code, text)
    refuse = Refuse(code, text)
  }

  init(_ violation: LinkViolation) {
    closure = .violation(violation)
    refuse = Refuse(.protocolViolation, violation.description)
  }

  /// This site found that it lost rows: the next session says so in its HELLO.
  static let restart = SessionEnd(
    .restart, Refuse(.restarting, "this site lost rows and dials again to recover them"))

  private init(_ closure: LinkClosure, _ refuse: Refuse) {
    self.closure = closure
    self.refuse = refuse
  }
}

/// What status shows of a session that is up.
package struct SessionProgress: Hashable, Sendable {
  package var sent: PerLane<LSN>
  package var acknowledged: PerLane<LSN>
  package var inFlightEntryCount: PerLane<Int>
  package var frameByteCount: Int
  /// The end of the peer's log as it last said.
  package var peerLogEnd: Checkpoint
  package var lastHeardAt: Instant
}
