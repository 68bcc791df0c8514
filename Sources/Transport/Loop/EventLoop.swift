internal import CZstd
internal import Glibc
package import Replication

/// Waits for readiness of descriptors (epoll, level-triggered) and for timers, and calls handlers.
///
/// Not `Sendable`: the thread that creates a loop runs it, and everything registered in it lives on
/// that thread. Other threads reach it through a ``Mailbox`` whose descriptor is registered here.
/// Handlers must not block.
package final class EventLoop {
  /// What to wait for. Errors and hang-ups are always reported.
  package struct Interest: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let read = Interest(rawValue: 1)
    package static let write = Interest(rawValue: 2)
  }

  /// What is the case now. `hangUp`: both directions are gone, or the socket has an error.
  package struct Readiness: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
    package static let hangUp = Readiness(rawValue: 4)
  }

  /// Names one registration. A token outlived by its registration is dead and harmless.
  package struct Token: Hashable, Sendable {
    fileprivate let slot: UInt32
    fileprivate let generation: UInt32
    fileprivate var userData: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
  }

  private struct Slot {
    var generation: UInt32 = 0
    var descriptor: CInt = -1
    var handler: ((Readiness) -> Void)?
  }

  /// Greatest number of events taken from the kernel in one pass.
  package static let eventsPerPassLimit = 256

  private let epoll: FileDescriptor
  private let clock: () -> Instant
  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  private var timers = TimerQueue<() -> Void>()
  private var events = [epoll_event](repeating: epoll_event(), count: eventsPerPassLimit)
  private var isDispatching = false

  /// The time as of the latest wake-up; the same for all handlers of one pass.
  package private(set) var now: Instant

  /// Tests pass a clock of their own; timeouts then need no waiting.
  package init(clock: @escaping () -> Instant = MonotonicClock.now) throws(TransportError) {
    let number = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard number >= 0 else { throw TransportError(.epoll, errno: errno) }
    self.epoll = FileDescriptor(adopting: number)
    self.clock = clock
    self.now = clock()
  }

  /// Watches `descriptor` until ``deregister(_:)``, which must come before the descriptor closes.
  /// The handler is called once a pass while what it waits for is the case.
  package func register(
    _ descriptor: CInt, interest: Interest, handler: @escaping (Readiness) -> Void
  ) throws(TransportError) -> Token {
    let index: UInt32
    if let free = freeSlots.popLast() {
      index = free
    } else {
      index = UInt32(slots.count)
      slots.append(Slot())
    }
    let token = Token(slot: index, generation: slots[Int(index)].generation)
    slots[Int(index)].descriptor = descriptor
    slots[Int(index)].handler = handler
    let code = control(EPOLL_CTL_ADD, token, interest)
    guard code == 0 else {
      release(token)
      throw TransportError(.epoll, errno: code)
    }
    return token
  }

  /// Changes what is waited for. No effect on a dead token.
  package func modify(_ token: Token, interest: Interest) {
    guard isLive(token) else { return }
    let code = control(EPOLL_CTL_MOD, token, interest)
    precondition(code == 0, "epoll lost descriptor \(slots[Int(token.slot)].descriptor): \(code)")
  }

  /// Stops watching. Safe inside any handler, for itself and for others: an event of this pass that
  /// is still to be dispatched is dropped. No effect on a dead token.
  package func deregister(_ token: Token) {
    guard isLive(token) else { return }
    _ = control(EPOLL_CTL_DEL, token, [])
    release(token)
  }

  /// Calls `action` once, in the first pass at or after `deadline`. Timers scheduled by a timer of
  /// the same pass wait for the next one.
  package func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    timers.schedule(at: deadline, action)
  }

  /// Calls `action` once after `delay`, counted from ``now``.
  package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID {
    timers.schedule(at: now + delay, action)
  }

  /// No effect when the timer has fired or was cancelled before.
  package func cancel(_ timer: TimerID) { timers.cancel(timer) }

  /// One pass: waits until something is ready, a timer is due or `limit` has passed (nil: no limit
  /// of its own), calls the handlers, then the timers by deadline.
  /// - Returns: the number of handlers and timers called.
  @discardableResult
  package func runOnce(atMost limit: Duration? = nil) throws(TransportError) -> Int {
    precondition(!isDispatching, "runOnce called from a handler")
    let ready = epoll_wait(epoll.number, &events, CInt(events.count), waitMilliseconds(limit))
    if ready < 0, errno != EINTR { throw TransportError(.epoll, errno: errno) }
    now = clock()
    isDispatching = true
    defer { isDispatching = false }
    var callCount = 0
    for index in 0..<Int(max(ready, 0)) {
      let userData = events[index].data.u64
      let token = Token(
        slot: UInt32(truncatingIfNeeded: userData),
        generation: UInt32(truncatingIfNeeded: userData >> 32))
      guard isLive(token), let handler = slots[Int(token.slot)].handler else { continue }
      handler(readiness(events[index].events))
      callCount += 1
    }
    for timer in timers.due(at: now) {
      guard let action = timers.take(timer) else { continue }
      action()
      callCount += 1
    }
    return callCount
  }

  /// Passes until `isDone` answers true; asked after every pass.
  package func run(until isDone: () -> Bool) throws(TransportError) {
    while !isDone() { try runOnce() }
  }

  private func waitMilliseconds(_ limit: Duration?) -> CInt {
    guard let deadline = timers.nextDeadline() else { return limit?.pollMilliseconds ?? -1 }
    let untilDue = (deadline - clock()).pollMilliseconds
    return min(untilDue, limit?.pollMilliseconds ?? untilDue)
  }

  private func isLive(_ token: Token) -> Bool {
    let slot = slots[Int(token.slot)]
    return slot.generation == token.generation && slot.handler != nil
  }

  private func release(_ token: Token) {
    slots[Int(token.slot)].generation &+= 1
    slots[Int(token.slot)].handler = nil
    slots[Int(token.slot)].descriptor = -1
    freeSlots.append(token.slot)
  }

  private func control(_ operation: CInt, _ token: Token, _ interest: Interest) -> CInt {
    var event = epoll_event()
    if interest.contains(.read) { event.events |= EPOLLIN.rawValue }
    if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
    event.data.u64 = token.userData
    let result = epoll_ctl(epoll.number, operation, slots[Int(token.slot)].descriptor, &event)
    return result == 0 ? 0 : errno
  }

  private func readiness(_ events: UInt32) -> Readiness {
    var readiness: Readiness = []
    if events & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
    if events & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
    if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.hangUp) }
    return readiness
  }
}
