import Replication
import Storage

/// What applications were told, kept outside all stores, and whom it is for by a model of its own:
/// what promise 1 and promise 5 are held to.
struct Ledger {
  struct Acknowledged {
    let identity: EntryIdentity
    let digest: Digest
    let record: RecordKey
    let operation: Operation
    let facts: EntryFacts
  }

  /// In the order of the answers; a write that was asked twice stands once.
  private(set) var acknowledged: [Acknowledged] = []
  private var known: Set<EntryIdentity> = []
  /// The digest under each identity that any store ever had a row of.
  var digests: [EntryIdentity: Digest] = [:]
  /// Acknowledged, and then in no store any more after a restore: what no replication can give
  /// back.
  private(set) var lost: Set<EntryIdentity> = []

  mutating func note(_ authored: Authored, _ submission: Submission) {
    guard known.insert(authored.identity).inserted else { return }
    acknowledged.append(
      Acknowledged(
        identity: authored.identity, digest: authored.digest, record: submission.record,
        operation: submission.operation, facts: submission.facts))
  }

  /// `site` was put back to an older copy: what only it had is gone.
  /// - Returns: what is gone and was not `site`'s own.
  mutating func noteRestore(
    of site: SiteID, stores: [any SimulatedStore]
  ) throws(StoreError) -> [EntryIdentity] {
    var foreign: [EntryIdentity] = []
    for write in acknowledged where !lost.contains(write.identity) {
      var isHeld = false
      for store in stores where !isHeld { isHeld = try store.digest(of: write.identity) != nil }
      guard !isHeld else { continue }
      lost.insert(write.identity)
      if write.identity.origin != site { foreign.append(write.identity) }
    }
    return foreign
  }

  /// Whom each acknowledged write is for, at the least.
  func entitled(centre: SiteID) -> [(write: Acknowledged, sites: [SiteID])] {
    let kept = acknowledged.filter { !lost.contains($0.identity) }
    var audiences: [RecordKey: Set<SiteID>] = [:]
    var named: [UniqueKey: RecordKey] = [:]
    for write in kept {
      for name in write.facts.names { named[name] = write.record }
      if write.operation == .put {
        audiences[write.record, default: []].formUnion(write.facts.audience)
        audiences[write.record, default: []].insert(write.identity.origin)
      } else if write.facts.widensRecordAudience {
        audiences[write.record, default: []].formUnion(write.facts.audience)
      }
    }
    // A recall goes where its target went; recalls of recalls are not written here.
    for write in kept {
      for reference in write.facts.references where reference.spreadsAudience {
        guard let target = named[reference.key] else { continue }
        audiences[write.record, default: []].formUnion(audiences[target] ?? [])
      }
    }
    let owners = Dictionary(
      kept.filter { $0.operation == .put }.map { ($0.record, $0.identity.origin) },
      uniquingKeysWith: { first, _ in first })
    return kept.map { write in
      var sites = Set(write.facts.audience).union([centre, write.identity.origin])
      if let owner = owners[write.record] { sites.insert(owner) }
      if write.facts.sharesRecordAudience { sites.formUnion(audiences[write.record] ?? []) }
      return (write, sites.sorted())
    }
  }
}
