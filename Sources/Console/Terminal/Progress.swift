import Replication

/// What to show of long work, and when: nothing in the first two seconds, then a bar on a terminal
/// or a line every ten seconds elsewhere. The caller brings the time.
struct Progress: Sendable {
  static let quietTime = Duration.seconds(2)
  static let terminalInterval = Duration.milliseconds(200)
  static let lineInterval = Duration.seconds(10)
  private static let barWidth = 30

  private let start: Instant
  private let isTerminal: Bool
  private let totalByteCount: Int?
  private var next: Instant

  /// - Parameter totalByteCount: of the input; nil when its end is not known.
  init(at start: Instant, isTerminal: Bool, totalByteCount: Int?) {
    self.start = start
    self.isTerminal = isTerminal
    self.totalByteCount = totalByteCount
    next = start + (isTerminal ? Self.quietTime : Self.lineInterval)
  }

  /// What to write to stderr now; nil: nothing.
  mutating func step(at now: Instant, itemCount: Int, byteCount: Int) -> String? {
    guard now >= next else { return nil }
    next = now + (isTerminal ? Self.terminalInterval : Self.lineInterval)
    let text = figures(at: now, itemCount: itemCount, byteCount: byteCount)
    return isTerminal ? "\r\u{1B}[K" + text : text + "\n"
  }

  /// Clears the bar and, after long work, says what was done.
  func end(at now: Instant, itemCount: Int, byteCount: Int) -> String? {
    guard now - start >= Self.quietTime else { return nil }
    let text = figures(at: now, itemCount: itemCount, byteCount: byteCount) + "\n"
    return isTerminal ? "\r\u{1B}[K" + text : text
  }

  private func figures(at now: Instant, itemCount: Int, byteCount: Int) -> String {
    let milliseconds = max(1, Int((now - start) / .milliseconds(1)))
    var text = "\(itemCount) · \(itemCount * 1000 / milliseconds)/s · \(milliseconds / 1000) s"
    guard let totalByteCount, totalByteCount > 0 else { return text }
    let share = min(byteCount, totalByteCount) * 100 / totalByteCount
    if isTerminal {
      let full = share * Self.barWidth / 100
      let bar =
        String(repeating: "#", count: full)
        + String(repeating: "-", count: Self.barWidth - full)
      text = "[\(bar)] " + text
    }
    if byteCount > 0, share < 100 {
      let left = (totalByteCount - min(byteCount, totalByteCount)) / 1024 * milliseconds
      text += " · ~\(left / max(1, byteCount / 1024) / 1000) s left"
    }
    return "\(share)% " + text
  }
}
