/// What the entries of one record amount to (law 7): which puts are current, which events count.
/// A pure function of the set of entries: order, repeats and compaction do not change it.
package struct Resolution: Hashable, Sendable {
  /// Puts and withdrawals that nothing supersedes, in fold order, one for each body. More than one
  /// is a conflict only the owner may end.
  package var current: [Entry] = []
  /// Superseded puts and withdrawals, in fold order.
  package var superseded: [Entry] = []
  /// Appends, in fold order, one for each (event id, body).
  package var events: [Entry] = []
  /// Annotations, in fold order, one for each (event id, body).
  package var annotations: [Entry] = []
  /// `.fork`: two bodies at one revision or one event id. `.severalPuts`: more than one current
  /// put.
  package var conflicts: [OutcomeCode] = []
}

extension Resolution {
  /// - Parameter entries: entries of one record that have a row here, in any order, repeats
  /// allowed.
  package init(of entries: [Entry]) {
    // Most records come alone, and are resolved on the way in.
    if entries.count == 1, entries[0].header.operation == .put {
      self.init()
      current = entries
      return
    }
    if let plain = Self(plain: entries) {
      self = plain
    } else {
      self.init(any: entries)
    }
  }

  /// Entries of a record whose resolution compares them pair by pair.
  static let plainCount = 16

  /// Of few entries with one put or withdrawal among them, which nothing can supersede: nothing is
  /// hashed. What ``init(any:)`` would say, for records that are read by the thousand.
  /// - Returns: nil for all others.
  private init?(plain entries: [Entry]) {
    guard entries.count <= Self.plainCount else { return nil }
    let positions = entries.map(\.foldPosition)
    for index in entries.indices.sorted(by: { positions[$0] < positions[$1] }) {
      switch entries[index].header.operation {
      case .put, .withdraw:
        guard current.isEmpty, case .revision = entries[index].header.subject else { return nil }
        current.append(entries[index])
      case .append: Self.add(entries[index], to: &events)
      case .annotate: Self.add(entries[index], to: &annotations)
      case .genesis, .offer, .accept, .unknown: break
      }
    }
    guard !current.isEmpty else { return nil }
    if Self.hasPair(events) || Self.hasPair(annotations) { conflicts.append(.fork) }
  }

  /// Unless it is the same write as one before it.
  private static func add(_ entry: Entry, to found: inout [Entry]) {
    let isRepeat = found.contains {
      $0.bodyDigest == entry.bodyDigest && $0.header.subject == entry.header.subject
    }
    if !isRepeat { found.append(entry) }
  }

  private static func hasPair(_ events: [Entry]) -> Bool {
    events.indices.contains { index in
      events[..<index].contains { $0.header.subject == events[index].header.subject }
    }
  }

  /// Any number of any entries.
  init(any entries: [Entry]) {
    let ordered = Self.eachOnce(entries)
    let puts = PutGroup.groups(of: ordered)
    let hasFork = Set(puts.map(\.revision)).count < puts.count
    let highest = puts.map(\.revision).max()
    let descended = Self.digestsDescended(from: puts, among: ordered)
    for group in puts {
      let isDescended = group.members.contains { descended.contains($0) }
      let isOutnumbered = !hasFork && group.revision != highest
      if isDescended || isOutnumbered {
        superseded.append(group.representative)
      } else {
        current.append(group.representative)
      }
    }
    events = Self.eachBodyOnce(ordered.filter { $0.header.operation == .append })
    annotations = Self.eachBodyOnce(ordered.filter { $0.header.operation == .annotate })
    if current.count > 1 {
      conflicts.append(.severalPuts)
    }
    if Self.hasTwoBodies(events) || Self.hasTwoBodies(annotations) { conflicts.append(.fork) }
  }

  /// Puts whose bodies may go without changing any resolution or rule, now or after more entries
  /// (laws 2 and 7): those that a put *descends* from, of which nobody reads anything more. One
  /// that is merely outnumbered may become current again when a fork shows.
  ///
  /// What stays: write-once bodies, of which both sides of a fork are kept; first puts whose
  /// fields count for ever; the last body that claims, names or refers to something of its own, so
  /// that who gets the others as stubs comes to the same keys.
  ///
  /// - Parameters:
  ///   - entries: all of one record that have a row here, in any order.
  ///   - cutoff: a put counts as superseding when it was written before, as its author claims. A
  ///     wrong clock costs readable history and nothing else.
  /// - Returns: in fold order; entries that still have their body.
  package static func compactable(
    _ entries: [Entry], supersededBefore cutoff: WallTime
  ) -> [Entry] {
    let ordered = eachOnce(entries)
    let puts = PutGroup.groups(of: ordered)
    let old = Set(
      ordered.filter { $0.header.time.microseconds < cutoff.microseconds }.map(\.digest))
    let descended = digestsDescended(from: puts, among: ordered, where: old.contains)
    let gone = puts.filter { group in group.members.contains { descended.contains($0) } }
    let digests = Set(gone.flatMap(\.members))
    let candidates = ordered.filter { digests.contains($0.digest) && $0.body != nil }
    return withoutLastWords(candidates, among: ordered.filter { $0.header.operation == .put })
  }

