import Replication

@testable import Storage

/// SplitMix64.
struct SampleNumbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

enum IndexSamples {
  /// Items of which many share a key, and some all but the last word. None is a summary.
  static func items(_ count: Int, _ numbers: inout SampleNumbers, keyCount: UInt64 = 40)
    -> [IndexItem]
  {
    (0..<count).map { _ in
      let key = SampleNumbers(state: UInt64.random(in: 0..<keyCount, using: &numbers))
      var words = key
      return IndexItem(
        words.next() & ~(1 << 60), words.next() & ~0xff | UInt64.random(in: 0...2, using: &numbers),
        UInt64.random(in: 0...3, using: &numbers), UInt64.random(in: 0...1 << 20, using: &numbers))
    }
  }

  static func sorted(_ items: [IndexItem]) -> [IndexItem] { Array(Set(items)).sorted() }

  /// A whole segment of these items, which must be sorted.
  static func build(_ items: [IndexItem]) -> SegmentBuilder {
    var builder = SegmentBuilder()
    for item in items { builder.append(item) }
    builder.finish()
    return builder
  }
}
