internal import Replication

/// Accepts connections on the reactor, a bounded number a pass. When descriptors run out it rests
/// for ``exhaustionPause`` instead of spinning on a socket that stays readable.
package final class Listener {
  /// Connections accepted in one pass before other descriptors get their turn.
  package static let acceptsPerPassLimit = 64
  /// How long it rests when no descriptor is left.
  package static let exhaustionPause = Duration.seconds(1)

  /// Where it listens, with the port that the kernel chose.
  package let address: SocketAddress
  /// How often it found no descriptor left; for metrics.
  package private(set) var exhaustedCount = 0

  typealias Accept = (CInt) throws(TransportError) -> Socket.Accepted

  private let loop: EventLoop
  private var socket: FileDescriptor?
  private let number: CInt
  private let accept: Accept
  private let onAccepted: (consuming FileDescriptor, SocketAddress) -> Void
  private var token: EventLoop.Token?
  private var restTimer: TimerID?

  /// Takes over a listening socket of ``Socket/listen(on:)`` or ``Socket/listen(onUnixPath:)``.
  package convenience init(
    adopting socket: consuming FileDescriptor, on loop: EventLoop,
    onAccepted: @escaping (consuming FileDescriptor, SocketAddress) -> Void
  ) throws(TransportError) {
    try self.init(
      adopting: socket, on: loop,
      accept: { (listener) throws(TransportError) in try Socket.accept(on: listener) },
      onAccepted: onAccepted)
  }

  /// A test passes an `accept` that finds no descriptor left.
  init(
    adopting socket: consuming FileDescriptor, on loop: EventLoop, accept: @escaping Accept,
    onAccepted: @escaping (consuming FileDescriptor, SocketAddress) -> Void
  ) throws(TransportError) {
    let number = socket.number
    self.address = try Socket.localAddress(of: number)
    self.loop = loop
    self.number = number
    self.socket = consume socket
    self.accept = accept
    self.onAccepted = onAccepted
    token = try loop.register(number, interest: .read) { [weak self] _ in self?.acceptWaiting() }
  }

  deinit { close() }

  /// While true, connections wait in the kernel's queue.
  package var isPaused = false {
    didSet { updateInterest() }
  }

  /// Stops listening. A Unix socket file stays behind; the next start replaces it.
  package func close() {
    if let token { loop.deregister(token) }
    if let restTimer { loop.cancel(restTimer) }
    token = nil
    socket = nil
  }

  private func acceptWaiting() {
    for _ in 0..<Self.acceptsPerPassLimit where !isPaused && token != nil {
      let accepted: Socket.Accepted
      do throws(TransportError) {
        accepted = try accept(number)
      } catch {
        preconditionFailure("accept on listening descriptor \(number): \(error)")
      }
      switch consume accepted {
      case .connection(let descriptor, let peer): onAccepted(descriptor, peer)
      case .nobody: return
      case .exhausted: return rest()
      }
    }
  }

  private func rest() {
    exhaustedCount += 1
    restTimer = loop.schedule(after: Self.exhaustionPause) { [weak self] in
      self?.restTimer = nil
      self?.updateInterest()
    }
    updateInterest()
  }

  private func updateInterest() {
    guard let token else { return }
    loop.modify(token, interest: isPaused || restTimer != nil ? [] : .read)
  }
}
