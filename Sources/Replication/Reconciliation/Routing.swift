/// Whom an entry is for (law 4): a function of the entries held, evaluated again in the transaction
/// that applies an entry. It only grows; what becomes deliverable late gets a new row (law 3).
extension Reconciler {
  /// Named sites beside origin and centre.
  func route(
    _ entry: Entry, _ reading: BodyReading?, _ summary: RecordSummary,
    foreignParents: [Digest], in view: some RecordView
  ) throws(StoreError) -> Recipients {
    guard let record = entry.header.record, record.kind != .registry else { return .everyone }
    var recipients = Recipients(entry.header.audience)
    if let owner = summary.owner, owner != entry.origin {
      recipients = recipients.union(.sites([owner]))
    }
    if reading?.facts.sharesRecordAudience ?? true {
      recipients = recipients.union(summary.audience)
    }
    for parent in foreignParents {
      guard let its = try view.entry(digest: parent) else { continue }
      recipients = recipients.union(Recipients([its.origin]))
        .union(try view.recipients(of: its.identity) ?? .none)
    }
    return recipients
  }

  /// Whether `site` may hold the entry, by the same function as the sender's. What refers to
  /// something that is not here yet cannot be judged and passes.
  func isEntitled(
    _ site: SiteID, to entry: Entry, _ reading: BodyReading?, _ summary: RecordSummary,
    in view: some RecordView
  ) throws(StoreError) -> Bool {
    if site == centre || site == entry.origin || summary.owner == site { return true }
    if Recipients(entry.header.audience).contains(site) { return true }
    if reading?.facts.sharesRecordAudience ?? true, summary.audience.contains(site) { return true }
    guard let record = entry.header.record else { return true }
    let siblings = try view.entries(of: record)
    // What is said of a recall goes as far as the recall does.
    var references = reading?.facts.references ?? []
    if reading?.facts.sharesRecordAudience ?? true {
      references += siblings.flatMap { ($0.facts ?? nil)?.references ?? [] }
    }
    for key in Set(references.filter(\.spreadsAudience).map(\.key)) {
      guard let reach = try reach(ofTarget: key, in: view) else { return true }
      if reach.contains(site) { return true }
      if try goesBackToUnknown(key, in: view) { return true }
    }
    for parent in try foreignParents(of: entry, siblings, in: view) {
      guard let its = try view.entry(digest: parent) else { return true }
      if its.origin == site { return true }
      if try view.recipients(of: its.identity)?.contains(site) == true { return true }
    }
    return false
  }

  /// Documents that are walked back from a recall. A chain that is longer is no office's: what it
  /// ends in waits in the open, and costs no site a walk through everything.
  static var maximumRecallCount: Int { 256 }

  /// Whether what has this name recalls or replaces, through however many others, something that
  /// is not here yet. Recalls are urgent and overtake what they go back to, which may not be; until
  /// that is here nobody can say how far they reach.
  private func goesBackToUnknown(
    _ name: UniqueKey, in view: some RecordView
  ) throws(StoreError) -> Bool {
    var open = [name]
    var visited: Set<UniqueKey> = []
    while let next = open.popLast(), visited.count < Self.maximumRecallCount {
      guard visited.insert(next).inserted else { continue }
      let targets = try view.claimants(of: next)
      if targets.isEmpty { return true }
      for target in targets {
        for entry in try view.entries(of: target) {
          open += (entry.facts ?? nil)?.references.filter(\.spreadsAudience).map(\.key) ?? []
        }
      }
    }
    return false
  }

  /// Where every record of this name went; nil while none is here. A name may stand in two records
  /// that are in conflict over it: both count, whichever came first.
  func reach(ofTarget name: UniqueKey, in view: some RecordView) throws(StoreError) -> Recipients? {
    var reach: Recipients?
    for target in try view.claimants(of: name) {
      guard let its = try view.summary(of: target) else { continue }
      reach = (reach ?? .none).union(its.everyone)
    }
    return reach
  }

