import CSQLite
import Glibc
package import Replication
import Synchronization

/// The note of what the writer is applying: one slot in a file of the data directory, written for
/// each entry and never synced. It is for a process that crashes, whose writes the kernel keeps; a
/// power cut may lose it and costs one more try.
///
/// The slot names the entry at whose application the process ended, so groups need not shrink to
/// one entry after a crash.
package final class AttemptNote: AttemptNoting, @unchecked Sendable {
  // Unchecked: `begin` and `end` are the writer's thread's alone, and `init` ends before it starts.
  private let file: Int32
  /// The slot in memory; nil where it is written with a call each time.
  private let mapped: MappedSlot?
  /// What the last process was applying when it ended, and how often that happened in a row.
  private let suspect: [UInt8]
  private let ends: UInt32
  /// How many of these were crashes.
  private let crashes: UInt32
  private var isNoted = false
  #if DEBUG
    /// An entry with this body ends the process: how tests make one that kills the daemon.
    private let trap = getenv("DONGBO_TEST_TRAP").flatMap { hexBytes(String(cString: $0)) }
      .flatMap { Bytes32($0) }.map { Digest($0) }
  #endif

  /// Layout: ends and earlier crashes (4 bytes each, little-endian), the attempt (64 bytes), 1 when
  /// the process crashed in it. Zero ends: nothing.
  private static let slotLength = 8 + Attempt.byteCount + 1
  fileprivate static let crashOffset = slotLength - 1

  /// Reads what the last process of this directory left.
  package init(_ directory: DataDirectory) throws(StoreOpenError) {
    let path = "\(directory.path)/attempt"
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .directory(path: path, operation: "open", errno: errno) }
    var slot = [UInt8](repeating: 0, count: Self.slotLength)
    let isWhole = pread(file, &slot, slot.count, 0) == Self.slotLength
    func number(at offset: Int) -> UInt32 {
      slot[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    ends = isWhole ? number(at: 0) : 0
    let earlier = ends > 0 ? min(number(at: 4), ends - 1) : 0
    crashes = earlier + (ends > 0 && slot[Self.crashOffset] == 1 ? 1 : 0)
    suspect = Array(slot[8..<Self.crashOffset])
    mapped = MappedSlot(file, byteCount: Self.slotLength)
  }

  /// From now on the note says when a signal that a fault of ours raises ends the process: SIGKILL
  /// and a power cut do not. One that leaves no stack to run on is not told from those.
  package func watchCrashes() {
    watchedNote = file
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] { signal(number, noteCrash) }
  }

  deinit {
    if watchedNote == file { watchedNote = -1 }
    mapped?.unmap()
    close(file)
  }

  package func begin(_ attempt: Attempt) -> Bool {
    let name = attempt.encoded
    let (ends, crashes) = name == suspect ? (ends, crashes) : (0, 0)
    guard ends < AttemptLimits.endCount, crashes < AttemptLimits.crashCount else { return false }
    note(ends: ends + 1, crashes: crashes, name)
    isNoted = true
    #if DEBUG
      precondition(attempt.body != trap, "asked to trap on \(attempt.body)")
    #endif
    return true
  }

  package func end() {
    guard isNoted else { return }
    isNoted = false
    note(ends: 0, crashes: 0, [UInt8](repeating: 0, count: Attempt.byteCount))
  }

  /// A note that cannot be written is no reason to stop: the entry is applied all the same.
  private func note(ends: UInt32, crashes: UInt32, _ attempt: [UInt8]) {
    let slot = [UInt8](unsafeUninitializedCapacity: Self.slotLength) { buffer, count in
      let target = UnsafeMutableRawBufferPointer(buffer)
      target.storeBytes(of: ends.littleEndian, as: UInt32.self)
      target.storeBytes(of: crashes.littleEndian, toByteOffset: 4, as: UInt32.self)
      target[8..<Self.crashOffset].copyBytes(from: attempt)
      target[Self.crashOffset] = 0
      count = Self.slotLength
    }
    if let mapped { mapped.write(slot) } else { _ = pwrite(file, slot, slot.count, 0) }
  }
}

/// The note that a crash is written into; -1: none. Unsafe: set before the writer's thread starts
/// and read by a signal handler, which may take no lock.
private nonisolated(unsafe) var watchedNote: Int32 = -1

/// Says in the note that the process crashes, and lets it: only calls that a handler may make.
private func noteCrash(_ number: Int32) {
  if watchedNote >= 0 {
    var mark: UInt8 = 1
    _ = pwrite(watchedNote, &mark, 1, off_t(AttemptNote.crashOffset))
  }
  signal(number, SIG_DFL)
  raise(number)
}

/// The slot as a page of memory that the kernel shares with the file: a call to write one costs a
/// twentieth of placing an entry.
///
/// Only on file systems that write a block where it stands. Others need room for each write (XFS
/// for a block that a copy shares), and where there is none a store into memory ends the process,
/// while a call merely fails. One that an error of the disk has made read-only ends it here too,
/// before the commit that would.
private struct MappedSlot {
  private static let inPlaceFileSystems = [
    0xef53,  // ext4
    0x0102_1994,  // tmpfs
  ]

  private let address: UnsafeMutableRawPointer
  private let byteCount: Int

  /// - Returns: nil when the slot is to be written with a call each time.
  init?(_ file: Int32, byteCount: Int) {
    guard Self.inPlaceFileSystems.contains(dongbo_file_system(file)), Self.fill(file, byteCount)
    else { return nil }
    let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let address, address != MAP_FAILED else { return nil }
    // Should the disk fail later, the page is here. Refused by some limits: then it mostly is.
    _ = mlock(address, byteCount)
    self.address = address
    self.byteCount = byteCount
  }

  /// Gives the slot its block.
  private static func fill(_ file: Int32, _ byteCount: Int) -> Bool {
    var slot = [UInt8](repeating: 0, count: byteCount)
    let here = max(pread(file, &slot, byteCount, 0), 0)
    for index in here..<byteCount { slot[index] = 0 }
    return pwrite(file, slot, byteCount, 0) == byteCount && fdatasync(file) == 0
  }

  /// The count comes last, and is gone first: a process that ends in between has noted nothing.
  func write(_ slot: [UInt8]) {
    precondition(slot.count == byteCount, "a slot of \(slot.count) bytes")
    let ends = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    _ = ends.pointee.exchange(0, ordering: .acquiringAndReleasing)
    slot.withUnsafeBytes { bytes in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[4...])
      UnsafeMutableRawBufferPointer(start: address + 4, count: rest.count).copyMemory(from: rest)
      ends.pointee.store(bytes.load(as: UInt32.self), ordering: .releasing)
    }
  }

  func unmap() { munmap(address, byteCount) }
}
