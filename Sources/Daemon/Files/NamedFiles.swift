import Replication
import Storage

/// Which files records name, as the entries held say.
enum NamedFiles {
  /// Whether an entry whose body is kept names the file, in a record that lives. A record lives
  /// until it was withdrawn, and for the grace period after that: the withdrawal may be a mistake.
  static func isLiving(
    _ digest: Digest, withdrawnBefore: WallTime, in view: some RecordView
  ) throws(StoreError) -> Bool {
    var dead: Set<RecordKey> = []
    for identity in try view.referrers(of: .file(digest)) {
      guard let entry = try view.entry(identity), entry.body != nil,
        let record = entry.header.record, !dead.contains(record)
      else { continue }
      let current = Resolution(of: try view.entries(of: record)).current
      let isDead =
        !current.isEmpty
        && current.allSatisfy {
          $0.header.operation == .withdraw
            && $0.header.time.microseconds < withdrawnBefore.microseconds
        }
      guard isDead else { return true }
      dead.insert(record)
    }
    return false
  }
}

/// A file's size is not what the record says.
struct FileSizeMismatch: Error, Hashable, Sendable {
  let digest: Digest
  let declared: UInt64
  let actual: Int64
}

extension Submission {
  /// Digests of the files that this names.
  var fileDigests: Set<Digest> { Set(facts.files.map(\.digest)) }

  /// Which of its files are here, each looked for once, and the first of them of another size
  /// than declared. A file that is not here may still come: then the record shows it as pending.
  func filesHere(
    in files: FileStore
  ) throws(FileStoreError) -> (here: Set<Digest>, mismatch: FileSizeMismatch?) {
    var here: Set<Digest> = []
    var mismatch: FileSizeMismatch?
    for file in facts.files {
      guard let actual = try files.size(of: file.digest) else { continue }
      here.insert(file.digest)
      guard UInt64(actual) != file.size, mismatch == nil else { continue }
      mismatch = FileSizeMismatch(digest: file.digest, declared: file.size, actual: actual)
    }
    return (here, mismatch)
  }
}

/// Until when a file that nobody names is kept.
struct FileAge: Hashable, Sendable {
  /// Files put here before, in seconds since 1970.
  var writtenBefore: Int64
  /// Records withdrawn before.
  let withdrawnBefore: WallTime

  init(now: WallTime, grace: Duration) {
    let seconds = Int64(now.microseconds / 1_000_000) - grace.components.seconds
    writtenBefore = seconds
    withdrawnBefore = WallTime(microseconds: UInt64(max(seconds, 0)) * 1_000_000)
  }
}
