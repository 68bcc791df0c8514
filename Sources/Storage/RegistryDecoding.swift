import Replication

/// The one place where stored registry bytes become a snapshot.
func decodeRegistry(
  revision: RegistryRevision, body: [UInt8]
) throws(StoreError) -> RegistrySnapshot {
  RegistrySnapshot()
}
