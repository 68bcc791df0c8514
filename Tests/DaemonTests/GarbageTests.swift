import Replication
import Testing

@testable import Transport

extension DaemonTests {
  /// What no client of ours sends, at the admin socket and the monitoring port: an answer that
  /// says so, and a daemon that lives on.
  @Suite struct GarbageTests {
    private static let garbage: [(what: String, status: Int, request: String)] = [
      ("bare line feeds", 400, "GET /livez HTTP/1.1\nHost: localhost\n\n"),
      (
        "length and chunked", 400,
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      ),
      (
        "huge head", 431,
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
          + String(repeating: "X-Long: \(String(repeating: "x", count: 1_000))\r\n", count: 20)
          + "\r\n"
      ),
      ("no host", 400, "GET /livez HTTP/1.1\r\n\r\n"),
      ("no HTTP", 400, "\u{16}\u{3}\u{1}\r\n\r\n"),
      ("dot segments", 400, "GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]

    @Test func garbageGetsAnAnswerAndHarmsNothing() throws {
      let lab = try Lab("lang-son")
      try lab.start(Lab.centre)
      let admin = SocketAddress.unix(path: "\(lab.path)/\(Lab.centre)/admin.sock")
      for (what, status, request) in Self.garbage {
        let local = try RawSocket(admin).exchange(Array(request.utf8))
        #expect(local.hasPrefix("HTTP/1.1 \(status) "), "\(what): \(local)")
        let remote = try lab.monitoring(Lab.centre, request)
        #expect(remote.hasPrefix("HTTP/1.1 \(status) "), "\(what): \(remote)")
      }
      let forged = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"
      let answer = try lab.monitoring(Lab.centre, forged)
      #expect(answer.hasPrefix("HTTP/1.1 421 "), "\(answer)")

      #expect(try lab.api(Lab.centre).get("version").status == 200)
      #expect(
        try lab.monitoring(Lab.centre, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
          .hasPrefix("HTTP/1.1 200 "))
    }
  }
}
