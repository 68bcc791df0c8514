import Replication

/// Pieces of files that were read together with one that a session asked for, so that on a fast
/// line not every piece costs a turn of the thread of files and a look into the store. Confined to
/// the reactor.
///
/// While a fast line takes the second half of a stretch the next one is read already: otherwise the
/// line would stand still while the disk works. Whoever asks for a piece of it too early waits, and
/// is answered when it has come.
///
/// What a piece is sent by, the right to it and the file in its place, is looked at for a stretch
/// of pieces at a time, and again once the stretch is older than ``lifetime``.
struct ReadAhead {
  /// Read at once, the piece that was asked for included: the long one when the one before was used
  /// up in time, and while half of the memory is free for it.
  static let stretchByteCount = 512 << 10
  static let longStretchByteCount = 2 << 20
  /// In memory for all links together; beyond it each piece is read when its turn comes.
  static let limitByteCount = 8 << 20
  static let lifetime = Duration.seconds(1)
  /// A line that took longer for half of a stretch would let much of the next one grow too old.
  static let promptTime = Duration.milliseconds(125)
  /// A line that is sent smaller pieces is so slow that a turn for each costs nothing.
  static let smallestPieceByteCount = 64 << 10

  struct Key: Hashable {
    let session: SessionNumber
    let wanted: Wanted
    init(_ session: SessionNumber, _ wanted: Wanted) {
      self.session = session
      self.wanted = wanted
    }
  }

  struct Piece: Equatable {
    let bytes: [UInt8]
    let totalByteCount: UInt64
  }

  /// What is here of a piece that is asked for.
  enum Taken: Equatable {
    case piece(Piece)
    /// It is being read: ``came(_:_:totalByteCount:now:)`` answers.
    case coming
    case nothing
  }

  /// What becomes of a stretch that was read on.
  enum Arrival: Equatable {
    case kept
    /// For whoever waits.
    case answer(Piece)
    /// There is nothing for whoever waits: it is to be read as if nothing had been.
    case askAgain(offset: UInt64, byteCount: Int)
  }

  private struct Stretch {
    /// The last one first; none: all are taken, or asked for.
    var pieces: [[UInt8]] = []
    /// Of the first byte in the content.
    var offset: UInt64 = 0
    var totalByteCount: UInt64 = 0
    var readAt: Instant
    /// What it counts for in ``byteCount``: before the answer what was asked for.
    var byteCount: Int
  }

  /// The stretch after one that is being given out.
  private struct Coming {
    let offset: UInt64
    let pieceByteCount: Int
    let byteCount: Int
    /// The session has asked for its first piece.
    var isAwaited = false
    /// What is read may not be given out any more, or nobody asks for it.
    var isStale = false
  }

  private var stretches: [Key: Stretch] = [:]
  /// Where a stretch of the key is given out: the one after it, here already.
  private var following: [Key: Stretch] = [:]
  private var coming: [Key: Coming] = [:]
  private(set) var byteCount = 0

  /// The piece, when it is here or on its way; every other answer forgets what is here of the
  /// content.
  mutating func take(_ key: Key, at offset: UInt64, byteCount: Int, now: Instant) -> Taken {
    if stretches[key]?.pieces.isEmpty == true, let next = following.removeValue(forKey: key) {
      stretches[key] = next
    }
    guard var stretch = stretches[key] else { return .nothing }
    if stretch.pieces.isEmpty, let next = coming[key], !next.isStale, next.offset == offset,
      next.pieceByteCount == byteCount
    {
      coming[key]?.isAwaited = true
      return .coming
    }
    guard stretch.offset == offset, stretch.pieces.last?.count == byteCount,
      now - stretch.readAt <= Self.lifetime, let bytes = stretch.pieces.popLast()
    else {
      drop(key)
      return .nothing
    }
    self.byteCount -= bytes.count
    stretch.byteCount -= bytes.count
    stretch.offset += UInt64(bytes.count)
    stretches[key] = stretch
    return .piece(Piece(bytes: bytes, totalByteCount: stretch.totalByteCount))
  }

  /// What to read now because half of a stretch was taken promptly, by pieces of `pieceByteCount`.
  /// Its answer goes to ``came(_:_:totalByteCount:now:)``, whatever it is.
  mutating func readOn(_ key: Key, pieceByteCount: Int, now: Instant) -> ReadRange? {
    guard let stretch = stretches[key], following[key] == nil, coming[key] == nil,
      now - stretch.readAt <= Self.promptTime
    else { return nil }
    let start = stretch.offset + UInt64(stretch.byteCount)
    let isLong = self.byteCount + Self.longStretchByteCount <= Self.limitByteCount / 2
    let stretchByteCount = isLong ? Self.longStretchByteCount : Self.stretchByteCount
    guard stretch.byteCount <= stretchByteCount / 2, start < stretch.totalByteCount else {
      return nil
    }
    let pieceCount = stretchByteCount / pieceByteCount
    let byteCount = pieceCount * pieceByteCount
    guard pieceCount > 0, hasRoom(for: byteCount) else { return nil }
    coming[key] = Coming(offset: start, pieceByteCount: pieceByteCount, byteCount: byteCount)
    self.byteCount += byteCount
    return ReadRange(
      wanted: key.wanted, offset: start, pieceByteCount: pieceByteCount, pieceCount: pieceCount,
      isAhead: true)
  }

