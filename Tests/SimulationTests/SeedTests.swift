import Replication
import Testing

@testable import Simulation

@Suite struct SeedTests {
  /// More are run by `dongbo-sim`, and a night's worth in the pipeline.
  @Test(arguments: [UInt64(1), 101, 201, 301])
  func smallWorldsKeepEveryPromise(first: UInt64) {
    for seed in first..<first + 16 {
      let report = SeedRun(seed: seed, siteCount: 3, operationCount: 20).run()
      if !report.isGood {
        Issue.record(Comment(rawValue: ([report.summary] + report.failures + [report.run.command]).joined(separator: "\n"))) }
    }
  }

  @Test func aLargerWorldKeepsEveryPromise() {
    for seed in UInt64(500)...503 {
      let report = SeedRun(seed: seed, siteCount: 5, operationCount: 50).run()
      if !report.isGood {
        Issue.record(Comment(rawValue: ([report.summary] + report.failures + [report.run.command]).joined(separator: "\n"))) }
    }
  }

  @Test(arguments: [UInt64(3), 9, 44]) func aSeedIsOneWorld(seed: UInt64) {
    let run = SeedRun(seed: seed, operationCount: 20)
    let first = run.run()
    #expect(first.traceHash == run.run().traceHash)
    #expect(first.traceHash != SeedRun(seed: seed + 1, operationCount: 20).run().traceHash)
    #expect(first.okCount > 0)
  }

  /// The oracles themselves: each must see the harm that it is there for.
  @Test func oraclesSeeHarm() throws {
    let world = SimulatedWorld.small()
    let province = world.provinces[0]
    let old = province.store
    try world.writeVouchers(1...2, at: province)
    #expect(world.verdict().isEmpty)
    province.store = old
    world.judge()
    #expect(world.failures.contains { $0.hasPrefix("O1") })
    #expect(world.failures.contains { $0.hasPrefix("O4") })
    world.watchWire([1, 2] + SimulatedWorld.canary + [3])
    #expect(world.failures.contains { $0.hasPrefix("O5") })
    #expect(!SimulatedWorld.hasCanary(Array(SimulatedWorld.canary.dropLast())))
  }
}