  /// Parents in other records, or not here yet.
  /// - Parameter siblings: the entries of its record, where they are read; nil: the store is asked
  ///   for each parent.
  func foreignParents(
    of entry: Entry, _ siblings: [Entry]?, in view: some RecordView
  ) throws(StoreError) -> [Digest] {
    var foreign: [Digest] = []
    guard !entry.header.parents.isEmpty, let record = entry.record else { return foreign }
    // One parent is the rule, and among few it is found sooner than hashed.
    let own = siblings.map { $0.count > Resolution.plainCount ? Set($0.map(\.digest)) : nil }
    for parent in entry.header.parents {
      let isOwn =
        if let siblings {
          (own ?? nil)?.contains(parent) ?? siblings.contains { $0.digest == parent }
        } else {
          try view.isEntry(parent, of: record)
        }
      if !isOwn { foreign.append(parent) }
    }
    return foreign
  }

  static func childrenKey(of parent: Digest) -> UniqueKey {
    UniqueKey("parent:") { $0.write(parent.raw) }
  }

  /// The record is for more sites, or is named for the first time: its entries, and whatever refers
  /// to it, go to the sites that came in. Each record is visited once, so the walk ends.
  /// - Returns: every record that grew, this one first.
  mutating func widen(
    _ record: RecordKey, newest: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) -> [RecordKey] {
    var open = [record]
    var grown: [RecordKey] = []
    var visited: Set<RecordKey> = []
    while let next = open.popLast() {
      guard visited.insert(next).inserted, let summary = try store.summary(of: next) else {
        continue
      }
      grown.append(next)
      let entries = try store.entries(of: next)
      var delivered: [Entry] = []
      for entry in entries where entry.identity != newest.identity {
        if try deliver(entry, summary, entries, in: &store) { delivered.append(entry) }
      }
      for entry in delivered { try deliverToChildren(of: entry, in: &store) }
      open.append(contentsOf: try widenReferrers(of: next, summary, entries, in: &store))
    }
    return grown
  }

  /// Records whose revocation or replacement of this one now reaches further.
  private func widenReferrers(
    of record: RecordKey, _ summary: RecordSummary, _ entries: [Entry],
    in store: inout some StoreTransaction
  ) throws(StoreError) -> [RecordKey] {
    var grown: [RecordKey] = []
    let names = Set(entries.flatMap { $0.facts??.names ?? [] }).sorted()
    for name in names {
      for identity in try store.referrers(of: .changes(of: name)) {
        guard let entry = try store.entry(identity), let referring = entry.header.record,
          entry.facts??.references.contains(where: {
            $0.key == name && $0.spreadsAudience
          }) == true,
          var its = try store.summary(of: referring)
        else { continue }
        let audience = its.audience.union(summary.everyone)
        guard audience != its.audience else { continue }
        its.audience = audience
        try store.setSummary(its, of: referring)
        grown.append(referring)
      }
    }
    return grown
  }

  /// Children in other records go where their parent goes, and theirs after them. A list of work
  /// and not a recursion: a chain of parents may be as long as a hostile peer likes.
  mutating func deliverToChildren(
    of entry: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) {
    var open = try deliveredChildren(of: entry, in: &store)
    while let parent = open.popLast() {
      open += try deliveredChildren(of: parent, in: &store)
    }
  }

  /// Delivers the entry's own children. Nearly no entry has any.
  /// - Returns: those that went to a site they had not gone to before.
  private mutating func deliveredChildren(
    of parent: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) -> [Entry] {
    var delivered: [Entry] = []
    for identity in try store.referrers(of: Self.childrenKey(of: parent.digest)) {
      guard let child = try store.entry(identity), let record = child.header.record,
        let summary = try store.summary(of: record)
      else { continue }
      let siblings = try store.entries(of: record)
      if try deliver(child, summary, siblings, in: &store) { delivered.append(child) }
    }
    return delivered
  }

  /// A new row for the sites that came in since the entry's last one.
  /// - Returns: whether there were any.
  private mutating func deliver(
    _ entry: Entry, _ summary: RecordSummary, _ siblings: [Entry],
    in store: inout some StoreTransaction
  ) throws(StoreError) -> Bool {
    let foreign = try foreignParents(of: entry, siblings, in: store)
    let wanted = try route(entry, entry.bodyReading, summary, foreignParents: foreign, in: store)
    let had = try store.recipients(of: entry.identity) ?? .none
    guard let missing = wanted.subtracting(had) else { return false }
    let via: SiteID? = entry.origin == site ? nil : site == centre ? entry.origin : centre
    try log.append(entry, recipients: missing, via: via, isNew: false, in: &store)
    return true
  }
}
