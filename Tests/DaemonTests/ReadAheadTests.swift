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
      let taken = ahead.take(
        key, at: UInt64((index + 1) * Self.pieceByteCount), byteCount: Self.pieceByteCount,
        now: Self.start)
      #expect(taken == .piece(ReadAhead.Piece(bytes: bytes, totalByteCount: Self.total)))
    }
    #expect(ahead.byteCount == 0)
    let beyond = ahead.take(
      key, at: UInt64(ReadAhead.stretchByteCount), byteCount: Self.pieceByteCount,
      now: Self.start)
    #expect(beyond == .nothing)
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
    let taken = ahead.take(
      Self.key(session), at: UInt64(offset), byteCount: byteCount, now: Self.start + after)
    #expect((taken != .nothing) == isGiven)
    guard session == 1, !isGiven else { return }
    #expect(ahead.byteCount == 0, "what does not follow is forgotten")
  }

  /// Kills: pieces that go out although a registry has come since they were read.
  @Test func whatWasReadBeforeRightsChangedIsReadAgain() {
    let key = Self.key(1)
    var ahead = Self.filled(key)
    ahead.dropAll()
    let taken = ahead.take(
      key, at: UInt64(Self.pieceByteCount), byteCount: Self.pieceByteCount, now: Self.start)
    #expect(taken == .nothing)
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

  // MARK: Reading on

  private static func piece(_ letter: UInt8) -> ReadAhead.Piece {
    ReadAhead.Piece(
      bytes: [UInt8](repeating: letter, count: pieceByteCount), totalByteCount: total)
  }

  /// A stretch that is given out until the next one is asked for; how much of it was taken is what
  /// the test is about.
  private static func readingOn(
    _ key: ReadAhead.Key, total: UInt64 = total, after: Duration = .zero
  ) -> (ahead: ReadAhead, range: ReadRange?, takenCount: Int) {
    var ahead = ReadAhead()
    let count = ahead.reserve(key, byteCount: pieceByteCount, now: start)
    ahead.keep(key, pieces(count - 1), at: 0, totalByteCount: total, now: start)
    for index in 0..<count - 1 {
      _ = ahead.take(
        key, at: UInt64(index * pieceByteCount), byteCount: pieceByteCount, now: start + after)
      let range = ahead.readOn(key, pieceByteCount: pieceByteCount, now: start + after)
      if range != nil { return (ahead, range, index + 1) }
    }
    return (ahead, nil, count - 1)
  }

  /// The pieces that are left of the first stretch, one by one.
  private static func takeRest(
    _ key: ReadAhead.Key, from index: Int, in ahead: inout ReadAhead
  ) -> Int {
    (index..<pieceCount - 1).count {
      let offset = UInt64($0 * pieceByteCount)
      return ahead.take(key, at: offset, byteCount: pieceByteCount, now: start) != .nothing
    }
  }

  private static let next = UInt64((pieceCount - 1) * pieceByteCount)

  /// Kills: a line that stands still while the disk works; the same read asked for twice.
  @Test func theNextStretchIsReadWhileTheSecondHalfIsTaken() throws {
    let key = Self.key(1)
    var (ahead, range, takenCount) = Self.readingOn(key)
    let asked = try #require(range)
    // Of a long stretch even a whole short one is no half.
    #expect(takenCount == 1)
    #expect(asked.offset == Self.next)
    #expect(asked.pieceByteCount == Self.pieceByteCount && asked.pieceCount == Self.longCount)
    #expect(asked.isAhead && asked.wanted == Self.file)
    #expect(ahead.readOn(key, pieceByteCount: Self.pieceByteCount, now: Self.start) == nil)
    let arrival = ahead.came(key, Self.pieces(4), totalByteCount: Self.total, now: Self.start)
    #expect(arrival == .kept)
    #expect(Self.takeRest(key, from: takenCount, in: &ahead) == Self.pieceCount - 1 - takenCount)
    for letter in 0..<4 as Range<UInt8> {
      let offset = Self.next + UInt64(letter) * UInt64(Self.pieceByteCount)
      let taken = ahead.take(key, at: offset, byteCount: Self.pieceByteCount, now: Self.start)
      #expect(taken == .piece(Self.piece(letter)))
    }
    #expect(ahead.byteCount == 0)
  }

  /// Kills: an answer that never comes, or comes twice.
  @Test func whoeverAsksTooEarlyIsAnsweredWhenItHasCome() {
    let key = Self.key(1)
    var (ahead, _, takenCount) = Self.readingOn(key)
    _ = Self.takeRest(key, from: takenCount, in: &ahead)
    let taken = ahead.take(key, at: Self.next, byteCount: Self.pieceByteCount, now: Self.start)
    #expect(taken == .coming)
    let arrival = ahead.came(key, Self.pieces(2), totalByteCount: Self.total, now: Self.start)
    #expect(arrival == .answer(Self.piece(0)))
    let second = ahead.take(
      key, at: Self.next + UInt64(Self.pieceByteCount), byteCount: Self.pieceByteCount,
      now: Self.start)
    #expect(second == .piece(Self.piece(1)))
    #expect(ahead.byteCount == 0)
  }

  /// Kills: bytes that go out although rights have changed while they were read; a session that
  /// waits for ever after that, or after a read that failed.
  @Test(arguments: [true, false], [true, false])
  func whatComesToNothingIsAskedForAgainByWhoeverWaits(isAwaited: Bool, isStale: Bool) {
    let key = Self.key(1)
    var (ahead, _, takenCount) = Self.readingOn(key)
    if isAwaited {
      _ = Self.takeRest(key, from: takenCount, in: &ahead)
      _ = ahead.take(key, at: Self.next, byteCount: Self.pieceByteCount, now: Self.start)
    }
    if isStale { ahead.dropAll() }
    let arrival = ahead.came(
      key, isStale ? Self.pieces(2) : [], totalByteCount: Self.total, now: Self.start)
    let again = ReadAhead.Arrival.askAgain(offset: Self.next, byteCount: Self.pieceByteCount)
    #expect(arrival == (isAwaited ? again : .kept))
    if isStale || isAwaited { #expect(ahead.byteCount == 0) }
    let taken = ahead.take(key, at: Self.next, byteCount: Self.pieceByteCount, now: Self.start)
    #expect(taken == .nothing)
  }

  /// Kills: another place's bytes for whoever asks while a stretch is read that nobody wants now;
  /// two reads under way of which the first is taken for the second.
  @Test func whoeverAsksForAnotherPlaceMeanwhileIsReadForAlone() {
    let key = Self.key(1)
    var (ahead, _, _) = Self.readingOn(key)
    let taken = ahead.take(key, at: 0, byteCount: Self.pieceByteCount, now: Self.start)
    #expect(taken == .nothing)
    #expect(ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start) == 1)
    let arrival = ahead.came(key, Self.pieces(2), totalByteCount: Self.total, now: Self.start)
    #expect(arrival == .kept)
    #expect(ahead.byteCount == 0)
  }

  /// Kills: reading beyond the end; stretches that a slow line lets grow old.
  @Test func nothingIsReadOnAtTheEndNorForALineThatIsNotPrompt() {
    let key = Self.key(1)
    #expect(Self.readingOn(key, total: Self.next + 1).range != nil)
    #expect(Self.readingOn(key, total: Self.next).range == nil)
    #expect(Self.readingOn(key, after: ReadAhead.promptTime).range != nil)
    #expect(Self.readingOn(key, after: ReadAhead.promptTime + .nanoseconds(1)).range == nil)
  }

  /// Kills: room of what is read on that is not counted, or never comes back.
  @Test func whatIsReadOnCountsAndItsSessionGivesItBack() {
    var ahead = ReadAhead()
    var last: UInt64 = 0
    while true {
      let key = Self.key(last)
      let count = ahead.reserve(key, byteCount: Self.pieceByteCount, now: Self.start)
      guard count > 1 else { break }
      ahead.keep(key, Self.pieces(2), at: 0, totalByteCount: Self.total, now: Self.start)
      _ = ahead.take(key, at: 0, byteCount: Self.pieceByteCount, now: Self.start)
      _ = ahead.readOn(key, pieceByteCount: Self.pieceByteCount, now: Self.start)
      #expect(ahead.byteCount <= ReadAhead.limitByteCount)
      last += 1
    }
    for session in 0...last { ahead.drop(SessionNumber(session)) }
    #expect(ahead.byteCount == 0)
    #expect(last > 8)
    let arrival = ahead.came(
      Self.key(0), Self.pieces(2), totalByteCount: Self.total, now: Self.start)
    #expect(arrival == .kept)
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
