internal import CZstd
internal import Glibc

/// How a TCP connection of a link behaves on the wide-area line.
package struct TCPOptions: Hashable, Sendable {
  /// Sent bytes that stay unacknowledged this long end the connection.
  package var userTimeout: Duration
  /// Unsent bytes the kernel holds before the socket stops being writable. Small, so that the
  /// scheduler and not the kernel decides what goes next.
  package var notSentLowWatermark: Int
  /// Silence before the kernel probes the other end.
  package var keepAliveIdle: Duration

  /// The defaults are for a link over the wide-area line.
  package init(
    userTimeout: Duration = .seconds(30), notSentLowWatermark: Int = 32 * 1024,
    keepAliveIdle: Duration = .seconds(30)
  ) {
    self.userTimeout = userTimeout
    self.notSentLowWatermark = notSentLowWatermark
    self.keepAliveIdle = keepAliveIdle
  }
}

extension Socket {
  /// Sets `options` and TCP_NODELAY on a TCP socket.
  package static func apply(_ options: TCPOptions, to descriptor: CInt) throws(TransportError) {
    let tcp = CInt(IPPROTO_TCP)
    let idle = CInt(clamping: options.keepAliveIdle.components.seconds)
    try setOption(descriptor, tcp, TCP_NODELAY, 1)
    try setOption(descriptor, tcp, TCP_USER_TIMEOUT, options.userTimeout.pollMilliseconds)
    try setOption(descriptor, tcp, TCP_NOTSENT_LOWAT, CInt(clamping: options.notSentLowWatermark))
    try setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    try setOption(descriptor, tcp, TCP_KEEPIDLE, max(idle, 1))
  }

  /// Connects and waits for the answer, at most `timeout`, which then also bounds each receive and
  /// each send. For a thread that may block.
  static func connectBlocking(
    to address: SocketAddress, timeout: Duration
  ) throws(TransportError) -> FileDescriptor {
    let socket = try open(address)
    let number = socket.number
    try makeBlocking(number, timeout: timeout)
    if try address.withSockaddr({ Glibc.connect(number, $0, $1) }) == 0 { return socket }
    switch errno {
    // What a timed-out connect reports: a Unix socket the first, TCP the second.
    case EAGAIN, EINPROGRESS: throw .timedOut(address.description)
    case let code: throw TransportError(.connect, errno: code, subject: address.description)
    }
  }

  private static func makeBlocking(_ descriptor: CInt, timeout: Duration) throws(TransportError) {
    guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) == 0 else {
      throw TransportError(.option, errno: errno)
    }
    let milliseconds = Int(timeout.pollMilliseconds)
    var time = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    let length = socklen_t(MemoryLayout<timeval>.size)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      guard setsockopt(descriptor, SOL_SOCKET, option, &time, length) == 0 else {
        throw TransportError(.option, errno: errno)
      }
    }
  }
}
