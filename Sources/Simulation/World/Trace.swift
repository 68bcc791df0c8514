import Replication

/// What happened, in order: a hash over everything, and texts for whoever listens.
struct Trace {
  /// FNV-1a over every event's time, every piece that arrived and every head that was committed:
  /// two runs of one seed must agree.
  private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  /// Gets each event as it happens.
  var listener: ((String) -> Void)?

  var isListening: Bool { listener != nil }

  mutating func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }

  func note(_ now: Instant, _ text: String) {
    listener?("\(now.nanoseconds / 1_000) \(text)")
  }
}