  /// Of `candidates`, those that say nothing which no other body that stays says too.
  private static func withoutLastWords(_ candidates: [Entry], among puts: [Entry]) -> [Entry] {
    let candidates = candidates.filter {
      $0.header.mayLoseBody && $0.facts??.isWriteOnce != true
    }
    guard !candidates.isEmpty else { return [] }
    let digests = Set(candidates.map(\.digest))
    var said: Set<UniqueKey> = []
    for put in puts where !digests.contains(put.digest) { said.formUnion(put.keysSaid) }
    var gone: [Entry] = []
    for put in candidates.reversed() {
      let keys = put.keysSaid
      if keys.isSubset(of: said) {
        gone.append(put)
      } else {
        said.formUnion(keys)
      }
    }
    return gone.reversed()
  }

  /// Fold order, each identity once.
  private static func eachOnce(_ entries: [Entry]) -> [Entry] {
    var seen: Set<Digest> = []
    return entries.sorted { $0.foldPosition < $1.foldPosition }
      .filter { seen.insert($0.digest).inserted }
  }

  /// What one of `puts` that satisfies `isSuperseding` has among its ancestors, through entries
  /// held here, puts of its own or a higher revision aside. So the highest is never among them:
  /// no owner can write a record of which nothing is current. Headers alone decide, and more of
  /// them only add to it; that is what keeps law 7 under compaction.
  private static func digestsDescended(
    from puts: [PutGroup], among ordered: [Entry],
    where isSuperseding: (Digest) -> Bool = { _ in true }
  ) -> Set<Digest> {
    let headers = Dictionary(
      ordered.map { ($0.digest, $0.header) }, uniquingKeysWith: { first, _ in first })
    var reached: Set<Digest> = []
    var descended: Set<Digest> = []
    // From the highest down: what a higher one has reached, a lower one need not look at again.
    for group in puts.sorted(by: { $0.revision > $1.revision }) {
      var open = group.members.filter(isSuperseding).flatMap { headers[$0]?.parents ?? [] }
      while let digest = open.popLast() {
        guard reached.insert(digest).inserted, let header = headers[digest] else { continue }
        if case .revision(let revision) = header.subject, revision < group.revision {
          descended.insert(digest)
        }
        open.append(contentsOf: header.parents)
      }
    }
    return descended
  }

  /// A retried write counts once, as its first in fold order.
  private static func eachBodyOnce(_ ordered: [Entry]) -> [Entry] {
    var seen: Set<SubjectBody> = []
    return ordered.filter {
      seen.insert(SubjectBody(subject: $0.header.subject, body: $0.bodyDigest)).inserted
    }
  }

  private static func hasTwoBodies(_ unique: [Entry]) -> Bool {
    Set(unique.map(\.header.subject)).count < unique.count
  }
}

extension Entry {
  /// Keys under which the views find the record because of this body.
  fileprivate var keysSaid: Set<UniqueKey> {
    guard let facts = facts ?? nil else { return [] }
    return Set(facts.claims + facts.names + facts.references.map(\.key))
  }
}

private struct SubjectBody: Hashable {
  let subject: Subject
  let body: Digest
}

/// Puts of one revision with one body and one operation: the same write, however often authored.
private struct PutGroup {
  let revision: Revision
  let representative: Entry
  var members: [Digest]

  /// In fold order of the representatives.
  static func groups(of ordered: [Entry]) -> [PutGroup] {
    var groups: [PutGroup] = []
    var positions: [Key: Int] = [:]
    for entry in ordered {
      guard entry.header.operation == .put || entry.header.operation == .withdraw,
        case .revision(let revision) = entry.header.subject
      else { continue }
      let key = Key(
        revision: revision, operation: entry.header.operation, body: entry.bodyDigest)
      if let position = positions[key] {
        groups[position].members.append(entry.digest)
      } else {
        positions[key] = groups.count
        groups.append(
          PutGroup(revision: revision, representative: entry, members: [entry.digest]))
      }
    }
    return groups
  }

  private struct Key: Hashable {
    let revision: Revision
    let operation: Operation
    let body: Digest
  }
}
