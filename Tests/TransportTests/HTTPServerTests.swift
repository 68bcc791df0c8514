import Glibc
import Replication
import Testing

@testable import Transport

/// A server on a Unix socket with a clock of the test's own; the loop runs in the test's thread.
private final class ServerUnderTest {
  let clock = TestClock()
  let loop: EventLoop
  let directory = TemporaryDirectory()
  let server: HTTPServer
  /// Answers that the handler owes: requests to `/later`.
  private let owed = Owed()
  final class Owed { var answers: [(HTTPResponse) -> Void] = [] }

  init(hosts: HTTPServer.HostPolicy = .any, limits: HTTPServer.Limits = .init()) throws {
    let clock = clock
    loop = try EventLoop(clock: { clock.now })
    let owed = owed
    server = try HTTPServer(
      adopting: try Socket.listen(onUnixPath: directory.file("s")), on: loop, hosts: hosts,
      limits: limits
    ) { request, peer, respond in
      if request.target.segments == ["later"] { return owed.answers.append(respond) }
      let text = "\(request.method.rawValue) \(request.target.text) \(peer?.userID == getuid())"
      respond(HTTPResponse(.ok, contentType: "text/plain", body: Array(text.utf8) + request.body))
    }
  }

  var owedCount: Int { owed.answers.count }
  func answerOwed() { owed.answers.removeFirst()(HTTPResponse(.ok, body: Array("late".utf8))) }

  func client() throws -> Client {
    let client = Client(
      try Connection(
        to: .unix(path: directory.file("s")), on: loop, timeout: .seconds(5), outputLimit: 1 << 20))
    try drive(loop) { client.isConnected }
    return client
  }

  final class Client {
    let connection: Connection
    var text = ""
    var isConnected = false
    var isClosed = false
    init(_ connection: Connection) {
      self.connection = connection
      connection.onEvent = { [unowned self] event in
        switch event {
        case .connected: isConnected = true
        case .received(let bytes): text += String(decoding: bytes, as: UTF8.self)
        case .closed: isClosed = true
        case .drained: break
        }
      }
    }
    func send(_ text: String) { _ = connection.send(Array(text.utf8)) }
    var statuses: [String] {
      text.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
    }
  }
}

private let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

