import Operations
import Transport

/// `/metrics`, `/livez` and `/readyz` on TCP, loopback by default.
final class MonitoringServer {
  private let server: HTTPServer

  /// - Parameter address: of `[Monitoring] Listen=`; only these hosts may be named by a client.
  init(
    on address: SocketAddress, loop: EventLoop, allowedHosts: [String],
    status: StatusCollector, metrics: MetricRegistry, isReady: @escaping () -> [String]
  ) throws(TransportError) {
    let hosts = ["localhost", "127.0.0.1", "[::1]", address.hostText] + allowedHosts
    server = try HTTPServer(
      adopting: try Socket.listen(on: address), on: loop, hosts: .only(hosts)
    ) { request, _, respond in
      guard request.method == .get || request.method == .head else {
        return respond(HTTPResponse(HTTPStatus(405)))
      }
      switch request.target.segments {
      case ["metrics"]:
        let page = metrics.render { status.publish(to: $0) }
        respond(HTTPResponse(.ok, contentType: MetricRegistry.contentType, body: page))
      // The reactor answers, so the process is not wedged. Peers are nobody's liveness.
      case ["livez"]: respond(Self.lines(.ok, ["[+]reactor ok"]))
      case ["readyz"]:
        let faults = isReady()
        respond(
          Self.lines(
            faults.isEmpty ? .ok : HTTPStatus(503),
            faults.isEmpty ? ["[+]ready"] : faults.map { "[-]\($0)" }))
      default: respond(HTTPResponse(.notFound))
      }
    }
  }

  var address: SocketAddress? { server.address }

  func close() { server.close() }

  private static func lines(_ status: HTTPStatus, _ lines: [String]) -> HTTPResponse {
    HTTPResponse(
      status, contentType: "text/plain; charset=utf-8",
      body: Array((lines.joined(separator: "\n") + "\n").utf8))
  }
}
