import Replication

/// What happened, in order: a hash over everything, and the last events for whoever reads a
/// failure.
struct Trace {
  static let keptCount = 50

  /// FNV-1a over every event's text: two runs of one seed must agree.
  private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var count = 0
  private var kept: [String] = []
  /// Gets each event as it happens; for `--verbose`.
  var listener: ((String) -> Void)?

  mutating func note(_ now: Instant, _ text: String) {
    let line = "\(now.nanoseconds / 1_000) \(text)"
    for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    count += 1
    kept.append(line)
    if kept.count >= 2 * Self.keptCount { kept.removeFirst(Self.keptCount) }
    listener?(line)
  }

  /// The last events, oldest first.
  var last: [String] { Array(kept.suffix(Self.keptCount)) }
}