  /// The answer to what ``readOn(_:pieceByteCount:now:)`` asked for; no pieces when it could not be
  /// read. Nothing is done for a session that has ended.
  mutating func came(
    _ key: Key, _ pieces: [[UInt8]], totalByteCount: UInt64, now: Instant
  ) -> Arrival {
    guard let asked = coming.removeValue(forKey: key) else { return .kept }
    byteCount -= asked.byteCount
    guard !asked.isStale, !pieces.isEmpty else {
      guard asked.isAwaited else { return .kept }
      return .askAgain(offset: asked.offset, byteCount: asked.pieceByteCount)
    }
    let count = pieces.reduce(0) { $0 + $1.count }
    precondition(count <= asked.byteCount, "\(count) bytes, asked for \(asked.byteCount)")
    var stretch = Stretch(
      pieces: pieces.reversed(), offset: asked.offset, totalByteCount: totalByteCount, readAt: now,
      byteCount: count)
    guard asked.isAwaited, let first = stretch.pieces.popLast() else {
      byteCount += count
      following[key] = stretch
      return .kept
    }
    drop(key)
    stretch.byteCount -= first.count
    stretch.offset += UInt64(first.count)
    stretches[key] = stretch
    byteCount += stretch.byteCount
    return .answer(Piece(bytes: first, totalByteCount: totalByteCount))
  }

  /// - Returns: how many pieces of `byteCount` to read for one that is asked for; there is room for
  ///   the others, until they are kept or the key is dropped.
  mutating func reserve(_ key: Key, byteCount: Int, now: Instant) -> Int {
    dropOld(now)
    let wasUsedUp = stretches[key]?.byteCount == 0
    drop(key)
    guard !key.wanted.isEntry, byteCount >= Self.smallestPieceByteCount, coming[key] == nil else {
      return 1
    }
    let isLong =
      wasUsedUp && self.byteCount + Self.longStretchByteCount <= Self.limitByteCount / 2
    let stretchByteCount = isLong ? Self.longStretchByteCount : Self.stretchByteCount
    let aheadCount = stretchByteCount / byteCount - 1
    guard aheadCount > 0, hasRoom(for: aheadCount * byteCount) else { return 1 }
    stretches[key] = Stretch(readAt: now, byteCount: aheadCount * byteCount)
    self.byteCount += aheadCount * byteCount
    return 1 + aheadCount
  }

  /// Keeps what was read beyond the piece that was asked for: `pieces` from `offset` on. Does
  /// nothing when the key was dropped meanwhile.
  mutating func keep(
    _ key: Key, _ pieces: [[UInt8]], at offset: UInt64, totalByteCount: UInt64, now: Instant
  ) {
    guard let reserved = stretches[key] else { return }
    drop(key)
    let count = pieces.reduce(0) { $0 + $1.count }
    precondition(count <= reserved.byteCount, "\(count) bytes, asked for \(reserved.byteCount)")
    guard count > 0 else { return }
    stretches[key] = Stretch(
      pieces: pieces.reversed(), offset: offset, totalByteCount: totalByteCount, readAt: now,
      byteCount: count)
    byteCount += count
  }

  mutating func drop(_ key: Key) {
    coming[key]?.isStale = true
    for stretch in [stretches.removeValue(forKey: key), following.removeValue(forKey: key)] {
      byteCount -= stretch?.byteCount ?? 0
    }
  }

  mutating func drop(_ session: SessionNumber) {
    for key in stretches.keys where key.session == session { drop(key) }
    for (key, asked) in coming where key.session == session {
      byteCount -= asked.byteCount
      coming[key] = nil
    }
  }

  /// Who may have what, or what is sound, may have changed: all of it is looked at again.
  mutating func dropAll() {
    for key in stretches.keys { drop(key) }
  }

  private func hasRoom(for count: Int) -> Bool { byteCount + count <= Self.limitByteCount }

  /// What nobody may have any more gives its room back, and what is used up is forgotten. What is
  /// being read stays.
  private mutating func dropOld(_ now: Instant) {
    for (key, stretch) in stretches where now - stretch.readAt > Self.lifetime {
      if !stretch.pieces.isEmpty || stretch.byteCount == 0 { drop(key) }
    }
  }
}
