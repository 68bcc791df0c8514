import Glibc
import Testing

/// One running program of ours, mostly dongbod. Killed at the latest when the value goes.
final class SiteProcess {
  let pid: pid_t
  private var status: CInt?

  /// The directory of the built programs: the test bundle lies beside them.
  private static let programs: String = {
    var path = [UInt8](repeating: 0, count: 4_096)
    let count = readlink("/proc/self/exe", &path, path.count)
    let text = String(decoding: path.prefix(max(count, 0)), as: UTF8.self)
    return text.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
  }()

  /// What `Deploy/sanitize` sets, so that a sanitizer's word about the program reaches it too.
  private static let sanitizing: [String] = {
    let names = ["TSAN_OPTIONS", "ASAN_OPTIONS", "LD_PRELOAD"]
    return names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
  }()

  /// - Parameters:
  ///   - log: the file that standard error is appended to.
  ///   - environment: further variables, as `NAME=value`.
  convenience init(configuration: String, log: String, environment: [String] = []) throws {
    try self.init(
      "dongbod", ["--config", configuration], log: log, environment: environment)
  }

  /// dongbod in a mount namespace of its own, its data on a file system of `megabytes`.
  convenience init(
    configuration: String, log: String, onSmallDisk data: String, megabytes: Int
  ) throws {
    let script = """
      mkdir -p "$1" && mount -t tmpfs -o size=\(megabytes)m,mode=700 dongbo-test "$1" \
        && exec "$2" --config "$3"
      """
    try self.init(
      path: "/usr/bin/unshare",
      ["-rm", "/bin/sh", "-c", script, "sh", data, "\(Self.programs)/dongbod", configuration],
      log: log)
  }

  /// Whether this machine lets a test have a file system of its own.
  static func canMount() throws -> Bool {
    guard access("/usr/bin/unshare", X_OK) == 0 else { return false }
    let trial = try SiteProcess(
      path: "/usr/bin/unshare", ["-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "trial", "/mnt"],
      log: "/dev/null")
    return try trial.exitCode() == 0
  }

  /// - Parameter program: one of those built beside the tests.
  convenience init(
    _ program: String, _ words: [String], log: String, environment: [String] = []
  ) throws {
    try self.init(
      path: "\(Self.programs)/\(program)", words, log: log, environment: environment)
  }

  /// - Parameter path: any program of the system.
  init(path: String, _ words: [String], log: String, environment extra: [String] = []) throws {
    let arguments = Self.list([path] + words)
    let environment = Self.list(["LANG=en_US.UTF-8"] + Self.sanitizing + extra)
    defer { for text in arguments + environment { free(text) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    var pid = pid_t()
    // Threads of a test runner block signals; a program that does not unblock them hears none.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let code = posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
    let isSpawned = code == 0
    try #require(isSpawned, "\(path): errno \(code)")
    self.pid = pid
  }

  deinit { killNow() }

  /// As C wants them: ended by nil, to be freed one by one.
  private static func list(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    texts.map { strdup($0) } + [nil]
  }

  var isRunning: Bool {
    guard status == nil else { return false }
    var found: CInt = 0
    if waitpid(pid, &found, WNOHANG) == pid { status = found }
    return status == nil
  }

  func send(_ signal: CInt) {
    if isRunning { kill(pid, signal) }
  }

  /// kill -9, and gone when this returns.
  func killNow() {
    guard isRunning else { return }
    kill(pid, SIGKILL)
    var found: CInt = 0
    if waitpid(pid, &found, 0) == pid { status = found }
  }

  /// Waits for the end of the process.
  /// - Returns: its exit code; 128 and the signal when one ended it.
  func exitCode() throws -> CInt {
    try eventually("process \(pid) ends") { !isRunning }
    let status = try #require(status)
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}
