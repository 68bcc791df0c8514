import Cryptography
import Replication
import Storage

/// What must hold in a world at rest. O2 (identities), O6 and the wire's part of O5 are watched as
/// they happen; O7 is ``SimulatedWorld/drain(within:)``.
extension SimulatedWorld {
  /// More than any world holds.
  static let noLimit = 10_000_000

  func judge() {
    attempt("oracles") { () throws(StoreError) in
      try judgeAcknowledged()
      try judgeEffects()
      for province in provinces where members.contains(province.id) {
        try judgePair(province)
      }
      try judgeByModel()
    }
  }

  /// O1: every acknowledged write is wherever it belongs.
  private func judgeAcknowledged() throws(StoreError) {
    for (write, entitled) in ledger.entitled(centre: centre.id) {
      for id in entitled where members.contains(id) {
        guard let site = site(id) else { continue }
        let has = try site.store.entry(write.identity)?.digest
        if has != write.digest {
          fail("O1: \(id) has not \(write.operation) \(write.identity) of \(write.record)")
        }
      }
    }
  }

  /// O2: no second entry under an identity, none counted twice; O5: no canary in any store.
  private func judgeEffects() throws(StoreError) {
    for site in sites {
      for leaf in try leaves(of: site) {
        for fork in try site.store.forks(of: leaf.identity) {
          fail("O2: \(site.id) holds \(fork.digest) under \(leaf.identity) too")
        }
        let entry = try site.store.entry(leaf.identity)
        if let body = entry?.body, Self.hasCanary(body) { fail("O5: a secret is at \(site.id)") }
      }
      for kind in RecordKind.allCases {
        for record in try site.store.records(kind: kind, after: nil, limit: Self.noLimit) {
          let entries = try site.store.entries(of: record)
          if Resolution(of: entries).current.contains(where: { $0.body == nil }) {
            fail("O4: \(site.id) has \(record) without its body")
          }
          if Set(entries.map(\.identity)).count != entries.count {
            fail("O2: \(site.id) counts an entry of \(record) twice")
          }
        }
      }
    }
  }

  /// O4: the digest of the pair, and what each record says of the entries both may hold.
  private func judgePair(_ province: SimulatedSite) throws(StoreError) {
    let here = try digest(of: province, with: centre.id)
    let there = try digest(of: centre, with: province.id)
    for group in PairDigest.Group.allCases where here.digests[group] != there.digests[group] {
      fail("O4: \(group) differs between \(province.id) and \(centre.id)")
      try explain(province, group)
    }
    for kind in RecordKind.allCases {
      for record in try province.store.records(kind: kind, after: nil, limit: Self.noLimit) {
        let entries = try province.store.entries(of: record)
        let shared = Set(entries.map(\.identity))
        let others = try centre.store.entries(of: record).filter { shared.contains($0.identity) }
        let day = CalendarDate(localDayOf: centre.wallTime)
        // Without the records they refer to: those are not everywhere.
        let alone = MemoryStore(storeID: Bytes16(high: 0, low: 0), site: centre.id)
        let contents = try [entries, others].map { entries throws(StoreError) in
          try RecordContent(
            HeldRecord(record, entries: entries), asOf: day, site: centre.id, centre: centre.id,
            in: alone)
        }
        if contents[0] != contents[1] {
          fail("O4: \(record) reads differently at \(province.id) and \(centre.id)")
        }
      }
    }
  }

  /// Every entry with a row, ascending; page by page where pages cost nothing.
  func leaves(of site: SimulatedSite) throws(StoreError) -> [DigestLeaf] {
    let length = isOnDisk ? limits.pageLength : Self.noLimit
    var leaves: [DigestLeaf] = []
    while true {
      let page = try site.store.leaves(after: leaves.last?.identity, limit: length)
      leaves += page
      guard page.count == length else { return leaves }
    }
  }

  func digest(of site: SimulatedSite, with peer: SiteID) throws(StoreError) -> PairDigest {
    var digest = PairDigest(
      site: site.id, peer: peer, centre: centre.id, hashing: OpenSSLHash())
    for leaf in try leaves(of: site) { digest.take(leaf) }
    return digest
  }

  /// Names the entries that one side counts and the other does not.
  private func explain(
    _ province: SimulatedSite, _ group: PairDigest.Group
  ) throws(StoreError) {
    let here = try leaves(of: province, for: province.id)
    let there = try leaves(of: centre, for: province.id)
    for (identity, only) in here.symmetricDifference(there).map({ ($0, here.contains($0)) })
      .sorted(by: { $0.0 < $1.0 })
    {
      let holder = only ? province : centre
      let other = only ? centre : province
      let entry = try holder.store.entry(identity)
      let waiting = try other.store.waiting(identity)
      let record = entry?.header.record.map { "\($0)" } ?? "log"
      note(
        "  only \(holder.id) counts \(identity) \(entry?.header.operation.description ?? "")"
          + " of \(record); \(other.id): \(waiting.map { "\($0.state) \($0.code)" } ?? "no")")
    }
  }

  private func leaves(
    of site: SimulatedSite, for province: SiteID
  ) throws(StoreError) -> Set<EntryIdentity> {
    Set(
      try leaves(of: site)
        .filter { $0.identity.origin == province || $0.recipients.contains(province) }
        .map(\.identity))
  }
}
