internal import CZstd
internal import Glibc

/// Where a socket listens or connects to.
package enum SocketAddress: Hashable, Sendable {
  /// Host and port in host byte order.
  case ipv4(host: UInt32, port: UInt16)
  /// Host as 16 bytes, most significant first.
  case ipv6(host: [UInt8], port: UInt16, scope: UInt32)
  /// A path under ``pathByteLimit`` bytes; empty for the unnamed end of a Unix connection.
  case unix(path: String)

  /// Greatest length of a Unix path: what `sun_path` holds with its final zero.
  package static var pathByteLimit: Int { 107 }

  /// Splits `host:port` or `[IPv6]:port`. The host is not looked at further.
  package static func split(_ text: String) -> (host: String, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = UInt16(digits)
    else { return nil }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    return host.isEmpty ? nil : (String(host), port)
  }

  /// A numeric address, at once and without asking anybody; nil for a name.
  package init?(numeric host: String, port: UInt16) {
    var four = in_addr()
    if inet_pton(AF_INET, host, &four) == 1 {
      self = .ipv4(host: UInt32(bigEndian: four.s_addr), port: port)
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, host, &six) == 1 else { return nil }
    self = .ipv6(host: withUnsafeBytes(of: six) { Array($0) }, port: port, scope: 0)
  }

  /// All addresses of `host:port`, in the order of preference of the system. A name asks the name
  /// service and BLOCKS, for many seconds when the line is cut: never call it on the reactor.
  /// - Throws: `.invalidAddress`, `.unresolvable`.
  package static func resolve(_ text: String) throws(TransportError) -> [SocketAddress] {
    guard let (host, port) = split(text) else { throw .invalidAddress(text) }
    if let numeric = SocketAddress(numeric: host, port: port) { return [numeric] }

    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard code == 0 else {
      throw .unresolvable(host: host, reason: String(cString: gai_strerror(code)))
    }
    var addresses: [SocketAddress] = []
    var next = list
    while let info = next?.pointee, addresses.count < addressesPerNameLimit {
      if let start = info.ai_addr, let address = SocketAddress(start, info.ai_addrlen) {
        addresses.append(address)
      }
      next = info.ai_next
    }
    guard !addresses.isEmpty else { throw .unresolvable(host: host, reason: "no address") }
    return addresses
  }

  /// A name with more addresses than this is tried on its first ones.
  package static var addressesPerNameLimit: Int { 16 }

  /// The port of a TCP address; nil for a Unix path.
  package var port: UInt16? {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port, _): port
    case .unix: nil
    }
  }

  var family: CInt {
    switch self {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix: AF_UNIX
    }
  }
}

extension SocketAddress {
  /// Reads what the kernel wrote; nil for a family that is not ours.
  init?(_ start: UnsafePointer<sockaddr>, _ length: socklen_t) {
    let raw = UnsafeRawPointer(start)
    switch CInt(start.pointee.sa_family) {
    case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
      let four = raw.loadUnaligned(as: sockaddr_in.self)
      self = .ipv4(
        host: UInt32(bigEndian: four.sin_addr.s_addr), port: UInt16(bigEndian: four.sin_port))
    case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
      let six = raw.loadUnaligned(as: sockaddr_in6.self)
      self = .ipv6(
        host: withUnsafeBytes(of: six.sin6_addr) { Array($0) },
        port: UInt16(bigEndian: six.sin6_port), scope: six.sin6_scope_id)
    case AF_UNIX:
      let pathOffset = MemoryLayout<sa_family_t>.size
      let bytes = UnsafeRawBufferPointer(start: raw, count: max(Int(length), pathOffset))
      self = .unix(path: String(decoding: bytes[pathOffset...].prefix { $0 != 0 }, as: UTF8.self))
    default: return nil
    }
  }

  /// Calls `body` with the kernel's form, valid during the call only.
  /// - Throws: `.invalidAddress` for a Unix path that does not fit or holds a zero byte.
  func withSockaddr(
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) throws(TransportError) -> CInt {
    var storage = sockaddr_storage()
    let length: Int
    switch self {
    case .ipv4(let host, let port):
      var four = sockaddr_in()
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      four.sin_addr.s_addr = host.bigEndian
      length = Self.copy(four, into: &storage)
    case .ipv6(let host, let port, let scope):
      precondition(host.count == 16, "IPv6 host of \(host.count) bytes")
      var six = sockaddr_in6()
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      six.sin6_scope_id = scope
      withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: host) }
      length = Self.copy(six, into: &storage)
    case .unix(let path):
      let bytes = Array(path.utf8)
      guard (1...Self.pathByteLimit).contains(bytes.count), !bytes.contains(0) else {
        throw .invalidAddress(path)
      }
      var unix = sockaddr_un()
      unix.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: bytes) }
      length = Self.copy(unix, into: &storage)
    }
    return withUnsafePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }

  private static func copy<Value>(_ value: Value, into storage: inout sockaddr_storage) -> Int {
    withUnsafeMutableBytes(of: &storage) { target in
      withUnsafeBytes(of: value) { target.copyMemory(from: $0) }
    }
    return MemoryLayout<Value>.size
  }
}

extension SocketAddress: CustomStringConvertible {
  /// `host:port`, `[IPv6]:port`, or the path.
  package var description: String {
    switch self {
    case .ipv4(let host, let port):
      "\(host >> 24).\(host >> 16 & 255).\(host >> 8 & 255).\(host & 255):\(port)"
    case .ipv6(let host, let port, _): "[\(Self.text(ofIPv6: host))]:\(port)"
    case .unix(let path): path.isEmpty ? "unix" : path
    }
  }

  private static func text(ofIPv6 host: [UInt8]) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      guard let start = buffer.baseAddress,
        inet_ntop(AF_INET6, host, start, socklen_t(buffer.count)) != nil
      else { return "?" }
      return String(cString: start)
    }
  }
}

extension SocketAddress {
  /// Who is at the other end, without the port: what limits per address count by.
  package var hostText: String {
    guard let port else { return description }
    return String(description.dropLast(":\(port)".count))
  }
}
