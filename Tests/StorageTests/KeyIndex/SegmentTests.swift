import Replication
import Testing

@testable import Storage

@Suite struct SegmentTests {
  @Test(arguments: UInt64(1)...10)
  func pendingItemsAreFoundByKey(seed: UInt64) {
    var numbers = SampleNumbers(state: seed)
    var pending = PendingItems()
    let items = IndexSamples.items(Int(seed) * 400, &numbers, keyCount: seed * 100)
    for item in items { pending.add(item) }
    for key in Set(items.map(\.key)) {
      var found: [IndexItem] = []
      pending.collect(key, into: &found)
      #expect(found == items.filter { $0.key == key }.reversed())
    }
    var found: [IndexItem] = []
    pending.collect(IndexKey(1, 1), into: &found)
    #expect(found.isEmpty)
    let isSorted = pending.sorted == IndexSamples.sorted(items)
    #expect(isSorted)
    pending.removeAll()
    #expect(pending.items.isEmpty && pending.sorted.isEmpty)
  }

  @Test(arguments: [1, 125, 126, 127, 2_393, 2_394, 2_395, 9_000])
  func aBuilderCutsPagesAndBlocks(count: Int) {
    var numbers = SampleNumbers(state: UInt64(count))
    let items = IndexSamples.sorted(IndexSamples.items(count, &numbers, keyCount: 1 << 60))
    let builder = IndexSamples.build(items)
    #expect(builder.pages.flatMap(\.items) == items)
    #expect(builder.pages.dropLast().allSatisfy { $0.items.count == IndexPage.maximumItemCount })
    #expect(builder.guides.count == Segment.blockCount(ofPages: builder.pages.count))
    #expect(
      builder.guides.flatMap(\.firstKeys) == builder.pages.compactMap { $0.items.first?.key })
  }

  /// A merge in steps, begun anew behind what is written at any of them, is the union.
  @Test(arguments: UInt64(1)...12)
  func aMergeIsTheUnion(seed: UInt64) throws {
    var numbers = SampleNumbers(state: seed)
    let runs = (0..<Int.random(in: 1...SegmentPolicy.fanIn, using: &numbers)).map { _ in
      IndexSamples.sorted(
        IndexSamples.items(
          Int.random(in: 1...2_000, using: &numbers), &numbers, keyCount: 1 << (seed * 2)))
    }
    let inputs = runs.enumerated().map { index, items in
      (
        Segment(
          id: Int64(index + 1), level: 0, state: .whole,
          pageCount: IndexSamples.build(items).pages.count),
        IndexSamples.build(items).pages
      )
    }
    let segments = inputs.map(\.0)
    let pages = Dictionary(uniqueKeysWithValues: inputs.map { ($0.id, $1) })
    let load: SortedRuns.Load = { segment, number throws(StoreError) in
      guard let page = pages[segment.id]?[number] else { throw .corrupt("no page \(number)") }
      return page
    }
    var merge = SegmentMerge(try SortedRuns(segments, load: load))
    var written: [IndexPage] = []
    var guides: [IndexGuide] = []
    while !merge.isDone {
      try merge.step(pageCount: Int.random(in: 1...20, using: &numbers), load: load)
      #expect(merge.builder.handedPageCount == written.count)
      written += merge.builder.pages
      guides += merge.builder.guides
      merge.handOut()
      guard !merge.isDone, Bool.random(using: &numbers), let last = written.last?.items.last
      else { continue }
      let blockCount = written.count / IndexGuide.maximumPageCount
      let runs = try SortedRuns(segments, after: last, load: load) { segment throws(StoreError) in
        pages[segment.id]?.firstIndex { $0.items.last.map { $0.key >= last.key } ?? false }
          ?? segment.pageCount
      }
      merge = SegmentMerge(
        runs,
        into: SegmentBuilder(
          after: written.count,
          openBlock: Array(written[(blockCount * IndexGuide.maximumPageCount)...])))
    }
    let union = IndexSamples.sorted(runs.flatMap { $0 })
    let isUnion = written.flatMap(\.items) == union
    #expect(isUnion)
    let whole = IndexSamples.build(union)
    let isSame = written == whole.pages && guides == whole.guides
    #expect(isSame)
  }

  /// Of a record's summaries only the last is left, and of other facts all.
  @Test(arguments: UInt64(1)...5)
  func aLaterSummaryStands(seed: UInt64) throws {
    var numbers = SampleNumbers(state: seed)
    let records = (0..<UInt64(30)).map {
      RecordKey(kind: .directive, id: RecordID(UniqueID(Bytes16(high: 0, low: $0))))
    }
    var newest: [RecordKey: UInt64] = [:]
    var items: [IndexItem] = []
    for version in 1...UInt64(90) {
      let record = records.randomElement(using: &numbers) ?? records[0]
      let number = UInt64.random(in: 0...9, using: &numbers)
      newest[record] = number
      items.append(IndexItem(summaryOf: record, version: version, number: number))
      items.append(IndexItem(record: record, entryID: version))
    }
    let cut = Int.random(in: 0...items.count, using: &numbers)
    let older = IndexSamples.sorted(Array(items[..<cut]))
    let segment = Segment(
      id: 1, level: 0, state: .whole, pageCount: IndexSamples.build(older).pages.count)
    let load: SortedRuns.Load = { _, number throws(StoreError) in
      IndexSamples.build(older).pages[number]
    }
    let before = IndexItem(0, 0, 0, 0)
    var runs = try SortedRuns(
      [segment], and: IndexSamples.sorted(Array(items[cut...])), after: before, load: load
    ) { _ throws(StoreError) in 0 }
    var found: [RecordKey: UInt64] = [:]
    var entryCount = 0
    var last = before
    while let item = try runs.next(load) {
      #expect(last < item)
      last = item
      guard let fact = item.summary else {
        entryCount += 1
        continue
      }
      #expect(found.updateValue(fact.number, forKey: fact.record) == nil)
    }
    #expect(found == newest && entryCount == 90)
  }

  @Test func theOldestOfTheLowestLevelAreMerged() {
    func segment(
      _ id: Int64, _ level: Int64, _ state: Segment.State = .whole, into target: Int64? = nil,
      pages: Int = 1
    ) -> Segment {
      Segment(id: id, level: level, state: state, pageCount: pages, target: target)
    }
    let fanIn = Int64(SegmentPolicy.fanIn)
    let low = (1...fanIn).map { segment($0, 0) }
    let high = (21...20 + fanIn).map { segment($0, 1) }
    #expect(SegmentPolicy.nextMerge(low.dropLast()) == nil)
    #expect(SegmentPolicy.nextMerge(high.reversed() + low.reversed()) == low)
    #expect(SegmentPolicy.nextMerge(high + low.dropLast()) == high)
    #expect(SegmentPolicy.nextMerge(low + [segment(fanIn + 1, 0)]) == low)
    // Neither what is being merged, nor what grows, nor what has gone.
    #expect(SegmentPolicy.nextMerge(low.dropLast() + [segment(9, 0, into: 99)]) == nil)
    #expect(SegmentPolicy.nextMerge(low.dropLast() + [segment(9, 0, .growing)]) == nil)
    #expect(SegmentPolicy.nextMerge(low.dropLast() + [segment(9, 0, .retired)]) == nil)
    // Nothing longer than a segment can be.
    let long = low.dropLast() + [segment(9, 0, pages: Segment.maximumPageCount)]
    #expect(SegmentPolicy.nextMerge(long) == nil)
  }

  /// However much a commit writes, merges end before as much has come again.
  @Test(arguments: [1, 5, 126, 5_000])
  func segmentsNeverPileUp(itemsPerCommit: Int) {
    var segments: [Int64: Segment] = [:]
    var rest: [Int64: Int] = [:]
    var nextID: Int64 = 1
    var greatestCount = 0
    var answeringCount = 0
    let pages = (itemsPerCommit + IndexPage.maximumItemCount - 1) / IndexPage.maximumItemCount
    for _ in 0..<5_000 {
      segments[nextID] = Segment(id: nextID, level: 0, state: .whole, pageCount: pages)
      nextID += 1
      while let inputs = SegmentPolicy.nextMerge(segments.values) {
        let level = inputs[0].level + 1
        segments[nextID] = Segment(id: nextID, level: level, state: .growing, pageCount: 0)
        rest[nextID] = inputs.reduce(0) { $0 + $1.pageCount }
        for input in inputs { segments[input.id]?.target = nextID }
        nextID += 1
      }
      for (id, count) in rest {
        let step = min(count, SegmentPolicy.mergedPageCount(besideItems: itemsPerCommit))
        segments[id]?.pageCount += step
        rest[id] = count - step
        guard count == step else { continue }
        rest[id] = nil
        segments[id]?.state = .whole
        for input in segments.values where input.target == id { segments[input.id] = nil }
      }
      greatestCount = max(greatestCount, segments.count)
      answeringCount += segments.values.count { $0.state == .whole }
    }
    // Seven levels of fanIn - 1 that wait and fanIn that are merged, and what they become.
    #expect(greatestCount <= 7 * 2 * SegmentPolicy.fanIn, "\(greatestCount) segments")
    // What a lookup asks on average. Fewer items than these are no segment, but in the tail.
    if itemsPerCommit > KeyTail.maximumItemCount {
      #expect(answeringCount / 5_000 <= 7 * SegmentPolicy.fanIn / 2, "\(answeringCount)")
    }
  }
}
