import Glibc
import Synchronization
import Transport

/// What is resident of both daemons, looked at again and again, whichever process each is.
final class MemoryWatch: Sendable {
  struct Resident: Equatable, Sendable {
    /// When nothing was under way.
    var idleMiB = 0.0
    /// The most since, of every process that was the daemon.
    var peakMiB = 0.0
    var differenceMiB: Double { peakMiB - idleMiB }
  }

  private struct State {
    var processes: [pid_t?] = LabEnd.allCases.map { _ in nil }
    var residents = LabEnd.allCases.map { _ in Resident() }
    var isOver = false
  }

  private let state = Mutex(State())

  /// The mark is the process's own, and the last look is at its end: what is looked at meanwhile
  /// counts only if it ends by itself. A look costs some 50 us of the cores that are measured.
  private static let pauseMicroseconds: UInt32 = 100_000

  /// Notes what is idle, and watches from here on. The mark of the process is set back, so that
  /// what it needed to start does not hide what it needs from now on.
  func begin(_ end: LabEnd, _ process: pid_t) throws(BenchFailure) {
    guard let file = fopen("/proc/\(process)/clear_refs", "we") else {
      throw BenchFailure("/proc/\(process)/clear_refs: \(String(cString: strerror(errno)))")
    }
    // proc(5): 5 sets VmHWM to what is resident now.
    fputs("5\n", file)
    guard fclose(file) == 0, let status = TextFile.read("/proc/\(process)/status"),
      let idle = ProcessUsage.residentMiB(status: status)
    else { throw BenchFailure("the memory of process \(process) cannot be read") }
    state.withLock { $0.residents[end.rawValue].idleMiB = idle }
    follow(end, process)
  }

  /// From here on the daemon is this process.
  func follow(_ end: LabEnd, _ process: pid_t) {
    state.withLock { $0.processes[end.rawValue] = process }
  }

  /// The last look at a process that is about to be ended.
  func leave(_ end: LabEnd) {
    state.withLock { state in
      Self.look(end, &state)
      state.processes[end.rawValue] = nil
    }
  }

  func resident(_ end: LabEnd) -> Resident { state.withLock { $0.residents[end.rawValue] } }

  func end() { state.withLock { $0.isOver = true } }

  /// The thread that looks, until ``end()``.
  func start() throws(BenchFailure) -> WorkerThread {
    try BenchThread.start("memory") { [self] in
      while !state.withLock({ state in
        for end in LabEnd.allCases { Self.look(end, &state) }
        return state.isOver
      }) {
        usleep(Self.pauseMicroseconds)
      }
    }
  }

  /// Under the lock: the process cannot be ended, and its number be another's, meanwhile.
  private static func look(_ end: LabEnd, _ state: inout State) {
    guard let process = state.processes[end.rawValue],
      let status = TextFile.read("/proc/\(process)/status"),
      let peak = ProcessUsage.peakMiB(status: status)
    else { return }
    state.residents[end.rawValue].peakMiB = max(state.residents[end.rawValue].peakMiB, peak)
  }
}

enum BenchThread {
  static func start(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(BenchFailure) -> WorkerThread {
    do throws(TransportError) { return try WorkerThread(name: name, body) } catch {
      throw BenchFailure("no thread: \(error)")
    }
  }
}
