import Cryptography
import Glibc
import Replication
import Testing

@testable import Storage

/// A data directory of a test, which goes away with the value.
final class BackupLab {
  let path: String
  let site: SiteID

  init() throws {
    var template = Array("/tmp/dongbo-backup.XXXXXX".utf8CString)
    let isMade = mkdtemp(&template) != nil
    try #require(isMade)
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    site = try #require(SiteID("lang-son"))
  }

  deinit { Self.remove(path) }

  /// - Parameter name: tells the store, when it is made here.
  func open(_ place: String? = nil, named name: UInt64 = 1) throws -> OpenedStore {
    try OpenedStore.open(place ?? path, site: site, hashing: OpenSSLHash()) {
      Bytes16(high: 0, low: name)
    }
  }

  /// Which store is in place: the name it was made with.
  func name(_ place: String? = nil) throws -> UInt64 {
    let store = try open(place, named: .max)
    defer { store.writer.close() }
    return try store.writer.siteState().storeID.low
  }

  func names() throws -> [String] { try Self.names(path) }

  static func names(_ path: String) throws -> [String] {
    let stream = try #require(opendir(path))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func remove(_ path: String) {
    for name in (try? names(path)) ?? [] where unlink(path + "/" + name) != 0 {
      remove(path + "/" + name)
    }
    rmdir(path)
  }
}

/// A restore that is cut off at each of its steps.
@Suite struct StoreRestoreTests {
  /// Of store 2, which names two files as here.
  private let backup: [UInt8]
  /// Store 1 as a killed process leaves it: what was committed last is only in the WAL.
  private let old: [String: [UInt8]]
  private static let files = [Digest(Bytes32(1, 0, 0, 0)), Digest(Bytes32(2, 0, 0, 0))]

  init() throws {
    let lab = try BackupLab()
    let store = try lab.open(named: 2)
    try store.writer.begin()
    for file in Self.files {
      try store.writer.name(FileReference(digest: file, size: 3))
      try store.writer.setFileState(.here, of: file)
    }
    try store.writer.commit()
    let copy = StoreCopy(in: store.directory, hashing: OpenSSLHash(), reserve: 0)
    let facts = try copy.settle(
      try copy.copy(from: try store.makeReader()) { false }, unless: { false })
    backup = try copy.bytes(at: 0, count: Int(facts.byteCount))

    let killed = try BackupLab()
    let writer = try killed.open(named: 1).writer
    try writer.begin()
    try writer.setCursor(.verifier, to: LSN(77))
    try writer.commit()
    old = try Dictionary(
      uniqueKeysWithValues: ["store.db", "store.db-wal"].map { name in
        (name, try FileBytes.read("\(killed.path)/\(name)"))
      })
    #expect(old["store.db-wal"]?.isEmpty == false)
    writer.close()
  }

  /// A data directory with the store of the killed process.
  private func makeLab() throws -> BackupLab {
    let lab = try BackupLab()
    for (name, bytes) in old { FileBytes.write(bytes, to: "\(lab.path)/\(name)") }
    return lab
  }

  /// Stands for the kill of the process: nothing after it runs.
  private static let kill = StoreOpenError.directory(path: "", operation: "kill", errno: EINTR)

  private final class Steps {
    var begun: [String] = []
    let last: Int
    init(last: Int) { self.last = last }

    func begin(_ step: String) throws(StoreOpenError) {
      begun.append(step)
      if begun.count == last { throw StoreRestoreTests.kill }
    }
  }

  private func restore(in lab: BackupLab, _ steps: Steps) throws(StoreOpenError) -> Int {
    let directory = try DataDirectory(lab.path)
    var restore = try StoreRestore(in: directory) { step throws(StoreOpenError) in
      try steps.begin(step)
    }
    try restore.append(backup.span)
    let prepared = try restore.prepare(for: lab.site, hashing: OpenSSLHash()) {
      writer throws(StoreError) in
      var state = try writer.siteState()
      state.lock = .restoredByCommand
      try writer.setSiteState(state)
    }
    _ = try restore.commit(at: "TIME")
    return prepared.pendingFileCount
  }

