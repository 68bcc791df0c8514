import Glibc

/// A program we started and end again: by its own id, and never later than ourselves.
struct ChildProcess: ~Copyable {
  let id: pid_t
  private var isEnded = false

  /// Longest wait after SIGTERM before SIGKILL, in steps of 10 ms.
  private static let stopStepCount = 3_000

  /// - Parameter log: where both outputs go, appended.
  init(_ program: String, _ arguments: [String], log: String) throws(BenchFailure) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, flags, 0o600)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)

    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var started = pid_t()
    let code = posix_spawn(&started, program, &actions, nil, words, environ)
    guard code == 0 else {
      throw BenchFailure("\(program) does not start: \(String(cString: strerror(code)))")
    }
    id = started
  }

  deinit {
    guard !isEnded else { return }
    kill(id, SIGKILL)
    _ = Self.wait(id, 0)
  }

  /// Waits for the program to end by itself.
  /// - Returns: its exit code, or 128 and the signal that ended it.
  consuming func result() -> CInt {
    isEnded = true
    return Self.wait(id, 0) ?? -1
  }

  /// Asks the program to end and waits; a program that does not is killed, and that is a failure.
  consuming func stop() throws(BenchFailure) {
    kill(id, SIGTERM)
    for _ in 0..<Self.stopStepCount {
      if let code = Self.wait(id, WNOHANG) {
        isEnded = true
        guard code == 0 else { throw BenchFailure("process \(id) ended with \(code)") }
        return
      }
      usleep(10_000)
    }
    throw BenchFailure("process \(id) does not end on SIGTERM")
  }

  /// Ends the program at once, wherever it is; it is gone when this returns.
  consuming func kill9() {
    kill(id, SIGKILL)
    _ = Self.wait(id, 0)
    isEnded = true
  }

  /// nil while the program runs.
  private static func wait(_ id: pid_t, _ options: CInt) -> CInt? {
    var status: CInt = 0
    while true {
      let ended = waitpid(id, &status, options)
      if ended < 0, errno == EINTR { continue }
      guard ended == id else { return nil }
      let signal = status & 0x7f
      return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
  }
}
