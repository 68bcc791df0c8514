internal import CZstd
internal import Glibc
internal import Synchronization

/// Hands elements from any thread to one consumer: the reactor, which registers ``descriptor`` in
/// its loop and calls ``drain(limit:)``, or workers, which sleep in ``take(limit:)``.
///
/// A thread that posts wakes a worker only when one sleeps, and only one. The descriptor is
/// readable whenever the mailbox holds elements or is closed, so no wake-up is lost, and none is
/// spent on a mailbox that already has one pending. Both are done after the lock is released: a
/// consumer on another core is awake before the system call returns, and would spin for the lock.
/// So the descriptor may be found raised for what was taken already; whoever finds the mailbox
/// empty lowers it.
package final class Mailbox<Element: Sendable>: Sendable {
  /// Who takes the elements.
  package enum Consumer: Sendable { case reactor, workers }

  /// Greatest number of elements that ``post(_:)`` lets wait.
  package let capacity: Int

  private struct State {
    var elements: [Element] = []
    /// Elements before this index are taken; they leave the array in bulk.
    var head = 0
    var isClosed = false
    /// Workers that sleep, or are about to, and are not being woken.
    var sleeperCount = 0
    var count: Int { elements.count - head }

    /// - Returns: whether there is one to be woken; it is then counted no more.
    mutating func takeSleeper() -> Bool {
      guard sleeperCount > 0 else { return false }
      sleeperCount -= 1
      return true
    }
  }

  private let state = Mutex(State())
  private let sleepers = SleepingThreads()
  /// nil without a reactor.
  private let signal: FileDescriptor?
  private let signalNumber: CInt?

  /// - Throws: when the system has no descriptor for the wake-up of a reactor.
  package init(
    capacity: Int, consumer: Consumer = .workers
  ) throws(TransportError) {
    precondition(capacity > 0, "mailbox capacity \(capacity)")
    self.capacity = capacity
    switch consumer {
    case .workers:
      signal = nil
      signalNumber = nil
    case .reactor:
      let number = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
      guard number >= 0 else { throw TransportError(.eventfd, errno: errno) }
      signal = FileDescriptor(adopting: number)
      signalNumber = number
    }
  }

  /// For ``EventLoop/register(_:interest:handler:)`` with interest in reading.
  /// - Precondition: made for a reactor.
  package var descriptor: CInt {
    guard let signalNumber else { preconditionFailure("a mailbox of workers has no descriptor") }
    return signalNumber
  }

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

  /// Sleeps until there are elements, then takes up to `limit`. Nil when the mailbox is closed and
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

  /// Sleeps until there are elements, the mailbox is closed and empty, or `limit` has passed (nil:
  /// no limit). It may end early as `.timedOut` when another worker was faster.
  package func wait(atMost limit: Duration? = nil) -> WaitResult {
    while true {
      let found: WaitResult? = state.withLock { state in
        if state.count > 0 { return .ready }
        if state.isClosed { return .closed }
        state.sleeperCount += 1
        return nil
      }
      if let found { return found }
      guard let limit else {
        sleepers.sleep()
        continue
      }
      guard !sleepers.sleep(atMost: limit) else { return look() }
      let isWokenNow = state.withLock { state in !state.takeSleeper() }
      if isWokenNow { sleepers.sleep() }
      return look()
    }
  }

  /// What is the case without waiting.
  private func look() -> WaitResult {
    state.withLock { state in
      if state.count > 0 { return .ready }
      return state.isClosed ? .closed : .timedOut
    }
  }

  /// Refuses further posts and wakes every consumer. What waits can still be taken.
  package func close() {
    let sleeperCount = state.withLock { state in
      guard !state.isClosed else { return 0 }
      state.isClosed = true
      raiseSignal()
      defer { state.sleeperCount = 0 }
      return state.sleeperCount
    }
    for _ in 0..<sleeperCount { sleepers.wake() }
  }

  private func put(_ element: Element, limit: Int) -> Bool {
    let (isTaken, isFirst, wakes) = state.withLock { state in
      guard !state.isClosed, state.count < limit else { return (false, false, false) }
      state.elements.append(element)
      return (true, state.count == 1, state.takeSleeper())
    }
    if isFirst { raiseSignal() }
    if wakes { sleepers.wake() }
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
  private func raiseSignal() {
    if let signalNumber { _ = eventfd_write(signalNumber, 1) }
  }

  private func lowerSignal() {
    guard let signalNumber else { return }
    var value: eventfd_t = 0
    _ = eventfd_read(signalNumber, &value)
  }
}
