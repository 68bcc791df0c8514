import Replication

/// Complete files that no record has named: what a flood of uploads may fill the disk with. Kept by
/// the reactor; after a start the collector's first round fills it.
struct UnnamedFiles {
  /// Many small files are a flood too; also bounds what this takes of memory.
  static let maximumCount = 65_536

  private var sizes: [Digest: Int64] = [:]
  private(set) var byteCount: Int64 = 0

  /// Whether no further file may be taken, whatever its size.
  var isFull: Bool { sizes.count >= Self.maximumCount }

  mutating func insert(_ digest: Digest, byteCount size: Int64) {
    guard sizes[digest] == nil, !isFull else { return }
    sizes[digest] = size
    byteCount += size
  }

  /// A record names it now, or it is gone.
  mutating func remove(_ digest: Digest) {
    guard let size = sizes.removeValue(forKey: digest) else { return }
    byteCount -= size
  }
}
