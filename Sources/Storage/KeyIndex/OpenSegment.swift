import Replication

/// What is kept in memory of a segment that answers: the key that each block begins with, the
/// guides for which the bound leaves room, and the pages that were read last.
///
/// A lookup goes through all segments, and nearly all of them know nothing of the key. So what says
/// that is plain memory: references counted on the way would cost more than the comparisons.
final class OpenSegment {
  /// One guide.
  struct Block {
    let firstKey: IndexKey
    /// Empty where the guide is not kept.
    let pageKeys: UnsafeBufferPointer<IndexKey>
    let filter: UnsafeBufferPointer<UInt8>

    var isKept: Bool { !pageKeys.isEmpty }
  }

  /// The blocks, ascending. Valid as long as their segment is open.
  struct Blocks {
    let all: UnsafeBufferPointer<Block>

    /// The first block that may hold the key; nil when the only one that might holds it not.
    func first(holding key: IndexKey, _ probe: KeyProbe) -> Int? {
      guard let least = all.first?.firstKey, least <= key else { return nil }
      let after = all.count == 1 ? 1 : all.partitioningIndex { $0.firstKey >= key }
      let block = max(after - 1, 0)
      let isLast = block + 1 == all.count || key < all[block + 1].firstKey
      let isDenied = all[block].isKept && !probe.mayBe(in: all[block].filter)
      return isLast && isDenied ? nil : block
    }

    fileprivate func deallocate() {
      for block in all {
        block.pageKeys.deallocate()
        block.filter.deallocate()
      }
      all.deallocate()
    }
  }

  let segment: Segment
  let blocks: Blocks
  /// Of the guides that are kept.
  let byteCount: Int
  private let keptPageCount: Int
  private var pages: [(number: Int, page: IndexPage)?] = []

  /// Asks for one guide after the other: all of a large segment's are as much memory again.
  /// - Parameter room: bytes of guides that may be kept.
  /// - Parameter keptPageCount: pages that are kept decoded at most.
  /// - Parameter guide: of the block with this number.
  init(
    _ segment: Segment, room: Int, keptPageCount: Int,
    guide: (Int) throws(StoreError) -> IndexGuide
  ) throws(StoreError) {
    let count = Segment.blockCount(ofPages: segment.pageCount)
    let blocks = UnsafeMutableBufferPointer<Block>.allocate(capacity: count)
    var byteCount = 0
    for number in 0..<count {
      do throws(StoreError) {
        let guide = try guide(number)
        let isKept = byteCount + guide.byteCount <= room
        if isKept { byteCount += guide.byteCount }
        blocks.initializeElement(at: number, to: Block(guide, isKept: isKept))
      } catch {
        Blocks(all: UnsafeBufferPointer(rebasing: blocks[..<number])).deallocate()
        throw error
      }
    }
    self.segment = segment
    self.keptPageCount = keptPageCount
    self.byteCount = byteCount
    self.blocks = Blocks(all: UnsafeBufferPointer(blocks))
  }

  deinit { blocks.deallocate() }

  func keptPage(_ number: Int) -> IndexPage? {
    guard !pages.isEmpty, let kept = pages[number % keptPageCount], kept.number == number
    else { return nil }
    return kept.page
  }

  func keep(_ page: IndexPage, _ number: Int) {
    if pages.isEmpty { pages = Array(repeating: nil, count: keptPageCount) }
    pages[number % keptPageCount] = (number, page)
  }
}

extension OpenSegment.Block {
  fileprivate init(_ guide: IndexGuide, isKept: Bool) {
    firstKey = guide.firstKeys[0]
    pageKeys = .copy(of: isKept ? guide.firstKeys : [])
    filter = .copy(of: isKept ? guide.filter : [], alignment: KeyProbe.lineByteCount)
  }
}

extension UnsafeBufferPointer {
  /// Memory of its own, for the owner to free.
  fileprivate static func copy(
    of elements: [Element], alignment: Int = MemoryLayout<Element>.alignment
  ) -> UnsafeBufferPointer {
    // Of no elements initializeMemory gives back no address, and nobody could free the memory.
    guard !elements.isEmpty else { return UnsafeBufferPointer(start: nil, count: 0) }
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: elements.count * MemoryLayout<Element>.stride, alignment: alignment)
    return UnsafeBufferPointer(copy.initializeMemory(as: Element.self, fromContentsOf: elements))
  }
}
