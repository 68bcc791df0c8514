import Glibc
import Transport

/// A file or one end of a connection, with calls that wait.
final class ByteStream: Sendable {
  private let descriptor: FileDescriptor
  private let name: String

  private static let connectMilliseconds: CInt = 10_000

  private init(_ descriptor: consuming FileDescriptor, _ name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// - Parameter flags: of open(2).
  static func open(_ path: String, _ flags: CInt) throws(BenchFailure) -> ByteStream {
    let number = Glibc.open(path, flags | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw failure(path) }
    return ByteStream(FileDescriptor(adopting: number), path)
  }

  /// Both ends of a TCP connection on loopback.
  static func connection() throws(BenchFailure) -> (ByteStream, ByteStream) {
    do throws(TransportError) {
      let listener = try Socket.listen(on: .ipv4(host: 0x7F00_0001, port: 0))
      let near = try Socket.connect(to: Socket.localAddress(of: listener.number))
      var waiting = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
      _ = poll(&waiting, 1, connectMilliseconds)
      if case .connection(let far, _) = try Socket.accept(on: listener.number) {
        return (blocking(near), blocking(far))
      }
    } catch {
      throw BenchFailure("loopback: \(error)")
    }
    throw BenchFailure("loopback: nobody connects")
  }

  private static func blocking(_ socket: consuming FileDescriptor) -> ByteStream {
    _ = fcntl(socket.number, F_SETFL, 0)
    return ByteStream(socket, "loopback")
  }

  /// - Returns: at most `count` bytes; none at the end.
  func read(_ count: Int) throws(BenchFailure) -> [UInt8] {
    var result = 0
    let number = descriptor.number
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      repeat {
        result = Glibc.read(number, buffer.baseAddress, count)
      } while result < 0
        && errno == EINTR
      initializedCount = max(0, result)
    }
    guard result >= 0 else { throw Self.failure(name) }
    return bytes
  }

  func write(_ bytes: [UInt8]) throws(BenchFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.write(descriptor.number, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure(name) }
      rest = rest.dropFirst(count)
    }
  }

  func sync() throws(BenchFailure) {
    guard fdatasync(descriptor.number) == 0 else { throw Self.failure(name) }
  }

  /// Whoever waits at the other end of the connection is told.
  func end() { _ = shutdown(descriptor.number, CInt(SHUT_RDWR)) }

  private static func failure(_ name: String) -> BenchFailure {
    BenchFailure("\(name): \(String(cString: strerror(errno)))")
  }
}
