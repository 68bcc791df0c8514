import Testing

@testable import Daemon

@Suite("Work that nobody waits for")
struct BackgroundPaceTests {
  @Test(
    "takes a fiftieth of its thread, rests at least as told, and never longer than the bound",
    arguments: [
      (work: Duration.zero, rest: Duration.milliseconds(100)),
      (.milliseconds(2), .milliseconds(100)),
      (.milliseconds(10), .milliseconds(490)),
      (.seconds(60), .seconds(10)),
    ])
  func rests(work: Duration, rest: Duration) {
    #expect(BackgroundPace.rest(after: work, atLeast: .milliseconds(100)) == rest)
  }
}
