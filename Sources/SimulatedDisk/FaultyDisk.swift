import CFaultyDisk

/// Calls of SQLite's that can fail on a ``FaultyDisk``.
package struct DiskCalls: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ call: faulty_disk_call) { rawValue = call.rawValue }

  /// One bit a call.
  package static let open = DiskCalls(FAULTY_DISK_OPEN)
  package static let read = DiskCalls(FAULTY_DISK_READ)
  package static let write = DiskCalls(FAULTY_DISK_WRITE)
  package static let truncate = DiskCalls(FAULTY_DISK_TRUNCATE)
  package static let sync = DiskCalls(FAULTY_DISK_SYNC)
  package static let delete = DiskCalls(FAULTY_DISK_DELETE)
  /// Whether a file exists, and its size.
  package static let look = DiskCalls(FAULTY_DISK_LOOK)

  /// Those a full disk can refuse.
  package static let growing: DiskCalls = [.open, .write, .truncate, .sync]
  package static let all: DiskCalls = [.growing, .read, .delete, .look]
}

/// How a call fails.
package enum DiskFault: Hashable, Sendable, CaseIterable {
  /// EIO; of a write, the first half is done.
  case error
  /// ENOSPC; of a write, the first half is done.
  case full
  /// A read returns half of what is there.
  case shortRead

  fileprivate var code: faulty_disk_fault {
    switch self {
    case .error: FAULTY_DISK_ERROR
    case .full: FAULTY_DISK_FULL
    case .shortRead: FAULTY_DISK_SHORT_READ
    }
  }
}

/// A disk in memory under SQLite that fails as disks do and can lose its power; what it keeps then
/// is written in `faulty_disk.h`. For tests and the simulation; on one thread.
package final class FaultyDisk {
  /// Memory for everything it holds, unsynced changes too; beyond, it is full.
  package static let maximumByteCount = 256 << 20

  private let disk: OpaquePointer
  private var observer: (() -> Void)?

  package convenience init(byteCount: Int = FaultyDisk.maximumByteCount) {
    precondition(byteCount > 0, "\(byteCount) bytes")
    self.init(adopting: faulty_disk_make(byteCount))
  }

  private init(adopting disk: OpaquePointer?) {
    guard let disk else { preconditionFailure("no memory for a disk") }
    self.disk = disk
  }

  deinit {
    faulty_disk_observe(disk, nil, nil)
    faulty_disk_release(disk)
  }

  /// The name by which SQLite knows the disk.
  package var vfs: String { String(cString: faulty_disk_vfs_name(disk)) }

  /// Another disk with the same files, synced and unsynced, none of them open: what a process
  /// leaves that is killed now. Nothing fails on it.
  package func copy() -> FaultyDisk { FaultyDisk(adopting: faulty_disk_copy(disk)) }

  /// From now on every call fails, so that what is open closes without writing.
  package func turnOff() { faulty_disk_turn_off(disk) }

  /// The power goes and comes back; what was not synced is there or not, by `seed`.
  /// - Precondition: no file is open.
  package func losePower(seed: UInt64) { faulty_disk_lose_power(disk, seed) }

  /// Of the calls in `calls`, number `first`, from 1, and the `count` - 1 after it fail. Replaces
  /// the plan before.
  package func fail(_ calls: DiskCalls, first: UInt64, count: UInt64 = 1, with fault: DiskFault) {
    faulty_disk_fail(disk, calls.rawValue, first, count, fault.code)
  }

  /// Nothing fails any more.
  package func heal() {
    faulty_disk_fail(disk, 0, 0, 0, FAULTY_DISK_NO_FAULT)
    isLying = false
  }

  /// Syncs say that they are done and do nothing.
  package var isLying = false {
    didSet { faulty_disk_set_lying(disk, isLying) }
  }

  /// Turns one bit of a file.
  /// - Returns: false when the file does not reach so far.
  package func flip(bit: Int, of path: String) -> Bool { faulty_disk_flip(disk, path, UInt64(bit)) }

  /// Size of a file as it is read; 0 without one.
  package func byteCount(of path: String) -> Int { faulty_disk_size(disk, path) }

  /// Calls of these kinds so far.
  package func callCount(_ calls: DiskCalls) -> UInt64 {
    faulty_disk_call_count(disk, calls.rawValue)
  }

  /// Calls that failed in this way so far.
  package func injectedCount(_ fault: DiskFault) -> UInt64 {
    faulty_disk_injected_count(disk, fault.code)
  }

  /// Runs `body`, and `observer` after each call in it that changed the disk or synced it.
  package func observing<Value, Failure: Error>(
    _ observer: @escaping () -> Void, during body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    self.observer = observer
    faulty_disk_observe(
      disk,
      { context in
        guard let context else { return }
        Unmanaged<FaultyDisk>.fromOpaque(context).takeUnretainedValue().observer?()
      }, Unmanaged.passUnretained(self).toOpaque())
    defer {
      faulty_disk_observe(disk, nil, nil)
      self.observer = nil
    }
    return try body()
  }
}
