import Testing

@testable import Replication

private let hour: UInt64 = 3_600_000_000
private let now = WallTime(microseconds: 500_000 * hour)

@Suite struct ClockOffsetTests {
  /// What the peer's clock showed, in ms against ours on arrival; ms since the connection began;
  /// what is known for sure.
  @Test(
    arguments: [
      (0, 0, 0), (0, 900, 0), (1_200_000, 0, 1_200_000),
      // Ahead: the stamp may have been older still, so this is the least.
      (1_200_000, 900, 1_200_000),
      // Behind: all of the time may have been the way.
      (-900, 900, 0), (-901, 900, -1), (-1_200_000, 900, -1_199_100), (-1, 4_000, 0),
    ] as [(Int64, Int64, Int64)])
  func theLeastOffsetCounts(stamp: Int64, elapsed: Int64, least: Int64) {
    let offset = ClockOffset(
      stamp: WallTime(microseconds: UInt64(Int64(now.microseconds) + stamp * 1_000)), now: now,
      elapsed: .milliseconds(elapsed))
    #expect(offset.milliseconds == least)
    #expect(offset.isAhead == (least > 0))
    #expect(offset.amount == .milliseconds(abs(least)))
  }

  @Test(arguments: [(5_000, false), (5_001, true), (-5_000, false), (-5_001, true), (0, false)])
  func beyondTheLimitItIsTooLarge(milliseconds: Int, isTooLarge: Bool) {
    #expect(ClockOffset(least: .milliseconds(milliseconds)).isTooLarge == isTooLarge)
  }

  @Test(arguments: [(.max, 0), (0, .max), (.max, .max)] as [(UInt64, UInt64)])
  func noClaimTraps(stamp: UInt64, own: UInt64) {
    let offset = ClockOffset(
      stamp: WallTime(microseconds: stamp), now: WallTime(microseconds: own), elapsed: .zero)
    #expect(offset.isTooLarge == (stamp != own))
  }

  private struct Bytes {
    let hex: String
    let microseconds: UInt64?
  }

  /// Bytes of other forms are what a later version may send, and no reason to end a session.
  private static let forms: [Bytes] = [
    Bytes(hex: "", microseconds: nil), Bytes(hex: "ab", microseconds: nil),
    Bytes(hex: "010008", microseconds: nil),
    Bytes(hex: "01000700000000000001", microseconds: nil),
    Bytes(hex: "010009000000000000000100", microseconds: nil),
    Bytes(hex: "0100080000000000000102", microseconds: 258),
    Bytes(hex: "020001070100080000000000000102", microseconds: 258),
    Bytes(hex: "010008000000000000010209", microseconds: 258),
    Bytes(hex: "02ffff010008", microseconds: nil),
  ]

  @Test(arguments: forms.indices) func theTimeIsReadFromItsExtension(index: Int) throws {
    let form = Self.forms[index]
    var hello = testHello()
    hello.extensions = try #require(hexBytes(form.hex))
    #expect(hello.wallTime?.microseconds == form.microseconds)
  }

  @Test(arguments: [nil, WallTime(microseconds: 1 << 50)])
  func aHelloSaysTheTimeOfItsView(wallTime: WallTime?) throws {
    var session = Session(limits: LinkLimits())
    let output = session.step(
      .opened(
        LocalView(
          role: .dialler, site: site("lang-son"), incarnation: incarnation(1),
          nonce: Bytes16(high: 9, low: 9), peer: site("trung-uong"), logEnd: .start,
          peerState: PeerState(), registry: .builtIn, outcomesEnd: 0, isRecovering: false,
          isStorageFull: false, software: "test", wallTime: wallTime)), now: seconds(1))
    guard case .hello(let hello)? = output.sendNow.first else {
      Issue.record("no HELLO")
      return
    }
    #expect(hello.wallTime == wallTime)
  }
}
