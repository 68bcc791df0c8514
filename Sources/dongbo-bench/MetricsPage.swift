import Glibc
import Transport

/// The monitoring page of a daemon, read once over loopback.
struct MetricsPage: Sendable {
  let text: String

  private static let maximumByteCount = 8 << 20
  private static let timeoutMilliseconds: CInt = 10_000
  private static let request =
    "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"

  init(text: String) { self.text = text }

  /// - Parameter port: of `[Monitoring] Listen=` on 127.0.0.1.
  static func read(port: UInt16) throws(BenchFailure) -> MetricsPage {
    let answer: String
    do throws(TransportError) {
      let socket = try Socket.connect(to: .ipv4(host: 0x7F00_0001, port: port))
      answer = try exchange(socket.number)
    } catch {
      throw BenchFailure("/metrics at port \(port): \(error)")
    }
    guard answer.hasPrefix("HTTP/1.1 200 "), let end = answer.firstRange(of: "\r\n\r\n") else {
      throw BenchFailure("/metrics at port \(port) answered \(answer.prefix(60))")
    }
    return MetricsPage(text: String(answer[end.upperBound...]))
  }

  /// Sends the request, which a socket buffer holds, and reads until the daemon closes.
  private static func exchange(_ socket: CInt) throws(TransportError) -> String {
    wait(socket, POLLOUT)
    _ = try Socket.write(Array(request.utf8)[...], to: socket)
    var bytes: [UInt8] = []
    while bytes.count < maximumByteCount, wait(socket, POLLIN) {
      if try Socket.read(from: socket, appendingTo: &bytes, limit: 64 * 1024) == .closed { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// False when the time is up.
  @discardableResult
  private static func wait(_ socket: CInt, _ event: CInt) -> Bool {
    var waiting = pollfd(fd: socket, events: Int16(event), revents: 0)
    return poll(&waiting, 1, timeoutMilliseconds) > 0
  }

  /// The sum of all series of a metric.
  /// - Parameter label: only those with this one, as the page writes it; empty for all.
  func sum(_ name: String, with label: String = "") -> Double {
    text.split(separator: "\n").filter { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }
      .filter { label.isEmpty || $0.contains(label) }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
      .reduce(0, +)
  }
}
