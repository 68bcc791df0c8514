import Replication
import Synchronization

/// A record whose signatures are to be looked at, with its entries as the writer had them in memory
/// when it committed the last of them.
struct SignedRecord: Sendable {
  let key: RecordKey
  /// The last position at which the record was noted (`StoreTransaction.noteSigned`).
  let noted: LSN
  let entries: [Entry]

  fileprivate var byteCount: Int {
    entries.reduce(0) { $0 + $1.memoryByteCount }
  }
}

/// What the writer has written and the verifier has not come to yet, so that it is not read back
/// from the store, key by key and digest by digest. What finds no room here, and all of it after a
/// start, is read from there.
///
/// The entries may be older than what the store holds by now; then a later note leads to the record
/// once more, or nothing came that changes what is found about signatures.
final class HandedRecords: Sendable {
  /// Bytes of entries that wait here. Most are in the writer's cache too, and stand once in memory.
  static let maximumByteCount = 4 << 20

  private struct State {
    var records: [RecordKey: SignedRecord] = [:]
    var byteCount = 0
    var passed = LSN.start

    @discardableResult
    mutating func remove(_ key: RecordKey) -> SignedRecord? {
      guard let removed = records.removeValue(forKey: key) else { return nil }
      byteCount -= removed.byteCount
      return removed
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int = maximumByteCount) { self.limit = limit }

  /// Bytes that wait now.
  var byteCount: Int { state.withLock { $0.byteCount } }

  func add(_ records: [SignedRecord]) {
    guard !records.isEmpty else { return }
    state.withLock { state in
      for record in records {
        state.remove(record.key)
        let byteCount = record.byteCount
        guard record.noted > state.passed, state.byteCount + byteCount <= limit else { continue }
        state.records[record.key] = record
        state.byteCount += byteCount
      }
    }
  }

  /// Hands over the record's entries, once.
  /// - Parameter noted: up to where the log is looked at.
  /// - Returns: nil when they are not here, or were handed in before the record was noted there.
  func take(_ key: RecordKey, noted: LSN) -> [Entry]? {
    let record = state.withLock { $0.remove(key) }
    return record.flatMap { $0.noted >= noted ? $0.entries : nil }
  }

  /// The log was looked at up to here: what was noted before is not asked for any more.
  func pass(_ lsn: LSN) {
    state.withLock { state in
      guard lsn > state.passed else { return }
      state.passed = lsn
      for record in state.records.values where record.noted <= lsn { state.remove(record.key) }
    }
  }
}
