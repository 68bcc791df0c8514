internal import Replication

/// Serves HTTP/1.1 on the reactor: the admin socket, and metrics on TCP.
package final class HTTPServer {
  /// Bounds of the server, all enforced per listener.
  package struct Limits: Hashable, Sendable {
    /// Open connections; further ones wait in the kernel's queue.
    package var connectionCount = 256
    /// From the first byte of a request to the end of its head; on a new connection from its start.
    package var headTimeout = Duration.seconds(10)
    /// From the end of the head to the end of the body.
    package var bodyTimeout = Duration.seconds(30)
    /// Between two requests, and for a client to take an answer.
    package var idleTimeout = Duration.seconds(60)
    /// Greatest body of a request, in bytes.
    package var bodyByteCount = HTTPLimits.bodyByteCount
    /// A longer answer closes the connection.
    package var responseByteCount = 16 * 1024 * 1024

    /// The limits of the admin socket; change what differs.
    package init() {}
  }

  /// Which `Host` a client may name. A browser that was led here by a forged name lookup (DNS
  /// rebinding) names a host that is not ours.
  package enum HostPolicy: Hashable, Sendable {
    /// For the Unix socket, which no browser reaches.
    case any
    /// In lower case, without port.
    case only([String])

    func allows(_ host: String) -> Bool {
      switch self {
      case .any: true
      case .only(let hosts): hosts.contains(host)
      }
    }
  }

  /// Answers one request by calling `respond` once, now or later, on the reactor's thread. When the
  /// client has gone meanwhile the answer is dropped. Credentials are known on Unix sockets only.
  package typealias Handler = (
    _ request: HTTPRequest, _ peer: PeerCredentials?, _ respond: @escaping (HTTPResponse) -> Void
  ) -> Void

  let limits: Limits
  let hosts: HostPolicy
  let loop: EventLoop
  let handler: Handler
  private let wrap: (Connection) -> any ByteChannel
  private var listener: Listener?
  private var sessions: [ObjectIdentifier: HTTPSession] = [:]

  /// Takes over a listening socket and serves it until ``close()``.
  /// - Parameter wrap: what stands between socket and HTTP, such as TLS; nothing by default.
  package init(
    adopting socket: consuming FileDescriptor, on loop: EventLoop, hosts: HostPolicy,
    limits: Limits = Limits(), wrap: @escaping (Connection) -> any ByteChannel = { $0 },
    handler: @escaping Handler
  ) throws(TransportError) {
    self.loop = loop
    self.hosts = hosts
    self.limits = limits
    self.wrap = wrap
    self.handler = handler
    listener = try Listener(adopting: socket, on: loop) { [weak self] descriptor, peer in
      self?.accepted(descriptor, peer)
    }
  }

  deinit { close() }

  /// Where it listens, with the port that the kernel chose; nil once closed.
  package var address: SocketAddress? { listener?.address }

  /// Number of open connections.
  package var connectionCount: Int { sessions.count }

  /// Stops listening and closes all connections; answers still owed are dropped.
  package func close() {
    listener?.close()
    listener = nil
    for session in sessions.values { session.close() }
    sessions = [:]
  }

  func ended(_ session: HTTPSession) {
    sessions[ObjectIdentifier(session)] = nil
    listener?.isPaused = false
  }

  private func accepted(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    var credentials: PeerCredentials?
    if case .unix = peer { credentials = try? PeerCredentials(of: descriptor.number) }
    // The connection died before we came to it, or the kernel is out of memory: nobody to tell.
    guard
      let connection = try? Connection(
        adopting: descriptor, from: peer, on: loop, outputLimit: limits.responseByteCount)
    else { return }
    let session = HTTPSession(wrap(connection), credentials, self)
    sessions[ObjectIdentifier(session)] = session
    if sessions.count >= limits.connectionCount { listener?.isPaused = true }
  }
}

/// One connection of a server: one request at a time, answers in the order of requests.
final class HTTPSession {
  private enum Phase: Hashable {
    case idle  // -> head
    case head  // -> body, handling, ended
    case body  // -> handling, ended
    case handling  // -> idle, head, body, ended
    case ended
  }

