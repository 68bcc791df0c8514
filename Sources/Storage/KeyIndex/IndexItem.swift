import Replication

/// What an item of the key index is looked up by: its first 15 bytes. The last byte is zero.
struct IndexKey: Hashable, Comparable, Sendable {
  let high: UInt64
  let low: UInt64

  /// Takes the first 15 of these 16 bytes.
  init(_ high: UInt64, _ low: UInt64) {
    self.high = high
    self.low = low & ~0xff
  }

  static func < (left: Self, right: Self) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}

/// One fact of the key index: 32 bytes, four big-endian words, ordered bytewise. The index is a set
/// of them, looked up by the first 15 bytes.
///
/// | item | 0 | 1 | 15 | 16 | 17 | 24 |
/// |---|---|---|---|---|---|---|
/// | entry of a record | 0x10 + kind | record's id, 16 bytes ||| entry's id, 8, subject's tag, 7 ||
/// | entry of a digest | 0x20 | digest, its first 23 bytes |||| entry's id |
/// | claim | 0x21 | hash of the key | kind | record's id, 16 bytes |||
/// | reference | 0x22 | hash of the key | 0 | run || sequence |
/// | summary of a record | 0x30 + kind | record's id, 16 bytes ||| version, 7 | number |
///
/// Names of any length are hashed with a secret of the store (``KeyHash``), so that nobody can
/// choose two that fall together; digests and identifiers stand as they are. Of an entry's subject
/// a tag is kept (``SubjectTag``).
struct IndexItem: Hashable, Comparable, Sendable {
  static let byteCount = 32

  let first: UInt64
  let second: UInt64
  let third: UInt64
  let fourth: UInt64

  init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
    self.first = first
    self.second = second
    self.third = third
    self.fourth = fourth
  }

  var key: IndexKey { IndexKey(first, second) }

  static func < (left: Self, right: Self) -> Bool {
    if left.first != right.first { return left.first < right.first }
    if left.second != right.second { return left.second < right.second }
    if left.third != right.third { return left.third < right.third }
    return left.fourth < right.fourth
  }
}

/// The first byte of an item: what its key is. Raw values are on disk.
private enum IndexSpace {
  static let entryOfRecord: UInt64 = 0x10
  static let entryOfDigest: UInt64 = 0x20
  static let claim: UInt64 = 0x21
  static let reference: UInt64 = 0x22
  static let summary: UInt64 = 0x30
  /// Spaces from ``summary`` on, by their first four bits.
  static let summaryNibble: UInt64 = 0x3
}

extension IndexKey {
  /// Of the entries of a record. Other records may have it too: the items say which is meant.
  init(entriesOf record: RecordKey) {
    let item = IndexItem(record: record, entryID: 0)
    self.init(item.first, item.second)
  }

  /// Of the summaries of a record. Other records may have it too.
  init(summaryOf record: RecordKey) {
    let item = IndexItem(summaryOf: record, version: 0, number: 0)
    self.init(item.first, item.second)
  }

  /// Of an entry by its digest, or of one whose digest begins alike.
  init(entryOf digest: Digest) {
    let item = IndexItem(digest: digest, entryID: 0)
    self.init(item.first, item.second)
  }

  /// Of the claims of a key with this hash.
  init(claimsOf hash: Bytes16) { self.init(IndexSpace.claim, hash) }

  /// Of the references to a key with this hash.
  init(referencesTo hash: Bytes16) { self.init(IndexSpace.reference, hash) }

  private init(_ space: UInt64, _ hash: Bytes16) {
    self.init(space << 56 | hash.high >> 8, hash.high << 56 | hash.low >> 8)
  }
}

extension IndexItem {
  init(record: RecordKey, entryID: UInt64, about tag: SubjectTag = .unknown) {
    let id = record.id.raw.raw
    let space = IndexSpace.entryOfRecord + UInt64(record.kind.rawValue)
    self.init(
      space << 56 | id.high >> 8, id.high << 56 | id.low >> 8, id.low << 56 | entryID >> 8,
      entryID << 56 | tag.value)
  }

  /// The entry's id, when the item is one of `record`.
  func entryID(of record: RecordKey) -> UInt64? {
    let entryID = third << 8 | fourth >> 56
    let tag = SubjectTag(value: fourth & SubjectTag.mask)
    return self == IndexItem(record: record, entryID: entryID, about: tag) ? entryID : nil
  }

  /// Whether the entry of a record may have the subject: it does when the tags are the same for all
  /// but one in 2^55, and nobody knows of an item without one.
  func mayBe(about tag: SubjectTag) -> Bool {
    let own = fourth & SubjectTag.mask
    return own == tag.value || own == SubjectTag.unknown.value
  }

