import Replication

/// What is to happen, by virtual time; at one instant in the order in which it was planned.
struct EventQueue {
  struct Event {
    let time: Instant
    let number: UInt64
    let action: () -> Void

    func precedes(_ other: Event) -> Bool { (time, number) < (other.time, other.number) }
  }

  /// A binary heap: the event at `n` precedes those at `2n + 1` and `2n + 2`.
  private var heap: [Event] = []
  private var lastNumber: UInt64 = 0

  mutating func add(at time: Instant, _ action: @escaping () -> Void) {
    lastNumber += 1
    heap.append(Event(time: time, number: lastNumber, action: action))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].precedes(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes the first event; nil when nothing is left or the first lies after `end`.
  mutating func take(until end: Instant) -> Event? {
    guard let first = heap.first, first.time <= end else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].precedes(heap[least]) { least = child }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
