import Cryptography
import Glibc
import Replication
import Synchronization
import Testing

@testable import Storage

/// A copy that is made while the writer works.
@Suite struct StoreCopyTests {
  private let lab: BackupLab
  private let store: OpenedStore

  init() throws {
    lab = try BackupLab()
    store = try lab.open()
    try fill(1...4)
  }

  private func copy(reserve: UInt64 = 0) -> StoreCopy {
    StoreCopy(in: store.directory, hashing: OpenSSLHash(), reserve: reserve)
  }

  /// One file a number, and the number as a cursor: a copy that mixes states has them disagree.
  private func fill(_ numbers: ClosedRange<UInt64>) throws {
    for number in numbers {
      try store.writer.begin()
      for part in 0..<1_024 as Range<UInt64> {
        try store.writer.name(FileReference(digest: Digest(Bytes32(number, part, 0, 0)), size: 1))
      }
      try store.writer.setCursor(.verifier, to: LSN(number))
      try store.writer.commit()
    }
  }

  private var names: [String] { (try? lab.names().filter { $0.hasPrefix("backup") }) ?? [] }

  /// The writer commits between every two steps; the copy is of the moment it began.
  @Test func theCopyIsOfOneMomentWhateverIsWrittenMeanwhile() throws {
    try fill(5...80)
    let steps = Mutex(UInt64(80))
    let copy = copy()
    let writing = WritingBetweenSteps(store.writer)
    let state = try copy.copy(from: try store.makeReader()) {
      steps.withLock { number in
        number += 1
        writing.write(number)
        // A copy that begins anew with each commit would never end.
        return number > 80 + 64
      }
    }
    let last = steps.withLock { $0 }
    #expect(last > 81, "several steps")
    let facts = try copy.settle(state) { false }
    #expect(try store.writer.cursor(of: .verifier) == LSN(last))

    let bytes = try copy.bytes(at: 0, count: Int(facts.byteCount))
    #expect(OpenSSLHash().digest(bytes) == facts.digest)
    #expect(
      facts.state == (try store.writer.siteState())
        && facts.schema == SchemaMigration.currentVersion)
    let other = try BackupLab()
    FileBytes.write(bytes, to: "\(other.path)/store.db")
    #expect(try other.cursor() == 80)
    let restored = try other.open()
    #expect(try restored.writer.pendingFileCount() == 80 * 1_024)
    copy.remove()
    #expect(names.isEmpty)
  }

  /// Uses the writer's connection on the copying thread, which is the test's own.
  private struct WritingBetweenSteps: @unchecked Sendable {
    let writer: SQLiteWriter
    init(_ writer: SQLiteWriter) { self.writer = writer }

    func write(_ number: UInt64) {
      do {
        try writer.begin()
        try writer.setCursor(.verifier, to: LSN(number))
        try writer.commit()
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test func aStopLeavesNothing() throws {
    try fill(5...80)
    let copy = copy()
    let reader = try store.makeReader()
    #expect(throws: StoreCopyError.stopped) { try copy.copy(from: reader) { true } }
    #expect(names.isEmpty)
    let state = try copy.copy(from: reader) { false }
    #expect(throws: StoreCopyError.stopped) { try copy.settle(state) { true } }
    #expect(names.isEmpty)
  }

  @Test func withoutRoomNothingIsBegun() throws {
    let copy = copy(reserve: .max)
    let reader = try store.makeReader()
    #expect { try copy.copy(from: reader) { false } } throws: { error in
      (error as? StoreCopyError)?.code == "storage-full"
    }
    #expect(names.isEmpty)
  }

  @Test func whatAnEarlierProcessLeftGoes() throws {
    for name in ["backup.db", "backup.db.new", "backup.db.new-journal"] {
      FileBytes.write([1], to: "\(lab.path)/\(name)")
    }
    _ = copy()
    #expect(names.isEmpty)
  }
}
