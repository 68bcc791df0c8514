internal import Replication

/// Names one scheduled timer. Never used twice by one queue.
package struct TimerID: Hashable, Sendable {
  fileprivate let sequence: UInt64
}

/// Timers by deadline; equal deadlines in the order of scheduling. Pure: it is told the time.
///
/// A binary heap of keys beside a table of actions. Cancelling removes the action only; dead keys
/// are swept when they outnumber the living, so memory stays in proportion to living timers.
struct TimerQueue<Action> {
  private struct Key {
    let deadline: Instant
    let id: TimerID
    func isBefore(_ other: Key) -> Bool {
      deadline == other.deadline
        ? id.sequence < other.id.sequence : deadline < other.deadline
    }
  }

  private var heap: [Key] = []
  private var actions: [TimerID: Action] = [:]
  private var lastSequence: UInt64 = 0
  private static var sweepThreshold: Int { 64 }

  var count: Int { actions.count }
  /// Living and dead keys; for the test of the sweep.
  var keyCount: Int { heap.count }

  mutating func schedule(at deadline: Instant, _ action: Action) -> TimerID {
    lastSequence += 1
    let id = TimerID(sequence: lastSequence)
    actions[id] = action
    heap.append(Key(deadline: deadline, id: id))
    siftUp(heap.count - 1)
    return id
  }

  /// No effect when the timer has fired or was cancelled before.
  mutating func cancel(_ id: TimerID) {
    guard actions.removeValue(forKey: id) != nil else { return }
    if heap.count > Self.sweepThreshold, heap.count > 2 * actions.count { sweep() }
  }

  /// The earliest deadline of a living timer.
  mutating func nextDeadline() -> Instant? {
    while let first = heap.first {
      if actions[first.id] != nil { return first.deadline }
      removeFirst()
    }
    return nil
  }

  /// The timers due at `now`, in order. They stay cancellable until ``take(_:)``.
  mutating func due(at now: Instant) -> [TimerID] {
    var due: [TimerID] = []
    while let first = heap.first, first.deadline <= now {
      if actions[first.id] != nil { due.append(first.id) }
      removeFirst()
    }
    return due
  }

  /// Removes and returns the action of a due timer; nil when it was cancelled since.
  mutating func take(_ id: TimerID) -> Action? { actions.removeValue(forKey: id) }

  private mutating func sweep() {
    heap = heap.filter { actions[$0.id] != nil }.sorted { $0.isBefore($1) }
  }

  private mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown()
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard heap[index].isBefore(heap[parent]) else { return }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func siftDown() {
    var index = 0
    while true {
      var least = index
      for child in 2 * index + 1...2 * index + 2
      where child < heap.count && heap[child].isBefore(heap[least]) { least = child }
      guard least != index else { return }
      heap.swapAt(index, least)
      index = least
    }
  }
}
