import Replication
import Storage

/// A site's store as the world sees it: in memory, or the product's own on a disk that fails.
protocol SimulatedStore: StoreTransaction, StoreQueries {
  /// Second and further entries kept under this identity.
  func forks(of identity: EntryIdentity) throws(StoreError) -> [Entry]
  /// What ``rot(_:)`` spoiled and nobody has repaired, ascending.
  var rottenEntries: [Digest] { get }
  /// Spoils the bytes of an entry that has a row.
  mutating func rot(_ digest: Digest)
}

extension MemoryStore: SimulatedStore {}

/// Its entries rot by no fault of a seed: the tests of the store turn every bit.
extension SQLiteWriter: SimulatedStore {
  var rottenEntries: [Digest] { [] }
  func rot(_ digest: Digest) {}
}
