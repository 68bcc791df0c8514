/// Who may have the content behind a WANT (law 4): the same function of the entries held that
/// routes the log, so a file goes where a record goes that names it, and nowhere else.
///
/// A site that wrote a record naming a digest is entitled too: it must get back what it lost. A
/// digest is 256 bits that only those know who may have the content, or had it.
package func mayHave(
  _ wanted: Wanted, _ peer: SiteID, centre: SiteID, in view: some RecordView
) throws(StoreError) -> Bool {
  let registry = try view.registry(try view.siteState().registry) ?? .builtIn
  let ceiling = registry.ceiling(of: peer)
  switch wanted {
  case .entry(let digest):
    guard let entry = try view.entry(digest: digest) else { return false }
    return try goes(entry, to: peer, centre: centre, ceiling: ceiling, in: view)
  case .file(let digest):
    for identity in try view.referrers(of: .file(digest)) {
      guard let entry = try readable(identity, in: view) else { continue }
      if try goes(entry, to: peer, centre: centre, ceiling: ceiling, in: view) { return true }
    }
    return false
  }
}

/// Nothing above the ceiling leaves, whatever asks for it (promise 7).
private func goes(
  _ entry: Entry, to peer: SiteID, centre: SiteID, ceiling: SecrecyLevel, in view: some RecordView
) throws(StoreError) -> Bool {
  guard entry.header.secrecy <= ceiling,
    let recipients = try view.recipients(of: entry.identity)
  else { return false }
  return peer == centre || entry.origin == peer || recipients.contains(peer)
}

/// An entry whose bytes have changed says nothing, for or against, until it is repaired.
func readable(
  _ identity: EntryIdentity, in view: some RecordView
) throws(StoreError) -> Entry? {
  do throws(StoreError) { return try view.entry(identity) } catch {
    guard case .rotten = error else { throw error }
    return nil
  }
}

/// Something to fetch from a peer, and who should have it.
package struct ContentLead: Hashable, Sendable {
  package let wanted: Wanted
  /// As the record says that named the file; nil for an entry.
  package let byteCount: UInt64?
  /// Sites that wrote what names it: they had it first.
  package let origins: [SiteID]
  /// Others that it is for.
  package let holders: Recipients
  package init(
    _ wanted: Wanted, byteCount: UInt64?, origins: [SiteID], holders: Recipients
  ) {
    self.wanted = wanted
    self.byteCount = byteCount
    self.origins = origins
    self.holders = holders
  }

  /// Entries looked at for one lead; a file that thousands name is asked of a few.
  package static let maximumReferrerCount = 16
}

extension RecordView {
  /// Who should have a file that records here name.
  package func lead(to file: FileReference) throws(StoreError) -> ContentLead {
    var origins: [SiteID] = []
    var holders = Recipients.none
    let referrers = try referrers(of: .file(file.digest))
    for identity in referrers.prefix(ContentLead.maximumReferrerCount) {
      if !origins.contains(identity.origin) { origins.append(identity.origin) }
      holders = holders.union(try recipients(of: identity) ?? .none)
    }
    return ContentLead(
      .file(file.digest), byteCount: file.size, origins: origins, holders: holders)
  }

  /// Sizes that records here say the file has, the first one named first. A digest has one content:
  /// who is wrong about its size must not keep it from those who are right.
  package func claimedSizes(of file: FileReference) throws(StoreError) -> [UInt64] {
    var sizes = [file.size]
    let referrers = try referrers(of: .file(file.digest))
    for identity in referrers.prefix(ContentLead.maximumReferrerCount) {
      for other in try readable(identity, in: self)?.facts??.files ?? []
      where other.digest == file.digest && !sizes.contains(other.size) {
        sizes.append(other.size)
      }
    }
    return sizes
  }
}
