import Operations
import Replication
import Testing

extension DaemonTests {
  /// kill -9 under load: what was answered with OK is kept, at both ends, once (promises 1 to 3).
  @Suite struct KillTests {
    /// OK answers between two kills.
    private static let writesPerRound = 40
    /// Who is killed, in turn.
    private static let victims = [["lang-son"], [Lab.centre], ["lang-son", Lab.centre]]
    /// Three in the suite; a longer proof is asked for with DONGBO_KILL_ROUNDS=20.
    private static var roundCount: Int {
      environmentValue("DONGBO_KILL_ROUNDS").flatMap { Int($0) } ?? 3
    }

    @Test func everyWriteThatReturnedOKIsAtBothEndsOnce() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let load = try WriteLoad(at: "lang-son", in: lab, kind: "finance") { number in
        try Samples.voucher(number)
      }
      defer { load.stop() }
      for round in 0..<Self.roundCount {
        let victims = Self.victims[round % Self.victims.count]
        let before = load.acknowledged.count
        try eventually("\(Self.writesPerRound) writes before a kill") {
          load.acknowledged.count >= before + Self.writesPerRound
        }
        for victim in victims { try lab.kill9(victim) }
        for victim in victims { try lab.start(victim) }
      }
      load.stop()
      #expect(load.surprises == [])
      try lab.expectOnce(load.acknowledged.keys)
    }
  }
}
