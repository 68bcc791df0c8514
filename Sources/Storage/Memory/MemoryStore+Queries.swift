package import Replication

extension MemoryStore: StoreQueries {
  package func records(
    kind: RecordKind, after: RecordID?, limit: Int
  ) throws(StoreError) -> [RecordKey] {
    let found = summaries.filter { key, summary in
      key.kind == kind && summary.owner != nil && (after.map { $0 < key.id } ?? true)
    }
    return Array(found.keys.sorted().prefix(limit))
  }

  package func revisedRecords(
    after: RecordKey?, limit: Int
  ) throws(StoreError) -> RevisedPage {
    let found = summaries.keys.filter { key in after.map { $0 < key } ?? true }
    let looked = found.sorted().prefix(limit)
    let revised = looked.filter { summaries[$0].map { $0.greatestRevision > Revision(1) } ?? false }
    return RevisedPage(records: revised, last: looked.last)
  }

  package func rows(of entry: EntryIdentity) throws(StoreError) -> [LogRow] {
    log.filter { $0.entry == entry }
  }

  package func conflicts(after: RecordKey?, limit: Int) throws(StoreError) -> [RecordKey] {
    let found = summaries.filter { key, summary in
      !summary.conflicts.isEmpty && (after.map { $0 < key } ?? true)
    }
    return Array(found.keys.sorted().prefix(limit))
  }

  package func waitingEntries(skip: Int, limit: Int) throws(StoreError) -> [WaitingEntry] {
    arrivals.values.sorted { $0.number < $1.number }.dropFirst(skip).prefix(limit).map(\.waiting)
  }

  package func remoteOutcomes(of entry: EntryIdentity) throws(StoreError) -> [Outcome] {
    (remote[entry] ?? [:]).values.sorted { $0.site < $1.site }
  }

  package func changes(after lsn: LSN, limit: Int) throws(StoreError) -> [Change] {
    let changes = rows(after: lsn).lazy.compactMap { row -> Change? in
      guard let held = held[row.entry], held.firstRow == row.lsn, held.entry.header.record != nil
      else { return nil }
      return Change(row: row, header: held.entry.header)
    }
    return Array(changes.prefix(limit))
  }

  package func leaves(after: EntryIdentity?, limit: Int) throws(StoreError) -> [DigestLeaf] {
    let identities = held.keys.filter { identity in after.map { $0 < identity } ?? true }
    return identities.sorted().prefix(limit).compactMap { identity in
      held[identity].map {
        DigestLeaf(
          identity: identity, digest: $0.entry.digest, kind: $0.entry.header.record?.kind,
          recipients: $0.recipients)
      }
    }
  }

  package func spans(of origin: SiteID) throws(StoreError) -> [LifeSpan] {
    let identities = Array(held.keys) + arrivals.values.map(\.waiting.entry.identity)
    let lives = Dictionary(grouping: identities.filter { $0.origin == origin }, by: \.incarnation)
    let spans = lives.compactMap { incarnation, identities -> LifeSpan? in
      let numbers = identities.map(\.sequence)
      guard let first = numbers.min(), let last = numbers.max() else { return nil }
      return LifeSpan(incarnation: incarnation, first: first, last: last, count: numbers.count)
    }
    return spans.sorted { ($0.first, $0.incarnation) < ($1.first, $1.incarnation) }
  }

  package func counts() throws(StoreError) -> [RecordKind: KindCounts] {
    var counts: [RecordKind: KindCounts] = [:]
    for (key, summary) in summaries {
      counts[key.kind, default: KindCounts()].records += summary.owner == nil ? 0 : 1
      counts[key.kind, default: KindCounts()].conflicts += summary.conflicts.isEmpty ? 0 : 1
      counts[key.kind, default: KindCounts()].held +=
        Int(summary.heldCount) + (summary.holds.isEmpty ? 0 : 1)
    }
    for (key, identities) in entriesOfRecord {
      counts[key.kind, default: KindCounts()].entries += identities.count
    }
    for arrival in arrivals.values {
      guard let kind = arrival.waiting.entry.header.record?.kind else { continue }
      counts[kind, default: KindCounts()].add(waiting: arrival.waiting.state, count: 1)
    }
    return counts
  }

  package func oldestHeld(limit: Int) throws(StoreError) -> WallTime? {
    let waiting = arrivals.values.filter { $0.waiting.state == .held }
      .sorted { $0.number < $1.number }.prefix(limit).map(\.waiting.entry)
    let keys = summaries.filter { !$0.value.holds.isEmpty }.keys.sorted().prefix(limit)
    let unowned = summaries.filter { $0.value.owner == nil }.keys.sorted().prefix(limit)
    let identities = (Array(keys) + unowned).flatMap { entriesOfRecord[$0] ?? [] }
    let entries = waiting + identities.compactMap { held[$0]?.entry }
    return entries.map { WallTime(microseconds: $0.header.time.microseconds) }.min()
  }

  package func backlog(
    after lsn: LSN, lane: Lane, selection: RowSelection, limit: Int
  ) throws(StoreError) -> Backlog {
    let wanted = rows(after: lsn).lazy.filter { $0.lane == lane && selection.wants($0) }
    let counted = Array(wanted.prefix(limit))
    return Backlog(
      count: counted.count, oldest: counted.first.flatMap { held[$0.entry]?.entry.header.time })
  }
}

extension KindCounts {
  /// Entries without a row count as held or as quarantined; no other state waits.
  mutating func add(waiting state: OutcomeState, count: Int) {
    switch state {
    case .held: held += count
    case .quarantined: quarantined += count
    case .applied, .conflict, .refused: break
    }
  }
}
