import Glibc
import Replication
import Testing

@testable import Transport

@Suite struct SocketAddressTests {
  @Test(arguments: [
    "127.0.0.1:80": "127.0.0.1:80", "[::1]:7443": "[::1]:7443", "0.0.0.0:0": "0.0.0.0:0",
    "[2001:db8::a]:65535": "[2001:db8::a]:65535",
  ])
  func numericAddressesResolveAtOnce(text: String, description: String) throws {
    #expect(try SocketAddress.resolve(text).map(\.description) == [description])
  }

  @Test(arguments: [
    "", "a", ":80", "a:", "a:65536", "a:+1", "::1:80", "[a]:80", "[::1:80", "a:000080",
  ])
  func refusesWhatIsNoAddress(text: String) {
    #expect(throws: TransportError.invalidAddress(text)) { try SocketAddress.resolve(text) }
  }

  @Test(arguments: [
    SocketAddress.ipv4(host: 0x7f00_0102, port: 7_443),
    .ipv6(host: Array(1...16), port: 65_535, scope: 3), .unix(path: "/run/dongbo/admin.sock"),
  ])
  func kernelFormKeepsTheAddress(address: SocketAddress) throws {
    var copy: SocketAddress?
    _ = try address.withSockaddr { start, length in
      copy = SocketAddress(start, length)
      return 0
    }
    #expect(copy == address)
  }

  @Test func pathsHaveALimit() {
    let path = "/" + String(repeating: "x", count: SocketAddress.pathByteLimit)
    #expect(throws: TransportError.invalidAddress(path)) {
      _ = try Socket.connect(to: .unix(path: path))
    }
  }
}

@Suite struct OutputBufferTests {
  @Test func agreesWithAnArray() {
    var random = SeededGenerator(seed: 7)
    var buffer = OutputBuffer(limit: 100_000)
    var model: [UInt8] = []
    for step in 0..<2_000 {
      let more = [UInt8](
        repeating: UInt8(step & 255), count: Int.random(in: 0...500, using: &random))
      let fits = model.count + more.count <= 100_000
      #expect(buffer.append(more[...]) == fits)
      if fits { model += more }
      let count = Int.random(in: 0...min(model.count, 480), using: &random)
      buffer.consume(count)
      model.removeFirst(count)
      #expect(buffer.count == model.count)
      if step % 50 == 0 { #expect(Array(buffer.pending) == model) }
    }
    #expect(Array(buffer.pending) == model)
  }
}

/// One end of a connection under test, with what it was told.
private final class End {
  let connection: Connection
  var received: [UInt8] = []
  var events: [ChannelEvent] = []

  init(_ connection: Connection, echoes: Bool = false) {
    self.connection = connection
    connection.onEvent = { [unowned self] event in
      if case .received(let bytes) = event {
        received += bytes
        if echoes { _ = connection.send(bytes) }
      } else {
        events.append(event)
      }
    }
  }
}

/// A listener that keeps what it accepts.
private final class Acceptor {
  var ends: [End] = []
  private(set) var listener: Listener?

  init(_ socket: consuming FileDescriptor, _ loop: EventLoop, limit: Int, echoes: Bool) throws {
    listener = try Listener(adopting: socket, on: loop) { [unowned self] descriptor, peer in
      let connection = try? Connection(
        adopting: descriptor, from: peer, on: loop, outputLimit: limit)
      if let connection { ends.append(End(connection, echoes: echoes)) }
    }
  }
}

@Suite struct ConnectionTests {
  private let directory = TemporaryDirectory()

  private func open(_ kind: String, outputLimit: Int = 1 << 20, echoes: Bool = true) throws
    -> (loop: EventLoop, acceptor: Acceptor, client: End)
  {
    let loop = try EventLoop()
    let socket =
      kind == "unix"
      ? try Socket.listen(onUnixPath: directory.file("s"))
      : try Socket.listen(on: try SocketAddress.resolve(kind)[0])
    let acceptor = try Acceptor(socket, loop, limit: outputLimit, echoes: echoes)
    let address = try #require(acceptor.listener?.address)
    let client = End(
      try Connection(to: address, on: loop, timeout: .seconds(5), outputLimit: outputLimit))
    try drive(loop) { acceptor.ends.count == 1 && client.events == [.connected] }
    #expect(client.events == [.connected])
    return (loop, acceptor, client)
  }

  @Test(arguments: ["unix", "127.0.0.1:0"]) func echoes(kind: String) throws {
    let (loop, acceptor, client) = try open(kind)
    if kind != "unix" {
      try Socket.apply(TCPOptions(), to: client.connection.descriptorNumber)
      #expect(acceptor.listener?.address.port != 0)
    }
    let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(client.connection.send(message) == .queued)
    try drive(loop) { client.received.count == message.count }
    #expect(client.received == message)
    client.connection.finish()
    #expect(client.connection.send([1]) == .closed)
    try drive(loop) { client.events.last == .closed(.finished) }
    #expect(acceptor.ends[0].events.last == .closed(.byPeer))
    #expect(client.events.last == .closed(.finished))
  }

