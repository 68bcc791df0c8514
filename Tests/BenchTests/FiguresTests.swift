import Glibc
import Replication
import Testing

@testable import dongbo_bench

@Suite struct FiguresTests {
  static let percentiles: [(percent: Double, values: [Double], expected: Double)] = [
    (50, [3, 1, 2], 2), (99, [1, 2, 3], 3), (100, [1, 2], 2), (0, [5, 4], 4),
    (50, [1, 2, 3, 4], 2), (99, (1...200).map(Double.init), 198),
  ]

  @Test(arguments: percentiles)
  func percentileIsTheNearestRank(percent: Double, values: [Double], expected: Double) {
    #expect(Statistics.percentile(percent, of: values) == expected)
  }

  @Test func percentileOfNothingIsNone() { #expect(Statistics.percentile(50, of: []) == nil) }

  @Test func medianIsTheMiddle() {
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([4, 1, 2, 3]) == 3)
    #expect(Statistics.median([]) == nil)
  }

  @Test func figuresAreFoundByTheirKey() {
    var figures = Figures()
    figures.add("rate", 12.25, decimals: 1)
    figures.add("equal", word: "yes")
    var more = Figures()
    more.add("count", count: 7)
    figures.add(more)
    #expect(figures.number("rate") == 12.3)
    #expect(figures.number("count") == 7)
    #expect(figures.number("equal") == nil)
    #expect(figures.number("absent") == nil)
  }

  @Test func rateIsPerSecond() {
    #expect(Statistics.rate(500, nanoseconds: 250_000_000) == 2_000)
    #expect(Statistics.rate(500, nanoseconds: 0) == 0)
    #expect(Statistics.dueTime(3, rate: 200) == 15_000_000)
  }

  @Test(arguments: [
    (0.05, 1, "0.1"), (12, 3, "12.000"), (-0.04, 1, "0.0"), (-1.26, 1, "-1.3"),
    (99.996, 2, "100.00"), (0.007, 3, "0.007"),
  ])
  func numbersHaveTheirDecimals(value: Double, decimals: Int, text: String) {
    #expect(Statistics.fixed(value, decimals) == text)
  }

  @Test func figuresAreShownInOrder() {
    var figures = Figures()
    figures.add("second", 2, decimals: 1)
    figures.add("a", 0.25, decimals: 2)
    #expect(figures.json == "{\"second\":2.0,\"a\":0.25}\n")
    #expect(figures.text == "second  2.0\na       0.25\n")
    var others = Figures()
    others.add("count", count: 7)
    others.add("equal", word: "yes")
    #expect(others.json == "{\"count\":7,\"equal\":\"yes\"}\n")
  }

  @Test func cpuTimeIsReadBehindTheName() {
    let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20"
    #expect(ProcessUsage.cpuSeconds(stat: stat, ticksPerSecond: 100) == 2)
    #expect(ProcessUsage.cpuSeconds(stat: "42 (a", ticksPerSecond: 100) == nil)
    #expect(ProcessUsage.cpuSeconds(stat: "42 (a) S 1", ticksPerSecond: 100) == nil)
  }

  @Test func peakIsTheHighWaterMark() {
    let status = "Name:\tdongbod\nVmPeak:\t  9216 kB\nVmHWM:\t   6144 kB\nVmRSS:\t 1024 kB\n"
    #expect(ProcessUsage.peakMiB(status: status) == 6)
    #expect(ProcessUsage.residentMiB(status: status) == 1)
    #expect(ProcessUsage.peakMiB(status: "VmRSS:\t 1024 kB\n") == nil)
  }

  @Test func ownUsageCanBeRead() throws {
    let usage = try ProcessUsage.read(getpid())
    #expect(usage.peakMiB > 1)
  }

  @Test func seriesOfOneMetricAreSummed() {
    let page = MetricsPage(
      text: """
        # TYPE bytes_total counter
        bytes_total{site="a",lane="normal",direction="sent"} 1000
        bytes_total{site="a",lane="urgent",direction="received"} 24
        bytes_total_more{site="a"} 7
        plain 3

        """)
    #expect(page.sum("bytes_total") == 1_024)
    #expect(page.sum("bytes_total", with: "direction=\"sent\"") == 1_000)
    #expect(page.sum("plain") == 3)
    #expect(page.sum("absent") == 0)
  }
}
