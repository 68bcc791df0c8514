import Replication
import Testing

@testable import Storage

@Suite struct IndexItemTests {
  private static func record(_ number: UInt64, _ kind: RecordKind) -> RecordKey {
    RecordKey(kind: kind, id: RecordID(UniqueID(Bytes16(high: number &* 0x0101_0101, low: number))))
  }

  @Test(arguments: [UInt64(1), 255, 256, 1 << 40, .max])
  func whatIsNotedIsReadBack(number: UInt64) {
    for kind in RecordKind.allCases {
      let record = Self.record(number, kind)
      let entry = IndexItem(record: record, entryID: number)
      #expect(entry.key == IndexKey(entriesOf: record) && entry.entryID(of: record) == number)
      #expect(entry.entryID(of: Self.record(number &+ 1, kind)) == nil)
      let summary = IndexItem(summaryOf: record, version: number, number: ~number)
      #expect(summary.summary?.record == record && summary.summary?.number == ~number)
      #expect(summary.key == IndexKey(summaryOf: record) && entry.summary == nil)
      #expect(IndexItem.beforeSummaries <= .before(summariesOf: kind))
      #expect(IndexItem.before(summariesOf: kind) < summary)
      #expect(summary <= .after(summaryOf: record))
      let hash = Bytes16(high: number, low: ~number)
      let claim = IndexItem(claimOf: hash, by: record)
      #expect(claim.key == IndexKey(claimsOf: hash) && claim.claimant == record)
    }
    let digest = Digest(Bytes32(number, ~number, number ^ 77, 5))
    let byDigest = IndexItem(digest: digest, entryID: number)
    #expect(byDigest.key == IndexKey(entryOf: digest) && byDigest.entryID(of: digest) == number)
    #expect(byDigest.entryID(of: Digest(Bytes32(number, ~number, number ^ 1 << 60, 5))) == nil)
    let hash = Bytes16(high: ~number, low: number)
    let reference = IndexItem(referenceTo: hash, run: -3, sequence: number)
    #expect(reference.key == IndexKey(referencesTo: hash))
    #expect(reference.referrer == (-3, number))
  }

  /// Of items that know their subject one is asked for, of those that do not all of them.
  @Test func anEntryIsFoundByItsSubject() {
    let record = Self.record(7, .finance)
    func event(_ high: UInt64, _ low: UInt64) -> Subject {
      .event(EventID(UniqueID(Bytes16(high: high, low: low))))
    }
    let subjects: [Subject] = [
      .none, .revision(Revision(1)), .revision(Revision(.max)), event(1, 1 << 54), event(1, 2),
    ]
    for subject in subjects {
      let tag = SubjectTag(subject)
      let item = IndexItem(record: record, entryID: .max, about: tag)
      #expect(item.key == IndexKey(entriesOf: record) && item.entryID(of: record) == .max)
      for other in subjects { #expect(item.mayBe(about: SubjectTag(other)) == (other == subject)) }
      #expect(IndexItem(record: record, entryID: 5).mayBe(about: tag))
    }
    // Ids of makers that vary the first half only, or the second.
    let numbers: Range<UInt64> = 0..<1_000
    let halves = numbers.flatMap { [event($0 << 48 | 7, 1 << 63), event(9, $0)] }
    #expect(Set(halves.map(SubjectTag.init)).count == halves.count)
  }

  /// Kinds and purposes never meet in a key.
  @Test func spacesAreApart() {
    let record = Self.record(7, .document)
    let id = record.id.raw.raw
    let keys = [
      IndexKey(entriesOf: record), IndexKey(entriesOf: Self.record(7, .finance)),
      IndexKey(entryOf: Digest(Bytes32(id.high, id.low, 0, 0))), IndexKey(claimsOf: id),
      IndexKey(referencesTo: id), IndexKey(summaryOf: record),
    ]
    #expect(Set(keys).count == keys.count)
  }

  @Test func wordsAreComparedInTurn() {
    var numbers = SampleNumbers(state: 1)
    let items = IndexSamples.items(300, &numbers)
    for (left, right) in zip(items, items.shuffled(using: &numbers)) {
      let words = { (item: IndexItem) in [item.first, item.second, item.third, item.fourth] }
      #expect((left < right) == words(left).lexicographicallyPrecedes(words(right)))
      #expect((left.key < right.key) == (left.key != right.key && left < right))
    }
  }
}