@Suite struct HTTPServerTests {
  @Test func answersManyRequestsOnOneConnection() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    client.send(get + "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n" + get)
    try drive(test.loop) { client.statuses.count == 3 }
    #expect(client.statuses == ["200", "200", "200"])
    #expect(client.text.contains("content-length: 11\r\n\r\nGET /a trueHTTP/1.1"))
    #expect(client.text.contains("content-length: 12\r\n\r\nHTTP/1.1"))
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n")
    try drive(test.loop) { client.isClosed }
    #expect(client.isClosed)
    #expect(client.text.contains("connection: close"))
  }

  @Test func answersMayComeLaterAndStayInOrder() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n" + get)
    try drive(test.loop) { test.owedCount == 1 }
    // A long poll has no deadline of the server's.
    test.clock.advance(.seconds(600))
    try test.loop.runOnce(atMost: .zero)
    #expect(client.text.isEmpty)
    test.answerOwed()
    try drive(test.loop) { client.statuses.count == 2 }
    #expect(client.text.contains("\r\n\r\nlateHTTP/1.1 200 OK"))
  }

  @Test func answersToTheDepartedAreDropped() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
    try drive(test.loop) { test.owedCount == 1 }
    client.connection.close()
    try drive(test.loop) { test.server.connectionCount == 0 }
    #expect(test.server.connectionCount == 0)
    test.answerOwed()
  }

  @Test func errorsAreAnsweredAndClose() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    client.send("GET / HTTP/1.0\r\n\r\n" + get)
    try drive(test.loop) { client.isClosed && test.server.connectionCount == 0 }
    #expect(client.statuses == ["505"])
    #expect(client.text.hasSuffix(#"{"status":505,"title":"versionNotSupported"}"#))
    #expect(test.server.connectionCount == 0)
  }

  @Test func foreignHostsAreMisdirected() throws {
    let test = try ServerUnderTest(hosts: .only(["centre.local"]))
    let client = try test.client()
    client.send("GET / HTTP/1.1\r\nHost: Centre.Local:80\r\n\r\n" + get)
    try drive(test.loop) { client.isClosed }
    #expect(client.statuses == ["200", "421"])
  }

  /// (what was sent, seconds that pass, the answer): one second less changes nothing.
  @Test(arguments: [
    ("", 10, []), ("GET /a HTT", 10, ["408"]), (get, 60, ["200"]),
    ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", 30, ["408"]),
  ])
  func deadlinesEndConnections(sent: String, seconds: Int, statuses: [String]) throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    try drive(test.loop) { test.server.connectionCount == 1 }
    client.send(sent)
    for _ in 0..<3 { try test.loop.runOnce(atMost: .zero) }
    test.clock.advance(.seconds(seconds - 1))
    try test.loop.runOnce(atMost: .zero)
    #expect(test.server.connectionCount == 1)
    test.clock.advance(.seconds(1))
    try drive(test.loop) { client.isClosed }
    #expect(client.isClosed)
    #expect(client.statuses == statuses)
  }

  /// The timer of one phase stands through the next ones; the deadline is that of the last.
  @Test func deadlinesMoveWithTheRequests() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    for round in 1...3 {
      client.send(get)
      try drive(test.loop) { client.statuses.count == round }
      test.clock.advance(.seconds(50))
      try test.loop.runOnce(atMost: .zero)
      #expect(test.server.connectionCount == 1)
    }
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
    try drive(test.loop) { test.owedCount == 1 }
    test.clock.advance(.seconds(600))
    try test.loop.runOnce(atMost: .zero)
    #expect(test.server.connectionCount == 1, "an answer may take its time")
    test.answerOwed()
    client.send("GET /a HTT")
    for _ in 0..<3 { try test.loop.runOnce(atMost: .zero) }
    test.clock.advance(.seconds(10))
    try drive(test.loop) { client.isClosed }
    #expect(client.statuses == ["200", "200", "200", "200", "408"])
  }

  /// A byte now and then does not move the deadline of the head.
  @Test func slowlorisGetsTenSeconds() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    for byte in "GET /a HTTP" {
      client.send(String(byte))
      for _ in 0..<2 { try test.loop.runOnce(atMost: .zero) }
      test.clock.advance(.seconds(1))
    }
    try drive(test.loop) { client.isClosed }
    #expect(client.statuses == ["408"])
  }

  @Test func connectionsBeyondTheLimitWait() throws {
    var limits = HTTPServer.Limits()
    limits.connectionCount = 2
    let test = try ServerUnderTest(limits: limits)
    let clients = try (0..<3).map { _ in try test.client() }
    for client in clients { client.send(get) }
    try drive(test.loop) { clients[0].statuses.count + clients[1].statuses.count == 2 }
    for _ in 0..<3 { try test.loop.runOnce(atMost: .zero) }
    #expect(clients[2].text.isEmpty)
    #expect(test.server.connectionCount == 2)
    clients[0].connection.close()
    try drive(test.loop) { !clients[2].text.isEmpty }
    #expect(clients[2].statuses == ["200"])
  }

  @Test func aClientThatWaitsForContinueIsTold() throws {
    let test = try ServerUnderTest()
    let client = try test.client()
    client.send(
      "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    try drive(test.loop) { client.statuses == ["100"] }
    client.send("ok")
    try drive(test.loop) { client.statuses.count == 2 }
    #expect(client.text.hasSuffix("PUT /a trueok"))
  }
}

/// The blocking client in the test's thread, the server on a thread of its own.
@Suite struct HTTPClientTests {
  private func withServer(
    _ path: String, _ body: () throws -> Void,
    handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse?
  ) throws {
    let stop = try Mailbox<Bool>(capacity: 1, consumer: .reactor)
    let ready = try Mailbox<Bool>(capacity: 1)
    let thread = try WorkerThread(name: "server") {
      defer { ready.close() }
      guard let loop = try? EventLoop(), let socket = try? Socket.listen(onUnixPath: path),
        let server = try? HTTPServer(
          adopting: socket, on: loop, hosts: .any,
          handler: { request, _, respond in
            if let response = handler(request) { respond(response) }
          }),
        (try? loop.register(stop.descriptor, interest: .read) { _ in }) != nil
      else { return }
      _ = ready.post(true)
      while stop.count == 0 { _ = try? loop.runOnce() }
      server.close()
    }
    #expect(ready.take() == [true])
    defer {
      _ = stop.post(true)
      thread.join()
    }
    try body()
  }