  /// A first start that was killed may leave a journal, and SQLite plays back into a database
  /// whatever journal lies beside it. Kills: one that stays beside the restored store.
  @Test func aJournalIsSetAsideWithItsStore() throws {
    let lab = try makeLab()
    let journal = "\(lab.path)/store.db-journal"
    FileBytes.write([1], to: journal)
    #expect(try FileBytes.read(journal) == [1])
    let steps = Steps(last: .max)
    _ = try restore(in: lab, steps)
    #expect(steps.begun.contains("set aside -journal"))
    let file = OpenFile(journal, O_RDONLY)
    let isThere = file.isOpen
    #expect(!isThere)
  }

  @Test func aKillAtAnyStepLeavesOneStoreWhole() throws {
    let all = Steps(last: .max)
    _ = try restore(in: try makeLab(), all)
    let decision = try #require(all.begun.firstIndex(of: "decide")) + 1
    #expect(all.begun.contains("put in place"), "\(all.begun)")
    for last in 1...all.begun.count {
      let lab = try makeLab()
      #expect(throws: Self.kill) { try restore(in: lab, Steps(last: last)) }
      let step = all.begun[last - 1]
      let isDecided = last > decision
      // Opening ends what was decided.
      #expect(try lab.name() == (isDecided ? 2 : 1), "killed before: \(step)")
      #expect(try lab.cursor() == (isDecided ? 0 : 77), "killed before: \(step)")
      #expect(try !lab.names().contains("restore-ready"), "killed before: \(step)")
      // Run again, it works.
      _ = try restore(in: lab, Steps(last: .max))
      #expect(try lab.name() == 2)
      let aside = try lab.names().filter { $0.hasPrefix("before-restore-") }
      #expect(aside.count == (isDecided ? 2 : 1), "killed before: \(step): \(aside)")
      #expect(try lab.name("\(lab.path)/before-restore-TIME") == 1)
      #expect(try lab.cursor("\(lab.path)/before-restore-TIME") == 77)
      #expect(try !lab.names().contains("restore"))
    }
  }

  @Test func filesThatAreNotHereArePending() throws {
    let lab = try BackupLab()
    let content = Array("abc".utf8)
    let here = try FileStore(directory: DataDirectory(lab.path), hashing: OpenSSLHash()).put(
      content)
    #expect(!Self.files.contains(here))
    #expect(try restore(in: lab, Steps(last: .max)) == 2)
    let store = try lab.open()
    for file in Self.files { #expect(try store.writer.fileState(of: file) == .pending) }
    #expect(try lab.names().filter { $0.hasPrefix("before") || $0.hasPrefix("restore") } == [])
  }
}

extension BackupLab {
  func cursor(_ place: String? = nil) throws -> UInt64 {
    let store = try open(place)
    defer { store.writer.close() }
    return try store.writer.cursor(of: .verifier).value
  }
}

extension FileStore {
  fileprivate func put(_ bytes: [UInt8]) throws(FileStoreError) -> Digest {
    let file = try begin()
    try file.append(bytes.span)
    return try file.finish(expected: nil, byteCount: nil)
  }
}

/// Whole files of a test.
enum FileBytes {
  static func read(_ path: String) throws -> [UInt8] {
    let file = OpenFile(path, O_RDONLY)
    let isOpen = file.isOpen
    try #require(isOpen, "\(path)")
    var buffer = [UInt8](repeating: 0, count: 16 << 20)
    let count = pread(file.descriptor, &buffer, buffer.count, 0)
    return Array(buffer.prefix(max(count, 0)))
  }

  static func write(_ bytes: [UInt8], to path: String) {
    let file = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC)
    let count = pwrite(file.descriptor, bytes, bytes.count, 0)
    #expect(count == bytes.count)
  }
}
