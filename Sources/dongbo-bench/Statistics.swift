/// The arithmetic of a run, apart from its clocks.
enum Statistics {
  /// The value that `percent` of the values do not exceed (nearest rank); nil of nothing.
  static func percentile(_ percent: Double, of values: [Double]) -> Double? {
    precondition((0...100).contains(percent), "percent \(percent)")
    guard !values.isEmpty else { return nil }
    let rank = Int((percent / 100 * Double(values.count)).rounded(.up))
    return values.sorted()[max(rank, 1) - 1]
  }

  /// The value in the middle, the upper of two; nil of nothing.
  static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }

  /// `count` in `nanoseconds`, a second; 0 when no time passed.
  static func rate(_ count: Int, nanoseconds: UInt64) -> Double {
    nanoseconds == 0 ? 0 : Double(count) * 1_000_000_000 / Double(nanoseconds)
  }

  /// When event `index` of an even stream of `rate` a second is due, in nanoseconds from its start.
  static func dueTime(_ index: Int, rate: Int) -> UInt64 {
    UInt64(index) * 1_000_000_000 / UInt64(rate)
  }

  /// `value` with `decimals` digits behind the point, rounded half away from zero.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    precondition((1...6).contains(decimals) && value.magnitude < 1e12, "\(value), \(decimals)")
    let scale = (0..<decimals).reduce(1) { power, _ in power * 10 }
    let scaled = Int64((value.magnitude * Double(scale)).rounded())
    let fraction = String(scaled % Int64(scale))
    let zeros = String(repeating: "0", count: decimals - fraction.utf8.count)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return "\(sign)\(scaled / Int64(scale)).\(zeros)\(fraction)"
  }
}
