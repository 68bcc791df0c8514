import Replication

/// Which pieces of files are compressed: those of a content whose last one shrank. Most attachments
/// are compressed already (PDF, office formats, images), and to find that out anew for each piece
/// costs a fast line more than it saves.
struct PieceCompression {
  /// Pieces that go as they are after one that hardly shrank; then one is tried again. Twice as
  /// many after each further one, up to the most.
  static let untriedCount = 15
  static let mostUntriedCount = 127
  /// A piece that shrinks by less than this share of it has hardly shrunk.
  static let worthwhileShare = 16

  /// The content whose last piece that was tried hardly shrank.
  private var dense: Wanted?
  private var untriedLeft = 0
  private var untriedNext = untriedCount

  /// Whether the content's next piece is to be compressed.
  mutating func isDue(_ wanted: Wanted) -> Bool {
    guard wanted == dense, untriedLeft > 0 else { return true }
    untriedLeft -= 1
    return false
  }

  /// - Parameter compressedByteCount: nil when the piece did not shrink at all.
  mutating func tried(_ wanted: Wanted, byteCount: Int, compressedByteCount: Int?) {
    let saved = byteCount - (compressedByteCount ?? byteCount)
    if saved >= byteCount / Self.worthwhileShare {
      if wanted == dense { dense = nil }
    } else {
      let next = wanted == dense ? 2 * untriedNext + 1 : Self.untriedCount
      untriedNext = min(next, Self.mostUntriedCount)
      dense = wanted
      untriedLeft = untriedNext
    }
  }
}
