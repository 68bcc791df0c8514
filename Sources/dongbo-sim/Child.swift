import Glibc

/// A program we started, whose output we read line by line and whose end we wait for.
final class Child {
  let id: pid_t
  let output: CInt
  private var unfinished: [UInt8] = []
  private static let readByteCount = 64 << 10

  /// - Returns: nil when it does not start.
  init?(_ program: String, _ arguments: [String]) {
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    // No other child keeps it open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    // A trap writes its stack to standard error: the replay shows it.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var started = pid_t()
    let code = posix_spawnp(&started, program, &actions, nil, words, environ)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      return nil
    }
    id = started
    output = ends[0]
  }

  /// Waits for more output.
  /// - Returns: the lines that are whole by now; nil at its end.
  func read() -> [String]? {
    var bytes = [UInt8](repeating: 0, count: Self.readByteCount)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(output, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { return [] }
    guard count > 0 else { return nil }
    unfinished += bytes.prefix(count)
    var lines: [String] = []
    while let end = unfinished.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: unfinished[..<end], as: UTF8.self))
      unfinished.removeFirst(end + 1)
    }
    return lines
  }

  /// Call once, at the end of its output.
  /// - Returns: its exit code, or 128 and the signal that ended it.
  func end() -> CInt {
    close(output)
    var status: CInt = 0
    while waitpid(id, &status, 0) < 0 { guard errno == EINTR else { return -1 } }
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }

  /// Runs a program to its end.
  static func run(_ program: String, _ arguments: [String], _ line: (String) -> Void) -> CInt {
    guard let child = Child(program, arguments) else { return -1 }
    while let lines = child.read() { for text in lines { line(text) } }
    return child.end()
  }
}

/// This very program.
let ownProgram = "/proc/self/exe"
