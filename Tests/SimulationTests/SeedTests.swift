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
        Issue.record(Comment(rawValue: Self.text(of: report)))
      }
    }
  }

  @Test func aLargerWorldKeepsEveryPromise() {
    for seed in UInt64(500)...503 {
      let report = SeedRun(seed: seed, siteCount: 5, operationCount: 50).run()
      if !report.isGood {
        Issue.record(Comment(rawValue: Self.text(of: report)))
      }
    }
  }

  @Test(arguments: [UInt64(3), 9, 44]) func aSeedIsOneWorld(seed: UInt64) {
    let run = SeedRun(seed: seed, operationCount: 20)
    let first = run.run()
    #expect(first.traceHash == run.run().traceHash)
    #expect(first.traceHash != SeedRun(seed: seed + 1, operationCount: 20).run().traceHash)
    #expect(first.okCount > 0)
  }

  private static func text(of report: SeedReport) -> String {
    ([report.summary] + report.failures + [report.run.command]).joined(separator: "\n")
  }

  /// A country's worth of provinces; a hundred are run by `dongbo-sim --sites 101`.
  @Test func aCountryKeepsEveryPromise() {
    let report = SeedRun(seed: 34, siteCount: 35, operationCount: 60).run()
    #expect(report.isGood, Comment(rawValue: report.failures.joined(separator: "\n")))
    #expect(report.okCount > 0)
  }

  /// Each was a bug once: the seed that found it, made small.
  @Test(arguments: [
    // A session opened before another of its site wrote resumed at what it had quoted, and wiped
    // out the proof that a clone had written: its origin never took the clone's entries back.
    (UInt64(138), 7, 146, "slow-line,kill,full-disk,clone,late-site"),
    (UInt64(39), 6, 238, "slow-line,kill,power-loss,clone,late-site,narrow-limits"),
  ]) func whatWasFoundOnceStaysMended(
    seed: UInt64, sites: Int, operations: Int, faults: String
  ) throws {
    let faults = try #require(Fault.list(faults))
    let run = SeedRun(
      seed: seed, siteCount: sites, operationCount: operations, faults: faults)
    let failures = run.run().failures
    #expect(failures.isEmpty, Comment(rawValue: failures.joined(separator: "\n")))
  }

  /// O8: nothing is told of trouble where there is none.
  @Test(arguments: [UInt64(5), 6]) func aRunWithoutFaultsShowsNone(seed: UInt64) {
    let report = SeedRun(seed: seed, siteCount: 5, operationCount: 40, faults: []).run()
    #expect(report.failures == [] && report.symptoms.listed.isEmpty)
    #expect(report.injected.listed.isEmpty)
  }

  /// What is left out leaves the others as they are, and a command says all of it.
  @Test func aReportSurvivesItsLine() throws {
    let run = SeedRun(seed: 7, siteCount: 4, operationCount: 20, faults: [.kill, .jitter])
    let report = run.run()
    let read = try #require(SeedReport(json: report.json))
    #expect(read.run == run && read.json == report.json)
    #expect(Fault.list("kill,jitter") == [.jitter, .kill])
    #expect(Fault.list("none") == [] && Fault.list("kill,unknown") == nil)
    #expect(run.command.contains("--faults jitter,kill --verbose"))
  }

  @Test func aFailureIsMadeSmall() {
    let run = SeedRun(seed: 9, siteCount: 9, operationCount: 200, faults: [.kill, .jitter, .clone])
    let smallest = Shrinking.smallest(of: run) { run in
      run.operationCount >= 12 && run.faults.contains(.clone) && run.siteCount >= 3
    }
    #expect(smallest.operationCount == 12 && smallest.siteCount == 3)
    #expect(smallest.faults == [.clone])
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
