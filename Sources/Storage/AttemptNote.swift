import Glibc
package import Replication

/// The note of what the writer is applying: one slot in a file of the data directory, written with
/// one call for each entry and never synced. It is for a process that crashes, whose writes the
/// kernel keeps; a power cut may lose it and costs one more try.
///
/// The slot names the entry at whose application the process ended, so groups need not shrink to
/// one entry after a crash.
package final class AttemptNote: AttemptNoting, @unchecked Sendable {
  // Unchecked: `begin` and `end` are the writer's thread's alone, and `init` ends before it starts.
  private let file: Int32
  /// What the last process was applying when it ended, and how often that happened in a row.
  private let suspect: [UInt8]
  private let crashes: UInt32
  private var isNoted = false
  #if DEBUG
    /// An entry with this body ends the process: how tests make one that kills the daemon.
    private let trap = getenv("DONGBO_TEST_TRAP").flatMap { hexBytes(String(cString: $0)) }
      .flatMap { Bytes32($0) }.map { Digest($0) }
  #endif

  /// Layout: crashes (4 bytes, little-endian), the attempt (64 bytes). Zero crashes: nothing.
  private static let slotLength = 4 + Attempt.byteCount

  /// Reads what the last process of this directory left.
  package init(_ directory: DataDirectory) throws(StoreOpenError) {
    let path = "\(directory.path)/attempt"
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .directory(path: path, operation: "open", errno: errno) }
    var slot = [UInt8](repeating: 0, count: Self.slotLength)
    let count = pread(file, &slot, slot.count, 0)
    let crashes = slot[0..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let isFull = count == Self.slotLength && crashes > 0
    self.crashes = isFull ? crashes : 0
    suspect = Array(slot[4...])
  }

  deinit { close(file) }

  package func begin(_ attempt: Attempt) -> Bool {
    let name = attempt.encoded
    let earlier = crashes > 0 && name == suspect ? crashes : 0
    guard earlier < AttemptLimits.crashCount else { return false }
    note(earlier + 1, name)
    isNoted = true
    #if DEBUG
      precondition(attempt.body != trap, "asked to trap on \(attempt.body)")
    #endif
    return true
  }

  package func end() {
    guard isNoted else { return }
    isNoted = false
    note(0, [UInt8](repeating: 0, count: Attempt.byteCount))
  }

  /// A note that cannot be written is no reason to stop: the entry is applied all the same.
  private func note(_ crashes: UInt32, _ attempt: [UInt8]) {
    var slot = (0..<4).map { UInt8(truncatingIfNeeded: crashes >> (8 * UInt32($0))) }
    slot += attempt
    _ = pwrite(file, slot, slot.count, 0)
  }
}
