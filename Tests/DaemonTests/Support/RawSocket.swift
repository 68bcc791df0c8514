import Testing

@testable import Transport

/// A blocking client that may send anything.
final class RawSocket {
  private let connection: FileDescriptor
  var number: CInt { connection.number }

  init(_ address: SocketAddress) throws {
    connection = try Socket.connectBlocking(to: address, timeout: .seconds(30))
  }

  func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch try Socket.write(rest, to: number) {
      case .bytes(let count): rest.removeFirst(count)
      case .wouldBlock: try #require(Bool(false), "the peer takes nothing")
      case .closed: return
      }
    }
  }

  /// The next bytes; empty at the end of the stream.
  func read() throws -> [UInt8] {
    var bytes: [UInt8] = []
    switch try Socket.read(from: number, appendingTo: &bytes, limit: 64 << 10) {
    case .bytes, .closed: break
    case .wouldBlock: try #require(Bool(false), "the peer says nothing")
    }
    return bytes
  }

  /// Sends a request and reads one HTTP answer, or up to the end of the stream.
  func exchange(_ request: [UInt8]) throws -> String {
    try write(request)
    var answer: [UInt8] = []
    while true {
      let bytes = try read()
      answer += bytes
      let text = String(decoding: answer, as: UTF8.self)
      if bytes.isEmpty || Self.isWhole(text) { return text }
    }
  }

  private static func isWhole(_ text: String) -> Bool {
    guard let head = text.firstRange(of: "\r\n\r\n") else { return false }
    let length = text[..<head.lowerBound].lowercased()
      .split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
      .flatMap { Int($0.dropFirst("content-length: ".count)) }
    return text[head.upperBound...].utf8.count >= length ?? 0
  }
}
