import Glibc
import Replication
import Testing

@testable import Storage

/// Files that applications write, and what is read back.
@Suite struct NewFileTests {
  private static let chunk = FileLimits.chunkByteCount

  @Test(arguments: [0, 1, 4_095, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 17])
  func whatIsWrittenIsReadBack(byteCount: Int) throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(byteCount)
    let file = try store.begin()
    // In pieces that meet no border.
    for start in stride(from: 0, to: byteCount, by: 100_003) {
      try file.append(bytes.span.extracting(start..<min(start + 100_003, byteCount)))
    }
    let digest = try file.finish(
      expected: FileLab.digest(bytes), byteCount: Int64(byteCount))
    #expect(digest == FileLab.digest(bytes))
    #expect(try lab.content(digest) == bytes)
    #expect(try store.size(of: digest) == Int64(byteCount))
    let totals = store.totals
    #expect(totals.fileCount == 1 && totals.byteCount == Int64(byteCount))
    #expect(try lab.names() == ["\(String(describing: digest).prefix(2))/\(digest)"])
    var status = stat()
    #expect(stat(lab.filePath(digest), &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  @Test func readsStayWithinTheFileAndTheChunk() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(Self.chunk + 10)
    let file = try lab.store().open(lab.put(bytes))
    let size = Int64(bytes.count)
    for (offset, count) in [(0, 5), (Self.chunk - 3, 9), (Self.chunk, 10), (bytes.count, 7)] {
      let end = min(offset + count, bytes.count)
      #expect(try file.read(at: Int64(offset), count: count) == Array(bytes[offset..<end]))
    }
    #expect(try file.read(at: 3, count: .max).count == Self.chunk)
    for offset in [-1, size + 1, .min, .max] {
      #expect(throws: FileStoreError.outOfRange(offset: offset, byteCount: size)) {
        try file.read(at: offset, count: 1)
      }
    }
  }

  @Test func sameContentIsStoredOnce() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(70_000)
    let digest = try lab.put(bytes)
    var before = stat()
    #expect(stat(lab.filePath(digest), &before) == 0)
    #expect(try lab.put(bytes) == digest)
    var after = stat()
    #expect(stat(lab.filePath(digest), &after) == 0)
    #expect(before.st_ino == after.st_ino)
    #expect(store.totals == FileTotals(fileCount: 1, byteCount: 70_000))
    #expect(try lab.names().count == 1)
    #expect(try store.openPart(digest, byteCount: 70_000).isStored)
  }

  /// Kills: dropping the bytes at hand for a file nobody has read since the start.
  @Test func contentPutAgainReplacesWhatHasRotted() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(70_000)
    let digest = try lab.put(bytes)
    lab.close()
    try FileLab.write(lab.filePath(digest), FileLab.bytes(70_000, seed: 2))
    #expect(try lab.put(bytes) == digest)
    #expect(try lab.content(digest) == bytes)
    #expect(try lab.store().totals == FileTotals(fileCount: 1, byteCount: 70_000))
    #expect(try lab.names().count == 1)
  }

  @Test func manyThreadsStoreSharedContentOnce() async throws {
    let lab = try FileLab()
    let store = try lab.store()
    let contents = (UInt64(1)...20).map { FileLab.bytes(5_000, seed: $0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for bytes in contents {
            let file = try store.begin()
            try file.append(bytes.span)
            #expect(try file.finish() == FileLab.digest(bytes))
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(store.totals == FileTotals(fileCount: 20, byteCount: 100_000))
    #expect(try lab.names().count == 20)
    for bytes in contents { #expect(try lab.content(FileLab.digest(bytes)) == bytes) }
  }

  /// Both threads had found nothing under the name.
  @Test func theSecondOfTwoThreadsIsNotCounted() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let digest = try lab.put([1, 2, 3])
    try FileLab.write("\(lab.path)/files/new/99", [1, 2, 3])
    try store.place(
      named: "99", of: store.layout.new, as: digest, 3, in: store.layout.madeBucket(of: digest))
    #expect(store.totals == FileTotals(fileCount: 1, byteCount: 3))
    #expect(try lab.names().count == 1)
  }

  /// A grace period must not end between the answer and the record that names the file.
  @Test func contentPutAgainIsAsGoodAsNew() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let digest = try lab.put([1, 2, 3])
    let past = [timespec(tv_sec: 1_000, tv_nsec: 0), timespec(tv_sec: 1_000, tv_nsec: 0)]
    try #require(utimensat(AT_FDCWD, lab.filePath(digest), past, 0) == 0)
    #expect(try store.summary(of: digest)?.writtenAt == 1_000)
    try lab.put([1, 2, 3])
    #expect(try !store.remove(digest, writtenBefore: 1_001))
    #expect(try store.contains(digest))
    #expect(try store.remove(digest, writtenBefore: .max))
    #expect(try !store.remove(digest))
    #expect(store.totals == FileTotals())
  }

  @Test func liesAreNamedAndLeaveNothing() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(1_000)
    let other = FileLab.digest([])
    let long = try store.begin()
    try long.append(bytes.span)
    #expect(throws: FileStoreError.sizeMismatch(declared: 999, actual: 1_000)) {
      try long.finish(byteCount: 999)
    }
    let wrong = try store.begin()
    try wrong.append(bytes.span)
    #expect(
      throws: FileStoreError.digestMismatch(
        declared: other, actual: FileLab.digest(bytes), isResumed: false)
    ) { try wrong.finish(expected: other) }
    #expect(try lab.names() == [])
    #expect(store.totals == FileTotals())
  }

  @Test func aFileBeyondTheLimitIsRefusedBeforeItIsWritten() throws {
    let lab = try FileLab()
    let store = try lab.store(limits: FileLimits(maximumFileByteCount: 1_000))
    let file = try store.begin()
    try file.append(FileLab.bytes(1_000).span)
    #expect(throws: FileStoreError.tooLarge(byteCount: 1_001, limit: 1_000)) {
      try file.append([1].span)
    }
    #expect(try lab.names() == [])
    for size in [1_001, .max, -1, .min] as [Int64] {
      #expect(throws: FileStoreError.tooLarge(byteCount: size, limit: 1_000)) {
        try store.openPart(.zero, byteCount: size)
      }
    }
  }

  @Test func whatIsGivenUpOrLeftByACrashIsRemoved() throws {
    let lab = try FileLab()
    do {
      let file = try lab.store().begin()
      try file.append([1, 2, 3].span)
      #expect(try lab.names() == ["new/1"])
      file.abandon()
      #expect(try lab.names() == [])
      _ = try lab.store().begin()
    }
    #expect(try lab.names() == [])
    lab.close()
    try FileLab.write("\(lab.path)/files/new/1", [1, 2, 3])
    let store = try lab.store()
    #expect(try lab.names() == [])
    #expect(store.totals == FileTotals())
    _ = try lab.put([1])
  }

  @Test func totalsAreCountedAgainAtStart() throws {
    let lab = try FileLab()
    for seed in UInt64(1)...20 { try lab.put(FileLab.bytes(1_000, seed: seed)) }
    _ = try lab.store().openPart(.zero, byteCount: 5)
    let before = try lab.store().totals
    lab.close()
    #expect(try lab.store().totals == before)
    #expect(before == FileTotals(fileCount: 20, byteCount: 20_000, partCount: 1))
  }

  @Test func pagesListEveryFileOnceInOrder() throws {
    let lab = try FileLab()
    let digests = try (UInt64(1)...300).map { try lab.put(FileLab.bytes(8, seed: $0)) }.sorted()
    for limit in [1, 7, 299, 300, 1_000] {
      var found: [Digest] = []
      while true {
        let page = try lab.store().files(after: found.last, limit: limit)
        #expect(page.count <= limit)
        guard !page.isEmpty else { break }
        found += page.map(\.digest)
      }
      #expect(found == digests, "pages of \(limit)")
    }
  }

  @Test func aFullDiskIsNamedAndLeavesNothing() throws {
    let lab = try FileLab()
    let store = try lab.store(room: { 999 })
    let file = try store.begin()
    try file.append(FileLab.bytes(999).span)
    #expect(throws: FileStoreError.noRoom(needed: 1_000, free: 999)) {
      try file.append(FileLab.bytes(1_000).span)
    }
    #expect(try lab.names() == [])
    // What the kernel says when there is no room at all.
    let device = OpenFile("/dev/full", O_WRONLY)
    let isOpen = device.isOpen
    try #require(isOpen)
    var thrown: FileStoreError?
    do throws(FileStoreError) { try device.write([1, 2].span, at: 0, "1") } catch {
      thrown = error
    }
    #expect(thrown == .full(operation: "write", errno: ENOSPC))
    #expect(thrown?.description == "write a file: No space left on device")
    #expect(thrown?.isOfEnvironment == true)
  }
}
