import Replication
import Storage
import Transport

/// Reads everything that is kept, again and again, a stretch at a time: the files, the log's
/// entries, the keys they are found by, and whether each file that should be here is. What has
/// changed on disk is found before somebody needs it, while a peer still has it.
struct StoreScrub {
  /// Bytes read in a step.
  static let stepByteCount = 1 << 20
  /// Rows read in a step.
  static let pageCount = 256

  private enum Stage { case files, entries, keys, names }

  private let store: FileStore
  private let reader: SQLiteReader
  private var stage = Stage.files
  private let files: FileScrub
  private var entriesUpTo: LSN = .start
  private var keysUpTo: Int64 = 0
  private var namesUpTo: Digest?
  /// Files to be read before the others: something is wrong with them.
  private var suspects: [FileScrub] = []

  init(store: FileStore, reader: SQLiteReader) {
    self.store = store
    self.reader = reader
    files = FileScrub(store)
  }

  /// Suspicion that waits beyond this is left to the round.
  private static let suspectLimit = 16

  mutating func suspect(_ digest: Digest) {
    guard suspects.count < Self.suspectLimit else { return }
    suspects.append(FileScrub(store, only: digest))
  }

  mutating func step(_ findings: inout [FileFinding]) -> ScrubStep {
    do {
      if let suspect = suspects.first {
        let (step, isOver) = try read(suspect, &findings)
        if isOver { suspects.removeFirst() }
        return step
      }
      switch stage {
      case .files:
        let (step, isOver) = try read(files, &findings)
        if isOver { stage = .entries }
        return step
      case .entries: return try readEntries(&findings)
      case .keys: return try readKeys()
      case .names: return try readNames(&findings)
      }
    } catch {
      return ScrubStep(failure: "\(error)")
    }
  }

  private func read(
    _ scrub: FileScrub, _ findings: inout [FileFinding]
  ) throws(FileStoreError) -> (ScrubStep, isOver: Bool) {
    switch try scrub.step(maximumByteCount: Self.stepByteCount) {
    case .reading(let byteCount): return (ScrubStep(byteCount: byteCount), false)
    case .rotten(let digest, let isKept):
      findings.append(.rottenFile(digest, isKept: isKept))
      return (ScrubStep(byteCount: Self.stepByteCount), false)
    case .roundEnded: return (ScrubStep(), true)
    }
  }

  private mutating func readEntries(
    _ findings: inout [FileFinding]
  ) throws(StoreError) -> ScrubStep {
    let after = entriesUpTo
    let page = try reader.inSnapshot { reader throws(StoreError) in
      try reader.scrubEntries(
        after: after, limit: Self.pageCount, byteCount: Self.stepByteCount)
    }
    for digest in page.rotten { findings.append(rottenEntry(digest)) }
    for digest in page.bodiless {
      let lead = try reader.inSnapshot { reader throws(StoreError) in
        try reader.lead(toEntry: digest)
      }
      findings.append(.bodilessEntry(digest, lead))
    }
    entriesUpTo = page.last ?? .start
    if page.last == nil { stage = .keys }
    return ScrubStep(byteCount: page.byteCount)
  }

  /// Keys come back with a backup only, so what is wrong with them is a failure and no finding.
  private mutating func readKeys() throws(StoreError) -> ScrubStep {
    let after = keysUpTo
    let page = try reader.inSnapshot { reader throws(StoreError) in
      try reader.scrubKeys(after: after, limit: Self.pageCount)
    }
    keysUpTo = page.last ?? 0
    if page.last == nil { stage = .names }
    return ScrubStep(byteCount: page.byteCount)
  }

  /// A file may go while nobody looks, or a crash come between its move aside and the note of it.
  private mutating func readNames(_ findings: inout [FileFinding]) throws -> ScrubStep {
    let after = namesUpTo
    let page = try reader.inSnapshot { reader throws(StoreError) in
      try reader.storedFiles(after: after, limit: Self.pageCount)
    }
    // The stage of files has read its bytes. Its size is what a record says, which may be wrong.
    for file in page where try store.size(of: file.digest) == nil {
      findings.append(.lostFile(file.digest))
    }
    namesUpTo = page.last?.digest
    guard page.isEmpty else { return ScrubStep() }
    stage = .files
    return ScrubStep(isRoundOver: true)
  }

  /// Who should have an entry that cannot be read here.
  func rottenEntry(_ digest: Digest) -> FileFinding {
    let lead = try? reader.inSnapshot { reader throws(StoreError) in
      try reader.lead(toEntry: digest)
    }
    return .rottenEntry(digest, lead ?? nil)
  }
}
