import Replication

/// Pieces of files that were read together with one that a session asked for, so that on a fast
/// line not every piece costs a turn of the thread of files and a look into the store. Confined to
/// the reactor.
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

  struct Piece {
    let bytes: [UInt8]
    let totalByteCount: UInt64
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

  private var stretches: [Key: Stretch] = [:]
  private(set) var byteCount = 0

  /// The piece, when it is here; every other answer forgets what is here of the content.
  mutating func take(_ key: Key, at offset: UInt64, byteCount: Int, now: Instant) -> Piece? {
    guard var stretch = stretches[key] else { return nil }
    guard stretch.offset == offset, stretch.pieces.last?.count == byteCount,
      now - stretch.readAt <= Self.lifetime, let bytes = stretch.pieces.popLast()
    else {
      drop(key)
      return nil
    }
    self.byteCount -= bytes.count
    stretch.byteCount -= bytes.count
    stretch.offset += UInt64(bytes.count)
    stretches[key] = stretch
    return Piece(bytes: bytes, totalByteCount: stretch.totalByteCount)
  }

  /// - Returns: how many pieces of `byteCount` to read for one that is asked for; there is room for
  ///   the others, until they are kept or the key is dropped.
  mutating func reserve(_ key: Key, byteCount: Int, now: Instant) -> Int {
    dropOld(now)
    let wasUsedUp = stretches[key]?.byteCount == 0
    drop(key)
    guard !key.wanted.isEntry, byteCount >= Self.smallestPieceByteCount else { return 1 }
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
    guard let stretch = stretches.removeValue(forKey: key) else { return }
    byteCount -= stretch.byteCount
  }

  mutating func drop(_ session: SessionNumber) {
    for key in stretches.keys where key.session == session { drop(key) }
  }

  /// Who may have what, or what is sound, may have changed: all of it is looked at again.
  mutating func dropAll() {
    stretches = [:]
    byteCount = 0
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