  @Test func slowReaderMeetsTheBound() throws {
    let (loop, acceptor, client) = try open("unix", outputLimit: 100_000, echoes: false)
    acceptor.ends[0].connection.isReadingPaused = true
    var sent = 0
    while client.connection.send([UInt8](repeating: 1, count: 10_000)) == .queued { sent += 10_000 }
    #expect(client.connection.send([UInt8](repeating: 1, count: 100_000)) == .overLimit)
    #expect(client.connection.queuedByteCount <= 100_000)
    for _ in 0..<3 { try loop.runOnce(atMost: .zero) }
    #expect(acceptor.ends[0].received.isEmpty)
    acceptor.ends[0].connection.isReadingPaused = false
    try drive(loop) { acceptor.ends[0].received.count == sent }
    #expect(acceptor.ends[0].received.count == sent)
    #expect(client.events == [.connected, .drained])
  }

  @Test func aPeerThatGoesIsNoticedEvenWhileReadingIsPaused() throws {
    let (loop, acceptor, client) = try open("unix")
    acceptor.ends[0].connection.isReadingPaused = true
    client.connection.close()
    try drive(loop) { !acceptor.ends[0].events.isEmpty }
    #expect(acceptor.ends[0].events == [.closed(.byPeer)])
    #expect(client.events == [.connected])
    #expect(!client.connection.isOpen)
  }

  @Test func refusalIsReportedWithItsName() throws {
    let loop = try EventLoop()
    let address: SocketAddress
    do {
      let socket = try Socket.listen(on: .ipv4(host: 0x7f00_0001, port: 0))
      address = try Socket.localAddress(of: socket.number)
    }
    let end = End(try Connection(to: address, on: loop, timeout: .seconds(5), outputLimit: 10))
    try drive(loop) { !end.events.isEmpty }
    #expect(end.events == [.closed(.failed(.refused(address.description)))])
  }

  /// A listener with a full queue answers no SYN, as a cut line does not.
  @Test func silenceIsATimeout() throws {
    let clock = TestClock()
    let loop = try EventLoop(clock: { clock.now })
    let socket = try Socket.listen(on: .ipv4(host: 0x7f00_0001, port: 0))
    #expect(Glibc.listen(socket.number, 0) == 0)
    let address = try Socket.localAddress(of: socket.number)
    let ends = try (0..<4).map { _ in
      End(try Connection(to: address, on: loop, timeout: .seconds(5), outputLimit: 10))
    }
    let last = ends[3]
    try drive(loop) { ends[0].events == [.connected] }
    clock.advance(.milliseconds(4_999))
    try loop.runOnce(atMost: .zero)
    #expect(last.events == [])
    #expect(last.connection.send([1]) == .queued)
    clock.advance(.milliseconds(1))
    try loop.runOnce(atMost: .zero)
    #expect(last.events == [.closed(.failed(.timedOut(address.description)))])
    #expect(ends[0].events == [.connected])
  }

  @Test func aListenerWithoutDescriptorsRestsInsteadOfSpinning() throws {
    let clock = TestClock()
    let loop = try EventLoop(clock: { clock.now })
    var (callCount, acceptedCount, isExhausted) = (0, 0, true)
    let listener = try Listener(
      adopting: try Socket.listen(onUnixPath: directory.file("s")), on: loop,
      accept: { (number) throws(TransportError) in
        callCount += 1
        return isExhausted ? .exhausted : try Socket.accept(on: number)
      }
    ) { _, _ in acceptedCount += 1 }
    let client = End(
      try Connection(to: listener.address, on: loop, timeout: .seconds(5), outputLimit: 10))
    for _ in 0..<5 { try loop.runOnce(atMost: .zero) }
    #expect(callCount == 1)
    #expect(listener.exhaustedCount == 1)
    isExhausted = false
    clock.advance(Listener.exhaustionPause)
    try drive(loop) { acceptedCount == 1 }
    #expect(acceptedCount == 1)
    #expect(client.events.first == .connected)
  }

  @Test func unixSocketsReplaceOnlyTheDead() throws {
    let path = directory.file("s")
    #expect(throws: TransportError.refused(path)) { _ = try Socket.connect(to: .unix(path: path)) }
    do { _ = try Socket.listen(onUnixPath: path) }
    let living = try Socket.listen(onUnixPath: path)
    #expect(throws: TransportError.addressInUse(path)) { _ = try Socket.listen(onUnixPath: path) }
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o660)
    try living.close()
    let file = directory.file("t")
    #expect(Glibc.close(creat(file, 0o600)) == 0)
    #expect(throws: TransportError.addressInUse(file)) { _ = try Socket.listen(onUnixPath: file) }
  }

  @Test func tcpPortsAreTakenOnce() throws {
    let socket = try Socket.listen(on: .ipv4(host: 0x7f00_0001, port: 0))
    let address = try Socket.localAddress(of: socket.number)
    #expect(throws: TransportError.addressInUse(address.description)) {
      _ = try Socket.listen(on: address)
    }
  }

  @Test func theKernelTellsWhoConnected() throws {
    let (_, acceptor, _) = try open("unix")
    let peer = try PeerCredentials(of: acceptor.ends[0].connection.descriptorNumber)
    #expect(peer.userID == getuid())
    #expect(peer.groupID == getgid())
    #expect(peer.processID == getpid())
    #expect(!peer.isMember(ofGroup: "no-such-group"))
    #expect(PeerCredentials.groups(ofUser: 0).contains(0))
    #expect(PeerCredentials.groups(ofUser: 4_000_000_000).isEmpty)
  }
}
