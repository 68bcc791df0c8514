internal import Glibc

/// A failure of the environment: a socket, a descriptor or a name service said no. Never the fault
/// of our code, never a statement about what a peer sent.
package enum TransportError: Error, Hashable, Sendable {
  /// The text is no `host:port`, or the path does not fit a Unix socket address.
  case invalidAddress(String)
  case unresolvable(host: String, reason: String)
  case addressInUse(String)
  case refused(String)
  case unreachable(String)
  case timedOut(String)
  case denied(String)
  /// The process or the machine has no descriptor left.
  case tooManyDescriptors
  case system(Operation, errno: CInt)

  /// What was attempted when the system said no.
  package enum Operation: String, Hashable, Sendable {
    case epoll, eventfd, signalfd, thread, socket, option, bind, listen, connect, accept
    case read, write, close, credentials
  }

  /// Gives the errors an operator meets a name of their own; the rest keep their number.
  init(_ operation: Operation, errno code: CInt, subject: String = "") {
    switch code {
    case EADDRINUSE: self = .addressInUse(subject)
    case ECONNREFUSED: self = .refused(subject)
    // Nobody has created the socket file.
    case ENOENT where operation == .connect: self = .refused(subject)
    case ENETUNREACH, EHOSTUNREACH, EHOSTDOWN, ENETDOWN: self = .unreachable(subject)
    case ETIMEDOUT: self = .timedOut(subject)
    case EACCES, EPERM: self = .denied(subject)
    case EMFILE, ENFILE: self = .tooManyDescriptors
    default: self = .system(operation, errno: code)
    }
  }

  /// One sentence an operator can act on.
  package var hint: String {
    switch self {
    case .invalidAddress: "Write host:port, [IPv6]:port, or a socket path under 108 bytes."
    case .unresolvable: "Check the host name and this machine's name service."
    case .addressInUse: "Another process listens there: stop it, or choose another address."
    case .refused: "Nothing listens there: check that the service runs and the address is right."
    case .unreachable: "Check the line, the route and the firewall."
    case .timedOut: "The other end is silent: check the line and that the machine is up."
    case .denied: "Check owner, group and mode of the path, or the privilege for this port."
    case .tooManyDescriptors: "Raise LimitNOFILE of the service, or close idle connections."
    case .system: "See errno(3) for this number; the system log may say more."
    }
  }
}

extension TransportError: CustomStringConvertible {
  /// What happened, with the address; ``hint`` says what to do.
  package var description: String {
    switch self {
    case .invalidAddress(let text): "'\(text)' is not an address"
    case .unresolvable(let host, let reason): "cannot resolve \(host): \(reason)"
    case .addressInUse(let address): "\(address) is in use"
    case .refused(let address): "\(address) refused the connection"
    case .unreachable(let address): "\(address) is unreachable"
    case .timedOut(let address): "\(address) did not answer in time"
    case .denied(let address): "no permission for \(address)"
    case .tooManyDescriptors: "no descriptor left"
    case .system(let operation, let code): "\(operation.rawValue) failed: \(systemMessage(code))"
    }
  }
}

func systemMessage(_ code: CInt) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let start = buffer.baseAddress, strerror_r(code, start, buffer.count) == 0 else {
      return "errno \(code)"
    }
    return "\(String(cString: start)) (errno \(code))"
  }
}
