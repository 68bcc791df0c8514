internal import CZstd
internal import Glibc
internal import Synchronization

/// A named thread that runs one closure to its end. All signals are blocked in it from its first
/// instruction, so they reach the reactor's ``SignalPipe`` only.
package final class WorkerThread: Sendable {
  private let thread: Mutex<pthread_t?>

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts the thread. `name` is what `top -H` shows; the kernel keeps 15 bytes of it.
  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(TransportError) {
    var signals = sigset_t()
    var previous = sigset_t()
    sigfillset(&signals)
    // A fault is the thread's own: the kernel passes by the handler of one that is blocked.
    for fault in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      sigdelset(&signals, fault)
    }
    pthread_sigmask(SIG_BLOCK, &signals, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var created = pthread_t()
    let code = pthread_create(&created, nil, runWorker, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw TransportError(.thread, errno: code)
    }
    thread = Mutex(created)
  }

  /// Threads that this machine runs at once.
  package static var coreCount: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

  /// Blocks until the closure has returned. May be called again; later calls return at once.
  package func join() {
    if let joining = release() { pthread_join(joining, nil) }
  }

  /// Leaves the thread to its closure: nobody waits for its end. ``join()`` then returns at once.
  package func detach() {
    if let running = release() { pthread_detach(running) }
  }

  deinit { detach() }

  private func release() -> pthread_t? {
    thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
  }

  fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    pthread_setname_np(pthread_self(), String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
    start.body()
  }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let argument { WorkerThread.run(argument) }
  return nil
}
