import Synchronization

/// All series of the catalogue. The lock guards the list of series only; values have their own.
package final class MetricRegistry: Sendable {
  /// What the HTTP response must say, to the letter: Prometheus 3 refuses anything else.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
  /// Of one metric: enough for 100 sites with all their labels. Above it new series are counted
  /// in `dongbo_metric_series_refused_total` and not shown.
  package static let maximumSeriesCount = 4096

  private let families: Mutex<[String: [[String]: MetricSeries]]>

  /// A registry in which every series whose labels are known exists, at 0.
  package init() {
    var initial: [String: [[String]: MetricSeries]] = [:]
    for metric in MetricDefinition.all {
      let known = metric.knownCombinations(site: nil) ?? []
      initial[metric.name] = Dictionary(
        uniqueKeysWithValues: known.map { ($0, MetricSeries(metric.kind, $0)) })
    }
    families = Mutex(initial)
  }

  /// Makes all series of a peer exist, so that none appears only with its first event.
  package func declare(site: String) {
    for metric in MetricDefinition.all where metric.hasSite {
      for values in metric.knownCombinations(site: site) ?? [] { _ = series(metric, values) }
    }
  }

  /// The series with these label values, in the order of the definition.
  package func series(_ metric: MetricDefinition, _ values: [String] = []) -> MetricSeries {
    precondition(values.count == metric.labels.count, "\(metric.name) with labels \(values)")
    let values = zip(metric.labels, values).map { label, value in bounded(value, label, metric) }
    let (found, refused) = families.withLock { families in
      precondition(families[metric.name] != nil, "\(metric.name) is not in the catalogue")
      if let found = families[metric.name]?[values] { return (found, false) }
      let created = MetricSeries(metric.kind, values)
      guard families[metric.name, default: [:]].count < Self.maximumSeriesCount else {
        return (created, true)
      }
      families[metric.name, default: [:]][values] = created
      return (created, false)
    }
    if refused { series(.seriesRefused).add() }
    return found
  }

  /// Sets the series of an enumerated state: 1 for `current`, 0 for its other values. `leading`
  /// are the label values before the state.
  package func setState(_ metric: MetricDefinition, _ leading: [String] = [], to current: String) {
    guard case .oneOf(_, let values)? = metric.labels.last else {
      preconditionFailure("\(metric.name) has no state label")
    }
    for value in values { series(metric, leading + [value]).set(value == current ? 1 : 0) }
  }

  /// The page for Prometheus. `refresh` runs first: what is read at scrape time (lag, free disk,
  /// process figures) is set there.
  package func render(refresh: (MetricRegistry) -> Void = { _ in }) -> [UInt8] {
    refresh(self)
    let snapshot = families.withLock { $0 }
    var page = ""
    for metric in MetricDefinition.all {
      let series = (snapshot[metric.name] ?? [:]).values
        .sorted { $0.labelValues.lexicographicallyPrecedes($1.labelValues) }
      page += "# HELP \(metric.name) \(escapedHelp(metric.help))\n"
      page += "# TYPE \(metric.name) \(metric.kind.name)\n"
      for one in series { append(metric, one, to: &page) }
    }
    return Array(page.utf8)
  }

  private func bounded(
    _ value: String, _ label: MetricLabel, _ metric: MetricDefinition
  ) -> String {
    guard case .oneOf(_, let values) = label, !values.contains(value) else { return value }
    precondition(values.contains("other"), "\(metric.name){\(label.name)=\(value)}")
    return "other"
  }

  private func append(_ metric: MetricDefinition, _ series: MetricSeries, to page: inout String) {
    let state = series.snapshot()
    let pairs = zip(metric.labels, series.labelValues).map { label, value in
      "\(label.name)=\"\(escapedLabel(value))\""
    }
    let labels = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
    guard case .histogram(let bounds) = metric.kind else {
      page += "\(metric.name)\(labels) \(number(state.value))\n"
      return
    }
    var count: UInt64 = 0
    for (bound, observed) in zip(bounds + [.infinity], state.buckets) {
      count += observed
      let with = (pairs + ["le=\"\(number(bound))\""]).joined(separator: ",")
      page += "\(metric.name)_bucket{\(with)} \(count)\n"
    }
    page += "\(metric.name)_sum\(labels) \(number(state.value))\n"
    page += "\(metric.name)_count\(labels) \(count)\n"
  }
}

private func number(_ value: Double) -> String {
  if value.isNaN { return "NaN" }
  if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
  return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
}

private func escapedHelp(_ text: String) -> String { escaped(text, quote: false) }

private func escapedLabel(_ text: String) -> String { escaped(text, quote: true) }

private func escaped(_ text: String, quote: Bool) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\"" where quote: result += "\\\""
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
