import Operations
import Testing

private func page(_ registry: MetricRegistry) -> [String] {
  String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
}

private let labelLetters = Set("abcdefghijklmnopqrstuvwxyz_")

@Test(arguments: MetricDefinition.all)
func namesFollowPrometheus(metric: MetricDefinition) {
  #expect(metric.name.hasPrefix("dongbo_") || metric.name.hasPrefix("process_"))
  #expect(metric.name.allSatisfy(labelLetters.contains), "\(metric.name)")
  #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
  for suffix in ["_count", "_sum", "_bucket", "_milliseconds", "_ms", "_kilobytes", "_minutes"] {
    #expect(!metric.name.hasSuffix(suffix), "\(metric.name)")
  }
  #expect(!metric.help.isEmpty && !metric.help.contains("\n"))
  for label in metric.labels {
    #expect(label.name.allSatisfy(labelLetters.contains) && label.name != "le")
    #expect(!label.name.hasPrefix("__"))
  }
  #expect(Set(metric.labels.map(\.name)).count == metric.labels.count)
  if case .histogram(let bounds) = metric.kind {
    #expect(bounds == bounds.sorted() && Set(bounds).count == bounds.count)
    #expect(metric.name.hasSuffix("_seconds") || metric.name.hasSuffix("_entries"))
  }
}

@Test func metricNamesAreUnique() {
  #expect(Set(MetricDefinition.all.map(\.name)).count == MetricDefinition.all.count)
}

@Test func everyKnownPairExistsFromTheStart() {
  let registry = MetricRegistry()
  let start = page(registry)
  #expect(start.contains("dongbo_refused_connections_total{reason=\"tls-certificate-revoked\"} 0"))
  #expect(start.contains("dongbo_conflicts_open{kind=\"finance\"} 0"))
  #expect(start.contains("dongbo_commit_duration_seconds_bucket{le=\"+Inf\"} 0"))
  #expect(!start.contains { $0.contains("site=\"") })
  registry.declare(site: "lang-son")
  let declared = page(registry)
  for lane in ["normal", "urgent"] {
    for direction in ["sent", "received"] {
      let labels = "{site=\"lang-son\",lane=\"\(lane)\",direction=\"\(direction)\"}"
      #expect(declared.contains("dongbo_replication_entries_total\(labels) 0"))
    }
  }
}

@Test func valuesAreRendered() {
  let registry = MetricRegistry()
  registry.series(.buildInfo, ["1.0", "a\"b\\c\nd", "6.3", "centre"]).set(1)
  let sent = registry.series(.entries, ["ca-mau", "urgent", "sent"])
  sent.add(41)
  sent.add()
  registry.series(.lagEntries, ["ca-mau", "urgent", "received"]).set(nil)
  registry.series(.refusedEntries, ["nobody listed this"]).add()
  registry.setState(.linkState, ["ca-mau"], to: "streaming")
  let lines = page(registry)
  #expect(
    lines.contains(
      #"dongbo_build_info{version="1.0",commit="a\"b\\c\nd",swift="6.3",role="centre"} 1"#))
  for line in [
    #"dongbo_replication_entries_total{site="ca-mau",lane="urgent",direction="sent"} 42"#,
    #"dongbo_replication_lag_entries{site="ca-mau",lane="urgent",direction="received"} NaN"#,
    #"dongbo_refused_entries_total{reason="other"} 1"#,
    #"dongbo_link_state{site="ca-mau",state="streaming"} 1"#,
    #"dongbo_link_state{site="ca-mau",state="never"} 0"#,
    "# TYPE dongbo_commit_duration_seconds histogram",
  ] { #expect(lines.contains(line), "\(line)") }
  #expect(MetricRegistry.contentType == "text/plain; version=0.0.4; charset=utf-8")
}

@Test func histogramsCumulate() {
  let registry = MetricRegistry()
  let groups = registry.series(.groupEntries)
  for count in [1.0, 2, 2, 7, 5000] { groups.observe(count) }
  registry.series(.commitDuration).observe(.milliseconds(3))
  let lines = page(registry)
  for line in [
    "dongbo_commit_group_entries_bucket{le=\"1\"} 1",
    "dongbo_commit_group_entries_bucket{le=\"2\"} 3",
    "dongbo_commit_group_entries_bucket{le=\"10\"} 4",
    "dongbo_commit_group_entries_bucket{le=\"2000\"} 4",
    "dongbo_commit_group_entries_bucket{le=\"+Inf\"} 5",
    "dongbo_commit_group_entries_sum 5012", "dongbo_commit_group_entries_count 5",
    "dongbo_commit_duration_seconds_bucket{le=\"0.0025\"} 0",
    "dongbo_commit_duration_seconds_bucket{le=\"0.005\"} 1",
  ] { #expect(lines.contains(line), "\(line)") }
}

@Test func seriesAreBounded() {
  let registry = MetricRegistry()
  for number in 0...MetricRegistry.maximumSeriesCount {
    registry.series(.linkLastContact, ["s\(number)"]).set(1)
  }
  let lines = page(registry)
  #expect(lines.contains("dongbo_metric_series_refused_total 1"))
  #expect(
    lines.count { $0.hasPrefix("dongbo_link_last_contact") } == MetricRegistry.maximumSeriesCount)
}

@Test func threadsDoNotLoseCounts() async {
  let registry = MetricRegistry()
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
      group.addTask {
        for _ in 0..<1000 { registry.series(.refusedEntries, ["malformed"]).add() }
      }
    }
  }
  #expect(page(registry).contains("dongbo_refused_entries_total{reason=\"malformed\"} 8000"))
}

@Test func processFiguresComeFromTheKernel() throws {
  let figures = try #require(ProcessFigures.read())
  #expect(figures.residentByteCount > 1_000_000 && figures.openDescriptorCount >= 3)
  #expect(figures.startTime > 1_500_000_000)
  let registry = MetricRegistry()
  let rendered = registry.render { figures.publish(to: $0) }
  #expect(!String(decoding: rendered, as: UTF8.self).contains("process_open_fds 0\n"))
}
