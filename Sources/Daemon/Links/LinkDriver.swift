import Cryptography
import Replication
import Transport

/// One connection of a link: socket, TLS, frames and the session, wired together on the reactor.
/// It decides nothing: the session does.
final class LinkDriver {
  /// Frames waiting for a slow line, in bytes; bounded by credit, so a breach is our bug or a
  /// hostile peer's doing, and ends the link.
  static let outputLimit = 16 << 20
  /// Payloads below this are sent as they are.
  static let compressionThreshold = 128
  static let plaintextPieceByteCount = 64 << 10

  let number: SessionNumber
  let role: LinkRole
  private(set) var identity: PeerIdentity?
  private(set) var upSince: Instant?
  /// When the connection was dialled or accepted.
  let began: Instant
  /// Why the connection failed below the session, as a token or a sentence.
  var failure: String?
  private let connection: Connection
  private let tls: TLSConnection
  private let compressor: FrameCompressor
  private let loop: EventLoop
  private unowned let host: any LinkHost

  private let limits: LinkLimits
  private var session: Session
  /// As ``Session/maximumFrameByteCount`` says: raised once, when the session is up. To ask it for
  /// each frame would copy it.
  private var maximumFrameByteCount: Int
  private var assembler = FrameAssembler()
  private var isOpened = false
  private var isOver = false
  /// Until both certificates are verified.
  private var handshakeTimer: TimerID?
  /// When the session wants to be called; the timer comes no later.
  private var deadline: Instant?
  private var timer: (at: Instant, id: TimerID)?
  /// Requests that wait until little waits for the line.
  private var heldRequests: [SessionRequest] = []
  /// What the host answered from inside the call that asked.
  private var answers: [SessionInput] = []
  /// Plaintext TLS could not take yet.
  private var unsent: [UInt8] = []
  private var pieceCompression = PieceCompression()

  /// - Parameter handshakeTime: until both certificates are verified.
  init(
    number: SessionNumber, role: LinkRole, connection: Connection, context: TLSContext,
    limits: LinkLimits, compressor: FrameCompressor, loop: EventLoop, host: any LinkHost,
    handshakeTime: Duration
  ) throws(CryptographyError) {
    self.number = number
    self.role = role
    self.connection = connection
    self.compressor = compressor
    self.loop = loop
    self.host = host
    began = loop.now
    self.limits = limits
    session = Session(limits: limits)
    maximumFrameByteCount = session.maximumFrameByteCount
    tls = try TLSConnection(context: context, role: role == .dialler ? .client : .server)
    handshakeTimer = loop.schedule(after: handshakeTime) { [weak self] in
      self?.finish(.handshakeTimedOut)
    }
    connection.lowWaterByteCount = limits.queuedByteCount
    connection.onEvent = { [weak self] in self?.happened($0) }
  }

  var peerAddress: String { connection.peerAddress.description }
  var peerHost: String { connection.peerAddress.hostText }
  var isUp: Bool { session.isUp }
  var progress: SessionProgress? { session.progress }
  var freeFilePlaces: Int { isOver ? 0 : session.freeFilePlaces }

  /// The writer has read what the session starts from.
  func open(_ view: LocalView) {
    guard !isOver, !isOpened else { return }
    isOpened = true
    advance(.opened(view))
    pump()
  }

  /// One input of the session, and everything it asks for.
  func advance(_ input: SessionInput) {
    guard !isOver, isOpened else { return }
    perform(session.step(input, now: loop.now))
    takeAnswers()
  }

  /// Answers a request from inside the call that makes it: taken when that step has done all that
  /// it asks for.
  func answer(_ input: SessionInput) { answers.append(input) }

  /// Bounded as what is loaded is: each answer took a place in flight, or found nothing more.
  private func takeAnswers() {
    while !isOver, !answers.isEmpty {
      perform(session.step(answers.removeFirst(), now: loop.now))
    }
  }

  /// Ends the connection for a reason outside the session.
  func refuse(_ refuse: Refuse) {
    guard !isOver else { return }
    if isOpened {
      advance(.closeRequested(.refuse(refuse.code, refuse.text)))
    } else {
      send(.refuse(refuse))
      finish(.refused(refuse.code, refuse.text))
    }
  }

  func replace() { advance(.closeRequested(.replaced)) }

  /// A session outlives certificates and revocation lists: looked at again every minute.
  func reverify(at unixSeconds: Int64, against context: TLSContext) {
    guard !isOver, let failure = tls.reverify(at: unixSeconds, against: context) else { return }
    host.failed(failure, self)
    finish(.transportEnded)
  }

