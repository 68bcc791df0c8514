import Testing

@testable import Replication

/// Every kind of input in every state, with what comes of it.
@Suite struct LinkTableTests {
  private static let now = seconds(100)
  private static let own = site("lang-son")
  private static let peer = site("trung-uong")
  private static let nonce = Bytes16(high: 9, low: 9)

  private static func opened(_ role: LinkRole) -> SessionInput {
    .opened(
      LocalView(
        role: role, site: own, incarnation: incarnation(1), nonce: nonce, peer: peer,
        logEnd: .start, peerState: PeerState(), registry: .builtIn, outcomesEnd: 0,
        isRecovering: false, isStorageFull: false, software: "test"))
  }

  private static let helloOK = Message.helloOK(
    HelloOK(version: 1, nonce: nonce, resume: PerLane(both: .start), outcomeCursor: 0))
  private static let resume = SessionInput.helloJudged(
    HelloJudgement(resume: PerLane(both: .start)))
  private static let report = CommitReport(outcomesEnd: 0, logEnd: .start)
  private static let hello = SessionInput.messageReceived(.hello(testHello()))

  private static func checkpoint(_ lsn: UInt64) -> Checkpoint {
    Checkpoint(
      incarnation: incarnation(1), lsn: LSN(lsn), head: .zero, tag: Bytes16(high: 1, low: lsn))
  }

  private static func entries(_ previous: UInt64, _ last: UInt64, count: UInt64 = 1) -> Message {
    .entries(
      EntriesMessage(
        lane: .normal, previousLSN: LSN(previous),
        entries: (0..<count).map { testEntry(peer, $0 + 1) }, checkpoint: checkpoint(last)))
  }

  private static func acknowledgement(
    _ checkpoint: Checkpoint = .start, outcomeCursor: UInt64 = 0, first: UInt64 = 0
  ) -> Message {
    let outcome = Outcome(
      site: peer, entry: testEntry(own, 1).identity, state: .held, code: .referenceMissing)
    return .acknowledge(
      Acknowledgement(
        lane: .normal, checkpoint: checkpoint, credit: Credit(entries: 1, bytes: 1),
        outcomeCursor: outcomeCursor, outcomesEnd: 0, pingToken: 0, logEnd: .start,
        firstOutcomeNumber: first, outcomes: first == 0 ? [] : [outcome]))
  }

  private static let states: [(name: String, path: [SessionInput])] = [
    ("dialled", [opened(.dialler)]),
    ("accepted", [opened(.acceptor)]),
    ("judging", [opened(.dialler), hello]),
    ("answered", [opened(.dialler), hello, .messageReceived(helloOK)]),
    ("awaiting", [opened(.dialler), hello, resume]),
    ("up", [opened(.dialler), hello, resume, .messageReceived(helloOK)]),
    (
      "durable",
      [
        opened(.dialler), hello, resume, .messageReceived(helloOK), .committed(Ticket(1), report),
      ]
    ),
    ("closed", [opened(.dialler), .closeRequested(.transportEnded)]),
  ]

  private static let inputs: [String: SessionInput] = [
    "hello": hello,
    "helloOK": .messageReceived(helloOK),
    "refuse": .messageReceived(.refuse(Refuse(.overloaded, "later"))),
    "entries": .messageReceived(entries(0, 3)),
    "ack": .messageReceived(acknowledgement()),
    "ping": .messageReceived(.ping(Ping(token: 1, logEnd: .start))),
    "want": .messageReceived(.want(WantMessage(.file(.zero), .withdraw))),
    "file": .messageReceived(.file(FileMessage(.file(.zero), .refused(.notHere)))),
    "rejected": .frameRejected(.compression),
    "bytes": .bytesReceived,
    "judged": resume,
    "logGrew": .logGrew(checkpoint(1)),
    "outcomesGrew": .outcomesGrew(1),
    "full": .storageFullChanged(true),
    "recovers": .recoveryChanged(true),
    "recovered": .recoveryChanged(false),
    "probe": .probeRequested,
    "early": .deadlineReached,
    "shutDown": .closeRequested(.refuse(.shuttingDown, "")),
    "ended": .closeRequested(.transportEnded),
    "replaced": .closeRequested(.replaced),
  ]

