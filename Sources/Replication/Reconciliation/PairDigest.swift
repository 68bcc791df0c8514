/// The digest of what two sites both may hold: SHA-256 over the sorted (identity, digest) of the
/// entries, one for each kind and one in total. Equal digests mean equal content (design.md,
/// section 3).
package struct PairDigest: Sendable {
  /// What a digest is taken over: one kind, or the log's own entries, the genesis.
  package enum Group: UInt8, Hashable, Sendable, CaseIterable {
    case document = 1
    case directive = 2
    case finance = 3
    case registry = 4
    case log = 5
  }

  package private(set) var digests: [Group: Digest]
  package private(set) var count = 0

  private let hashing: any SHA256Hashing
  private let site: SiteID
  private let peer: SiteID?
  private let centre: SiteID

  /// - Parameter peer: nil for everything this site holds.
  package init(site: SiteID, peer: SiteID?, centre: SiteID, hashing: any SHA256Hashing) {
    self.site = site
    self.peer = peer
    self.centre = centre
    self.hashing = hashing
    digests = Dictionary(uniqueKeysWithValues: Group.allCases.map { ($0, .zero) })
  }

  /// Takes the next leaf; leaves come ascending by identity.
  package mutating func take(_ leaf: DigestLeaf) {
    guard isShared(leaf) else { return }
    var writer = ByteWriter(reserving: 128)
    let group = leaf.kind.flatMap { Group(rawValue: $0.rawValue) } ?? .log
    writer.write((digests[group] ?? .zero).raw)
    writer.write(leaf.identity.origin)
    writer.write(leaf.identity.incarnation.raw)
    writer.write(leaf.identity.sequence.value)
    writer.write(leaf.digest.raw)
    digests[group] = hashing.digest(writer.bytes)
    count += 1
  }

  package var total: Digest {
    hashing.digest(Group.allCases.flatMap { (digests[$0] ?? .zero).bytes })
  }

  private func isShared(_ leaf: DigestLeaf) -> Bool {
    guard let peer else { return true }
    return isEntitled(peer, leaf) && isEntitled(site, leaf)
  }

  private func isEntitled(_ site: SiteID, _ leaf: DigestLeaf) -> Bool {
    site == centre || site == leaf.identity.origin || leaf.recipients.contains(site)
  }
}
