import Testing

@testable import Daemon

/// One row after the other: what is measured, and whether the site takes work then.
///
/// Kills: `marginPart` left out of what is enough; `free < reserve` as `<=`; a refusal that is not
/// taken; a failed measurement that counts as room.
@Suite struct DiskPressureTests {
  private static let reserve: UInt64 = 800

  @Test func aSiteStopsBelowTheReserveAndGoesOnWellAboveIt() {
    var pressure = DiskPressure()
    let looks: [(free: UInt64?, wasRefused: Bool, isFull: Bool)] = [
      (nil, false, false), (801, false, false), (800, false, false), (799, false, true),
      (0, false, true), (800, false, true), (899, false, true), (nil, false, true),
      (900, false, false), (800, false, false),
      // Refused though the disk has room: a quota. Tried again after the next look.
      (10_000, true, true), (10_000, true, true), (10_000, false, false),
      (nil, true, true), (nil, false, true), (.max, false, false),
    ]
    for (index, look) in looks.enumerated() {
      let before = pressure.isFull
      let isChanged = pressure.look(
        free: look.free, reserve: Self.reserve, wasRefused: look.wasRefused)
      #expect(pressure.isFull == look.isFull, "look \(index)")
      #expect(isChanged == (before != look.isFull), "look \(index)")
    }
  }

  /// No reserve is too large to be reckoned with.
  @Test func aReserveBeyondEverythingIsNeverMet() {
    var pressure = DiskPressure()
    let changes = [.max - 1, .max].map {
      pressure.look(free: $0, reserve: .max, wasRefused: false)
    }
    #expect(changes == [true, false])
    #expect(pressure.isFull)
  }

  @Test func aRefusalIsTakenOnce() {
    let gauge = DiskGauge()
    gauge.noteRefusal()
    #expect(gauge.isFull)
    #expect(gauge.takeRefusal())
    #expect(!gauge.takeRefusal())
    gauge.set(isFull: false)
    #expect(!gauge.isFull)
  }
}
