import Cryptography
import Replication

/// One connection of a link: bytes, frames and the session, wired together. It decides nothing.
final class SimulatedLink {
  /// The normal lane loads no further while so much waits for the line, as in the daemon.
  static let outputLowWater = 128 << 10

  let number: SessionNumber
  let peer: SiteID
  let end: ConnectionEnd
  let connection: SimulatedConnection
  private unowned let site: SimulatedSite
  private(set) var session = Session(limits: LinkLimits())
  private var assembler = FrameAssembler()
  private var isOpened = false
  var isOver = false
  var hello: Hello?
  private(set) var upSince: Instant?
  let began: Instant
  private var deadline: Instant?

  init(
    number: SessionNumber, peer: SiteID, end: ConnectionEnd, connection: SimulatedConnection,
    site: SimulatedSite
  ) {
    self.number = number
    self.peer = peer
    self.end = end
    self.connection = connection
    self.site = site
    began = site.world.now
    connection.attach(end) { [weak self] in self?.happened($0) }
  }

  func open(_ view: LocalView) {
    guard !isOver, !isOpened else { return }
    isOpened = true
    advance(.opened(view))
    readFrames()
  }

  func advance(_ input: SessionInput) {
    guard !isOver, isOpened else { return }
    let wasUp = session.isUp
    let output = session.step(input, now: site.world.now)
    if session.isUp && !wasUp { upSince = site.world.now }
    perform(output)
  }

  /// Ends the connection for a reason outside the session.
  func refuse(_ code: RefusalCode, _ text: String) {
    guard !isOver else { return }
    if isOpened { return advance(.closeRequested(.refuse(code, text))) }
    connection.send(Message.refuse(Refuse(code, text)).frame.bytes, from: end)
    finish(.refused(code, text))
  }

  private func happened(_ event: ConnectionEvent) {
    guard !isOver else { return }
    switch event {
    case .received(let bytes):
      assembler.append(bytes)
      advance(.bytesReceived)
      readFrames()
    case .closed:
      advance(.closeRequested(.transportEnded))
      finish(.transportEnded)
    }
  }

  private func readFrames() {
    guard isOpened else { return }
    do throws(FrameRejection) {
      while !isOver, let message = try nextMessage() {
        site.note("takes \(message.brief) of \(peer)")
        advance(.messageReceived(message))
      }
    } catch {
      advance(.frameRejected(error))
    }
  }

  private func nextMessage() throws(FrameRejection) -> Message? {
    let next: Frame?
    do throws(FrameError) {
      next = try assembler.next(limit: session.maximumFrameByteCount)
    } catch {
      throw .frame(error)
    }
    guard let frame = next else { return nil }
    do throws(ByteError) {
      return try Message.decode(frame.header, frame.payload, hashing: OpenSSLHash())
    } catch {
      throw .message(error)
    }
  }

  private func perform(_ output: StepOutput) {
    for event in output.events { site.noted(event, self) }
    for write in output.writes { site.post(.change(number, peer: peer, write)) }
    for message in output.sendNow { connection.send(message.frame.bytes, from: end) }
    for request in output.requests { start(request) }
    setTimer(output.nextDeadline)
    if let closure = output.close { finish(closure) }
  }

  private func start(_ request: SessionRequest) {
    if case .load(.normal, _, _, _) = request,
      connection.queuedByteCount(end) > Self.outputLowWater
    {
      return site.after(.milliseconds(50)) { [self] in if !isOver { start(request) } }
    }
    site.after(.microseconds(200)) { [self] in if !isOver { site.perform(request, self) } }
  }

  private func setTimer(_ next: Instant?) {
    guard next != deadline else { return }
    deadline = next
    guard let next else { return }
    site.after(next - site.world.now) { [self] in
      guard !isOver, deadline == next else { return }
      deadline = nil
      advance(.deadlineReached)
    }
  }

  private func finish(_ closure: LinkClosure) {
    guard !isOver else { return }
    isOver = true
    connection.close(from: end)
    site.ended(self, closure)
  }
}

extension Message {
  /// For the trace.
  var brief: String {
    switch self {
    case .entries(let message):
      "\(type) \(message.lane) \(message.previousLSN)...\(message.checkpoint.lsn)"
        + " with \(message.entries.count)"
    case .acknowledge(let message): "\(type) \(message.lane) \(message.checkpoint.lsn)"
    case .refuse(let refuse): "\(type) \(refuse.code)"
    case .want(let want): "\(type) \(want.wanted)"
    case .file(let file): "\(type) \(file.wanted)"
    case .hello, .helloOK, .ping: "\(type)"
    }
  }
}
