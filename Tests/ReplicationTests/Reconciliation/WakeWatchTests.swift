import Replication
import Testing

/// Law 5: a wake counts as a start.
@Suite struct WakeWatchTests {
  /// The wall clock and the monotonic one go on by so many seconds between two looks.
  struct Look: CustomTestStringConvertible, Sendable {
    let wall: Double
    let monotonic: Double
    let isWake: Bool
    var testDescription: String { "wall \(wall) s, monotonic \(monotonic) s" }
  }

  private static let start = 1_772_409_600.0

  private static func wall(_ seconds: Double) -> WallTime {
    WallTime(microseconds: UInt64(seconds * 1e6))
  }

  private static func monotonic(_ seconds: Double) -> Instant {
    Instant(nanoseconds: UInt64(seconds * 1e9))
  }

  /// Kills: a step backwards that counts for nothing; the wall clock compared with itself.
  @Test(arguments: [
    Look(wall: 0, monotonic: 0, isWake: false),
    Look(wall: 86_400, monotonic: 86_400, isWake: false),
    // A leap second, either way.
    Look(wall: 9, monotonic: 10, isWake: false),
    Look(wall: 11, monotonic: 10, isWake: false),
    Look(wall: 12, monotonic: 10, isWake: true),
    Look(wall: 8, monotonic: 10, isWake: true),
    // Suspended for an hour; a machine that was put back and had its clock set right at once.
    Look(wall: 3_601, monotonic: 1, isWake: true),
    Look(wall: -86_400, monotonic: 1, isWake: true),
    Look(wall: -start, monotonic: 0, isWake: true),
  ])
  func onlyAStepIsAWake(look: Look) {
    var watch = WakeWatch(wall: Self.wall(Self.start), monotonic: Self.monotonic(50))
    let isWake = watch.hasWoken(
      wall: Self.wall(Self.start + look.wall), monotonic: Self.monotonic(50 + look.monotonic))
    #expect(isWake == look.isWake)
  }

  /// Kills: a watch that keeps the clocks of its beginning.
  @Test func aStepIsAWakeOnce() {
    var watch = WakeWatch(wall: Self.wall(Self.start), monotonic: Self.monotonic(50))
    let looks = [(100.0, 51.0), (101, 52), (2, 53)].map { wall, monotonic in
      watch.hasWoken(wall: Self.wall(Self.start + wall), monotonic: Self.monotonic(monotonic))
    }
    #expect(looks == [true, false, true])
  }

  /// Many looks, none of them far off: a clock that is slewed runs like the monotonic one.
  @Test func littleStepsAreNotAddedUp() {
    var watch = WakeWatch(wall: Self.wall(Self.start), monotonic: Self.monotonic(0))
    for step in 1...100 {
      let wall = Self.wall(Self.start + Double(step) * 11)
      let isWake = watch.hasWoken(wall: wall, monotonic: Self.monotonic(Double(step) * 10))
      #expect(!isWake)
    }
  }
}
