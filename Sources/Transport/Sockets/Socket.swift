internal import CZstd
internal import Glibc

/// Opens sockets: all non-blocking, all closed on exec.
package enum Socket {
  /// Connections that wait in the kernel for ``accept(on:limit:)``.
  package static var backlog: CInt { 256 }

  /// Listens on a TCP address. Port 0 lets the kernel choose; ``localAddress(of:)`` tells.
  /// `[::]` takes IPv4 as well.
  /// - Throws: `.addressInUse`, `.denied` (port below 1024), or what the system says.
  package static func listen(on address: SocketAddress) throws(TransportError) -> FileDescriptor {
    let socket = try open(address)
    try setOption(socket.number, SOL_SOCKET, SO_REUSEADDR, 1)
    if case .ipv6 = address { try setOption(socket.number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    let number = socket.number
    guard try address.withSockaddr({ bind(number, $0, $1) }) == 0 else {
      throw TransportError(.bind, errno: errno, subject: address.description)
    }
    guard Glibc.listen(number, backlog) == 0 else {
      throw TransportError(.listen, errno: errno, subject: address.description)
    }
    return socket
  }

  /// Listens on a Unix path with the given mode. A socket file that nobody answers on, left by a
  /// process that was killed, is replaced; anything else at the path stays and is an error.
  /// - Throws: `.addressInUse` when somebody answers or the path is no socket.
  package static func listen(
    onUnixPath path: String, mode: UInt32 = 0o660
  ) throws(TransportError) -> FileDescriptor {
    let address = SocketAddress.unix(path: path)
    let socket = try open(address)
    try removeStaleSocket(at: path)
    let number = socket.number
    // The file is created with the mode of the socket less the umask, so it is never wider than
    // this, not even for a moment; chmod then undoes the umask.
    guard fchmod(number, mode) == 0, try address.withSockaddr({ bind(number, $0, $1) }) == 0,
      chmod(path, mode) == 0
    else { throw TransportError(.bind, errno: errno, subject: path) }
    guard Glibc.listen(number, backlog) == 0 else {
      throw TransportError(.listen, errno: errno, subject: path)
    }
    return socket
  }

  /// Begins to connect. For TCP the answer comes later: when the socket is writable,
  /// ``connectFailure(of:to:)`` tells.
  /// - Throws: what is known at once, such as `.refused` on a Unix path or `.unreachable`.
  package static func connect(to address: SocketAddress) throws(TransportError) -> FileDescriptor {
    let socket = try open(address)
    let number = socket.number
    let result = try address.withSockaddr { Glibc.connect(number, $0, $1) }
    if result != 0, errno != EINPROGRESS {
      throw TransportError(.connect, errno: errno, subject: address.description)
    }
    return socket
  }

  /// What became of a connection begun by ``connect(to:)``; nil when it is established.
  package static func connectFailure(
    of descriptor: CInt, to address: SocketAddress
  ) -> TransportError? {
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    let result = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    if result != 0 { code = errno }
    return code == 0
      ? nil : TransportError(.connect, errno: code, subject: address.description)
  }

  /// The address a socket is bound to.
  package static func localAddress(of descriptor: CInt) throws(TransportError) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withSockaddr(&storage) { getsockname(descriptor, $0, &length) }
    guard result == 0 else { throw TransportError(.socket, errno: errno) }
    guard let address = withSockaddr(&storage, { SocketAddress($0, length) }) else {
      throw .system(.socket, errno: EAFNOSUPPORT)
    }
    return address
  }

  /// One answer of ``accept(on:)``.
  package enum Accepted: ~Copyable {
    case connection(FileDescriptor, from: SocketAddress)
    /// Nobody waits now.
    case nobody
    /// No descriptor is left. The connection still waits, so the listener stays readable: stop
    /// watching it for a while.
    case exhausted
  }

  /// Takes one waiting connection. Connections that died while they waited are passed over, at most
  /// ``backlog`` of them.
  package static func accept(on listener: CInt) throws(TransportError) -> Accepted {
    var storage = sockaddr_storage()
    for _ in 0..<backlog {
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let flags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
      let number = withSockaddr(&storage) { accept4(listener, $0, &length, flags) }
      if number >= 0 {
        let address = withSockaddr(&storage) { SocketAddress($0, length) }
        return .connection(FileDescriptor(adopting: number), from: address ?? .unix(path: ""))
      }
      switch errno {
      case EAGAIN: return .nobody
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
      case EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EFAULT:
        throw TransportError(.accept, errno: errno)
      // accept(2): what is pending on the new socket is reported here, and concerns only it.
      case let code:
        precondition(code != 0, "accept4 failed without errno")
      }
    }
    return .nobody
  }

  /// Tells the peer that nothing more comes; reading goes on.
  static func endOutput(of descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_WR)) }

  static func open(_ address: SocketAddress) throws(TransportError) -> FileDescriptor {
    let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let number = socket(address.family, CInt(type), 0)
    guard number >= 0 else { throw TransportError(.socket, errno: errno) }
    return FileDescriptor(adopting: number)
  }

  static func setOption(
    _ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt
  ) throws(TransportError) {
    var value = value
    let length = socklen_t(MemoryLayout<CInt>.size)
    guard setsockopt(descriptor, level, name, &value, length) == 0 else {
      throw TransportError(.option, errno: errno)
    }
  }

  private static func removeStaleSocket(at path: String) throws(TransportError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .addressInUse(path) }
    do throws(TransportError) {
      _ = try connect(to: .unix(path: path))
    } catch .refused {
      guard unlink(path) == 0 || errno == ENOENT else {
        throw TransportError(.bind, errno: errno, subject: path)
      }
      return
    }
    throw .addressInUse(path)
  }

  private static func withSockaddr<Result>(
    _ storage: inout sockaddr_storage, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
    }
  }
}
