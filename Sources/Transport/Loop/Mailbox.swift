internal import CZstd
internal import Glibc
internal import Synchronization

/// Hands elements from any thread to one consumer: the reactor, which registers ``descriptor`` in
/// its loop and calls ``drain(limit:)``, or a worker, which blocks in ``take(limit:)``.
///
/// The descriptor is readable whenever the mailbox holds elements or is closed, so no wake-up is
/// lost, and none is spent on a mailbox that already has one pending. It is raised after the lock
/// is released: a consumer on another core is awake before the system call returns, and would spin
/// for the lock. So it may be found raised for what was taken already; whoever finds the mailbox
/// empty lowers it.
package final class Mailbox<Element: Sendable>: Sendable {
  /// Greatest number of elements that ``post(_:)`` lets wait.
  package let capacity: Int

  private struct State {
    var elements: [Element] = []
    /// Elements before this index are taken; they leave the array in bulk.
    var head = 0
    var isClosed = false
    var count: Int { elements.count - head }
  }

  private let state = Mutex(State())
  private let signal: FileDescriptor

  /// - Throws: when the system has no descriptor for the wake-up.
  package init(capacity: Int) throws(TransportError) {
    precondition(capacity > 0, "mailbox capacity \(capacity)")
    let number = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
    guard number >= 0 else { throw TransportError(.eventfd, errno: errno) }
    self.capacity = capacity
    self.signal = FileDescriptor(adopting: number)
  }

  /// For ``EventLoop/register(_:interest:handler:)`` with interest in reading.
  package var descriptor: CInt { signal.number }

  /// Number of elements that wait, at the moment of asking.
  package var count: Int { state.withLock { $0.count } }

  /// - Returns: false when the mailbox is full or closed; the element is then not taken.
  package func post(_ element: Element) -> Bool { put(element, limit: capacity) }

  /// Posts the completion of a request. Never refused for want of room: the number of completions
  /// is bounded by the number of requests, and those passed a bounded mailbox before.
  /// - Returns: false only when the mailbox is closed, so nobody waits for the completion.
  @discardableResult
  package func postReply(_ element: Element) -> Bool { put(element, limit: .max) }

  /// Takes up to `limit` elements in the order of posting; empty when there are none.
  package func drain(limit: Int = .max) -> [Element] {
    precondition(limit > 0, "drain limit \(limit)")
    return state.withLock { state in takeLocked(&state, limit: limit) }
  }

  /// Blocks until there are elements, then takes up to `limit`. Nil when the mailbox is closed and
  /// empty: the consumer's work is done.
  package func take(limit: Int = .max) -> [Element]? {
    while true {
      switch wait() {
      case .ready:
        let taken = drain(limit: limit)
        if !taken.isEmpty { return taken }
      case .closed: return nil
      case .timedOut: continue
      }
    }
  }

  /// What ended a ``wait(atMost:)``.
  package enum WaitResult: Sendable { case ready, closed, timedOut }

  /// Blocks until there are elements, the mailbox is closed and empty, or `limit` has passed (nil:
  /// no limit). A signal may end the wait early as `.timedOut`.
  package func wait(atMost limit: Duration? = nil) -> WaitResult {
    var waiting = pollfd(fd: signal.number, events: Int16(POLLIN), revents: 0)
    _ = poll(&waiting, 1, limit?.pollMilliseconds ?? -1)
    return state.withLock { state in
      if state.count > 0 { return .ready }
      if state.isClosed { return .closed }
      lowerSignal()
      return .timedOut
    }
  }

  /// Refuses further posts and wakes every consumer. What waits can still be taken.
  package func close() {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.isClosed = true
      raiseSignal()
    }
  }

  private func put(_ element: Element, limit: Int) -> Bool {
    let (isTaken, isFirst) = state.withLock { state in
      guard !state.isClosed, state.count < limit else { return (false, false) }
      state.elements.append(element)
      return (true, state.count == 1)
    }
    if isFirst { raiseSignal() }
    return isTaken
  }

  private func takeLocked(_ state: inout State, limit: Int) -> [Element] {
    let taken: [Element]
    if state.count <= limit {
      taken = state.head == 0 ? state.elements : Array(state.elements[state.head...])
      state.elements = []
      state.head = 0
      if !state.isClosed { lowerSignal() }
    } else {
      taken = Array(state.elements[state.head..<state.head + limit])
      state.head += limit
      if state.head > state.elements.count / 2 {
        state.elements.removeSubrange(..<state.head)
        state.head = 0
      }
    }
    return taken
  }

  /// Neither can fail: the counter is at most the number of threads that post, and one for
  /// `close()`. It is lowered under the lock only, when nothing is there: whoever posts after that
  /// raises it again.
  private func raiseSignal() { _ = eventfd_write(signal.number, 1) }

  private func lowerSignal() {
    var value: eventfd_t = 0
    _ = eventfd_read(signal.number, &value)
  }
}