  private static let sameInEveryOpenState = [
    "refuse": "closed by peer: overloaded", "rejected": "violation: REFUSE",
    "shutDown": "refused: shutting-down: REFUSE", "ended": "closed: transport",
    // The peer here is of version 1, which has no files.
    "want": "violation: REFUSE", "file": "violation: REFUSE",
    "replaced": "closed: replaced", "bytes": "stays", "recovered": "stays", "early": "stays",
  ]

  /// Inputs that are not here are our bug in that state (preconditions), or in the table above.
  private static let table: [String: [String: String]] = [
    "dialled": [
      "hello": "judging: request judge", "helloOK": "violation: REFUSE",
      "entries": "violation: REFUSE", "ack": "violation: REFUSE", "ping": "violation: REFUSE",
      "logGrew": "stays", "outcomesGrew": "stays", "full": "stays",
      "recovers": "closed: restart: REFUSE", "probe": "stays",
    ],
    "accepted": [
      "hello": "judging: HELLO, request judge", "helloOK": "violation: REFUSE",
      "entries": "violation: REFUSE", "ack": "violation: REFUSE", "ping": "violation: REFUSE",
      "logGrew": "stays", "outcomesGrew": "stays", "full": "stays", "recovers": "stays",
      "probe": "stays",
    ],
    "judging": [
      "hello": "violation: REFUSE", "helloOK": "stays", "entries": "violation: REFUSE",
      "ack": "violation: REFUSE", "ping": "violation: REFUSE",
      "judged": "awaiting HELLO_OK: HELLO_OK", "logGrew": "stays", "outcomesGrew": "stays",
      "full": "stays", "recovers": "closed: restart: REFUSE", "probe": "stays",
    ],
    "answered": [
      "hello": "violation: REFUSE", "helloOK": "violation: REFUSE",
      "entries": "violation: REFUSE", "ack": "violation: REFUSE", "ping": "violation: REFUSE",
      "judged": "streaming: HELLO_OK, write resume", "logGrew": "stays", "outcomesGrew": "stays",
      "full": "stays", "recovers": "closed: restart: REFUSE", "probe": "stays",
    ],
    "awaiting": [
      "hello": "violation: REFUSE", "helloOK": "streaming: write resume",
      "entries": "violation: REFUSE", "ack": "violation: REFUSE", "ping": "violation: REFUSE",
      "logGrew": "stays", "outcomesGrew": "stays", "full": "stays",
      "recovers": "closed: restart: REFUSE", "probe": "stays",
    ],
    // No ACK before the resume point is durable.
    "up": [
      "hello": "violation: REFUSE", "helloOK": "violation: REFUSE", "entries": "stays: write take",
      "ack": "stays", "ping": "stays", "logGrew": "stays: request load urgent, request load normal",
      "outcomesGrew": "stays", "full": "stays", "recovers": "closed: restart: REFUSE",
      "probe": "stays: PING",
    ],
    "durable": [
      "hello": "violation: REFUSE", "helloOK": "violation: REFUSE", "entries": "stays: write take",
      "ack": "stays", "ping": "stays: ACK",
      "logGrew": "stays: request load urgent, request load normal",
      "outcomesGrew": "stays: request outcomes", "full": "stays: ACK, ACK",
      "recovers": "closed: restart: REFUSE", "probe": "stays: PING",
    ],
  ]

  @Test(arguments: states.map(\.name))
  func everyInputInEveryState(name: String) throws {
    let path = try #require(Self.states.first { $0.name == name }).path
    for (input, value) in Self.inputs.sorted(by: { $0.key < $1.key }) {
      let expected =
        name == "closed"
        ? "stays" : Self.sameInEveryOpenState[input] ?? Self.table[name]?[input]
      // Only a judgement that nobody asked for is ours to prevent.
      guard let expected else {
        #expect(input == "judged", "\(input) in \(name)")
        continue
      }
      var session = Self.session(after: path)
      let before = session.state
      let output = session.step(value, now: Self.now)
      #expect(Self.summary(session, from: before, output) == expected, "\(input) in \(name)")
      let isClosed = output.close != nil || name == "closed"
      #expect((output.nextDeadline == nil) == isClosed, "\(input) in \(name)")
    }
  }

