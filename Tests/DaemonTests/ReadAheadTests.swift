import Replication
import Testing

@testable import Daemon

/// Pieces that were read before they were asked for: when they may still be sent, and what they
/// may cost.
@Suite struct ReadAheadTests {
  private static let pieceByteCount = ReadAhead.smallestPieceByteCount
  private static let pieceCount = ReadAhead.stretchByteCount / pieceByteCount
  private static let longCount = ReadAhead.longStretchByteCount / pieceByteCount
  private static let total: UInt64 = 1 << 30
  private static let file = Wanted.file(Digest(Bytes32(1, 2, 3, 4)))
  private static let start = Instant(nanoseconds: 1)

  private static func key(_ session: UInt64, _ wanted: Wanted = file) -> ReadAhead.Key {
    ReadAhead.Key(SessionNumber(session), wanted)
  }

  /// Pieces of one letter each, from the second one of a stretch on.
  private static func pieces(_ count: Int = pieceCount - 1) -> [[UInt8]] {
    (0..<count).map { [UInt8](repeating: UInt8($0), count: pieceByteCount) }
  }

  private static func filled(_ key: ReadAhead.Key) -> ReadAhead {
    var ahead = ReadAhead()
    let count = ahead.reserve(key, byteCount: pieceByteCount, now: start)
    #expect(count == pieceCount)
    ahead.keep(
      key, pieces(), at: UInt64(pieceByteCount), totalByteCount: total, now: start)
    return ahead
  }

  @Test func aStretchIsGivenOutPieceByPieceAndThenGone() throws {
    let key = Self.key(1)
    var ahead = Self.filled(key)
    for (index, bytes) in Self.pieces().enumerated() {
      let piece = ahead.take(
        key, at: UInt64((index + 1) * Self.pieceByteCount), byteCount: Self.pieceByteCount,
        now: Self.start)
      #expect(piece?.bytes == bytes)
      #expect(piece?.totalByteCount == Self.total)
    }
    #expect(ahead.byteCount == 0)
    let beyond = ahead.take(
      key, at: UInt64(ReadAhead.stretchByteCount), byteCount: Self.pieceByteCount,
      now: Self.start)
    #expect(beyond == nil)
  }

  /// Offset, size, how long after the read, session, and whether the piece is given out.
  private static let asked: [(Int, Int, Duration, UInt64, Bool)] = [
    (pieceByteCount, pieceByteCount, .zero, 1, true),
    (pieceByteCount, pieceByteCount, ReadAhead.lifetime, 1, true),
    (pieceByteCount, pieceByteCount, ReadAhead.lifetime + .nanoseconds(1), 1, false),
    (0, pieceByteCount, .zero, 1, false),
    (2 * pieceByteCount, pieceByteCount, .zero, 1, false),
    (pieceByteCount, pieceByteCount - 1, .zero, 1, false),
    (pieceByteCount, pieceByteCount, .zero, 2, false),
  ]

  /// Kills: bytes of another place, size or peer; bytes to which the right was looked at long ago.
  @Test(arguments: asked.indices)
  func onlyThePieceThatIsAskedForInTimeIsGivenOut(index: Int) {
    let (offset, byteCount, after, session, isGiven) = Self.asked[index]
    var ahead = Self.filled(Self.key(1))
    let piece = ahead.take(
      Self.key(session), at: UInt64(offset), byteCount: byteCount, now: Self.start + after)
    #expect((piece != nil) == isGiven)
    guard session == 1, !isGiven else { return }
    #expect(ahead.byteCount == 0, "what does not follow is forgotten")
  }

  /// Kills: pieces that go out although a registry has come since they were read.
  @Test func whatWasReadBeforeRightsChangedIsReadAgain() {
    let key = Self.key(1)
    var ahead = Self.filled(key)
    ahead.dropAll()
    let piece = ahead.take(
      key, at: UInt64(Self.pieceByteCount), byteCount: Self.pieceByteCount, now: Self.start)
    #expect(piece == nil)
    #expect(ahead.byteCount == 0)
  }

  @Test func entriesAndSmallPiecesAreReadOneByOne() {
    var ahead = ReadAhead()
    let entry = Self.key(1, .entry(Digest(Bytes32(1, 2, 3, 4))))
    let large = ReadAhead.longStretchByteCount
    let counts = [
      ahead.reserve(entry, byteCount: Self.pieceByteCount, now: Self.start),
      ahead.reserve(Self.key(1), byteCount: Self.pieceByteCount - 1, now: Self.start),
      ahead.reserve(Self.key(1), byteCount: large, now: Self.start),
    ]
    #expect(counts == [1, 1, 1])
    #expect(ahead.byteCount == 0)
  }

  /// Kills: room that is counted only once the bytes are here; room that never comes back.
  @Test func allLinksTogetherStayBelowTheLimit() {
    var ahead = ReadAhead()
    var last: UInt64 = 0
    while ahead.reserve(Self.key(last), byteCount: Self.pieceByteCount, now: Self.start) > 1 {
      last += 1
      #expect(ahead.byteCount <= ReadAhead.limitByteCount)
    }
    #expect(last >= 8)
    ahead.drop(SessionNumber(0))
    let count = ahead.reserve(Self.key(last), byteCount: Self.pieceByteCount, now: Self.start)
    #expect(count > 1)
    for session in 0...last { ahead.drop(SessionNumber(session)) }
    #expect(ahead.byteCount == 0)
  }

