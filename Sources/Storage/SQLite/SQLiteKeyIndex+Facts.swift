import Replication

/// Which kinds of name the index has any of. A kind is what a name is looked up for, and its first
/// byte, the sort of name it is (`UniqueKey`): most names that are looked for are of a kind that
/// nobody uses.
struct KeyKinds {
  enum Purpose: Int {
    case claim = 0
    case reference = 1
  }

  /// Of one purpose: the first bytes, then the empty name.
  private static let countPerPurpose = 257
  private static let count = 2 * countPerPurpose
  /// A bit each. In place: it is asked of every name.
  private var words = InlineArray<9, UInt64>(repeating: 0)

  /// As the store holds it.
  static func number(_ purpose: Purpose, _ key: UniqueKey) -> Int {
    purpose.rawValue * countPerPurpose + (key.bytes.first.map { Int($0) } ?? countPerPurpose - 1)
  }

  func contains(_ number: Int) -> Bool { words[number / 64] & 1 << UInt64(number % 64) != 0 }

  /// - Returns: false when there is no such kind.
  mutating func insert(_ number: Int) -> Bool {
    guard (0..<Self.count).contains(number) else { return false }
    words[number / 64] |= 1 << UInt64(number % 64)
    return true
  }
}

/// The facts that the store keeps in the index.
extension SQLiteKeyIndex {
  /// Ids of the entries of a record, ascending.
  func entryIDs(of record: RecordKey) throws(StoreError) -> [UInt64] {
    try entryItems(of: record).compactMap { $0.entryID(of: record) }
  }

  /// Ids of the entries of a record that may have this subject, ascending: all that have it, and
  /// some that do not.
  func entryIDs(of record: RecordKey, about subject: Subject) throws(StoreError) -> [UInt64] {
    let tag = SubjectTag(subject)
    return try entryItems(of: record).compactMap { item in
      item.mayBe(about: tag) ? item.entryID(of: record) : nil
    }
  }

  private func entryItems(of record: RecordKey) throws(StoreError) -> [IndexItem] {
    if let lastEntries, lastEntries.record == record { return lastEntries.items }
    let items = try items(of: IndexKey(entriesOf: record)).filter { $0.entryID(of: record) != nil }
    lastEntries = (record, items)
    return items
  }

  /// Ids of the entries whose digest begins like this one.
  func entryIDs(of digest: Digest) throws(StoreError) -> [UInt64] {
    try items(of: IndexKey(entryOf: digest)).compactMap { $0.entryID(of: digest) }
  }

  /// Records that claim the key, ascending.
  func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    var records: [RecordKey] = []
    for item in try items(of: IndexKey(claimsOf: hash(key))) {
      guard let record = item.claimant else { throw .corrupt("a claim of the key index: \(item)") }
      records.append(record)
    }
    return records
  }

  /// Entries that refer to the key.
  func referrers(of key: UniqueKey) throws(StoreError) -> [(run: Int64, sequence: UInt64)] {
    try items(of: IndexKey(referencesTo: hash(key))).map(\.referrer)
  }

  // MARK: The writer's

  func note(_ entry: Entry, id: UInt64) {
    pending.add(IndexItem(digest: entry.digest, entryID: id))
    guard let record = entry.record else { return }
    lastEntries = nil
    pending.add(
      IndexItem(record: record, entryID: id, about: SubjectTag(entry.subject)))
    tail.counts[record.kind, default: KindTally()].entries += 1
  }

  func claim(_ key: UniqueKey, by record: RecordKey) throws(StoreError) {
    try note(.claim, key)
    pending.add(IndexItem(claimOf: try hash(key), by: record))
  }

  func refer(run: Int64, sequence: UInt64, to key: UniqueKey) throws(StoreError) {
    try note(.reference, key)
    pending.add(IndexItem(referenceTo: try hash(key), run: run, sequence: sequence))
  }

  /// Whether there is any name like this one.
  func hasAny(_ purpose: KeyKinds.Purpose, like key: UniqueKey) throws(StoreError) -> Bool {
    try readKinds()
    return kinds?.contains(KeyKinds.number(purpose, key)) ?? true
  }

  private func note(_ purpose: KeyKinds.Purpose, _ key: UniqueKey) throws(StoreError) {
    guard try !hasAny(purpose, like: key) else { return }
    let number = KeyKinds.number(purpose, key)
    _ = kinds?.insert(number)
    try connection.run("INSERT INTO key_kind (id) VALUES (?)", [.integer(Int64(number))])
  }

  private func readKinds() throws(StoreError) {
    guard kinds == nil else { return }
    var stored = KeyKinds()
    try connection.forEach("SELECT id FROM key_kind", []) { row throws(StoreError) in
      guard stored.insert(Int(row.integer(0))) else { throw row.corrupt("kind of key", 0) }
      return true
    }
    kinds = stored
  }
}