  @Test func sendsManyRequestsOverOneConnection() throws {
    let directory = TemporaryDirectory()
    try withServer(directory.file("s")) {
      let client = HTTPClient(unixPath: directory.file("s"), timeout: .seconds(20))
      let target = HTTPTarget(segments: ["văn bản"], query: [.init("a", "b c")])
      for size in [0, 1, 300_000] {
        let response = try client.send(
          .put, target, body: [UInt8](repeating: 7, count: size))
        #expect(response.status == .ok)
        #expect(response.body == [UInt8](repeating: 7, count: size))
        #expect(response.fields.value(of: "x-target") == target.text)
      }
      #expect(try client.send(.head, target).body == [])
      #expect(try client.send(.get, target).status == .ok)
      #expect(throws: HTTPClientError.self) {
        try HTTPClient(unixPath: directory.file("s"), responseLimit: 10).send(
          .put, target, body: [UInt8](repeating: 7, count: 11))
      }
    } handler: { request in
      HTTPResponse(
        .ok, fields: [HTTPField("x-target", request.target.text)], body: request.body)
    }
  }

  @Test func anExchangeTakesItsAnswerByteByByteAndNothingMore() throws {
    let exchange = HTTPExchange(
      .post, HTTPTarget(segments: ["a b"]), fields: [HTTPField("X", "1")], body: [0x78])
    let request = "POST /a%20b HTTP/1.1\r\nhost: localhost\r\nx: 1\r\ncontent-length: 1\r\n\r\nx"
    #expect(String(decoding: exchange.requestBytes, as: UTF8.self) == request)
    let answer = Array("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".utf8)
    var slow = exchange
    for byte in answer.dropLast() { #expect(try slow.received([byte]) == nil) }
    #expect(try slow.received([answer[answer.count - 1]])?.body == Array("ok".utf8))
    var twice = exchange
    #expect(throws: HTTPParseError(.statusLineMalformed)) { try twice.received(answer + answer) }
  }

  @Test func idleConnectionsThatEndedAreReplacedForSafeRequests() throws {
    let directory = TemporaryDirectory()
    let client = HTTPClient(unixPath: directory.file("s"), timeout: .seconds(20))
    for _ in 0..<2 {
      try withServer(directory.file("s")) {
        let response = try client.send(.get, HTTPTarget(segments: []))
        #expect(response.status == .ok)
      } handler: { _ in
        HTTPResponse(.ok)
      }
    }
    try withServer(directory.file("s")) {
      #expect(throws: HTTPClientError.lost) {
        try client.send(.post, HTTPTarget(segments: []), body: [1])
      }
    } handler: { _ in
      HTTPResponse(.ok)
    }
  }

  @Test func failuresHaveNames() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("s")
    let target = HTTPTarget(segments: [])
    #expect(throws: HTTPClientError.notReachable(.refused(path))) {
      try HTTPClient(unixPath: path).send(.get, target)
    }
    do {
      // Nobody accepts, and the queue of one is full.
      let socket = try Socket.listen(onUnixPath: path)
      #expect(Glibc.listen(socket.number, 0) == 0)
      let waiting = try Socket.connect(to: .unix(path: path))
      #expect(throws: HTTPClientError.notReachable(.timedOut(path))) {
        try HTTPClient(unixPath: path, timeout: .milliseconds(20)).send(.get, target)
      }
      try waiting.close()
    }
    try withServer(path) {
      #expect(throws: HTTPClientError.timedOut) {
        try HTTPClient(unixPath: path, timeout: .milliseconds(20)).send(.get, target)
      }
    } handler: { _ in
      nil
    }
  }
}
