import Replication

/// The one place where stored registry bytes become a snapshot.
func decodeRegistry(
  revision: RegistryRevision, body: [UInt8]
) throws(StoreError) -> RegistrySnapshot {
  do throws(RecordError) {
    return try RegistrySnapshot(revision: revision, body: body)
  } catch {
    throw .corrupt("registry \(revision): \(error)")
  }
}
