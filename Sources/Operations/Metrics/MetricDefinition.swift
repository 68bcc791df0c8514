/// What a series of numbers means to Prometheus.
package enum MetricKind: Equatable, Sendable {
  /// Only grows; the name ends in `_total`.
  case counter
  case gauge
  /// Upper bounds of the buckets, rising; `+Inf` is added.
  case histogram(bounds: [Double])

  /// The word on the TYPE line.
  package var name: String {
    switch self {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }
}

/// A label and the values it may have.
package enum MetricLabel: Equatable, Sendable {
  /// A peer's id: its series appear when the peer is declared.
  case site
  /// One of a fixed list: every value exists from the start. With `other` in the list unknown
  /// values are counted there; without, an unknown value is our bug.
  case oneOf(name: String, values: [String])
  /// Set once at start, such as a version.
  case constant(name: String)

  /// The label as it stands in the braces.
  package var name: String {
    switch self {
    case .site: "site"
    case .oneOf(let name, _): name
    case .constant(let name): name
    }
  }
}

/// What is declared about one metric, before any value exists.
package struct MetricDefinition: Equatable, Sendable {
  package let name: String
  package let kind: MetricKind
  package let labels: [MetricLabel]
  package let help: String

  init(_ name: String, _ kind: MetricKind, _ labels: [MetricLabel] = [], _ help: String) {
    self.name = name
    self.kind = kind
    self.labels = labels
    self.help = help
  }

  /// Every combination of label values known before the first event; nil when a label has none.
  func knownCombinations(site: String?) -> [[String]]? {
    var combinations: [[String]] = [[]]
    for label in labels {
      let values: [String]
      switch label {
      case .site:
        guard let site else { return nil }
        values = [site]
      case .oneOf(_, let listed): values = listed
      case .constant: return nil
      }
      combinations = combinations.flatMap { head in values.map { head + [$0] } }
    }
    return combinations
  }

  var hasSite: Bool { labels.contains(.site) }
}
