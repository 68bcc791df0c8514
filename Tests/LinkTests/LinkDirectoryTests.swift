import Testing

@testable import Replication

@Suite struct LinkDirectoryTests {
  private let home = site("lang-son")
  private let first = SessionNumber(1)
  private let second = SessionNumber(2)
  private let third = SessionNumber(3)
  private let nonce = Bytes16(high: 0, low: 1)
  private let otherNonce = Bytes16(high: 0, low: 2)

  private func heldByFirst() -> SessionDirectory {
    var directory = SessionDirectory()
    #expect(directory.admit(first, site: home, nonce: nonce, now: seconds(1)) == .admit)
    return directory
  }

  @Test func theSameProcessReplacesItsSession() {
    var directory = heldByFirst()
    #expect(
      directory.admit(second, site: home, nonce: nonce, now: seconds(2))
        == .replace(first, refusing: nil))
    #expect(directory.holder(of: home) == second)
    #expect(directory.ended(first) == nil)
    #expect(directory.holder(of: home) == second)
  }

  /// What a session quotes was read when it opened: what another one writes after that it would wipe
  /// out by resuming there.
  @Test func aSessionOpenedBeforeAnotherWroteIsOutdated() {
    var directory = SessionDirectory()
    directory.wrote(site: home)
    directory.opened(second, site: home)
    directory.wrote(site: site("nghe-an"))
    #expect(!directory.isOutdated(second, site: home))
    directory.wrote(site: home)
    #expect(directory.isOutdated(second, site: home))
    directory.opened(third, site: home)
    #expect(!directory.isOutdated(third, site: home))
    #expect(directory.ended(second) == nil)
    #expect(!directory.isOutdated(second, site: home))
  }

  @Test func anAnswerMeansTwoHolders() {
    var directory = heldByFirst()
    #expect(
      directory.admit(second, site: home, nonce: otherNonce, now: seconds(2)) == .probe(first))
    #expect(directory.admit(third, site: home, nonce: otherNonce, now: seconds(2)) == .busy)
    #expect(directory.answered(first) == second)
    #expect(directory.answered(first) == nil)
    #expect(directory.expire(now: seconds(60)).isEmpty)
    #expect(directory.holder(of: home) == first)
  }

  @Test func silenceMeansReplace() {
    var directory = heldByFirst()
    _ = directory.admit(second, site: home, nonce: otherNonce, now: seconds(2))
    #expect(directory.nextDeadline == seconds(7))
    #expect(directory.expire(now: seconds(6)).isEmpty)
    let replaced = directory.expire(now: seconds(7))
    #expect(replaced.map(\.old) == [first] && replaced.map(\.new) == [second])
    #expect(directory.holder(of: home) == second)
    #expect(directory.nextDeadline == nil)
  }

  @Test func aNewDialOfTheHolderIsAnAnswer() {
    var directory = heldByFirst()
    _ = directory.admit(second, site: home, nonce: otherNonce, now: seconds(2))
    #expect(
      directory.admit(third, site: home, nonce: nonce, now: seconds(3))
        == .replace(first, refusing: second))
    #expect(directory.expire(now: seconds(60)).isEmpty)
    #expect(directory.holder(of: home) == third)
  }

  @Test func anEndedHolderLeavesTheSiteToItsChallenger() {
    var directory = heldByFirst()
    _ = directory.admit(second, site: home, nonce: otherNonce, now: seconds(2))
    #expect(directory.ended(first) == second)
    #expect(directory.holder(of: home) == second)
    #expect(directory.ended(second) == nil)
    #expect(directory.holder(of: home) == nil)
  }

  @Test func anEndedChallengerChangesNothing() {
    var directory = heldByFirst()
    _ = directory.admit(second, site: home, nonce: otherNonce, now: seconds(2))
    #expect(directory.ended(second) == nil)
    #expect(directory.nextDeadline == nil)
    #expect(directory.holder(of: home) == first)
  }

  @Test func waitsAreRandomBelowADoublingCeiling() {
    var random = TestRandom(state: 4)
    for _ in 0..<100 {
      var backoff = Backoff()
      for ceiling in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let wait = backoff.next(using: &random)
        #expect(wait >= .zero && wait <= .seconds(ceiling))
      }
    }
    var backoff = Backoff()
    let waits = Set((0..<50).map { _ in backoff.next(using: &random) })
    #expect(waits.count > 45)
    #expect(waits.contains { $0 > .seconds(32) })
  }

  /// A site without room for a note is not asked every second, and not forgotten when it has some.
  @Test func anOverloadedSiteIsLeftAloneForAWhile() {
    var random = TestRandom(state: 8)
    for (last, range) in [(60, 4...8), (2, 1...2)] as [(Int, ClosedRange<Int>)] {
      var backoff = Backoff()
      let waits = (0..<50).map { _ in
        backoff.nextWhenOverloaded(last: .seconds(last), using: &random)
      }
      let allowed = Duration.seconds(range.lowerBound)...Duration.seconds(range.upperBound)
      #expect(waits.allSatisfy(allowed.contains))
      #expect(Set(waits).count > 45)
    }
  }

  static let ceilings: [(first: Duration, last: Duration, milliseconds: [Int])] = [
    (.milliseconds(10), .seconds(1), [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]),
    (.seconds(2), .seconds(2), [2_000, 2_000]),
    (.seconds(60), .seconds(3_600), [60_000, 120_000, 240_000]),
  ]

  @Test(arguments: ceilings)
  func ceilingsAreThoseOfTheConfiguration(
    first: Duration, last: Duration, milliseconds: [Int]
  ) {
    var random = TestRandom(state: 6)
    var longest = milliseconds.map { _ in Duration.zero }
    for _ in 0..<200 {
      var backoff = Backoff()
      for index in milliseconds.indices {
        let wait = backoff.next(first: first, last: last, using: &random)
        #expect(wait >= .zero)
        longest[index] = max(longest[index], wait)
      }
    }
    // All of each range is drawn from, or nearly, and nothing above it.
    for (longest, ceiling) in zip(longest, milliseconds) {
      #expect(longest > .milliseconds(ceiling) * 0.9 && longest <= .milliseconds(ceiling))
    }
  }

  /// However long a series is, nothing overflows.
  @Test func aLongSeriesStaysAtItsLastWait() {
    var random = TestRandom(state: 7)
    var backoff = Backoff()
    for _ in 0..<1_000 {
      let wait = backoff.next(first: .seconds(60), last: .seconds(3_600), using: &random)
      #expect(wait <= .seconds(3_600))
    }
  }

  @Test func onlyASteadySessionEndsTheSeries() {
    var random = TestRandom(state: 5)
    var backoff = Backoff()
    for _ in 0..<5 { _ = backoff.next(using: &random) }
    backoff.sessionEnded(upFor: .milliseconds(9_999))
    #expect(backoff.failureCount == 5)
    backoff.sessionEnded(upFor: .seconds(10))
    #expect(backoff.failureCount == 0)
  }
}
