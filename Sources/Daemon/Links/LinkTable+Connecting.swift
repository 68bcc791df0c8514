import Operations
import Replication
import Transport

/// Where a province is on its way to the centre.
struct DialState {
  var backoff = Backoff()
  /// Addresses are tried in turn.
  var nextAddress = 0
  var timer: TimerID?
}

/// Bounds of what has not shown a certificate yet (reliability.md T13).
enum UnauthenticatedLimits {
  static let total = 64
  static let perAddress = 4
}

extension LinkTable {
  // MARK: The province dials

  func startDialling() {
    guard !isCentre else { return }
    dialling = DialState()
    dial()
  }

  private func dial() {
    guard !isStopping, var state = dialling else { return }
    let addresses = daemon.configuration.link.centreAddresses
    let target = addresses[state.nextAddress % addresses.count]
    state.nextAddress += 1
    state.timer = nil
    dialling = state
    readers.postBounded(.resolve(target))
  }

  func resolved(_ target: HostPort, _ result: Result<[SocketAddress], TransportError>) {
    guard !isStopping else { return }
    do {
      guard let address = try result.get().first else { throw TransportError.timedOut("\(target)") }
      let connection = try Connection(
        to: address, on: loop, timeout: daemon.configuration.limits.handshakeTime,
        outputLimit: LinkDriver.outputLimit)
      try? Socket.apply(TCPOptions(), to: connection.descriptorNumber)
      try adopt(connection, role: .dialler)
    } catch {
      setCondition(.waiting(reason: "\(error)"), of: daemon.centre)
      countSession(daemon.centre, "connect-failed")
      peers[daemon.centre]?.consecutiveFailureCount += 1
      daemon.logger.log(
        .warning, "link.connect-failed", ["target": .of(target), "error": .of("\(error)")])
      scheduleDial(after: nil)
    }
  }

  func dialAgain(after closure: LinkClosure, _ link: LinkDriver) {
    if let since = link.upSince { dialling?.backoff.sessionEnded(upFor: loop.now - since) }
    switch closure {
    case .lifeEnded, .restart: scheduleDial(after: .zero)
    case .refusedByPeer(.overloaded, _), .refused(.overloaded, _):
      var random = SystemRandomNumberGenerator()
      let last = daemon.configuration.limits.reconnectLast
      scheduleDial(after: dialling?.backoff.nextWhenOverloaded(last: last, using: &random))
    case .refusedByPeer, .refused, .violation, .handshakeTimedOut, .silent, .transportEnded,
      .replaced:
      scheduleDial(after: nil)
    }
  }

  /// - Parameter delay: nil asks the backoff.
  private func scheduleDial(after delay: Duration?) {
    guard !isStopping, var state = dialling, state.timer == nil else { return }
    var random = SystemRandomNumberGenerator()
    let limits = daemon.configuration.limits
    let wait =
      delay
      ?? state.backoff.next(
        first: limits.reconnectFirst, last: limits.reconnectLast, using: &random)
    state.timer = loop.schedule(after: wait) { [weak self] in self?.dial() }
    dialling = state
  }

  // MARK: The centre listens

  func startListening() throws(TransportError) {
    for target in daemon.configuration.link.listen {
      for address in try SocketAddress.resolve(target.description) {
        let socket = try Socket.listen(on: address)
        let listener = try Listener(adopting: socket, on: loop) { [weak self] descriptor, peer in
          self?.accepted(descriptor, peer)
        }
        listeners.append(listener)
        daemon.logger.log(.info, "link.listening", ["address": .of(listener.address)])
      }
    }
  }

  private func accepted(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    let waiting = drivers.values.filter { $0.identity == nil && $0.role == .acceptor }
    let host = peer.hostText
    let fromThere = waiting.count { $0.peerHost == host }
    guard drivers.count < daemon.configuration.limits.maximumLinkCount,
      waiting.count < UnauthenticatedLimits.total, fromThere < UnauthenticatedLimits.perAddress
    else {
      daemon.countRefusedConnection("too-many-links")
      return
    }
    do {
      try? Socket.apply(TCPOptions(), to: descriptor.number)
      let connection = try Connection(
        adopting: descriptor, from: peer, on: loop, outputLimit: LinkDriver.outputLimit)
      try adopt(connection, role: .acceptor)
    } catch {
      daemon.logger.log(.warning, "link.accept-failed", ["error": .of("\(error)")])
    }
  }

  private func adopt(_ connection: Connection, role: LinkRole) throws {
    let driver = try LinkDriver(
      number: nextNumber(), role: role, connection: connection, context: tls,
      limits: daemon.linkLimits, compressor: compressor, loop: loop, host: self,
      handshakeTime: daemon.configuration.limits.handshakeTime)
    drivers[driver.number] = driver
  }

  // MARK: Stopping and looking again

  /// Every minute, and when certificates, revocation lists or pins changed: sessions outlive them.
  func reverify() {
    let now = Int64(WallClock.now().microseconds / 1_000_000)
    for driver in drivers.values {
      driver.reverify(at: now, against: tls)
      guard let identity = driver.identity, let refusal = admit(identity, driver) else { continue }
      driver.refuse(refusal)
    }
  }

  func stop() {
    isStopping = true
    for listener in listeners { listener.close() }
    listeners = []
    if let timer = dialling?.timer { loop.cancel(timer) }
    for driver in drivers.values.sorted(by: { $0.number < $1.number }) {
      driver.refuse(Refuse(.shuttingDown, "this site is stopping"))
    }
  }
}
