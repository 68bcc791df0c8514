/// Who had seen what when: the parents of a record's entries. Causality, which no clock can bend.
///
/// Headers say it, so it survives compaction (law 7). One pass in the one order, in which causes
/// come before what they cause: no recursion, and for each entry at most as many bits as there are
/// marks. An entry that claims to be older than what it builds on is taken not to have seen it.
struct DirectiveHistory {
  /// Number of each event that is asked about, by the digest of every entry that wrote it: a write
  /// that was retried after a restore is the same event (law 7).
  private var marks: [Digest: Int] = [:]
  /// By entry, one bit for each mark among its ancestors and itself.
  private var seen: [Digest: [UInt64]] = [:]

  /// Events after which others count differently.
  private static let markTypes: [Text] = [
    "assigned", "reassigned", "suspended", "cancelled", "completionConfirmed",
  ]

  /// - Parameters:
  ///   - entries: all of the record, puts and stubs included: causality runs through them.
  ///   - events: the record's events.
  init(of entries: [Entry], events: [FoldedEvent]) {
    number(events)
    let ordered = entries.sorted { $0.foldPosition < $1.foldPosition }
    var writes: [EntryWrite: Int] = [:]
    for entry in ordered {
      guard let number = marks[entry.digest] else { continue }
      writes[EntryWrite(entry)] = number
    }
    for entry in ordered {
      if let number = writes[EntryWrite(entry)] { marks[entry.digest] = number }
      take(entry.digest, entry.header.parents)
    }
  }

  /// - Parameter events: in the one order.
  init(of events: [FoldedEvent]) {
    number(events)
    for event in events { append(event) }
  }

  private mutating func number(_ events: [FoldedEvent]) {
    for event in events where Self.markTypes.contains(event.type) {
      marks[event.digest] = marks[event.digest] ?? marks.count
    }
  }

  /// An event that has no row yet, or one of a history without entries.
  mutating func append(_ event: FoldedEvent) { take(event.digest, event.parents) }

  private mutating func take(_ digest: Digest, _ parents: [Digest]) {
    // The parents' bits are shared until one is added.
    var bits: [UInt64] = []
    for parent in parents {
      guard let its = seen[parent], !its.isEmpty else { continue }
      if bits.isEmpty { bits = its } else { Self.unite(&bits, its) }
    }
    if let number = marks[digest] {
      var own = [UInt64](repeating: 0, count: number / 64 + 1)
      own[number / 64] = 1 << UInt64(number % 64)
      Self.unite(&bits, own)
    }
    seen[digest] = bits
  }

  private static func unite(_ bits: inout [UInt64], _ other: [UInt64]) {
    while bits.count < other.count { bits.append(0) }
    for index in other.indices { bits[index] |= other[index] }
  }

  /// Whether the author of `event` had `mark` among what it built on.
  func hasSeen(_ mark: FoldedEvent, by event: FoldedEvent) -> Bool {
    guard let number = marks[mark.digest], let bits = seen[event.digest] else { return false }
    return number / 64 < bits.count && bits[number / 64] & 1 << UInt64(number % 64) != 0
  }
}

private struct EntryWrite: Hashable {
  let subject: Subject
  let body: Digest

  init(_ entry: Entry) {
    subject = entry.header.subject
    body = entry.bodyDigest
  }
}
