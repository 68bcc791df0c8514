/// Collects the body of one message by its framing, up to a limit.
struct HTTPBodyReader: Hashable, Sendable {
  private enum State: Hashable {
    case content(remaining: Int)  // -> done, or chunkEnd when chunked
    case chunkSize  // -> content, trailers
    case chunkEnd  // -> chunkSize
    case trailers(byteCount: Int)  // -> done
    case done
  }

  private(set) var body: [UInt8] = []
  private let limit: Int
  private let isChunked: Bool
  private var state: State

  init(_ framing: HTTPFraming, limit: Int) throws(HTTPParseError) {
    self.limit = limit
    switch framing {
    case .none: (isChunked, state) = (false, .done)
    case .length(let count):
      guard count <= limit else { throw HTTPParseError(.bodyTooLong) }
      (isChunked, state) = (false, count == 0 ? .done : .content(remaining: count))
    case .chunked: (isChunked, state) = (true, .chunkSize)
    }
  }

  /// Takes what belongs to the body.
  /// - Returns: true when the body is complete; false when more bytes are needed.
  mutating func read(from reader: inout HTTPLineReader) throws(HTTPParseError) -> Bool {
    while true {
      switch state {
      case .done: return true
      case .content(let remaining):
        let piece = reader.take(limit: remaining)
        body.append(contentsOf: piece)
        guard piece.count == remaining else {
          state = .content(remaining: remaining - piece.count)
          return false
        }
        state = isChunked ? .chunkEnd : .done
      case .chunkSize:
        guard
          let line = try reader.nextLine(
            limit: HTTPLimits.chunkSizeDigitCount, tooLong: .chunkSizeMalformed)
        else { return false }
        let size = try Self.chunkSize(line)
        guard size <= limit - body.count else { throw HTTPParseError(.bodyTooLong) }
        state = size == 0 ? .trailers(byteCount: 0) : .content(remaining: size)
      case .chunkEnd:
        guard let line = try reader.nextLine(limit: 0, tooLong: .chunkNotTerminated) else {
          return false
        }
        precondition(line.isEmpty, "line of \(line.count) bytes within limit 0")
        state = .chunkSize
      case .trailers(let byteCount):
        guard
          let line = try reader.nextLine(
            limit: HTTPLimits.headByteCount - byteCount, tooLong: .trailersTooLong)
        else { return false }
        state = try line.isEmpty ? .done : .trailers(byteCount: Self.drop(line, byteCount))
      }
    }
  }

  /// Chunk extensions are refused: nobody we serve sends them, and parsers differ on them.
  private static func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPParseError) -> Int {
    guard !line.isEmpty else { throw HTTPParseError(.chunkSizeMalformed) }
    var size = 0
    for byte in line {
      guard let digit = byte.hexadecimalValue else { throw HTTPParseError(.chunkSizeMalformed) }
      size = size << 4 | Int(digit)
    }
    return size
  }

  /// A trailer must be a field, and is then forgotten: it comes after every check.
  private static func drop(
    _ line: ArraySlice<UInt8>, _ byteCount: Int
  ) throws(HTTPParseError) -> Int {
    guard (try? HTTPField(line: line)) != nil else { throw HTTPParseError(.trailerMalformed) }
    let total = byteCount + line.count + 2
    guard total <= HTTPLimits.headByteCount else { throw HTTPParseError(.trailersTooLong) }
    return total
  }
}
