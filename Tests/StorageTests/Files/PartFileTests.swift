import Glibc
import Replication
import Synchronization
import Testing

@testable import Storage

/// Files that come over a link, in parts.
@Suite struct PartFileTests {
  private static let chunk = FileLimits.chunkByteCount

  private func send(
    _ bytes: [UInt8], to part: PartFile, until end: Int, pieces: Int = 65_536
  ) throws {
    while part.receivedByteCount < end {
      let start = Int(part.receivedByteCount)
      let piece = bytes[start..<min(start + pieces, end)]
      try part.write([piece], at: part.receivedByteCount)
    }
  }

  @Test(arguments: [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk + 17])
  func anUninterruptedPartIsStoredWithoutReadingItAgain(byteCount: Int) throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(byteCount)
    let digest = FileLab.digest(bytes)
    let part = try store.openPart(digest, byteCount: Int64(byteCount)).part()
    try send(bytes, to: part, until: byteCount)
    // One byte a step would not suffice to read anything again.
    #expect(try part.verifyStep(maximumByteCount: 1) == .stored)
    #expect(try lab.content(digest) == bytes)
    #expect(store.totals == FileTotals(fileCount: 1, byteCount: Int64(byteCount)))
    #expect(try store.parts() == [])
  }

  /// Kills: an acknowledgement before the write, after which a cut loses what was acknowledged;
  /// one after the hash, for which the sender would wait.
  @Test func whatIsWrittenIsSaidOnceItIsThereAndBeforeItIsHashed() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(3 * Self.chunk)
    let digest = FileLab.digest(bytes)
    let store = try lab.store()
    let part = try store.openPart(digest, byteCount: Int64(bytes.count)).part()
    var found: [Int64] = []
    for start in stride(from: 0, to: bytes.count, by: Self.chunk) {
      let half = start + Self.chunk / 2
      let pieces = [bytes[start..<half], bytes[half..<start + Self.chunk]]
      try part.write(pieces, at: Int64(start)) {
        // What another process would find after a kill.
        found += ((try? store.parts()) ?? []).map(\.byteCount)
        #expect(part.hasUnhashedBytes)
        #expect(part.receivedByteCount == Int64(start + Self.chunk))
      }
      #expect(!part.hasUnhashedBytes)
    }
    #expect(found == [1, 2, 3].map { Int64($0 * Self.chunk) })
    #expect(throws: FileStoreError.self) {
      try part.write([[1]], at: 0) { Issue.record("nothing was written") }
    }
    #expect(try part.verifyStep(maximumByteCount: 1) == .stored)
  }

  /// Kills: forgetting what is not written back yet, if that were more than advice.
  @Test func aPartThatMemoryForgetsIsWhole() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(3 * Int(FileLimits.writebackByteCount) + Self.chunk + 1)
    let digest = FileLab.digest(bytes)
    let part = try lab.store().openPart(digest, byteCount: Int64(bytes.count)).part()
    try send(bytes, to: part, until: bytes.count)
    #expect(try part.verifyStep(maximumByteCount: 1) == .stored)
    #expect(try lab.content(digest) == bytes)
  }

  @Test(arguments: [0, 1, 65_535, chunk - 1, chunk, chunk + 1, 2 * chunk + 5, 3 * chunk])
  func aPartResumesWhereItStopped(offset: Int) throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(3 * Self.chunk)
    let digest = FileLab.digest(bytes)
    let size = Int64(bytes.count)
    try send(bytes, to: lab.store().openPart(digest, byteCount: size).part(), until: offset)
    lab.close()
    let part = try lab.store().openPart(digest, byteCount: size).part()
    #expect(part.receivedByteCount == Int64(offset))
    #expect(part.isResumed == (offset > 0))
    #expect(try lab.store().parts().map(\.byteCount) == [Int64(offset)])
    try send(bytes, to: part, until: bytes.count)
    #expect(try verified(part, stepByteCount: 100_000) == .stored)
    #expect(try lab.content(digest) == bytes)
    #expect(try lab.store().totals == FileTotals(fileCount: 1, byteCount: size))
  }

  @Test func aPartCutTwentyTimesIsWhole() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(2 * Self.chunk + 99)
    let digest = FileLab.digest(bytes)
    let size = Int64(bytes.count)
    for cut in 1...20 {
      let part = try lab.store().openPart(digest, byteCount: size).part()
      // Sometimes the old bytes are hashed between the new ones, sometimes at the end.
      if cut.isMultiple(of: 3) { _ = try part.verifyStep(maximumByteCount: 10_000) }
      try send(bytes, to: part, until: bytes.count * cut / 20, pieces: 5_003)
      if cut.isMultiple(of: 2) { _ = try part.verifyStep(maximumByteCount: 30_000) }
      if cut < 20 { lab.close() } else { #expect(try verified(part) == .stored) }
    }
    #expect(try lab.content(digest) == bytes)
  }

  @Test func verificationIsInSlicesAndSaysWhatIsLeft() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(1_000)
    let digest = FileLab.digest(bytes)
    try send(bytes, to: lab.store().openPart(digest, byteCount: 1_000).part(), until: 900)
    lab.close()
    let part = try lab.store().openPart(digest, byteCount: 1_000).part()
    #expect(try part.verifyStep(maximumByteCount: 300) == .receiving(from: 900))
    try send(bytes, to: part, until: 1_000)
    #expect(try part.verifyStep(maximumByteCount: 300) == .verifying(remaining: 400))
    #expect(try part.verifyStep(maximumByteCount: 399) == .verifying(remaining: 1))
    #expect(try part.verifyStep(maximumByteCount: 1) == .stored)
  }

  @Test func onlyTheNextBytesAreTaken() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(100)
    let part = try lab.store().openPart(FileLab.digest(bytes), byteCount: 100).part()
    try send(bytes, to: part, until: 50)
    for offset in [0, 49, 51, 100, -1, .max, .min] as [Int64] {
      #expect(throws: FileStoreError.outOfOrder(offset: offset, expected: 50)) {
        try part.write([[1]], at: offset)
      }
    }
    #expect(throws: FileStoreError.sizeMismatch(declared: 100, actual: 101)) {
      try part.write([FileLab.bytes(51)[...]], at: 50)
    }
    try send(bytes, to: part, until: 100)
    #expect(try verified(part) == .stored)
  }

  @Test func aWrongDigestRemovesThePartAndCountsTheNewStart() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(1_000)
    let digest = FileLab.digest(bytes)
    let wrong = FileLab.bytes(1_000, seed: 2)
    let part = try store.openPart(digest, byteCount: 1_000).part()
    try send(wrong, to: part, until: 1_000)
    #expect(
      throws: FileStoreError.digestMismatch(
        declared: digest, actual: FileLab.digest(wrong), isResumed: false)
    ) { try part.verifyStep(maximumByteCount: 1) }
    #expect(try lab.names() == [])
    #expect(store.totals == FileTotals(restartCount: 1))
    let again = try store.openPart(digest, byteCount: 1_000).part()
    #expect(again.receivedByteCount == 0)
    try send(bytes, to: again, until: 1_000)
    #expect(try verified(again) == .stored)
  }

  /// The length came to the disk, the bytes did not.
  @Test func aPowerLossIsNotHeldAgainstThePeer() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(1_000)
    let digest = FileLab.digest(bytes)
    _ = try lab.store()
    try FileLab.write(lab.partPath(digest), [UInt8](repeating: 0, count: 700))
    lab.close()
    let part = try lab.store().openPart(digest, byteCount: 1_000).part()
    try send(bytes, to: part, until: 1_000)
    do throws(FileStoreError) {
      _ = try part.verifyStep(maximumByteCount: 10_000)
      Issue.record("stored")
    } catch {
      #expect(error.code == "file-digest-mismatch" && error.isOfEnvironment)
    }
    #expect(try lab.store().totals == FileTotals(restartCount: 1))
  }

  @Test func aSizeThatLiesIsNamed() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let bytes = FileLab.bytes(100)
    let digest = FileLab.digest(bytes)
    let part = try store.openPart(digest, byteCount: 101).part()
    try send(bytes, to: part, until: 100)
    #expect(throws: FileStoreError.sizeMismatch(declared: 101, actual: 100)) {
      try part.peerEnded()
    }
    #expect(try lab.names() == [])
    try lab.put(bytes)
    #expect(throws: FileStoreError.sizeMismatch(declared: 99, actual: 100)) {
      try store.openPart(digest, byteCount: 99)
    }
    #expect(store.totals.partCount == 0)
  }

  @Test func aPartLongerThanDeclaredBeginsAnew() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(100)
    let digest = FileLab.digest(bytes)
    try send(bytes, to: lab.store().openPart(digest, byteCount: 100).part(), until: 60)
    let part = try lab.store().openPart(digest, byteCount: 50).part()
    #expect(part.receivedByteCount == 0)
    #expect(try lab.store().totals == FileTotals(partCount: 1, restartCount: 1))
    #expect(try lab.store().parts().map(\.byteCount) == [0])
  }

  @Test func bytesTakenFromAPartAreNoticed() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(100)
    let digest = FileLab.digest(bytes)
    try send(bytes, to: lab.store().openPart(digest, byteCount: 100).part(), until: 60)
    let part = try lab.store().openPart(digest, byteCount: 100).part()
    try #require(truncate(lab.partPath(digest), 20) == 0)
    #expect(throws: FileStoreError.sizeMismatch(declared: 60, actual: 20)) {
      try part.verifyStep(maximumByteCount: 100)
    }
    #expect(try lab.names() == [])
  }

  @Test func oneTransferWritesAPart() throws {
    let lab = try FileLab()
    let store = try lab.store()
    let digest = FileLab.digest([1])
    let part = try store.openPart(digest, byteCount: 1).part()
    #expect(throws: FileStoreError.partInUse(digest)) {
      try store.openPart(digest, byteCount: 1)
    }
    #expect(throws: FileStoreError.partInUse(digest)) { try store.removePart(digest) }
    part.close()
    #expect(try store.removePart(digest))
    #expect(try !store.removePart(digest))
    #expect(store.totals == FileTotals())
    _ = try store.openPart(digest, byteCount: 1)
    // The transfer that had it went without a word.
    try store.openPart(digest, byteCount: 1).part().discard()
    #expect(try lab.names() == [])
  }

  @Test func partsAreBoundedInNumberAlsoAfterAStart() throws {
    let lab = try FileLab()
    let limits = FileLimits(maximumPartCount: 3)
    for index in UInt8(0)..<3 {
      _ = try lab.store(limits: limits).openPart(FileLab.digest([index]), byteCount: 1)
    }
    lab.close()
    let store = try lab.store(limits: limits)
    #expect(throws: FileStoreError.tooManyParts(limit: 3)) {
      try store.openPart(FileLab.digest([9]), byteCount: 1)
    }
    // One that is there may go on; one that has come makes room.
    let part = try store.openPart(FileLab.digest([0]), byteCount: 1).part()
    try part.write([[0]], at: 0)
    #expect(try verified(part) == .stored)
    _ = try store.openPart(FileLab.digest([9]), byteCount: 1)
  }

  @Test func roomIsAskedForWhatIsStillToCome() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(1_000)
    let digest = FileLab.digest(bytes)
    try send(bytes, to: lab.store().openPart(digest, byteCount: 1_000).part(), until: 600)
    lab.close()
    _ = try lab.store(room: { 399 })
    #expect(throws: FileStoreError.noRoom(needed: 400, free: 399)) {
      try lab.store().openPart(digest, byteCount: 1_000)
    }
    lab.close()
    let part = try lab.store(room: { 400 }).openPart(digest, byteCount: 1_000).part()
    try send(bytes, to: part, until: 1_000)
    #expect(try verified(part) == .stored)
  }

  // MARK: Space ahead of a large part

  private static let large = Int(2 * FileLimits.reservedByteCount) + 17

  private static func heldByteCount(_ path: String) throws -> Int {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return Int(status.st_blocks) * 512
  }

  /// Kills: space that is reserved over and over, and never given back; a size that says that bytes
  /// are here which are only reserved.
  @Test func aLargePartReservesAStretchAndGivesItBack() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(Self.large)
    let digest = FileLab.digest(bytes)
    let part = try lab.store().openPart(digest, byteCount: Int64(Self.large)).part()
    try send(bytes, to: part, until: 65_536)
    let held = try Self.heldByteCount(lab.partPath(digest))
    #expect(held >= Int(FileLimits.reservedByteCount) && held < Self.large)
    #expect(try lab.store().parts().map(\.byteCount) == [65_536])
    part.close()
    #expect(try Self.heldByteCount(lab.partPath(digest)) <= 2 * 65_536)
    let next = try lab.store().openPart(digest, byteCount: Int64(Self.large)).part()
    #expect(next.receivedByteCount == 65_536)
    try send(bytes, to: next, until: Self.large)
    #expect(try verified(next) == .stored)
    #expect(try lab.content(digest) == bytes)
    #expect(try Self.heldByteCount(lab.filePath(digest)) <= Self.large + 65_536)
  }

  /// Kills: a disk that stays full by what a transfer of an earlier process had reserved.
  @Test func whatAKilledProcessReservedIsGivenBack() throws {
    let lab = try FileLab()
    let digest = FileLab.digest([1])
    try send([1, 2], to: lab.store().openPart(digest, byteCount: 3).part(), until: 2)
    lab.close()
    let file = OpenFile(lab.partPath(digest), O_RDWR)
    let isReserved = file.reserve(from: 2, count: FileLimits.reservedByteCount)
    #expect(isReserved)
    #expect(try Self.heldByteCount(lab.partPath(digest)) >= Int(FileLimits.reservedByteCount))
    #expect(try lab.store().parts().map(\.byteCount) == [2])
    #expect(try Self.heldByteCount(lab.partPath(digest)) <= 65_536)
  }

  /// Kills: a write refused for want of room that it does not need.
  @Test func withoutRoomForAStretchNoneIsReserved() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(Self.large)
    let digest = FileLab.digest(bytes)
    let room = Room(Int64(Self.large))
    let store = try lab.store(room: { room.free.withLock { $0 } })
    let part = try store.openPart(digest, byteCount: Int64(Self.large)).part()
    room.free.withLock { $0 = FileLimits.reservedByteCount }
    try send(bytes, to: part, until: 65_536)
    #expect(try Self.heldByteCount(lab.partPath(digest)) <= 2 * 65_536)
    try send(bytes, to: part, until: Self.large)
    #expect(try verified(part) == .stored)
  }

  /// Kills: a write into what is reserved that is refused because nothing else is free.
  @Test func whatIsReservedNeedsNoRoom() throws {
    let lab = try FileLab()
    let bytes = FileLab.bytes(Self.large)
    let digest = FileLab.digest(bytes)
    let room = Room(Int64(Self.large))
    let store = try lab.store(room: { room.free.withLock { $0 } })
    let part = try store.openPart(digest, byteCount: Int64(Self.large)).part()
    try send(bytes, to: part, until: 65_536)
    room.free.withLock { $0 = 0 }
    let reserved = 65_536 + Int(FileLimits.reservedByteCount)
    try send(bytes, to: part, until: reserved)
    #expect(throws: FileStoreError.noRoom(needed: 1, free: 0)) {
      try send(bytes, to: part, until: reserved + 1)
    }
    #expect(part.receivedByteCount == Int64(reserved))
  }

  private final class Room: Sendable {
    let free: Mutex<Int64>
    init(_ byteCount: Int64) { free = Mutex(byteCount) }
  }
}