  /// Messages that break a rule of streaming, and the rule.
  private static let brokenRules: [(Message, LinkViolation)] = [
    (entries(1, 3), .wrongPrevious(.normal, LSN(1), expected: .start)),
    (entries(0, 0, count: 0), .noProgress(.normal, from: .start, to: .start, entryCount: 0)),
    (entries(0, 2, count: 3), .noProgress(.normal, from: .start, to: LSN(2), entryCount: 3)),
    (acknowledgement(checkpoint(1)), .unsentCheckpoint(.normal, LSN(1))),
    (acknowledgement(outcomeCursor: 1), .outcomeCursorAhead(1, sent: 0)),
    (acknowledgement(first: 2), .outcomeGap(2, expected: 1)),
  ]

  @Test(arguments: brokenRules)
  func brokenRulesCloseTheSession(message: Message, violation: LinkViolation) {
    var session = Self.session(after: Self.states[6].path)
    let output = session.step(.messageReceived(message), now: Self.now)
    #expect(output.close == .violation(violation))
    #expect(output.sendNow == [.refuse(Refuse(.protocolViolation, violation.description))])
    #expect(output.writes.isEmpty)
  }

  private typealias BadAnswer = (
    change: @Sendable (inout HelloOK) -> Void, violation: LinkViolation
  )
  private static let badAnswers: [BadAnswer] = [
    ({ $0.nonce = Bytes16(high: 0, low: 0) }, .wrongNonce),
    ({ $0.version = 2 }, .wrongVersion(2)),
    ({ $0.resume.urgent = checkpoint(1) }, .unquotedResume(.urgent)),
    ({ $0.outcomeCursor = 1 }, .outcomeCursorAhead(1, sent: 0)),
  ]

  @Test(arguments: badAnswers.indices)
  func badAnswersCloseTheSession(index: Int) {
    let (change, violation) = Self.badAnswers[index]
    var answer = HelloOK(
      version: 1, nonce: Self.nonce, resume: PerLane(both: .start), outcomeCursor: 0)
    change(&answer)
    for path in [Self.states[2].path, Self.states[4].path] {
      var session = Self.session(after: path)
      let output = session.step(.messageReceived(.helloOK(answer)), now: Self.now)
      #expect(output.close == .violation(violation))
    }
  }

  @Test func versionsAreNegotiated() {
    for (minimum, maximum, isCommon) in [
      (1, 1, true), (1, 9, true), (0, 1, true), (2, 9, true), (3, 9, false), (0, 0, false),
    ] as [(UInt16, UInt16, Bool)] {
      var hello = testHello()
      hello.protocolMinimum = minimum
      hello.protocolMaximum = maximum
      var session = Self.session(after: [Self.opened(.acceptor)])
      let output = session.step(.messageReceived(.hello(hello)), now: Self.now)
      #expect((output.close == nil) == isCommon)
      guard case .refuse(let refuse) = output.sendNow.last else {
        #expect(isCommon)
        continue
      }
      #expect(refuse.code == .unsupportedVersion)
    }
  }

  /// The shell need not know how far a session is. Kills: the trap that this was.
  @Test func aRepairMeansNothingBeforeTheSessionIsUp() {
    for (name, path) in Self.states {
      var session = Self.session(after: path)
      #expect(session.step(.loadsResumed, now: Self.now).close == nil, "\(name)")
    }
  }

  @Test func theHelloMustNameTheSiteOfTheCertificate() {
    var session = Self.session(after: [Self.opened(.acceptor)])
    let output = session.step(
      .messageReceived(.hello(testHello(site("cao-bang")))), now: Self.now)
    guard case .refused(.wrongIdentity, _) = output.close else {
      Issue.record("\(String(describing: output.close))")
      return
    }
    #expect(output.requests.isEmpty)
  }