  private let channel: any ByteChannel
  private let credentials: PeerCredentials?
  private let loop: EventLoop
  private let limits: HTTPServer.Limits
  /// Outlives this session in use: the server closes its sessions before it goes.
  private unowned let server: HTTPServer
  private var parser: HTTPRequestParser
  // A new connection gets the time of a head to say something.
  private var phase: Phase = .head
  /// Of the current phase; nil when that may take its time.
  private var deadline: Instant?
  /// Goes off at or before the deadline.
  private var timer: (id: TimerID, due: Instant)?
  private var isServing = false

  /// Bytes of later requests that may wait while one is handled; more ends the connection.
  static let earlyByteLimit = 64 * 1024

  init(_ channel: any ByteChannel, _ credentials: PeerCredentials?, _ server: HTTPServer) {
    self.channel = channel
    self.credentials = credentials
    self.loop = server.loop
    self.limits = server.limits
    self.server = server
    self.parser = HTTPRequestParser(bodyLimit: limits.bodyByteCount)
    armDeadline()
    channel.onEvent = { self.happened($0) }
  }

  func close() {
    phase = .ended
    armDeadline()
    channel.onEvent = nil
    channel.close()
  }

  private func happened(_ event: ChannelEvent) {
    switch event {
    case .connected, .drained: break
    case .received(let bytes):
      guard phase != .ended else { return }
      parser.received(bytes)
      if phase != .handling {
        serve()
      } else if parser.unreadByteCount > Self.earlyByteLimit {
        abandon()
      }
    case .closed:
      phase = .ended
      armDeadline()
      server.ended(self)
    }
  }

  /// Takes out requests until one is being handled or bytes are missing.
  private func serve() {
    guard !isServing else { return }
    isServing = true
    defer { isServing = false }
    do throws(HTTPParseError) {
      while phase != .ended {
        guard let request = try parser.next() else {
          let waiting: Phase = parser.isWithinRequest ? .head : .idle
          enter(parser.isWithinBody ? .body : waiting)
          if parser.takeContinue() { _ = channel.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
          return
        }
        enter(.handling)
        handle(request)
        if phase == .handling { return }
      }
    } catch {
      answer(HTTPResponse(refusing: error), keepsAlive: false)
    }
  }

  private func handle(_ request: HTTPRequest) {
    guard server.hosts.allows(request.host) else {
      return answer(HTTPResponse(.misdirected), keepsAlive: false)
    }
    var isAnswered = false
    server.handler(request, credentials) { [weak self] response in
      precondition(!isAnswered, "answered twice: \(request.method.rawValue) \(request.target.text)")
      isAnswered = true
      guard let self, self.phase == .handling else { return }
      self.answer(
        response, keepsAlive: request.keepsAlive, omitsBody: request.method == .head)
      self.serve()
    }
  }

  private func answer(_ response: HTTPResponse, keepsAlive: Bool, omitsBody: Bool = false) {
    let bytes = response.serialized(keepsAlive: keepsAlive, omitsBody: omitsBody)
    guard channel.send(bytes) == .queued else { return abandon() }
    if keepsAlive {
      enter(.idle)
    } else {
      enter(.ended)
      channel.finish()
    }
  }

  private func enter(_ next: Phase) {
    guard next != phase else { return }
    phase = next
    armDeadline()
  }

  /// The one deadline of the current phase. None while a request is handled: a long poll may take
  /// its time, and the handler knows its own.
  private func armDeadline() {
    switch phase {
    case .idle: deadline = loop.now + limits.idleTimeout
    case .head: deadline = loop.now + limits.headTimeout
    case .body: deadline = loop.now + limits.bodyTimeout
    case .handling: deadline = nil
    case .ended:
      deadline = nil
      if let timer { loop.cancel(timer.id) }
      timer = nil
    }
    if let deadline { wake(by: deadline) }
  }

  /// A timer that goes off earlier stays: it looks again then, once in a while, where a timer for
  /// each phase would cost every request two.
  private func wake(by deadline: Instant) {
    if let timer {
      guard timer.due > deadline else { return }
      loop.cancel(timer.id)
    }
    let id = loop.schedule(at: deadline) { [weak self] in self?.woke() }
    timer = (id, deadline)
  }

  private func woke() {
    timer = nil
    guard let deadline else { return }
    if deadline > loop.now {
      wake(by: deadline)
    } else {
      timedOut()
    }
  }

  private func timedOut() {
    if phase == .idle || !parser.isWithinRequest {
      abandon()
    } else {
      answer(HTTPResponse(.requestTimeout), keepsAlive: false)
    }
  }

  private func abandon() {
    close()
    server.ended(self)
  }
}
