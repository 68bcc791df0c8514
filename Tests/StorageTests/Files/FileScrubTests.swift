import Glibc
import Replication
import Testing

@testable import Storage

/// Rot, and things that somebody planted on the disk.
@Suite struct FileScrubTests {
  /// Steps to the end of the round; the digests found rotten.
  private func round(_ scrub: FileScrub, stepByteCount: Int) throws -> [Digest] {
    var rotten: [Digest] = []
    while true {
      switch try scrub.step(maximumByteCount: stepByteCount) {
      case .reading(let count): #expect(count <= stepByteCount)
      case .rotten(let digest, _): rotten.append(digest)
      case .roundEnded: return rotten
      }
    }
  }

  @Test(arguments: [0, 1, 99_999, 262_143, 262_144, 299_999])
  func aFlippedByteIsFoundMovedAsideAndServedNoMore(offset: Int) throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(300_000)
    let digest = try lab.put(bytes)
    let others = try (UInt64(2)...9).map { try lab.put(FileLab.bytes(5_000, seed: $0)) }
    let reader = try store.open(digest)
    let otherReader = try store.open(others[0])
    try FileLab.flip(lab.filePath(digest), at: offset)
    #expect(try round(FileScrub(store), stepByteCount: 70_001) == [digest])
    #expect(throws: FileStoreError.missing(digest)) { try store.open(digest) }
    #expect(throws: FileStoreError.missing(digest)) { try reader.read(at: 0, count: 1) }
    #expect(try otherReader.read(at: 0, count: 5_000).count == 5_000)
    #expect(try !store.contains(digest))
    #expect(FileLab.exists(lab.rottenPath(digest)))
    #expect(store.totals == FileTotals(fileCount: 8, byteCount: 40_000, rottenCount: 1))
    // The peer's copy takes its place.
    let part = try store.openPart(digest, byteCount: 300_000).part()
    try part.write([bytes[...]], at: 0)
    #expect(try verified(part) == .stored)
    #expect(try lab.content(digest) == bytes)
    #expect(throws: FileStoreError.missing(digest)) { try reader.read(at: 0, count: 1) }
    #expect(try round(FileScrub(store), stepByteCount: 1 << 20) == [])
  }

  @Test func goodFilesStayAndAreAllRead() throws {
    let lab = try FileLab()
    let store = try lab.store()
    for seed in UInt64(1)...200 { try lab.put(FileLab.bytes(Int(seed) * 50, seed: seed)) }
    let before = store.totals
    for step in [777, 4_096, 1 << 20] {
      let scrub = FileScrub(store)
      #expect(try round(scrub, stepByteCount: step) == [])
      #expect(scrub.fileCount == 200 && scrub.byteCount == before.byteCount)
    }
    #expect(store.totals == before)
  }

  @Test func aScrubGoesOnWhereAnotherStopped() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let digests = try (UInt64(1)...10).map { try lab.put(FileLab.bytes(100, seed: $0)) }.sorted()
    let first = FileScrub(store)
    while first.last != digests[4] { _ = try first.step(maximumByteCount: 50) }
    let second = FileScrub(store, after: first.last)
    #expect(try round(second, stepByteCount: 1_000) == [])
    #expect(second.fileCount == 5 && second.last == nil)
  }

  @Test func aShortOrLongFileIsRotten() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let short = try lab.put(FileLab.bytes(1_000))
    let long = try lab.put(FileLab.bytes(1_000, seed: 2))
    let reader = try store.open(short, byteCount: 1_000)
    try #require(truncate(lab.filePath(short), 999) == 0)
    try #require(truncate(lab.filePath(long), 1_001) == 0)
    #expect(throws: FileStoreError.rotten(short)) { try reader.read(at: 990, count: 10) }
    #expect(throws: FileStoreError.rotten(short)) { try store.open(short, byteCount: 1_000) }
    #expect(throws: FileStoreError.rotten(long)) { try store.open(long, byteCount: 1_000) }
    // One file alone, as a reader that stumbled asks for it.
    #expect(try round(FileScrub(store, only: short), stepByteCount: 100) == [short])
    #expect(try store.contains(long))
    #expect(try round(FileScrub(store), stepByteCount: 100) == [long])
  }

  @Test func puttingAgainReplacesAFileOfAnotherSize() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(1_000)
    let digest = try lab.put(bytes)
    try #require(truncate(lab.filePath(digest), 999) == 0)
    try lab.put(bytes)
    #expect(try lab.content(digest) == bytes)
    #expect(FileLab.exists(lab.rottenPath(digest)))
  }

  @Test func rottenFilesAreBoundedInNumber() throws {
    let lab = try FileLab()
    let store = try lab.store(limits: FileLimits(maximumRottenCount: 2))
    for seed in UInt64(1)...5 {
      try FileLab.flip(lab.filePath(lab.put(FileLab.bytes(10, seed: seed))), at: 3)
    }
    #expect(try round(FileScrub(store), stepByteCount: 1_000).count == 5)
    #expect(store.totals == FileTotals(rottenCount: 2))
    #expect(try lab.names().count == 2)
  }

  /// The name now stands for a good file that came while the bad one was being read.
  @Test func aFileThatCameMeanwhileStays() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(1_000)
    let digest = try lab.put(bytes)
    try FileLab.flip(lab.filePath(digest), at: 0)
    let scrub = FileScrub(store)
    #expect(try scrub.step(maximumByteCount: 500) == .reading(byteCount: 500))
    try store.remove(digest)
    try lab.put(bytes)
    #expect(try round(scrub, stepByteCount: 10_000) == [])
    #expect(try lab.content(digest) == bytes)
  }

  @Test func aRemovedFileIsReadNoMore() throws {
    let lab = try FileLab()
    let digest = try lab.put([1, 2, 3])
    let reader = try lab.store().open(digest)
    try lab.store().remove(digest)
    #expect(throws: FileStoreError.missing(digest)) { try reader.read(at: 0, count: 3) }
  }

  enum Planted: CaseIterable { case link, brokenLink, directory, pipe }

  private func plant(_ planted: Planted, at path: String, secret: String) throws {
    let result =
      switch planted {
      case .link: symlink(secret, path)
      case .brokenLink: symlink("\(secret)-not-there", path)
      case .directory: mkdir(path, 0o700)
      case .pipe: mkfifo(path, 0o600)
      }
    try #require(result == 0)
  }

  @Test(arguments: Planted.allCases)
  func whatIsPlantedInPlaceOfAFileIsNeitherReadNorFollowed(planted: Planted) throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(50)
    let secret = "\(lab.path)/secret"
    try FileLab.write(secret, bytes)
    let digest = try lab.put(bytes)
    try store.remove(digest)
    try plant(planted, at: lab.filePath(digest), secret: secret)
    #expect(throws: FileStoreError.notOurs(name: digest.description)) { try store.open(digest) }
    #expect(try !store.contains(digest))
    #expect(try store.files(after: nil, limit: 10) == [])
    #expect(try round(FileScrub(store), stepByteCount: 1_000) == [digest])
    #expect(!FileLab.exists(lab.filePath(digest)))
    #expect(store.totals == FileTotals(rottenCount: 1))
    // Planted anew, before the file comes: what comes takes the place of what is there.
    try plant(planted, at: lab.filePath(digest), secret: secret)
    try lab.put(bytes)
    #expect(try lab.content(digest) == bytes)
    #expect(store.totals == FileTotals(fileCount: 1, byteCount: 50, rottenCount: 1))
    #expect(FileLab.exists(secret))
  }

  @Test(arguments: Planted.allCases)
  func whatIsPlantedInPlaceOfAPartIsRefused(planted: Planted) throws {
    let lab = try FileLab()
    let store = try lab.store()
    let digest = FileLab.digest([1])
    let secret = "\(lab.path)/secret"
    try FileLab.write(secret, [7])
    try plant(planted, at: lab.partPath(digest), secret: secret)
    #expect(throws: FileStoreError.notOurs(name: "part/\(digest)")) {
      try store.openPart(digest, byteCount: 1)
    }
    #expect(store.totals == FileTotals())
  }

  @Test(arguments: ["", "/new", "/part", "/rotten", "/ab"])
  func aLinkInPlaceOfADirectoryIsRefused(name: String) throws {
    let lab = try FileLab()
    try #require(mkdir("\(lab.path)/elsewhere", 0o700) == 0)
    if !name.isEmpty { try #require(mkdir("\(lab.path)/files", 0o700) == 0) }
    try #require(symlink("\(lab.path)/elsewhere", "\(lab.path)/files\(name)") == 0)
    let refused = name.isEmpty ? "files" : String(name.dropFirst())
    #expect(throws: FileStoreError.notOurs(name: refused)) { try lab.store() }
    #expect(try FileLab.names("\(lab.path)/elsewhere") == [])
  }
}
