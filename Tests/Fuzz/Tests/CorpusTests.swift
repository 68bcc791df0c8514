import Testing

/// Every seed, and every input that was once a fault, through the checks of the fuzzer; and some
/// damage of each, so that a broken decoder does not wait for the next long run.
@Suite struct CorpusTests {
  @Test(arguments: FuzzTarget.all.map(\.name)) func seedsHold(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let seeds = try target.seeds()
    #expect(!seeds.isEmpty)
    let check = try target.makeCheck()
    for seed in seeds {
      do { try check(seed.bytes) } catch { Issue.record("\(name)/\(seed.name): \(error)") }
    }
  }

  @Test(arguments: FuzzTarget.all.map(\.name)) func damageHolds(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let check = try target.makeCheck()
    for seed in try target.seeds() where !seed.bytes.isEmpty {
      var chance = InputChance(seed.bytes)
      for _ in 0..<40 {
        let damaged = damaged(seed.bytes, &chance)
        do { try check(damaged) } catch {
          Issue.record("\(name)/\(seed.name) damaged to \(damaged): \(error)")
        }
      }
    }
  }

  /// One byte changed, a run left out, or a run repeated.
  private func damaged(_ bytes: [UInt8], _ chance: inout InputChance) -> [UInt8] {
    var bytes = bytes
    let start = chance.below(bytes.count)
    let end = min(bytes.count, start + 1 + chance.below(8))
    switch chance.below(3) {
    case 0: bytes[start] = UInt8(truncatingIfNeeded: chance.below(256))
    case 1: bytes.removeSubrange(start..<end)
    default: bytes.insert(contentsOf: bytes[start..<end], at: start)
    }
    return bytes
  }
}
