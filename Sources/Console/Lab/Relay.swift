import Replication
import Transport

/// Carries TCP connections from one address to another, so that a lab can cut a line: a relay that
/// stops is a cut, one that starts again is a line that heals. Confined to its loop's thread.
final class Relay {
  /// Bytes that may wait in one direction; a reader this far behind holds the sender back.
  private static let outputLimit = 4 * 1024 * 1024
  private static let pauseByteCount = 1024 * 1024
  private static let connectTime = Duration.seconds(5)

  private let target: SocketAddress
  private let loop: EventLoop
  private var listener: Listener?

  init(
    from address: SocketAddress, to target: SocketAddress, on loop: EventLoop
  ) throws(TransportError) {
    self.target = target
    self.loop = loop
    listener = try Listener(adopting: try Socket.listen(on: address), on: loop) {
      [weak self] descriptor, peer in
      self?.accepted(descriptor, peer)
    }
  }

  /// Where it listens, with the port that the kernel chose.
  var address: SocketAddress { listener?.address ?? target }

  private func accepted(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    // A connection that cannot be carried on ends; its caller dials again.
    guard
      let near = try? Connection(
        adopting: descriptor, from: peer, on: loop, outputLimit: Self.outputLimit)
    else { return }
    guard
      let far = try? Connection(
        to: target, on: loop, timeout: Self.connectTime, outputLimit: Self.outputLimit)
    else { return near.close() }
    carry(from: near, to: far)
    carry(from: far, to: near)
  }

  private func carry(from source: Connection, to sink: Connection) {
    source.onEvent = { [weak source, weak sink] event in
      guard let source, let sink else { return }
      switch event {
      case .connected: break
      case .received(let bytes):
        guard sink.send(bytes) == .queued else {
          source.close()
          sink.close()
          return
        }
        source.isReadingPaused = sink.queuedByteCount > Self.pauseByteCount
      // What waited for this end has left: the other one may be read again.
      case .drained: sink.isReadingPaused = false
      case .closed(.byPeer), .closed(.finished): sink.finish()
      case .closed(.failed): sink.close()
      }
    }
  }
}
