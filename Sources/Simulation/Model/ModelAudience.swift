import Replication

/// Law 4: whom an entry is for, beside its origin and the centre.
extension ReferenceModel {
  /// Of a model that holds everything.
  func audience(of entry: ModelEntry) -> Set<String> {
    var named = named(in: entry).union([owner(of: entry.record) ?? entry.site, entry.site, centre])
    guard entry.type != "receipt", !isMovement(entry) else { return named }
    named.formUnion(recordAudience(entry.record))
    // A decision goes where what it decides between went.
    for record in entries.keys where record != entry.record {
      let isParent = entries[record]?.contains { entry.parents.contains($0.digest) } == true
      if isParent { named.formUnion(recordAudience(record)) }
    }
    return named
  }

  private func owner(of record: RecordKey) -> String? {
    entries[record]?.first { $0.isVersion }?.site
  }

  private func isMovement(_ entry: ModelEntry) -> Bool {
    entry.kind == .finance && entry.operation == "append" && entry.type != "conflictDecided"
  }

  private func named(in entry: ModelEntry) -> Set<String> {
    let body = entry.body
    var sites = body.list("to").map { $0.string("siteId") }
    sites += body.list("coordinatingOrgans").map { $0.string("siteId") }
    sites += ["from", "assigningOrgan", "monitoringOrgan", "leadOrgan"].map { body.site(of: $0) }
    sites += ["leadSite", "fromSite", "toSite"].map { body.string($0) }
    return Set(sites.compactMap { $0 })
  }

  private func recordAudience(
    _ record: RecordKey, asked: Set<RecordKey> = []
  ) -> Set<String> {
    guard !asked.contains(record), let owner = owner(of: record) else { return [] }
    var sites: Set<String> = [owner]
    for entry in entries[record] ?? []
    where entry.isVersion || (entry.type != "receipt" && entry.site == owner) {
      sites.formUnion(named(in: entry))
      for target in targets(of: entry).flatMap(documents(named:)) {
        sites.formUnion(recordAudience(target.record, asked: asked.union([record])))
      }
    }
    return sites
  }
}
