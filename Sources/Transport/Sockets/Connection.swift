internal import Replication

/// A stream socket on the reactor, with a bounded queue of output. Confined to its loop's thread.
///
/// It lives as long as it is open: the loop holds it through its registration. Events may be
/// answered from inside the handler with any call, `close()` included.
package final class Connection: ByteChannel {
  private enum Phase {
    case connecting(deadline: TimerID)  // -> open, closed
    case open  // -> finishing, closed
    case finishing(deadline: TimerID)  // -> closed at the end of the peer's stream, or too late
    case closed
  }

  /// Told of everything that happens; dropped at the end, so it may hold the connection.
  package var onEvent: ((ChannelEvent) -> Void)?
  /// The other end: the peer of an accepted connection, the target of one begun here.
  package let peerAddress: SocketAddress

  /// Bytes of one read, and of one connection in one pass: what leaves room for others beside a
  /// fast peer, and for what the threads answer meanwhile. With as much as a file's whole window
  /// the peer got no leave to send on before all of it was decrypted, and stood still until then.
  /// In one read, since each costs a turn of all that is above.
  package static let readByteLimit = 64 * 1024
  /// How long a finished connection waits for the peer to read the rest and end its stream.
  package static let lingerLimit = Duration.seconds(2)

  private let loop: EventLoop
  private let number: CInt
  private var descriptor: FileDescriptor?
  private var token: EventLoop.Token?
  private var output: OutputBuffer
  private var phase: Phase = .open
  private var interest: EventLoop.Interest = .read

  /// Takes over an accepted socket. Set ``onEvent`` before the loop runs again.
  package convenience init(
    adopting descriptor: consuming FileDescriptor, from peer: SocketAddress, on loop: EventLoop,
    outputLimit: Int
  ) throws(TransportError) {
    try self.init(descriptor, peer, loop, outputLimit, .open)
  }

  /// Begins to connect; `.connected` or `.closed(.failed)` follows, the latter with `.timedOut`
  /// when nothing has happened after `timeout`.
  /// - Throws: what is known at once.
  package convenience init(
    to address: SocketAddress, on loop: EventLoop, timeout: Duration, outputLimit: Int
  ) throws(TransportError) {
    let descriptor = try Socket.connect(to: address)
    weak var connecting: Connection?
    let deadline = loop.schedule(after: timeout) {
      connecting?.end(.failed(.timedOut(address.description)))
    }
    try self.init(descriptor, address, loop, outputLimit, .connecting(deadline: deadline))
    connecting = self
  }

  private init(
    _ descriptor: consuming FileDescriptor, _ peer: SocketAddress, _ loop: EventLoop,
    _ outputLimit: Int, _ phase: Phase
  ) throws(TransportError) {
    self.loop = loop
    self.peerAddress = peer
    self.number = descriptor.number
    self.descriptor = consume descriptor
    self.output = OutputBuffer(limit: outputLimit)
    self.phase = phase
    if case .connecting = phase { interest = .write }
    token = try loop.register(number, interest: interest) { self.ready($0) }
  }

  /// Bytes that wait for the kernel, at most the output limit.
  package var queuedByteCount: Int { output.count }

  /// From the start, connecting included, until the end has been reported or asked for.
  package var isOpen: Bool {
    if case .closed = phase { false } else { true }
  }

  /// For credentials and options; valid while ``isOpen``.
  package var descriptorNumber: CInt { number }

  /// Back-pressure: what is not read here fills the peer's window.
  package var isReadingPaused = false {
    didSet { updateInterest() }
  }

  /// `.drained` is reported once no more than so many bytes wait, and again until none do.
  package var lowWaterByteCount = 0

  /// Queues within the output limit; writes at once when nothing waits. While connecting, queues.
  package func send(_ bytes: [UInt8]) -> SendResult {
    switch phase {
    case .finishing, .closed: return .closed
    case .connecting: return output.append(bytes[...]) ? .queued : .overLimit
    case .open: break
    }
    guard bytes.count <= output.room else { return .overLimit }
    // Most messages leave here, and only what the kernel does not take is copied.
    _ = output.append(output.isEmpty ? unwritten(bytes) : bytes[...])
    updateInterest()
    return .queued
  }

  /// What the kernel does not take now. A failure is not reported from inside the caller's call:
  /// the socket then reports hang-up in the next pass.
  private func unwritten(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let result = try? Socket.write(rest, to: number) else { return rest }
      switch result {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .wouldBlock: return rest
      // What the peer sent before it went may still wait to be read; reading reports the end.
      case .closed: return []
      }
    }
    return rest
  }

  /// Ends output after what is queued, then waits for the peer's end, at most ``lingerLimit``: a
  /// socket closed over unread input would reset, and the peer might lose the last bytes.
  package func finish() {
    guard case .open = phase else {
      if case .connecting = phase { close() }
      return
    }
    let deadline = loop.schedule(after: Self.lingerLimit) { [weak self] in self?.end(.finished) }
    phase = .finishing(deadline: deadline)
    if output.isEmpty { Socket.endOutput(of: number) }
    updateInterest()
  }

  /// Closes at once and silently. May be called again.
  package func close() {
    switch phase {
    case .connecting(let deadline), .finishing(let deadline): loop.cancel(deadline)
    case .open: break
    case .closed: return
    }
    phase = .closed
    if let token { loop.deregister(token) }
    token = nil
    descriptor = nil
    onEvent = nil
  }

  private func ready(_ readiness: EventLoop.Readiness) {
    do throws(TransportError) {
      if case .connecting(let deadline) = phase {
        if let failure = Socket.connectFailure(of: number, to: peerAddress) { throw failure }
        loop.cancel(deadline)
        phase = .open
        updateInterest()
        onEvent?(.connected)
      }
      if isOpen, readiness.contains(.writable) { try writable() }
      if isOpen, !readiness.isDisjoint(with: [.readable, .hangUp]), interest.contains(.read) {
        try readable()
      }
      // Hang-up is reported whatever we wait for; unread input is worth nothing to a dead peer.
      if isOpen, readiness.contains(.hangUp), !interest.contains(.read) { end(.byPeer) }
    } catch {
      end(.failed(error))
    }
  }

  private func readable() throws(TransportError) {
    var bytes: [UInt8] = []
    switch try Socket.read(from: number, appendingTo: &bytes, limit: Self.readByteLimit) {
    // Level triggering finds what is left, and what comes later.
    case .bytes: if case .open = phase { onEvent?(.received(bytes)) }
    case .wouldBlock: break
    case .closed:
      if case .finishing = phase { end(.finished) } else { end(.byPeer) }
    }
  }

  private func writable() throws(TransportError) {
    let waiting = output.count
    try flush()
    updateInterest()
    guard output.count < waiting else { return }
    if case .finishing = phase {
      if output.isEmpty { Socket.endOutput(of: number) }
    } else if output.count <= lowWaterByteCount {
      onEvent?(.drained)
    }
  }

  private func flush() throws(TransportError) {
    while !output.isEmpty {
      switch try Socket.write(output.pending, to: number) {
      case .bytes(let count): output.consume(count)
      case .wouldBlock: return
      // What the peer sent before it went may still wait to be read; reading reports the end.
      case .closed: output.consume(output.count)
      }
    }
  }

  private func updateInterest() {
    guard let token else { return }
    var wanted: EventLoop.Interest = isReadingPaused ? [] : .read
    if !output.isEmpty { wanted.insert(.write) }
    switch phase {
    case .connecting: wanted = .write
    case .finishing: wanted.insert(.read)
    case .open, .closed: break
    }
    guard wanted != interest else { return }
    interest = wanted
    loop.modify(token, interest: wanted)
  }

  private func end(_ reason: ChannelEnd) {
    let report = onEvent
    close()
    report?(.closed(reason))
  }
}
