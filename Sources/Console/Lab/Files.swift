import Glibc
import Operations

/// Small files as a whole.
enum Files {
  /// - Throws: exit code 1 with the system's reason, also for a file above `limit` bytes.
  static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count <= limit {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
    throw unreadable(path, EFBIG)
  }

  /// Creates a file with exactly this mode; one that exists is an error.
  static func create(
    _ path: String, _ bytes: [UInt8], mode: mode_t = 0o644
  ) throws(CommandFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failed(path, errno) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failed(path, errno) }
      rest.removeFirst(count)
    }
    guard fchmod(descriptor, mode) == 0 else { throw failed(path, errno) }
  }

  /// Makes a directory that only its owner may enter. One that is there and empty is as good.
  static func makeDirectory(_ path: String) throws(CommandFailure) {
    guard mkdir(path, 0o700) != 0 else { return }
    let code = errno
    guard code == EEXIST, isEmptyDirectory(path) else { throw failed(path, code) }
  }

  /// The absolute path of something that exists, links resolved.
  static func absolute(_ path: String) throws(CommandFailure) -> String {
    guard let resolved = realpath(path, nil) else { throw failed(path, errno) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func isEmptyDirectory(_ path: String) -> Bool {
    guard let stream = opendir(path) else { return false }
    defer { closedir(stream) }
    // `.` and `..` are always there; a third name is one too many.
    for _ in 0..<2 { _ = readdir(stream) }
    return readdir(stream) == nil
  }

  private static func failed(_ path: String, _ code: CInt) -> CommandFailure {
    let reason = strerror(code).map { String(cString: $0) } ?? "errno \(code)"
    return CommandFailure(.failed, "\(path): \(reason)")
  }
}
