import Testing

@testable import Replication

/// What waits for a repair, what goes first afterwards, and what is never done.
@Suite struct WaitingWritesTests {
  struct Job: SessionJob, Equatable, ExpressibleByStringLiteral {
    let name: String
    /// "a1": the first session of site a; a lone word is nobody's.
    let session: SessionNumber?
    let peer: SiteID?
    let opensLink: Bool

    /// "a1 write", "a2 opens", "request".
    init(stringLiteral name: String) {
      self.name = name
      let words = name.split(separator: " ")
      opensLink = words.last == "opens"
      guard words.count == 2, let site = words[0].first, let number = UInt64(words[0].dropFirst())
      else {
        (session, peer) = (nil, nil)
        return
      }
      let base = site == "a" ? UInt64(100) : 200
      session = SessionNumber(base + number)
      peer = SiteID("tinh-\(site)")
    }
  }

  private var waiting = WaitingWrites<Job>()

  private mutating func wait(_ job: Job) throws {
    waiting.wait(job, of: try #require(job.session))
  }

  @Test mutating func whatComesBehindWaitsTooAndGoesFirstAfterwards() throws {
    #expect(waiting.sort(["a1 first", "request", "b1 first"]).ready.count == 3)
    try wait("a1 first")
    let (ready, orphans) = waiting.sort(["a1 second", "b1 second", "request", "a1 third"])
    #expect(ready == ["b1 second", "request"] && orphans == [])
    #expect(waiting.release() == ["a1 first", "a1 second", "a1 third"])
    #expect(waiting.jobs == [] && waiting.release() == [])
    #expect(waiting.sort(["a1 fourth"]).ready == ["a1 fourth"])
  }

  @Test mutating func aNewSessionGivesUpWhatAnEarlierOneHasWaiting() throws {
    try wait("a1 first")
    try wait("b1 first")
    let (ready, orphans) = waiting.sort(["a1 second", "a2 opens", "a1 third", "a2 write"])
    #expect(ready == ["a2 opens", "a2 write"] && orphans == ["a1 third"])
    #expect(waiting.release() == ["b1 first"])
    #expect(waiting.sort(["a1 fourth"]).orphans == ["a1 fourth"])
  }

  /// A whole group cannot say yet what will wait; job by job it can. Before, the writes of the old
  /// session came back after the new one had been told where it begins.
  @Test mutating func theOpeningMayStandInTheGroupThatBeginsToWait() throws {
    let group: [Job] = ["a1 damaged", "a1 second", "repair", "a2 opens"]
    #expect(waiting.sort(group).ready == group)
    var done: [Job] = []
    for job in group {
      for job in waiting.sort([job]).ready {
        if job == "a1 damaged" { try wait(job) } else { done.append(job) }
      }
    }
    #expect(done == ["repair", "a2 opens"])
    #expect(waiting.release() == [])
  }

  @Test mutating func nothingBehindARolledBackWriteIsDone() throws {
    waiting.rolledBack(["a1 first", "request"])
    let (ready, orphans) = waiting.sort(["a1 second", "request", "b1 first", "a2 opens"])
    #expect(ready == ["request", "b1 first", "a2 opens"] && orphans == ["a1 second"])
  }
}
