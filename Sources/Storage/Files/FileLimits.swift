package import Replication

/// Bounds of the store of files.
package struct FileLimits: Hashable, Sendable {
  /// Unit of reading and hashing, and of what a reader returns at most.
  package static let chunkByteCount = 256 << 10
  /// Written bytes after which the kernel is asked to begin putting them on disk, so that the last
  /// sync of a large file is short.
  static let writebackByteCount: Int64 = 4 << 20
  /// Space asked for ahead of what is written of a large file: the kernel then looks for it once,
  /// and not for every page.
  static let reservedByteCount: Int64 = 8 << 20
  /// Names that one page of a listing holds at most.
  package static let maximumPageCount = 1_000
  /// Files remembered as hashed by this process; beyond it all are forgotten and hashed again.
  static let maximumHashedCount = 16_384
  /// Files that one step of the scrub looks at, however small they are.
  static let maximumFilesPerStep = 64

  package let maximumFileByteCount: Int64
  /// Files in parts on disk, resumable after a restart.
  package let maximumPartCount: Int
  /// Rotten files kept for people to look at; beyond, they are removed.
  package let maximumRottenCount: Int

  package init(
    maximumFileByteCount: Int64 = 16 << 30, maximumPartCount: Int = 256,
    maximumRottenCount: Int = 64
  ) {
    precondition(maximumFileByteCount >= 0, "\(maximumFileByteCount)")
    precondition(maximumPartCount > 0, "\(maximumPartCount)")
    precondition(maximumRottenCount >= 0, "\(maximumRottenCount)")
    self.maximumFileByteCount = maximumFileByteCount
    self.maximumPartCount = maximumPartCount
    self.maximumRottenCount = maximumRottenCount
  }
}

/// A file as the store holds it.
package struct FileSummary: Hashable, Sendable {
  package let digest: Digest
  package let byteCount: Int64
  /// When it was put here last, by the machine's clock: seconds since 1970. The grace period of a
  /// file without a record counts from here.
  package let writtenAt: Int64
}

/// What the store holds: complete files, parts, and files moved aside.
package struct FileTotals: Hashable, Sendable {
  package var fileCount = 0
  package var byteCount: Int64 = 0
  package var partCount = 0
  package var rottenCount = 0
  /// Parts that began anew because what was on disk was not what had been declared.
  package var restartCount = 0
}
