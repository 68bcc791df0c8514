import Operations
import Replication
import Testing

extension DaemonTests {
  /// Promise 6 by trials on real daemons: an older copy of a site's disk is put back under load.
  @Suite struct RollbackTests {
    /// One in the suite; a longer proof is asked for with DONGBO_ROLLBACK_TRIALS=20.
    private static var trialCount: Int {
      environmentValue("DONGBO_ROLLBACK_TRIALS").flatMap { Int($0) } ?? 1
    }

    @Test(arguments: [RollbackTrial.province, Lab.centre], OlderCopy.allCases)
    func nothingIsLostDoubledOrGivenTwice(victim: String, variant: OlderCopy) throws {
      let trial = try RollbackTrial(victim: victim, variant)
      for _ in 0..<Self.trialCount { try trial.run() }
      let tally = trial.tally
      #expect(tally.lost == [])
      #expect(tally.doubled == [])
      #expect(tally.reused == [])
      #expect(tally.writtenLocked == [])
      #expect(tally.okCount > 0)
      // The line of the table, where the run's own log goes.
      Logger.standardError(format: .logfmt, level: .info).log(
        .notice, "rollback.trials",
        [
          "site": .text(victim), "variant": .text(variant.rawValue),
          "trials": .integer(Int64(tally.trials)), "ok": .integer(Int64(tally.okCount)),
          "lost": .integer(Int64(tally.lost.count)),
          "doubled": .integer(Int64(tally.doubled.count)),
          "reused": .integer(Int64(tally.reused.count)),
          "gone-before-any-peer-had-it": .integer(Int64(tally.neverLeft.count)),
        ])
    }
  }
}
