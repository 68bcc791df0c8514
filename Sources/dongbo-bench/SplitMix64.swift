/// A seeded generator: the same seed gives the same numbers on every machine and for ever.
struct SplitMix64: Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number below `bound`; the bias of one in 2^64 is nothing to a workload.
  mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "bound \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  mutating func pick<Element>(_ items: [Element]) -> Element { items[below(items.count)] }

  /// In 0..<1.
  mutating func fraction() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

  /// Triangular: most often near `mode`.
  mutating func triangular(_ low: Double, _ high: Double, mode: Double) -> Double {
    let fraction = fraction()
    let split = (mode - low) / (high - low)
    return fraction < split
      ? low + (fraction * (high - low) * (mode - low)).squareRoot()
      : high - ((1 - fraction) * (high - low) * (high - mode)).squareRoot()
  }
}
