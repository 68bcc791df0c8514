internal import CZstd
internal import Glibc

/// The signals the daemon acts on.
package enum Signal: Hashable, Sendable, CaseIterable {
  case terminate, interrupt, hangUp

  fileprivate var number: CInt {
    switch self {
    case .terminate: SIGTERM
    case .interrupt: SIGINT
    case .hangUp: SIGHUP
    }
  }
}

/// Signals as bytes on a descriptor, so that they arrive between two handlers and never inside one.
/// Create it in the main thread before any other thread starts: threads inherit the blocked set.
package final class SignalPipe {
  private let pipe: FileDescriptor

  /// Blocks the signals in the calling thread, for good, and opens the descriptor.
  package init(_ signals: [Signal] = Signal.allCases) throws(TransportError) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal.number) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let number = signalfd(-1, &set, CInt(SFD_CLOEXEC) | CInt(SFD_NONBLOCK))
    guard number >= 0 else { throw TransportError(.signalfd, errno: errno) }
    pipe = FileDescriptor(adopting: number)
  }

  /// For ``EventLoop/register(_:interest:handler:)`` with interest in reading.
  package var descriptor: CInt { pipe.number }

  /// The signals that have arrived, oldest first; empty when there is none. The kernel keeps at
  /// most one of each kind pending, which bounds the loop.
  package func take() -> [Signal] {
    var taken: [Signal] = []
    var info = signalfd_siginfo()
    while read(pipe.number, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
      if let signal = Signal.allCases.first(where: { $0.number == CInt(info.ssi_signo) }) {
        taken.append(signal)
      }
    }
    return taken
  }
}
