import Operations
import Synchronization
import Testing

@testable import Transport

/// Stands before the centre and keeps every byte that goes by, in both directions.
final class RecordingRelay: Sendable {
  let port: UInt16
  private static let outputLimit = 16 << 20
  private let line: Line
  private let thread: WorkerThread

  /// What the relay's thread shares with the test.
  private final class Line: Sendable {
    /// 0 until it listens.
    let port = Mutex<UInt16>(0)
    let bytes = Mutex<[UInt8]>([])
    let isStopped = Atomic(false)
  }

  init(to place: HostPort) throws {
    let line = Line()
    let target = try #require(SocketAddress(numeric: place.host, port: place.port))
    let here = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
    self.line = line
    thread = try WorkerThread(name: "relay") {
      guard let loop = try? EventLoop(), let socket = try? Socket.listen(on: here) else { return }
      let listener = try? Listener(adopting: socket, on: loop) { near, peer in
        Self.join(near, peer, target, loop, line)
      }
      guard let listener else { return }
      line.port.withLock { $0 = listener.address.port ?? 0 }
      while !line.isStopped.load(ordering: .relaxed) {
        guard (try? loop.runOnce(atMost: .milliseconds(20))) != nil else { break }
      }
      listener.close()
    }
    try eventually("the relay listens") { line.port.withLock { $0 } != 0 }
    port = line.port.withLock { $0 }
  }

  deinit {
    line.isStopped.store(true, ordering: .relaxed)
    thread.join()
  }

  /// All that went by so far.
  var bytes: [UInt8] { line.bytes.withLock { $0 } }

  private static func join(
    _ near: consuming FileDescriptor, _ peer: SocketAddress, _ target: SocketAddress,
    _ loop: EventLoop, _ line: Line
  ) {
    guard
      let near = try? Connection(
        adopting: near, from: peer, on: loop, outputLimit: outputLimit),
      let far = try? Connection(
        to: target, on: loop, timeout: .seconds(30), outputLimit: outputLimit)
    else { return }
    carry(from: near, to: far, line)
    carry(from: far, to: near, line)
  }

  private static func carry(from source: Connection, to sink: Connection, _ line: Line) {
    source.onEvent = { [weak sink] event in
      switch event {
      case .connected, .drained: break
      case .received(let bytes):
        line.bytes.withLock { $0 += bytes }
        _ = sink?.send(bytes)
      case .closed: sink?.finish()
      }
    }
  }
}
