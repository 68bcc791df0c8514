/// One direction of a line, as a pure value: what becomes of each packet, and when.
///
/// What chance decides depends on the seed and the number of the packet alone, so the same packets
/// meet the same fate; only what a full queue drops depends on time. Times are nanoseconds of a
/// monotonic clock.
struct Line {
  struct Shape {
    var lossPerMille = 0
    var reorderPerMille = 0
    var duplicatePerMille = 0
    /// One way, after the queue.
    var delay: UInt64 = 0
    /// At most so much is added; packets keep their order.
    var jitter: UInt64 = 0
    /// How long a packet that others overtake is kept back.
    var reorderDelay: UInt64 = 5_000_000
    var bitsPerSecond: UInt64 = 100_000_000
    /// What waits for its turn at most, in bytes; a packet beyond that is dropped.
    var queueByteCount: UInt64 = 64 * 1_500
  }

  struct Counters {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    var lost: UInt64 = 0
    var overflowed: UInt64 = 0
    var silenced: UInt64 = 0
    var reordered: UInt64 = 0
    var duplicated: UInt64 = 0
    var mostQueuedBytes: UInt64 = 0
  }

  private let shape: Shape
  private var random: SplitMix64
  private(set) var counters = Counters()
  /// While true every packet is dropped: a line that is open one way only.
  var isSilent = false
  private var queue = DueQueue()
  /// When the line has carried what it was given so far.
  private var freeAt: UInt64 = 0
  private var lastArrival: UInt64 = 0

  init(_ shape: Shape, seed: UInt64) {
    self.shape = shape
    random = SplitMix64(state: seed)
  }

  /// When the next packet arrives; nil when none is under way.
  var nextDue: UInt64? { queue.first?.due }

  mutating func take(_ packet: [UInt8], now: UInt64) {
    counters.packets += 1
    // Always as many draws, whatever comes of them.
    let isLost = random.hits(shape.lossPerMille)
    let isReordered = random.hits(shape.reorderPerMille)
    let isDuplicated = random.hits(shape.duplicatePerMille)
    let jitter = shape.jitter == 0 ? 0 : random.next() % (shape.jitter + 1)
    if isSilent {
      counters.silenced += 1
      return
    }
    let waiting = freeAt > now ? (freeAt - now) * shape.bitsPerSecond / 8_000_000_000 : 0
    guard waiting + UInt64(packet.count) <= shape.queueByteCount else {
      counters.overflowed += 1
      return
    }
    counters.mostQueuedBytes = max(counters.mostQueuedBytes, waiting + UInt64(packet.count))
    counters.bytes += UInt64(packet.count)
    freeAt = max(freeAt, now) + UInt64(packet.count) * 8_000_000_000 / shape.bitsPerSecond
    // What is lost is lost on the way: it has used the line.
    if isLost {
      counters.lost += 1
      return
    }
    let arrival = freeAt + shape.delay + jitter
    if isReordered {
      counters.reordered += 1
      queue.add(packet, due: arrival + shape.reorderDelay)
    } else {
      lastArrival = max(lastArrival, arrival)
      queue.add(packet, due: lastArrival)
    }
    if isDuplicated {
      counters.duplicated += 1
      queue.add(packet, due: lastArrival)
    }
  }

  /// The next packet that has arrived by now.
  mutating func arrived(by now: UInt64) -> [UInt8]? {
    guard let due = nextDue, due <= now else { return nil }
    return queue.removeFirst()
  }
}

/// Sebastiano Vigna's generator: a state of one word, one word a step.
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func hits(_ perMille: Int) -> Bool { next() % 1_000 < UInt64(perMille) }
}

/// Packets by the time they are due, those of one time in the order they came: a binary heap.
struct DueQueue {
  struct Item {
    let due: UInt64
    let number: UInt64
    let packet: [UInt8]

    func isBefore(_ other: Item) -> Bool { (due, number) < (other.due, other.number) }
  }

  private var items: [Item] = []
  private var addedCount: UInt64 = 0

  var first: Item? { items.first }

  mutating func add(_ packet: [UInt8], due: UInt64) {
    addedCount += 1
    items.append(Item(due: due, number: addedCount, packet: packet))
    var index = items.count - 1
    while index > 0, items[index].isBefore(items[(index - 1) / 2]) {
      items.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// - Precondition: it is not empty.
  mutating func removeFirst() -> [UInt8] {
    items.swapAt(0, items.count - 1)
    let packet = items.removeLast().packet
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < items.count {
        if items[child].isBefore(items[least]) { least = child }
      }
      guard least != index else { return packet }
      items.swapAt(index, least)
      index = least
    }
  }
}
