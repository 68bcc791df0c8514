import Glibc
import Replication
import Testing

@testable import Storage

/// Enough to notice a changed byte.
private struct WeakHashing: SHA256Hashing {
  func digest(_ parts: [UInt8]...) -> Digest {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in parts.joined() { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Digest(Bytes32(state, ~state, state &* 3, state &* 5))
  }
}

/// The two slots, whatever tears.
@Suite final class WitnessFileTests {
  private let directory: String
  private var path: String { "\(directory)/witness" }

  init() throws {
    var template = Array("/tmp/dongbo-witness-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    unlink("\(directory)/witness")
    rmdir(directory)
  }

  private func witness(_ lsn: UInt64) -> Witness {
    Witness(
      storeID: Bytes16(high: 1, low: 2),
      checkpoint: Checkpoint(
        incarnation: Incarnation(Bytes16(high: 3, low: 4)), lsn: LSN(lsn),
        head: Digest(Bytes32(lsn, 0, 0, 0)), tag: Bytes16(high: 5, low: 6)))
  }

  private func read() throws -> WitnessReading {
    try WitnessFile.read(path, hashing: WeakHashing())
  }

  private func write(_ lsns: UInt64...) throws {
    var file = try WitnessFile(opening: path, hashing: WeakHashing())
    for lsn in lsns { try file.write(witness(lsn)) }
  }

  /// Inverts the byte at `offset` of `slot`.
  private func damage(slot: Int, at offset: Int) throws {
    let file = open(path, O_RDWR)
    defer { close(file) }
    let position = off_t(slot * WitnessFile.slotByteCount + offset)
    var byte: UInt8 = 0
    try #require(pread(file, &byte, 1, position) == 1)
    byte = ~byte
    try #require(pwrite(file, &byte, 1, position) == 1)
  }

  @Test func aMissingFileIsNotADamagedOne() throws {
    #expect(try read() == .missing)
    try write()
    #expect(try read() == .damaged)
    try write(1)
    #expect(try read() == .found(witness(1)))
  }

  @Test func theLastWriteCountsAfterEveryReopening() throws {
    for lsn in UInt64(1)...5 {
      try write(lsn)
      #expect(try read() == .found(witness(lsn)))
    }
  }

  /// Counter 4 is in slot 0, counter 3 in slot 1.
  @Test func aTornSlotFallsBackToTheOneBefore() throws {
    for offset in 0..<WitnessFile.recordByteCount {
      unlink(path)
      try write(1, 2, 3, 4)
      try damage(slot: 0, at: offset)
      #expect(try read() == .found(witness(3)), "byte \(offset)")
    }
    // The next write replaces the torn slot, not the good one.
    try write(5)
    try damage(slot: 0, at: 40)
    #expect(try read() == .found(witness(3)))
    try damage(slot: 1, at: 40)
    #expect(try read() == .damaged)
  }

  @Test func rejoinRewritesBothSlots() throws {
    try write(90, 91)
    var file = try WitnessFile(opening: path, hashing: WeakHashing())
    try file.rejoin(witness(7))
    #expect(try read() == .found(witness(7)))
    try damage(slot: 0, at: 40)
    #expect(try read() == .found(witness(7)))
  }
}
