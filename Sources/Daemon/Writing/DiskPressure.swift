import Synchronization

/// When a site stops taking work for want of room, and when it begins again by itself.
///
/// Below the reserve applications get 507 and peers zero credit; acknowledgements, checkpoints,
/// outcomes and what a person orders are written from the reserve. A pure value: the reactor feeds
/// it what it measures.
struct DiskPressure: Hashable, Sendable {
  /// Room is back when this part of the reserve is free beyond it: a site at the edge would stop
  /// and go with every file that somebody else writes there.
  static let marginPart: UInt64 = 8

  private(set) var isFull = false

  /// - Parameters:
  ///   - free: bytes that this site may still write; nil when they cannot be measured, and nothing
  ///     changes then.
  ///   - reserve: bytes kept back.
  ///   - wasRefused: a write failed for want of room since the last look, whatever the file system
  ///     says is free: a quota, perhaps. It is tried again after the next look.
  /// - Returns: whether it changed.
  mutating func look(free: UInt64?, reserve: UInt64, wasRefused: Bool) -> Bool {
    let before = isFull
    if wasRefused {
      isFull = true
    } else if let free {
      let (enough, overflow) = reserve.addingReportingOverflow(reserve / Self.marginPart)
      isFull = isFull ? overflow || free < enough : free < reserve
    }
    return isFull != before
  }
}

/// Whether there is room to write, as last judged. Set by the reactor, read by anyone; the writer
/// says when a write was refused.
final class DiskGauge: Sendable {
  private struct State {
    var isFull = false
    var wasRefused = false
  }

  private let state = Mutex(State())

  var isFull: Bool { state.withLock { $0.isFull } }

  func set(isFull: Bool) { state.withLock { $0.isFull = isFull } }

  /// A write found no room: full at once, without waiting for the next look.
  func noteRefusal() {
    state.withLock { state in
      state.isFull = true
      state.wasRefused = true
    }
  }

  /// Whether a write was refused since this was asked last.
  func takeRefusal() -> Bool {
    state.withLock { state in
      defer { state.wasRefused = false }
      return state.wasRefused
    }
  }
}