  /// State, seconds after the opening, and what the clock then does.
  private static let clockTable: [(Int, Int, String)] = [
    (0, 4, "stays"), (0, 5, "closed: handshake"), (2, 9, "stays"), (2, 10, "closed: handshake"),
    (4, 10, "closed: handshake"), (6, 14, "stays"), (6, 15, "stays: PING"),
    (6, 45, "closed: silent"), (6, 12 * 3_600, "closed: life"),
  ]

  @Test(arguments: clockTable)
  func clocks(state: Int, after: Int, expected: String) {
    var session = Self.session(after: Self.states[state].path)
    let before = session.state
    let output = session.step(.deadlineReached, now: seconds(100 + after))
    #expect(Self.summary(session, from: before, output) == expected)
  }

  @Test func onlyTheAnswerToTheProbeCounts() {
    var session = Self.session(after: Self.states[6].path)
    let probe = session.step(.probeRequested, now: Self.now)
    #expect(probe.sendNow == [.ping(Ping(token: 1, logEnd: .start))])
    let late = session.step(.messageReceived(Self.acknowledgement()), now: Self.now)
    #expect(late.events.isEmpty)
    let answer = Acknowledgement(
      lane: .normal, checkpoint: .start, credit: .zero, outcomeCursor: 0, outcomesEnd: 0,
      pingToken: 1, logEnd: .start)
    let output = session.step(.messageReceived(.acknowledge(answer)), now: Self.now)
    #expect(output.events == [.probeAnswered])
  }

  /// A holder that is still shaking hands is asked as soon as it can answer.
  @Test(arguments: [1, 2, 3]) func aProbeBeforeTheSessionIsUpIsAskedThen(inputCount: Int) {
    let path = Self.states[5].path
    let before = Array(path.prefix(inputCount))
    var session = Self.session(after: before)
    #expect(session.step(.probeRequested, now: Self.now).sendNow.isEmpty)
    var sent: [Message] = []
    for input in path.dropFirst(before.count) {
      sent += session.step(input, now: Self.now).sendNow
    }
    #expect(sent.contains(.ping(Ping(token: 1, logEnd: .start))))
  }

  @Test func takesThatAreNotDurableAreBounded() {
    var session = Self.session(after: Self.states[6].path)
    let bound = UInt64(LinkLimits().uncommittedFrames)
    for number in 0..<bound {
      let message = Self.entries(number, number + 1, count: 0)
      #expect(session.step(.messageReceived(message), now: Self.now).close == nil)
    }
    let next = Self.entries(bound, bound + 1, count: 0)
    let output = session.step(.messageReceived(next), now: Self.now)
    #expect(output.close == .violation(.creditExceeded(.normal)))
  }

  @Test func oneCommitAcknowledgesWhatItCovers() {
    var session = Self.session(after: Self.states[6].path)
    for number in UInt64(0)..<3 {
      _ = session.step(.messageReceived(Self.entries(number, number + 1)), now: Self.now)
    }
    let report = CommitReport(outcomesEnd: 4, logEnd: Self.checkpoint(9))
    let output = session.step(.committed(Ticket(3), report), now: Self.now)
    guard case .acknowledge(let acknowledgement) = output.sendNow.first else {
      Issue.record("\(output.sendNow)")
      return
    }
    #expect(output.sendNow.count == 1)
    #expect(acknowledgement.checkpoint == Self.checkpoint(2))
    #expect(acknowledgement.outcomesEnd == 4)
    #expect(acknowledgement.logEnd == Self.checkpoint(9))
    #expect(acknowledgement.credit == LinkLimits().creditWindow)
  }