  /// A link that takes all of a stretch.
  private static func useUp(_ key: ReadAhead.Key, in ahead: inout ReadAhead) {
    let count = ahead.reserve(key, byteCount: pieceByteCount, now: start)
    ahead.keep(key, pieces(count - 1), at: 0, totalByteCount: total, now: start)
    for index in 0..<count - 1 {
      _ = ahead.take(
        key, at: UInt64(index * pieceByteCount), byteCount: pieceByteCount, now: start)
    }
  }

  /// Kills: long stretches of a slow line, which are read twice.
  @Test func aStretchIsLongAfterOneThatWasUsedUpInTime() {
    let key = Self.key(1)
    var ahead = ReadAhead()
    Self.useUp(key, in: &ahead)
    var late = ahead
    #expect(ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start) == Self.longCount)
    let later = Self.start + ReadAhead.lifetime + .nanoseconds(1)
    #expect(late.reserve(key, byteCount: Self.pieceByteCount, now: later) == Self.pieceCount)
    // What is being read is not used up.
    #expect(ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start) == Self.pieceCount)
  }

  /// Kills: long stretches of a few that leave the others none.
  @Test func stretchesAreLongWhileHalfOfTheMemoryIsFree() {
    var ahead = ReadAhead()
    for session in 0..<4 as Range<UInt64> { Self.useUp(Self.key(session), in: &ahead) }
    let counts = (0..<4 as Range<UInt64>).map {
      ahead.reserve(Self.key($0), byteCount: Self.pieceByteCount, now: Self.start)
    }
    #expect(counts == [Self.longCount, Self.longCount, Self.pieceCount, Self.pieceCount])
  }

  @Test func whatIsTooOldGivesItsRoomBack() {
    var ahead = ReadAhead()
    var last: UInt64 = 0
    while true {
      let count = ahead.reserve(Self.key(last), byteCount: Self.pieceByteCount, now: Self.start)
      guard count > 1 else { break }
      ahead.keep(
        Self.key(last), Self.pieces(count - 1), at: 0, totalByteCount: Self.total, now: Self.start)
      last += 1
    }
    let later = Self.start + ReadAhead.lifetime + .nanoseconds(1)
    let count = ahead.reserve(Self.key(last), byteCount: Self.pieceByteCount, now: later)
    #expect(count > 1)
  }

  /// Kills: pieces of a session that has ended, kept for ever; a file shorter than the stretch.
  @Test func whatComesTooLateOrIsLessThanAskedForCostsNoMore() {
    let key = Self.key(1)
    var ahead = ReadAhead()
    _ = ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start)
    ahead.drop(key.session)
    ahead.keep(key, Self.pieces(), at: 0, totalByteCount: Self.total, now: Self.start)
    #expect(ahead.byteCount == 0)
    _ = ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start)
    ahead.keep(key, [[1, 2]], at: 0, totalByteCount: 2, now: Self.start)
    #expect(ahead.byteCount == 2)
    _ = ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start)
    ahead.keep(key, [], at: 0, totalByteCount: 2, now: Self.start)
    #expect(ahead.byteCount == 0)
  }
}

/// Which pieces are compressed.
@Suite struct PieceCompressionTests {
  private static let first = Wanted.file(Digest(Bytes32(1, 2, 3, 4)))
  private static let second = Wanted.file(Digest(Bytes32(4, 3, 2, 1)))

  @Test func aContentThatHardlyShrinksIsTriedNowAndThen() {
    for compressed in [nil, 1_000, 960] {
      var compression = PieceCompression()
      let isFirstDue = compression.isDue(Self.first)
      compression.tried(Self.first, byteCount: 1_000, compressedByteCount: compressed)
      let areDue = (0...PieceCompression.untriedCount).map { _ in compression.isDue(Self.first) }
      #expect(isFirstDue)
      #expect(areDue.firstIndex(of: true) == PieceCompression.untriedCount)
    }
  }

  /// Kills: pieces that shrink at last, and are never tried; a count that grows for ever.
  @Test func eachTryInVainIsFollowedByTwiceAsManyPiecesUpToTheMost() {
    var compression = PieceCompression()
    var untriedCounts: [Int] = []
    for _ in 0..<6 {
      var count = 0
      while !compression.isDue(Self.first) { count += 1 }
      untriedCounts.append(count)
      compression.tried(Self.first, byteCount: 1_000, compressedByteCount: nil)
    }
    #expect(untriedCounts == [0, 15, 31, 63, 127, 127])
    while !compression.isDue(Self.first) {}
    compression.tried(Self.first, byteCount: 1_000, compressedByteCount: 500)
    #expect((0..<3).allSatisfy { _ in compression.isDue(Self.first) })
  }

  /// Kills: text that goes as it is because an image goes beside it.
  @Test func aContentThatShrinksIsAlwaysCompressed() {
    var compression = PieceCompression()
    for _ in 0..<3 {
      let isDenseDue = compression.isDue(Self.first)
      compression.tried(Self.first, byteCount: 1_000, compressedByteCount: nil)
      let isTextDue = compression.isDue(Self.second)
      compression.tried(Self.second, byteCount: 1_000, compressedByteCount: 500)
      let isDenseDueAgain = compression.isDue(Self.first)
      compression.tried(Self.first, byteCount: 1_000, compressedByteCount: 500)
      #expect([isDenseDue, isTextDue, isDenseDueAgain] == [true, true, false])
    }
  }
}
