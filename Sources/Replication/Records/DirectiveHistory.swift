/// Who had seen what when: the parents of a record's entries. Causality, which no clock can bend.
///
/// Headers say it, so it survives compaction (law 7).
struct DirectiveHistory {
  private struct Node {
    let digest: Digest
    let parents: [Digest]
    /// Writes of one event with one body have one group: a write that was retried after a restore
    /// is the same event (law 7).
    let group: Int
  }

  /// In the one order, in which causes come before what they cause.
  private var nodes: [Node] = []
  private var groups: [Digest: Int] = [:]
  /// By the event that was seen: every entry that descends from it.
  private var seers: [Digest: Set<Digest>] = [:]

  /// Events whose descendants are looked for; each costs one pass over the record. A task that is
  /// reassigned, suspended or closed more often has other troubles: what comes then counts as
  /// written without knowing.
  static let maximumMarkCount = 64

  init(of entries: [Entry]) {
    var known: [EntryWrite: Int] = [:]
    for entry in entries.sorted(by: { $0.foldPosition < $1.foldPosition }) {
      let write = EntryWrite(subject: entry.header.subject, body: entry.bodyDigest)
      let group = known[write] ?? nodes.count
      known[write] = group
      append(entry.digest, entry.header.parents, group)
    }
  }

  /// - Parameter events: in the one order.
  init(of events: [FoldedEvent]) {
    for event in events { append(event) }
  }

  /// An event that has no row yet.
  mutating func append(_ event: FoldedEvent) { append(event.digest, event.parents, nodes.count) }

  private mutating func append(_ digest: Digest, _ parents: [Digest], _ group: Int) {
    nodes.append(Node(digest: digest, parents: parents, group: group))
    groups[digest] = group
  }

  /// Whether the author of `event` had `mark` among what it built on. One pass in the one order, no
  /// recursion: an entry that claims to be older than what it builds on is taken not to have seen
  /// it.
  mutating func hasSeen(_ mark: FoldedEvent, by event: FoldedEvent) -> Bool {
    if let known = seers[mark.digest] { return known.contains(event.digest) }
    guard seers.count < Self.maximumMarkCount, let group = groups[mark.digest] else { return false }
    var reached: Set<Digest> = []
    for node in nodes where node.group == group || node.parents.contains(where: reached.contains) {
      reached.insert(node.digest)
    }
    seers[mark.digest] = reached
    return reached.contains(event.digest)
  }
}

private struct EntryWrite: Hashable {
  let subject: Subject
  let body: Digest
}
