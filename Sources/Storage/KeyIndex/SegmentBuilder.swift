/// Turns ascending items into the pages and guides of a segment.
struct SegmentBuilder: Sendable {
  private(set) var pages: [IndexPage] = []
  private(set) var guides: [IndexGuide] = []
  /// Pages that have been handed out before ``pages``, and guides before ``guides``.
  private(set) var handedPageCount = 0
  private(set) var handedGuideCount = 0

  private var openItems: [IndexItem] = []
  private var openBlock: [IndexPage] = []

  init() {}

  /// Goes on behind pages that stand already, of which these are the open block's.
  init(after pageCount: Int, openBlock: [IndexPage]) {
    let blockCount = pageCount / IndexGuide.maximumPageCount
    precondition(
      openBlock.count == pageCount - blockCount * IndexGuide.maximumPageCount,
      "\(openBlock.count) open pages of \(pageCount)")
    handedPageCount = pageCount
    handedGuideCount = blockCount
    self.openBlock = openBlock
  }

  var pageCount: Int { handedPageCount + pages.count }

  /// - Precondition: greater than the last.
  mutating func append(_ item: IndexItem) {
    openItems.append(item)
    if openItems.count == IndexPage.maximumItemCount { closePage() }
  }

  /// Ends the last page and the last guide.
  mutating func finish() {
    if !openItems.isEmpty { closePage() }
    if !openBlock.isEmpty { closeBlock() }
  }

  /// The pages and guides are written.
  mutating func handOut() {
    handedPageCount += pages.count
    handedGuideCount += guides.count
    pages.removeAll(keepingCapacity: true)
    guides.removeAll(keepingCapacity: true)
  }

  private mutating func closePage() {
    let page = IndexPage(openItems)
    pages.append(page)
    openBlock.append(page)
    openItems.removeAll(keepingCapacity: true)
    if openBlock.count == IndexGuide.maximumPageCount { closeBlock() }
  }

  private mutating func closeBlock() {
    guides.append(IndexGuide(openBlock))
    openBlock.removeAll(keepingCapacity: true)
  }
}
