import Glibc
import Operations

/// Reads lines of a file or of stdin, a bounded piece at a time.
final class LineReader {
  /// A line as read, without its end; numbers count from 1.
  enum Line: Equatable {
    case bytes([UInt8], number: Int)
    /// Longer than the limit; it was skipped.
    case tooLong(number: Int)
  }

  /// Twice the greatest body of a record, and less than the daemon takes of a request.
  static let lineByteLimit = 512 * 1024

  private let descriptor: CInt
  private let closesAtEnd: Bool
  /// Size of a regular file; nil for a pipe.
  let totalByteCount: Int?
  /// Bytes of the lines returned by now.
  private(set) var consumedByteCount = 0
  private var buffer: [UInt8] = []
  private var head = 0
  private var number = 0
  private var hasEnded = false
  private var piece = [UInt8](repeating: 0, count: 64 * 1024)

  /// - Parameter path: nil or `-` for stdin.
  init(_ path: String?) throws(CommandFailure) {
    if let path, path != "-" {
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw unreadable(path, errno) }
      closesAtEnd = true
    } else {
      descriptor = STDIN_FILENO
      closesAtEnd = false
    }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    totalByteCount = isFile ? Int(status.st_size) : nil
  }

  deinit { if closesAtEnd { close(descriptor) } }

  /// The next line that is not blank; nil at the end.
  func next() throws(CommandFailure) -> Line? {
    while let line = try nextLine() {
      if case .bytes(let bytes, _) = line, bytes.allSatisfy({ $0 <= 0x20 }) { continue }
      return line
    }
    return nil
  }

  private func nextLine() throws(CommandFailure) -> Line? {
    var searched = head
    var isTooLong = false
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        return take(upTo: end, skipping: 1, isTooLong)
      }
      if buffer.count - head > Self.lineByteLimit {
        isTooLong = true
        consumedByteCount += buffer.count - head
        head = buffer.count
      }
      if head > 0 {
        buffer.removeSubrange(..<head)
        head = 0
      }
      searched = buffer.count
      if hasEnded {
        guard !buffer.isEmpty || isTooLong else { return nil }
        return take(upTo: buffer.count, skipping: 0, isTooLong)
      }
      try fill()
    }
  }

  private func take(upTo end: Int, skipping count: Int, _ isTooLong: Bool) -> Line {
    number += 1
    let bytes = Array(buffer[head..<end])
    consumedByteCount += bytes.count + count
    head = end + count
    let isOver = isTooLong || bytes.count > Self.lineByteLimit
    return isOver ? .tooLong(number: number) : .bytes(bytes, number: number)
  }

  private func fill() throws(CommandFailure) {
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable("stdin", errno) }
      hasEnded = count == 0
      buffer += piece[..<count]
      return
    }
  }
}

func unreadable(_ path: String, _ code: CInt) -> CommandFailure {
  let reason = strerror(code).map { String(cString: $0) } ?? "errno \(code)"
  return CommandFailure(.failed, "\(path): \(reason)")
}
