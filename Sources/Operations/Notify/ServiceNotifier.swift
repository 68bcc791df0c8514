import Glibc

/// What systemd is told. `text` is the datagram, as sd_notify(3) describes it.
package enum ServiceState: Equatable, Sendable {
  case ready
  /// One line for `systemctl status`.
  case status(String)
  /// The monotonic clock in microseconds: from systemd 253 a reload without it fails.
  case reloading(monotonicMicroseconds: UInt64)
  case stopping
  case watchdog
  /// Asks for so much more time to start or stop.
  case extendTimeout(microseconds: UInt64)

  /// The datagram: one or two `NAME=value` lines.
  package var text: String {
    switch self {
    case .ready: "READY=1"
    case .status(let line): "STATUS=\(visibleText(line))"
    case .reloading(let microseconds): "RELOADING=1\nMONOTONIC_USEC=\(microseconds)"
    case .stopping: "STOPPING=1"
    case .watchdog: "WATCHDOG=1"
    case .extendTimeout(let microseconds): "EXTEND_TIMEOUT_USEC=\(microseconds)"
    }
  }
}

/// Datagrams to `NOTIFY_SOCKET`. Nothing depends on their arrival: without systemd, or with a
/// socket that is gone, calls do nothing.
package struct ServiceNotifier: Sendable {
  private let address: [UInt8]
  /// How often systemd wants `.watchdog`; send it twice as often. Nil: not at all.
  package let watchdogInterval: Duration?

  /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` through `environment`.
  package init(processID: Int32 = getpid(), environment: (String) -> String? = environmentValue) {
    let path = Array((environment("NOTIFY_SOCKET") ?? "").utf8)
    let isUsable =
      (path.first == UInt8(ascii: "/") || path.first == UInt8(ascii: "@"))
      && (2..<MemoryLayout.size(ofValue: sockaddr_un().sun_path)).contains(path.count)
    // An abstract name is written with @ and begins with a zero byte.
    address =
      !isUsable ? [] : path.first == UInt8(ascii: "@") ? [0] + path.dropFirst() : path
    let isOurs = environment("WATCHDOG_PID").map { $0 == "\(processID)" } ?? true
    watchdogInterval = environment("WATCHDOG_USEC").flatMap { Int64(decimal: $0.utf8) }
      .flatMap { isOurs && $0 > 0 ? .microseconds($0) : nil }
  }

  /// Whether systemd asked to be told.
  package var isEnabled: Bool { !address.isEmpty }

  /// Sends `states` in one datagram.
  ///
  /// - Returns: whether the kernel took it.
  @discardableResult
  package func send(_ states: ServiceState...) -> Bool {
    guard isEnabled else { return false }
    let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: address) }
    let length = MemoryLayout<sa_family_t>.size + address.count
    let message = Array(states.map(\.text).joined(separator: "\n").utf8)
    return withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(
          descriptor, message, message.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT),
          $0, socklen_t(length)) == message.count
      }
    }
  }
}

/// The value of an environment variable.
package func environmentValue(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }
}