  /// New traffic keys from the next write on (reliability.md section 5).
  func rekey() { tls.rekey() }

  private func happened(_ event: ChannelEvent) {
    switch event {
    case .connected: pump()
    case .received(let bytes): received(bytes)
    case .drained:
      connection.isReadingPaused = false
      startHeld()
    case .closed(let end):
      if case .failed(let error) = end, failure == nil { failure = "\(error)" }
      transportEnded()
    }
  }

  private func received(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count, !isOver {
      let count = min(bytes.count - offset, tls.inputCapacity)
      guard count > 0 else {
        // Unread plaintext fills TLS: the session is not open yet and the peer does not wait.
        let error = FrameError.tooLong(
          byteCount: UInt64(bytes.count), limit: TLSConnection.maximumInputByteCount)
        return finish(.violation(.rejected(.frame(error))))
      }
      tls.receive(bytes[offset..<offset + count])
      offset += count
      pump()
    }
  }

  /// Moves bytes as far as they go in both directions.
  private func pump() {
    guard !isOver else { return }
    noteHandshake()
    // A message is a sign of life by itself.
    if isOpened && !isOver && !readFrames() { advance(.bytesReceived) }
    flush()
    switch tls.state {
    case .failed(let failure): fail(failure)
    case .closed: transportEnded()
    case .handshaking, .established: break
    }
  }

  private func fail(_ failure: TLSFailure) {
    guard !isOver else { return }
    host.failed(failure, self)
    transportEnded()
  }

  private func transportEnded() {
    if isOpened {
      advance(.closeRequested(.transportEnded))
    } else {
      finish(earlyRefusal() ?? .transportEnded)
    }
  }

  /// A peer that knows from our certificate that it refuses us does not wait for our HELLO, and is
  /// gone before the session is open: its reason is what the operator reads.
  private func earlyRefusal() -> LinkClosure? {
    _ = assembler.fill {
      tls.readPlaintext(appendingTo: &$0, limit: FrameHeader.maximumHelloByteCount)
    }
    guard case .refuse(let refuse)? = (try? nextMessage())?.0 else { return nil }
    return .refusedByPeer(refuse.code, refuse.text)
  }

  private func noteHandshake() {
    guard identity == nil, case .established(let peer) = tls.state else { return }
    identity = peer
    if let handshakeTimer { loop.cancel(handshakeTimer) }
    handshakeTimer = nil
    if let refusal = host.admit(peer, self) { return refuse(refusal) }
    host.requestOpening(self, peer: peer.site)
  }

  /// - Returns: whether there was one.
  private func readFrames() -> Bool {
    var isAny = false
    while !isOver {
      let count = assembler.fill {
        tls.readPlaintext(appendingTo: &$0, limit: Self.plaintextPieceByteCount)
      }
      guard count > 0 else { break }
      do throws(FrameRejection) {
        while !isOver, let (message, byteCount) = try nextMessage() {
          isAny = true
          host.counted(message, byteCount: byteCount, isSent: false, self)
          advance(.messageReceived(message))
        }
      } catch {
        advance(.frameRejected(error))
      }
    }
    return isAny
  }

  private func nextMessage() throws(FrameRejection) -> (Message, Int)? {
    let next: Frame?
    do throws(FrameError) {
      next = try assembler.next(limit: maximumFrameByteCount)
    } catch {
      throw .frame(error)
    }
    guard let frame = next else { return nil }
    let plain: [UInt8]
    if frame.header.isCompressed {
      do throws(CompressionError) {
        plain = try compressor.decompress(
          frame.payload, declaredByteCount: frame.header.plainByteCount,
          limit: maximumFrameByteCount)
      } catch {
        throw .compression
      }
    } else {
      plain = frame.payload
    }
    do throws(ByteError) {
      let message = try Message.decode(frame.header, plain, hashing: OpenSSLHash())
      return (message, FrameHeader.byteCount + frame.payload.count)
    } catch {
      throw .message(error)
    }
  }

  private func perform(_ output: StepOutput) {
    guard let peer = identity?.site else { preconditionFailure("a session without a peer") }
    // First: what the host does on hearing of the rest may step the session again.
    setTimer(output.nextDeadline)
    for event in output.events {
      if case .becameUp = event {
        upSince = loop.now
        maximumFrameByteCount = session.maximumFrameByteCount
      }
      host.noted(event, self)
    }
    for write in output.writes { host.perform(write, self, peer: peer) }
    for message in output.sendNow { send(message) }
    for request in output.requests where !isOver { start(request, peer: peer) }
    if let closure = output.close { finish(closure) }
  }

