import Glibc
package import Replication

/// Why something with a file of a record could not be done.
package enum FileStoreError: Error, Hashable, Sendable {
  // The environment: retry later, or stop with the hint.
  /// The disk, the quota or the file size limit of the system refused; its own code.
  case full(operation: String, errno: Int32)
  /// Fewer bytes are free than the file still needs, the reserve taken off.
  case noRoom(needed: Int64, free: Int64)
  /// A call of the system failed at a name below the directory of files.
  case failed(operation: String, name: String, errno: Int32)
  /// A link, a directory or a device stands where a file or directory of ours should.
  case notOurs(name: String)
  /// The stored bytes are not those the digest names; never served.
  case rotten(Digest)

  // The other side: an application or a peer.
  case missing(Digest)
  case tooLarge(byteCount: Int64, limit: Int64)
  case tooManyParts(limit: Int)
  /// Another transfer writes this part.
  case partInUse(Digest)
  /// A write that does not continue where the part ends.
  case outOfOrder(offset: Int64, expected: Int64)
  /// A read beyond the end, or before the start.
  case outOfRange(offset: Int64, byteCount: Int64)
  case sizeMismatch(declared: Int64, actual: Int64)
  /// `isResumed`: bytes from before a restart were among them, so that a power loss may be the
  /// cause instead of the peer.
  case digestMismatch(declared: Digest, actual: Digest, isResumed: Bool)

  /// Tells a full disk from the other failures of a call.
  init(_ operation: String, _ name: String, errno code: Int32) {
    switch code {
    case ENOSPC, EDQUOT, EFBIG: self = .full(operation: operation, errno: code)
    case ELOOP, ENOTDIR, EISDIR, ENXIO: self = .notOurs(name: name)
    default: self = .failed(operation: operation, name: name, errno: code)
    }
  }
}

extension FileStoreError {
  /// A word for metrics and for the texts in both languages; never changes.
  package var code: String {
    switch self {
    case .full: "file-disk-full"
    case .noRoom: "file-no-room"
    case .failed: "file-system-call"
    case .notOurs: "file-not-ours"
    case .rotten: "file-rotten"
    case .missing: "file-missing"
    case .tooLarge: "file-too-large"
    case .tooManyParts: "file-too-many-parts"
    case .partInUse: "file-part-in-use"
    case .outOfOrder: "file-out-of-order"
    case .outOfRange: "file-out-of-range"
    case .sizeMismatch: "file-size-mismatch"
    case .digestMismatch: "file-digest-mismatch"
    }
  }

  /// Whether the machine is at fault: nothing is to be held against the peer or the application.
  package var isOfEnvironment: Bool {
    switch self {
    case .full, .noRoom, .failed, .notOurs, .rotten: true
    case .missing, .tooLarge, .tooManyParts, .partInUse, .outOfOrder, .outOfRange, .sizeMismatch:
      false
    case .digestMismatch(_, _, let isResumed): isResumed
    }
  }
}

extension FileStoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .full(let operation, let errno): "\(operation) a file: \(Self.words(errno))"
    case .noRoom(let needed, let free): "the file needs \(needed) more bytes, \(free) are free"
    case .failed(let operation, let name, let errno):
      "\(operation) \(name): \(Self.words(errno))"
    case .notOurs(let name): "\(name) is not what the store of files put there"
    case .rotten(let digest): "the stored bytes of file \(digest) have changed"
    case .missing(let digest): "file \(digest) is not here"
    case .tooLarge(let byteCount, let limit): "a file of \(byteCount) bytes, at most \(limit)"
    case .tooManyParts(let limit): "more than \(limit) files in parts"
    case .partInUse(let digest): "file \(digest) is being received already"
    case .outOfOrder(let offset, let expected): "bytes at \(offset) where \(expected) was due"
    case .outOfRange(let offset, let byteCount): "offset \(offset) in a file of \(byteCount) bytes"
    case .sizeMismatch(let declared, let actual): "declared \(declared) bytes, came \(actual)"
    case .digestMismatch(let declared, let actual, _): "declared \(declared), came \(actual)"
    }
  }

  /// What can be done about it.
  package var hint: String {
    switch self {
    case .full, .noRoom: "free disk space or enlarge the volume; what is stored is intact"
    case .failed: "check owner, mode and mount of the data directory, and the kernel log"
    case .notOurs:
      "take it away, and find out who put it there; to use another disk, mount it on files/"
    case .rotten: "nothing: it is fetched again from a peer; check the disk"
    case .missing: "wait until a peer has sent it, or put it again"
    case .tooLarge: "split the file"
    case .tooManyParts: "wait until other files have come"
    case .partInUse: "wait for the other transfer"
    case .outOfOrder, .outOfRange: "ask again from the offset that this site names"
    case .sizeMismatch, .digestMismatch: "send the file again as it was when it was declared"
    }
  }

  private static func words(_ errno: Int32) -> String { String(cString: strerror(errno)) }
}
