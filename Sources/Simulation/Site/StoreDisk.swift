import Cryptography
import Replication
import SimulatedDisk
import Storage

/// What a disk under a store did to it. The raw value is its name in reports.
package enum DiskMishap: String, Hashable, Sendable, CaseIterable {
  case writeError = "write-error"
  case readError = "read-error"
  case full
  /// The process ended; of what was not synced some is there and some is not.
  case powerLoss = "power-loss"
}

/// A fault of a disk that the next transaction meets, if it comes so far.
struct PlannedDiskFault {
  let mishap: DiskMishap
  /// Of the calls that can fail so, the first that does, from 1.
  let first: UInt64

  /// A write or a sync that fails: a commit writes some frames and syncs once.
  static func writeError(_ random: inout SplitMix64) -> PlannedDiskFault {
    PlannedDiskFault(mishap: .writeError, first: UInt64(1 + random.below(8)))
  }

  static func any(_ random: inout SplitMix64) -> PlannedDiskFault {
    switch random.below(3) {
    case 0: writeError(&random)
    case 1: PlannedDiskFault(mishap: .full, first: UInt64(1 + random.below(8)))
    default: PlannedDiskFault(mishap: .readError, first: UInt64(1 + random.below(3)))
    }
  }

  fileprivate var fault: DiskFault { mishap == .full ? .full : .error }

  fileprivate var calls: DiskCalls {
    switch mishap {
    case .writeError: [.write, .sync]
    case .full: .write
    case .readError: .read
    case .powerLoss: []
    }
  }
}

/// The disk of one machine and the product's store that is open on it. Every start of a process
/// opens the store anew, with all that the product does then.
final class StoreDisk {
  private static let directory = "/disk"

  private let site: SiteID
  private let storeID: Bytes16
  private let disk: FaultyDisk
  private(set) var writer: SQLiteWriter

  /// - Parameters:
  ///   - disk: of a new machine, or with the files of another: a backup's, a clone's.
  ///   - storeID: of a store that is not there yet.
  init(_ disk: FaultyDisk, site: SiteID, storeID: Bytes16) throws(StoreOpenError) {
    self.disk = disk
    self.site = site
    self.storeID = storeID
    writer = try Self.open(disk, site, storeID)
  }

  deinit {
    disk.turnOff()
    writer.close()
  }

  private static func open(
    _ disk: FaultyDisk, _ site: SiteID, _ storeID: Bytes16
  ) throws(StoreOpenError) -> SQLiteWriter {
    let directory = DataDirectory(directory, fileLayer: disk.vfs)
    return try OpenedStore.open(directory, site: site, hashing: OpenSSLHash()) { storeID }.writer
  }

  /// A disk with the same files.
  func copy() -> FaultyDisk { disk.copy() }

  /// The process ends with its machine; then the store is opened again on what the disk kept.
  /// - Parameter seed: decides what is left of the writes that no sync had finished.
  func losePower(seed: UInt64) throws(StoreOpenError) {
    disk.turnOff()
    writer.close()
    disk.heal()
    disk.losePower(seed: seed)
    writer = try Self.open(disk, site, storeID)
  }

  // MARK: One transaction

  /// Runs `body` on a disk that fails as planned.
  /// - Parameter count: gets how often it did.
  func failing<Value>(
    by plan: PlannedDiskFault, _ count: (Int) -> Void, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let before = disk.injectedCount(plan.fault)
    disk.fail(plan.calls, first: plan.first, with: plan.fault)
    defer {
      disk.heal()
      count(Int(disk.injectedCount(plan.fault) - before))
    }
    return try body()
  }

  /// Between two groups.
  /// - Parameter walByteCount: from this size on the WAL is moved into the database.
  /// - Throws: never `.full`: that is tried again after the next group.
  func checkpoint(from walByteCount: Int) throws(StoreError) {
    writer.nextCheckpoint = min(writer.nextCheckpoint, walByteCount)
    do throws(StoreError) { _ = try writer.checkpointStep() } catch {
      guard error == .full else { throw error }
    }
  }
}
