import Synchronization

/// One series: a metric with all its label values. Any thread may update it; each update takes
/// one uncontended lock, so keep the series at hand instead of looking it up again.
package final class MetricSeries: Sendable {
  let labelValues: [String]
  private let kind: MetricKind
  private let state: Mutex<State>

  struct State: Equatable, Sendable {
    /// The value; of a histogram the sum of what was observed.
    var value: Double = 0
    /// Observations per bucket, not cumulated; the last is above all bounds.
    var buckets: [UInt64] = []
  }

  init(_ kind: MetricKind, _ labelValues: [String]) {
    self.kind = kind
    self.labelValues = labelValues
    var initial = State()
    if case .histogram(let bounds) = kind {
      initial.buckets = Array(repeating: 0, count: bounds.count + 1)
    }
    state = Mutex(initial)
  }

  /// Adds to a counter; a negative amount is our bug.
  package func add(_ amount: Double = 1) {
    precondition(kind == .counter && amount >= 0, "add \(amount) to a \(kind.name)")
    state.withLock { $0.value += amount }
  }

  /// Adds a number of entries or bytes to a counter.
  package func add(_ amount: Int) { add(Double(amount)) }

  /// Sets a gauge; nil is "cannot be known from here" and shows as NaN, never as 0.
  package func set(_ value: Double?) {
    precondition(kind == .gauge, "set a \(kind.name)")
    state.withLock { $0.value = value ?? .nan }
  }

  /// Sets a counter to a total kept elsewhere, such as the kernel's CPU time.
  package func set(total: Double) {
    precondition(kind == .counter, "total of a \(kind.name)")
    state.withLock { $0.value = max($0.value, total) }
  }

  /// Counts an observation in a histogram.
  package func observe(_ value: Double) {
    guard case .histogram(let bounds) = kind else { preconditionFailure("observe a \(kind.name)") }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock {
      $0.value += value
      $0.buckets[bucket] += 1
    }
  }

  /// Counts a duration in a histogram of seconds.
  package func observe(_ duration: Duration) { observe(duration.inSeconds) }

  func snapshot() -> State { state.withLock { $0 } }
}

extension Duration {
  /// Seconds with their fraction.
  package var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
