import Replication
import Testing

@testable import Storage

@Suite struct KeyTailTests {
  private static func decode(_ bytes: [UInt8]) throws(StoreError) -> (KeyTail, [IndexItem]) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(StoreError) in try KeyTail.decode(bytes) }
    }
    let (tail, items) = try result.get()
    return (tail, items)
  }

  private static func sample(_ itemCount: Int, seed: UInt64 = 3) -> (KeyTail, [IndexItem]) {
    var numbers = SampleNumbers(state: seed)
    let items = IndexSamples.sorted(IndexSamples.items(itemCount, &numbers, keyCount: 1 << 60))
    let tail = KeyTail(
      number: 7, segmentsNumber: 5,
      counts: [.document: KindTally(entries: 9, records: 4), .finance: KindTally(entries: 2)])
    return (tail, items)
  }

  @Test(arguments: [0, 1, 2, 60, KeyTail.maximumItemCount])
  func whatIsEncodedIsDecoded(count: Int) throws {
    let (tail, items) = Self.sample(count)
    let (again, itsItems) = try Self.decode(tail.encoded(with: items))
    #expect(again.number == 7 && again.segmentsNumber == 5 && again.counts == tail.counts)
    let isSame = itsItems == items
    #expect(isSame)
  }

  @Test func goldenBytes() {
    let tail = KeyTail(
      number: 258, segmentsNumber: 3, counts: [.directive: KindTally(entries: 5, records: 1)])
    let bytes = tail.encoded(with: [IndexItem(1, 2, 3, 4)])
    let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let words = [
      "0000000000000102", "0000000000000003", "0000000000000001",
      "0000000000000002", "0000000000000005", "0000000000000001",
      "0000000000000001", "0000000000000002", "0000000000000003", "0000000000000004",
      "e76242a538dffadc",
    ]
    #expect(hex == words.joined())
  }

  /// With every kind counted and all its items a row is one cell of one page of SQLite.
  @Test func theLongestFitsOnePage() {
    var (tail, items) = Self.sample(KeyTail.maximumItemCount)
    for kind in RecordKind.allCases { tail.counts[kind] = KindTally(entries: .max, records: .max) }
    let longestLocalPayload = SQLiteConnection.pageByteCount - 35
    let rowHeader = 8
    #expect(tail.encoded(with: items).count + rowHeader <= longestLocalPayload)
  }

  @Test func aByteThatChangedIsSeen() {
    let (tail, items) = Self.sample(5)
    let bytes = tail.encoded(with: items)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0x10
      #expect(throws: StoreError.self) { try Self.decode(changed) }
    }
    for count in 0..<bytes.count {
      #expect(throws: StoreError.self) { try Self.decode(Array(bytes.prefix(count))) }
      #expect(throws: StoreError.self) { try Self.decode(Array(repeating: 0, count: count)) }
    }
  }
}
