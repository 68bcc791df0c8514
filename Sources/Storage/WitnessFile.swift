import Glibc
package import Replication

/// How far this site's log had come, kept outside the data directory: proof of loss when the data
/// directory is put back to an older state (design.md section 4, Recovery).
package struct Witness: Hashable, Sendable {
  package let storeID: Bytes16
  package let checkpoint: Checkpoint
  package init(storeID: Bytes16, checkpoint: Checkpoint) {
    self.storeID = storeID
    self.checkpoint = checkpoint
  }
}

/// What a witness file says at start.
package enum WitnessReading: Hashable, Sendable {
  case missing
  /// The file is there, but neither slot is whole.
  case damaged
  case found(Witness)
}

/// The environment failed at the witness file.
package struct WitnessError: Error, Hashable, Sendable {
  package let operation: String
  package let path: String
  package let errno: Int32
  package var hint: String {
    "\(operation) \(path): \(String(cString: strerror(errno))); check owner, mode and mount"
  }
}

/// Two slots written in turn, in place; the valid one with the higher counter counts, so a write
/// that tears leaves the one before.
///
/// | offset in a slot | size | field |
/// |---|---|---|
/// | 0 | 8 | "dongbow1" |
/// | 8 | 8 | counter, from 1; slot = counter mod 2 |
/// | 16 | 16 | store id |
/// | 32 | 72 | checkpoint |
/// | 104 | 16 | SHA-256 of the bytes before, cut |
package struct WitnessFile: ~Copyable {
  /// A slot has a disk block of its own, so that one write cannot tear both.
  static let slotByteCount = 4096
  static let recordByteCount = 120
  private static let magic = Array("dongbow1".utf8)

  private let path: String
  private let file: OpenFile
  private let hashing: any SHA256Hashing
  /// Of the last slot written.
  private var counter: UInt64

  /// What the file says; makes nothing.
  package static func read(
    _ path: String, hashing: any SHA256Hashing
  ) throws(WitnessError) -> WitnessReading {
    let file = OpenFile(path, O_RDONLY)
    guard file.isOpen else {
      if errno == ENOENT { return .missing }
      throw WitnessError(operation: "open", path: path, errno: errno)
    }
    guard let slot = try newest(file.descriptor, path, hashing) else { return .damaged }
    return .found(slot.witness)
  }

  /// Opens the file for writing, or makes it, empty, which reads as damaged until the first write.
  package init(opening path: String, hashing: any SHA256Hashing) throws(WitnessError) {
    let file = OpenFile(path, O_RDWR | O_CREAT)
    guard file.isOpen else { throw WitnessError(operation: "open", path: path, errno: errno) }
    try Self.syncParent(of: path)
    counter = try Self.newest(file.descriptor, path, hashing)?.counter ?? 0
    self.path = path
    self.hashing = hashing
    self.file = file
  }

  /// Says `witness` from now on; synced when it returns. Call it after the commit it speaks of:
  /// the witness may lag, never lead.
  package mutating func write(_ witness: Witness) throws(WitnessError) {
    // A write that failed is tried again in its own slot: the other one is the last that is whole.
    let next = counter + 1
    let slot = encode(witness, counter: next)
    let offset = off_t(next % 2) * off_t(Self.slotByteCount)
    try Failpoint.witnessWriting.reach(
      failing: WitnessError(operation: "write", path: path, errno: EIO))
    guard pwrite(file.descriptor, slot, slot.count, offset) == slot.count else {
      throw failure("write")
    }
    guard fdatasync(file.descriptor) == 0 else { throw failure("sync") }
    counter = next
  }

  /// Says `witness` in both slots, so that nothing of an earlier branch is left to come back.
  package mutating func rejoin(_ witness: Witness) throws(WitnessError) {
    try write(witness)
    Failpoint.witnessBetweenSlots.reach()
    try write(witness)
  }

  private func encode(_ witness: Witness, counter: UInt64) -> [UInt8] {
    var writer = ByteWriter(reserving: Self.slotByteCount)
    writer.write(Self.magic)
    writer.write(counter)
    writer.write(witness.storeID)
    witness.checkpoint.encode(to: &writer)
    writer.write(Self.checksum(writer.bytes, hashing))
    writer.write([UInt8](repeating: 0, count: Self.slotByteCount - writer.bytes.count))
    return writer.bytes
  }

  private func failure(_ operation: String) -> WitnessError {
    WitnessError(operation: operation, path: path, errno: errno)
  }

  private static func newest(
    _ file: Int32, _ path: String, _ hashing: any SHA256Hashing
  ) throws(WitnessError) -> (counter: UInt64, witness: Witness)? {
    var newest: (counter: UInt64, witness: Witness)?
    for index in 0..<2 {
      var record = [UInt8](repeating: 0, count: recordByteCount)
      let count = pread(file, &record, record.count, off_t(index * slotByteCount))
      guard count >= 0 else { throw WitnessError(operation: "read", path: path, errno: errno) }
      guard count == record.count, let slot = decode(record, hashing) else { continue }
      if slot.counter > newest?.counter ?? 0 { newest = slot }
    }
    return newest
  }

  private static func decode(
    _ record: [UInt8], _ hashing: any SHA256Hashing
  ) -> (counter: UInt64, witness: Witness)? {
    var reader = ByteReader(record)
    guard let start = try? reader.readBytes(magic.count), start == magic,
      let counter = try? reader.readUInt64(), let storeID = try? reader.readBytes16(),
      let checkpoint = try? Checkpoint(from: &reader)
    else { return nil }
    let covered = Array(record.prefix(reader.offset))
    guard (try? reader.readBytes(16)) == checksum(covered, hashing) else { return nil }
    return (counter, Witness(storeID: storeID, checkpoint: checkpoint))
  }

  private static func checksum(_ bytes: [UInt8], _ hashing: any SHA256Hashing) -> [UInt8] {
    Array(hashing.digest(bytes).bytes.prefix(16))
  }

  /// A new file's name is durable only with its directory.
  private static func syncParent(of path: String) throws(WitnessError) {
    let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : path[..<$0] } ?? "."
    let directory = OpenFile(String(parent), O_RDONLY | O_DIRECTORY)
    guard directory.isOpen, fsync(directory.descriptor) == 0 else {
      throw WitnessError(operation: "sync", path: String(parent), errno: errno)
    }
  }
}

/// A file descriptor that closes itself.
/// Not `private`: a release build of another module then misses its metadata when it links.
struct OpenFile: ~Copyable {
  let descriptor: Int32
  init(_ path: String, _ flags: Int32) {
    descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
  }
  /// Takes over a descriptor that nobody else closes.
  init(adopting descriptor: Int32) { self.descriptor = descriptor }
  deinit { if isOpen { close(descriptor) } }
  var isOpen: Bool { descriptor >= 0 }
}