  @Test func theWitnessIsWrittenOnceASecondAndOnClosing() {
    var session = Self.session(after: Self.states[6].path)
    func ping(_ end: UInt64, at milliseconds: Int) -> [LinkChange] {
      let message = Message.ping(Ping(token: end, logEnd: Self.checkpoint(end)))
      let now = Self.now + .milliseconds(milliseconds)
      return session.step(.messageReceived(message), now: now).writes.map(\.change)
    }
    #expect(ping(1, at: 500) == [])
    #expect(ping(2, at: 1_000) == [.witness(Self.checkpoint(2))])
    #expect(ping(3, at: 1_999) == [])
    let output = session.step(.closeRequested(.transportEnded), now: Self.now + .seconds(3))
    #expect(output.writes.map(\.change) == [.witness(Self.checkpoint(3))])
  }

  /// Rows that came prove how far the peer's log reaches, also before it says so. A resume may put
  /// the cursor back to before them: then nothing else proves them to a peer that is put back.
  /// Kills: a witness that only what the peer says of its end moves.
  @Test func aTakeCarriesTheWitnessAlong() {
    var session = Self.session(after: Self.states[6].path)
    func take(_ from: UInt64, _ to: UInt64) -> Checkpoint? {
      let output = session.step(.messageReceived(Self.entries(from, to)), now: Self.now)
      guard case .take(_, _, _, _, let witness) = output.writes.first?.change else { return nil }
      return witness
    }
    #expect(take(0, 3) == Self.checkpoint(3))
    let ping = Message.ping(Ping(token: 1, logEnd: Self.checkpoint(9)))
    _ = session.step(.messageReceived(ping), now: Self.now)
    #expect(take(3, 5) == Self.checkpoint(9))
    #expect(take(5, 12) == Self.checkpoint(12))
  }

  private static func session(after path: [SessionInput]) -> Session {
    var session = Session(limits: LinkLimits())
    for input in path { _ = session.step(input, now: now) }
    return session
  }

  // MARK: Words for outputs

  private static func summary(
    _ session: Session, from before: Session.State, _ output: StepOutput
  ) -> String {
    var parts = output.sendNow.map(\.type.description)
    parts += output.requests.map(word)
    parts += output.writes.map { word($0.change) }
    let state = output.close.map(word) ?? stateWord(session.state, from: before)
    return parts.isEmpty ? state : "\(state): \(parts.joined(separator: ", "))"
  }

  private static func stateWord(_ state: Session.State, from before: Session.State) -> String {
    switch (state, before) {
    case (.awaitingHello, .awaitingHello), (.judging, .judging),
      (.awaitingHelloOK, .awaitingHelloOK), (.streaming, .streaming), (.closed, .closed):
      "stays"
    case (.idle, _): "idle"
    case (.awaitingHello, _): "awaiting HELLO"
    case (.judging, _): "judging"
    case (.awaitingHelloOK, _): "awaiting HELLO_OK"
    case (.streaming, _): "streaming"
    case (.closed, _): "closed"
    }
  }

  private static func word(_ closure: LinkClosure) -> String {
    switch closure {
    case .refusedByPeer(let code, _): "closed by peer: \(code)"
    case .refused(let code, _): "refused: \(code)"
    case .violation: "violation"
    case .handshakeTimedOut: "closed: handshake"
    case .silent: "closed: silent"
    case .lifeEnded: "closed: life"
    case .restart: "closed: restart"
    case .transportEnded: "closed: transport"
    case .replaced: "closed: replaced"
    }
  }

  private static func word(_ request: SessionRequest) -> String {
    switch request {
    case .judge: "request judge"
    case .load(let lane, _, _, _, _): "request load \(lane)"
    case .loadOutcomes: "request outcomes"
    case .readFile(_, let offset, let count, _): "request read \(count) at \(offset)"
    case .writeFile(_, let offset, let bytes, _): "request write \(bytes.count) at \(offset)"
    }
  }

  private static func word(_ change: LinkChange) -> String {
    switch change {
    case .resume: "write resume"
    case .take: "write take"
    case .acknowledged: "write acknowledged"
    case .takeOutcomes: "write outcomes"
    case .witness: "write witness"
    case .rowsLost: "write rows lost"
    case .recovered: "write recovered"
    }
  }
}
