import Cryptography
import Replication
import Storage
import Synchronization
import Transport

/// Keeps the witness file at most a second behind the log and never ahead of it, off the commit
/// path: the reactor tells it what is durable, a thread of its own writes.
final class WitnessKeeper: Sendable {
  /// Time between two writes: well under the second that the design allows.
  static let interval = Duration.milliseconds(250)

  private let source: WitnessSource
  private let wake: Mailbox<Bool>
  private let thread: WorkerThread

  /// - Parameter failed: told once; a witness that cannot be written is a fault of the environment.
  init(
    path: String, failed: @escaping @Sendable (WitnessError) -> Void
  ) throws(TransportError) {
    let wake = try Mailbox<Bool>(capacity: 1)
    self.wake = wake
    let source = WitnessSource()
    self.source = source
    thread = try WorkerThread(name: "witness") {
      do throws(WitnessError) {
        var file = try WitnessFile(opening: path, hashing: OpenSSLHash())
        while wake.take() != nil {
          while let witness = source.take() {
            try file.write(witness)
            Self.rest(wake)
          }
        }
        if let witness = source.take() { try file.write(witness) }
      } catch {
        failed(error)
      }
    }
  }

  /// Waits out the interval, whatever comes meanwhile; a close ends it at once.
  private static func rest(_ wake: Mailbox<Bool>) {
    let end = MonotonicClock.now() + interval
    while MonotonicClock.now() < end {
      if wake.wait(atMost: end - MonotonicClock.now()) == .closed { return }
      _ = wake.drain()
    }
  }

  /// `witness` is durable in the store.
  func keep(_ witness: Witness) {
    if source.put(witness) { _ = wake.post(true) }
  }

  /// Writes the last one and ends.
  func stop() {
    wake.close()
    thread.join()
  }
}

/// The newest witness not yet written.
private final class WitnessSource: Sendable {
  private let newest = Mutex<Witness?>(nil)
  /// - Returns: whether none was there: one that waits has woken the thread already.
  func put(_ witness: Witness) -> Bool {
    newest.withLock { newest in
      defer { newest = witness }
      return newest == nil
    }
  }
  func take() -> Witness? {
    newest.withLock { witness in
      defer { witness = nil }
      return witness
    }
  }
}