  init(digest: Digest, entryID: UInt64) {
    let raw = digest.raw
    self.init(
      IndexSpace.entryOfDigest << 56 | raw.first >> 8, raw.first << 56 | raw.second >> 8,
      raw.second << 56 | raw.third >> 8, entryID)
  }

  /// The entry's id, when its digest begins like `digest`.
  func entryID(of digest: Digest) -> UInt64? {
    self == IndexItem(digest: digest, entryID: fourth) ? fourth : nil
  }

  init(claimOf hash: Bytes16, by record: RecordKey) {
    let key = IndexKey(claimsOf: hash)
    let id = record.id.raw.raw
    self.init(key.high, key.low | UInt64(record.kind.rawValue), id.high, id.low)
  }

  /// The record that claims the key; nil when the kind is none.
  var claimant: RecordKey? {
    RecordKind(rawValue: UInt8(truncatingIfNeeded: second)).map {
      RecordKey(kind: $0, id: RecordID(UniqueID(Bytes16(high: third, low: fourth))))
    }
  }

  init(referenceTo hash: Bytes16, run: Int64, sequence: UInt64) {
    let key = IndexKey(referencesTo: hash)
    self.init(key.high, key.low, UInt64(bitPattern: run), sequence)
  }

  /// The entry that refers to the key.
  var referrer: (run: Int64, sequence: UInt64) { (Int64(bitPattern: third), fourth) }
}

/// 55 bits of a subject, with the item of its entry: whether an event is in a record already is
/// asked of each that comes, and a document to all provinces has thousands. All of an id counts:
/// some makers of ids vary the first half only, others the second. Whoever makes many with one tag
/// has us read the record's entries, as before there were tags.
struct SubjectTag: Hashable, Sendable {
  static let mask: UInt64 = 1 << 56 - 1
  private static let known: UInt64 = 1 << 55

  let value: UInt64

  /// Of items that versions before this one wrote.
  static let unknown = SubjectTag(value: 0)

  fileprivate init(value: UInt64) { self.value = value }

  init(_ subject: Subject) {
    let bits: UInt64 =
      switch subject {
      case .none: 0
      case .revision(let revision): revision.value
      case .event(let event): event.raw.raw.high &* 0x9e37_79b9_7f4a_7c15 ^ event.raw.raw.low
      }
    // The upper bits of a product depend on all of it.
    let mixed = (bits ^ bits >> 32) &* 0xff51_afd7_ed55_8ccd
    value = Self.known | mixed >> 9
  }
}

extension IndexItem {
  /// Versions of summaries; a greater one stands for the ones before.
  static let versionMask: UInt64 = 1 << 56 - 1

  init(summaryOf record: RecordKey, version: UInt64, number: UInt64) {
    let id = record.id.raw.raw
    let space = IndexSpace.summary + UInt64(record.kind.rawValue)
    self.init(
      space << 56 | id.high >> 8, id.high << 56 | id.low >> 8,
      id.low << 56 | version & Self.versionMask, number)
  }

  private var isSummary: Bool { first >> 60 == IndexSpace.summaryNibble }

  /// A record and the number of its summary; nil for another fact.
  var summary: (record: RecordKey, number: UInt64)? {
    guard isSummary, let kind = RecordKind(rawValue: UInt8(first >> 56 - IndexSpace.summary))
    else { return nil }
    let id = Bytes16(high: first << 8 | second >> 56, low: second << 8 | third >> 56)
    return (RecordKey(kind: kind, id: RecordID(UniqueID(id))), fourth)
  }

  /// The last item before the summaries of a kind.
  static func before(summariesOf kind: RecordKind) -> IndexItem {
    let space = IndexSpace.summary + UInt64(kind.rawValue)
    return IndexItem(space << 56 - 1, .max, .max, .max)
  }

  /// The last item before the summaries of all records.
  static let beforeSummaries = IndexItem(IndexSpace.summary << 56 - 1, .max, .max, .max)

  /// The last item about a record's summary.
  static func after(summaryOf record: RecordKey) -> IndexItem {
    IndexItem(summaryOf: record, version: .max, number: .max)
  }

  /// Whether this item, which does not precede the other, stands for it: it is the same, or a later
  /// summary of the same record.
  func replaces(_ other: IndexItem) -> Bool {
    guard first == other.first, second == other.second else { return false }
    if isSummary { return third >> 56 == other.third >> 56 }
    return third == other.third && fourth == other.fourth
  }
}