  private func start(_ request: SessionRequest, peer: SiteID) {
    let limit: Int? =
      switch request {
      case .load(_, _, _, _, let whenQueuedAtMost): whenQueuedAtMost
      case .readFile(_, _, _, let whenQueuedAtMost): whenQueuedAtMost
      case .judge, .loadOutcomes, .writeFile: nil
      }
    if let limit, connection.queuedByteCount > limit {
      heldRequests.append(request)
    } else {
      host.perform(request, self, peer: peer)
    }
  }

  /// Little waits for the line: what still is too much for waits on.
  private func startHeld() {
    guard let peer = identity?.site else { return }
    let requests = heldRequests
    heldRequests = []
    for request in requests { start(request, peer: peer) }
    takeAnswers()
  }

  /// A deadline moves with nearly every step, mostly further away: the timer is left where it is,
  /// and looks at the deadline when it comes.
  private func setTimer(_ deadline: Instant?) {
    self.deadline = deadline
    guard let deadline else { return cancelTimer() }
    if let timer, timer.at <= deadline { return }
    cancelTimer()
    timer = (deadline, loop.schedule(at: deadline) { [weak self] in self?.timerCame() })
  }

  private func timerCame() {
    timer = nil
    guard let deadline else { return }
    if loop.now >= deadline { advance(.deadlineReached) } else { setTimer(deadline) }
  }

  private func cancelTimer() {
    if let timer { loop.cancel(timer.id) }
    timer = nil
  }

  private func send(_ message: Message) {
    if case .file(let file) = message, let piece = file.pieceFrame {
      sendPiece(message, of: file.wanted, piece.head, piece.bytes)
    } else {
      let frame = message.frame
      sendFrame(compressed(frame) ?? frame, of: message)
    }
    flush()
  }

  private func sendPiece(
    _ message: Message, of wanted: Wanted, _ head: [UInt8], _ bytes: ArraySlice<UInt8>
  ) {
    if pieceCompression.isDue(wanted) {
      let compressed = compressed(message.frame)
      pieceCompression.tried(
        wanted, byteCount: bytes.count, compressedByteCount: compressed?.payload.count)
      if let compressed { return sendFrame(compressed, of: message) }
    }
    host.counted(message, byteCount: head.count + bytes.count, isSent: true, self)
    write(head[...])
    write(bytes)
  }

  private func sendFrame(_ frame: Frame, of message: Message) {
    let bytes = frame.bytes
    host.counted(message, byteCount: bytes.count, isSent: true, self)
    write(bytes[...])
  }

  /// nil when the payload does not shrink, or is too small to be worth it.
  private func compressed(_ frame: Frame) -> Frame? {
    guard frame.payload.count >= Self.compressionThreshold,
      let compressed = compressor.compress(frame.payload)
    else { return nil }
    let header = FrameHeader(
      type: frame.header.type, lane: frame.header.lane, compressedByteCount: compressed.count,
      plainByteCount: frame.payload.count)
    return Frame(header: header, payload: compressed)
  }

  /// Encrypts, without a copy unless TLS takes nothing now.
  private func write(_ bytes: ArraySlice<UInt8>) {
    let takenCount = unsent.isEmpty ? tls.write(bytes.span) : 0
    if takenCount < bytes.count { unsent.append(contentsOf: bytes.dropFirst(takenCount)) }
  }

  private func flush() {
    if !unsent.isEmpty {
      var offset = 0
      while offset < unsent.count {
        let end = min(offset + Self.plaintextPieceByteCount, unsent.count)
        let taken = tls.write(unsent.span.extracting(offset..<end))
        guard taken > 0 else { break }
        offset += taken
      }
      unsent.removeFirst(offset)
    }
    guard tls.outputByteCount > 0 else { return }
    guard connection.send(tls.takeCiphertext()) != .overLimit else {
      return finish(.transportEnded)
    }
    // A peer that asks and does not read is held back instead of filling this site's memory.
    if connection.queuedByteCount > limits.outputByteCount {
      connection.isReadingPaused = true
    }
  }

  /// Sends what is queued, then closes; told to the host once.
  private func finish(_ closure: LinkClosure) {
    guard !isOver else { return }
    isOver = true
    if let handshakeTimer { loop.cancel(handshakeTimer) }
    handshakeTimer = nil
    cancelTimer()
    heldRequests = []
    answers = []
    flush()
    tls.close()
    flush()
    connection.onEvent = nil
    connection.finish()
    host.ended(closure, self)
  }
}
