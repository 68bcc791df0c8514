/// Items that no segment has yet: in the order they came, and a table that finds the newest of a
/// key. Swift's own dictionary costs three times as much for keys that are hashes for the most
/// part.
struct PendingItems: Sendable {
  private static let initialSlotCount = 1 << 10

  private(set) var items: [IndexItem] = []
  /// The item before of the same key; -1: none.
  private var previous: [Int32] = []
  /// The newest item of a key, at its hash or behind it; -1: none. At most half are taken.
  private var slots = [Int32](repeating: -1, count: initialSlotCount)
  private var takenCount = 0

  mutating func add(_ item: IndexItem) {
    if takenCount * 2 >= slots.count { grow() }
    let slot = slot(of: item.key)
    if slots[slot] < 0 { takenCount += 1 }
    previous.append(slots[slot])
    slots[slot] = Int32(items.count)
    items.append(item)
  }

  /// Adds the items of the key to `found`, the newest first.
  func collect(_ key: IndexKey, into found: inout [IndexItem]) {
    if items.isEmpty { return }
    var index = slots[slot(of: key)]
    while index >= 0 {
      found.append(items[Int(index)])
      index = previous[Int(index)]
    }
  }

  /// Ascending, each once.
  var sorted: [IndexItem] { items.sorted().withoutRepeats() }

  /// The same; nothing is pending then.
  mutating func takeSorted() -> [IndexItem] {
    items.sort()
    let sorted = items.withoutRepeats()
    removeAll()
    return sorted
  }

  mutating func removeAll() {
    if items.isEmpty { return }
    self = PendingItems()
  }

  /// Where the key is, or would go.
  private func slot(of key: IndexKey) -> Int {
    let mask = slots.count - 1
    let hash = (key.high ^ key.low) &* 0x9e37_79b9_7f4a_7c15
    var slot = Int(truncatingIfNeeded: hash >> 32) & mask
    while slots[slot] >= 0, items[Int(slots[slot])].key != key { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let newest = slots.filter { $0 >= 0 }
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for index in newest { slots[slot(of: items[Int(index)].key)] = index }
  }
}

extension [IndexItem] {
  /// Of a sorted array, each element once.
  func withoutRepeats() -> [IndexItem] {
    var unique: [IndexItem] = []
    unique.reserveCapacity(count)
    for item in self where unique.last != item { unique.append(item) }
    return unique
  }
}
