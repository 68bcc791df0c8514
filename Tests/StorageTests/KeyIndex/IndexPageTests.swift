import Replication
import Testing

@testable import Storage

@Suite struct IndexPageTests {
  private static func read(_ bytes: [UInt8], at place: Int64) throws -> IndexPage {
    try bytes.withUnsafeBytes { buffer in try IndexPage(buffer, at: place) }
  }

  private static func isCorrupt(_ read: () throws -> Void) -> Bool {
    do { try read() } catch StoreError.corrupt { return true } catch {}
    return false
  }

  @Test(arguments: [1, 2, 77, IndexPage.maximumItemCount])
  func aPageComesBackAsWritten(count: Int) throws {
    var numbers = SampleNumbers(state: UInt64(count))
    let items = IndexSamples.sorted(IndexSamples.items(2 * count, &numbers)).prefix(count)
    let page = IndexPage(Array(items))
    let bytes = page.encoded(at: 9)
    #expect(try Self.read(bytes, at: 9) == page)
    // In another place it is another page.
    #expect(Self.isCorrupt { _ = try Self.read(bytes, at: 10) })
    // Every bit counts.
    for _ in 0..<200 {
      var rotten = bytes
      let place = Int.random(in: 0..<bytes.count, using: &numbers)
      rotten[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      #expect(Self.isCorrupt { _ = try Self.read(rotten, at: 9) }, "byte \(place)")
    }
    for length in [0, 1, 7, 8, bytes.count - 1, bytes.count - 32, bytes.count + 1] {
      let cut = Array((bytes + [0]).prefix(length))
      #expect(Self.isCorrupt { _ = try Self.read(cut, at: 9) }, "\(length) bytes")
    }
  }

  @Test func itemsAreFoundByHalving() {
    var numbers = SampleNumbers(state: 3)
    let items = IndexSamples.sorted(IndexSamples.items(100, &numbers))
    let page = IndexPage(items)
    for probe in items + IndexSamples.items(100, &numbers, keyCount: 90) {
      #expect(
        page.firstIndex(notBefore: probe.key)
          == items.firstIndex { $0.key >= probe.key } ?? items.count)
      #expect(page.firstIndex(after: probe) == items.firstIndex { probe < $0 } ?? items.count)
    }
  }

  /// Guides, and what bytes of chance make of both.
  @Test func aGuideComesBackAsWritten() throws {
    var numbers = SampleNumbers(state: 4)
    let items = IndexSamples.sorted(IndexSamples.items(3_000, &numbers, keyCount: 2_000))
    let guides = IndexSamples.build(items).guides
    for guide in guides {
      let bytes = guide.encoded(at: 5)
      #expect(bytes.count == guide.byteCount)
      #expect(try IndexGuide(bytes, at: 5) == guide)
      #expect(Self.isCorrupt { _ = try IndexGuide(bytes, at: 6) })
      for _ in 0..<200 {
        var rotten = bytes
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        rotten[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        #expect(Self.isCorrupt { _ = try IndexGuide(rotten, at: 5) }, "byte \(place)")
      }
    }
    for _ in 0..<1_000 {
      let count = Int.random(in: 0..<200, using: &numbers)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
      #expect(Self.isCorrupt { _ = try IndexGuide(bytes, at: 0) })
      #expect(Self.isCorrupt { _ = try Self.read(bytes, at: 0) })
    }
  }

  /// No key is denied, and few pass that are not there.
  @Test func aGuideLeadsToEveryKey() {
    var numbers = SampleNumbers(state: 5)
    let fullBlock = IndexGuide.maximumPageCount * IndexPage.maximumItemCount
    let items = IndexSamples.sorted(IndexSamples.items(fullBlock, &numbers, keyCount: 1 << 60))
    let builder = IndexSamples.build(items)
    #expect(builder.guides.map(\.filter.count) == [IndexGuide.maximumFilterByteCount])
    for guide in builder.guides {
      for item in items {
        #expect(guide.mayHold(item.key))
        let number = guide.firstPage(of: item.key)
        let found = builder.pages[number...].prefix(2).contains { $0.items.contains(item) }
        #expect(found)
      }
      let strangers = IndexSamples.items(10_000, &numbers, keyCount: 1 << 60)
      let passed = strangers.count { guide.mayHold($0.key) }
      #expect(passed < strangers.count / 100, "\(passed) of \(strangers.count)")
    }
  }

  /// Whichever guide cannot be read, its error comes out; what was copied of those before is freed,
  /// which the address sanitizer sees.
  @Test func aSegmentOpensWithAllItsGuides() throws {
    var numbers = SampleNumbers(state: 6)
    let threeBlocks = 2 * IndexGuide.maximumPageCount * IndexPage.maximumItemCount + 1
    let items = IndexSamples.sorted(IndexSamples.items(threeBlocks, &numbers, keyCount: 1 << 60))
    let builder = IndexSamples.build(items)
    let segment = Segment(id: 1, level: 0, state: .whole, pageCount: builder.pageCount)
    let guides = builder.guides
    #expect(guides.count == 3)
    let first = Self.room(for: guides[..<1])
    for (room, keptCount) in [(0, 0), (first, 1), (Self.room(for: guides[...]), 3)] {
      let open = try OpenSegment(segment, room: room, keptPageCount: 1) { guides[$0] }
      #expect(open.blocks.all.map(\.firstKey) == guides.map { $0.firstKeys[0] })
      #expect(open.blocks.all.map(\.isKept) == guides.indices.map { $0 < keptCount })
    }
    for missing in guides.indices {
      let error = #expect(throws: StoreError.self) {
        _ = try OpenSegment(segment, room: .max, keptPageCount: 1) { number throws(StoreError) in
          guard number < missing else { throw .corrupt("guide \(number)") }
          return guides[number]
        }
      }
      #expect(error == .corrupt("guide \(missing)"))
    }
  }

  private static func room(for guides: ArraySlice<IndexGuide>) -> Int {
    guides.reduce(0) { $0 + $1.byteCount }
  }

  /// What SQLite adds to a row of the longest page, or guide, leaves it on one page of the file.
  @Test func aRowFillsOnePage() {
    let spare = 35 + 8
    let page = IndexPage.maximumItemCount * IndexItem.byteCount + 8
    let guide = 2 + 16 * IndexGuide.maximumPageCount + IndexGuide.maximumFilterByteCount + 8
    #expect(max(page, guide) <= SQLiteConnection.pageByteCount - spare)
  }
}
