import Cryptography
import Replication
import Storage

/// One connection of a link: bytes, frames and the session, wired together. It decides nothing.
final class SimulatedLink {
  let number: SessionNumber
  let peer: SiteID
  let end: ConnectionEnd
  let connection: SimulatedConnection
  private unowned let site: SimulatedSite
  private(set) var session: Session
  private var assembler = FrameAssembler()
  private var isOpened = false
  var isOver = false
  var hello: Hello?
  private(set) var upSince: Instant?
  let began: Instant
  private var deadline: Instant?
  /// When the timer that is under way goes off; it is set again then, not at every step.
  private var timerAt: Instant?

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
    session = Session(limits: site.world.limits.link)
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
    perform(session.step(input, now: site.world.now))
  }

  /// Ends the connection for a reason outside the session.
  func refuse(_ code: RefusalCode, _ text: String) {
    guard !isOver else { return }
    if isOpened { return advance(.closeRequested(.refuse(code, text))) }
    connection.send(.refuse(Refuse(code, text)), from: end)
    finish(.refused(code, text))
  }

  private func happened(_ event: ConnectionEvent) {
    guard !isOver else { return }
    switch event {
    case .received(let bytes):
      assembler.append(bytes)
      advance(.bytesReceived)
      readFrames()
    case .closed, .broken:
      if case .broken = event { site.world.count(.connectionLost) }
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
    for event in output.events {
      // Asking the session whether it is up would copy the whole of it, at every step.
      if case .becameUp = event { upSince = site.world.now }
      site.noted(event, self)
    }
    for write in output.writes {
      site.directory.wrote(site: peer)
      site.post(.change(number, peer: peer, write))
    }
    for message in output.sendNow {
      if case .acknowledge(let acknowledgement) = message { watch(acknowledgement) }
      connection.send(message, from: end)
    }
    for request in output.requests { start(request) }
    setTimer(output.nextDeadline)
    if let closure = output.close { finish(closure) }
  }

  /// Promise 2: what an ACK says is durable here, in the store as a kill would leave it.
  private func watch(_ acknowledgement: Acknowledgement) {
    let lane = acknowledgement.lane
    site.world.attempt("cursor of \(site.id)") { () throws(StoreError) in
      let durable = try site.store.peer(peer)
      let lsn = durable.received[lane]?.newest.lsn ?? .start
      if acknowledgement.checkpoint.lsn > lsn {
        site.world.fail(
          "O1: \(site.id) acknowledges \(lane) \(acknowledgement.checkpoint.lsn) of \(peer)"
            + " and holds \(lsn)")
      }
      if acknowledgement.outcomeCursor > durable.outcomesTaken {
        site.world.fail("O1: \(site.id) acknowledges outcomes of \(peer) that it does not hold")
      }
    }
  }

  private func start(_ request: SessionRequest) {
    if case .load(_, _, _, _, let bound?) = request, connection.queuedByteCount(end) > bound {
      return site.after(.milliseconds(50)) { [self] in if !isOver { start(request) } }
    }
    site.after(.microseconds(200)) { [self] in if !isOver { site.perform(request, self) } }
  }

  private func setTimer(_ next: Instant?) {
    deadline = next
    guard let next else { return }
    if let timerAt, timerAt <= next { return }
    timerAt = next
    site.world.at(next) { [self] in
      guard !isOver, timerAt == next else { return }
      timerAt = nil
      guard let deadline else { return }
      if deadline <= site.world.now { advance(.deadlineReached) } else { setTimer(deadline) }
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
