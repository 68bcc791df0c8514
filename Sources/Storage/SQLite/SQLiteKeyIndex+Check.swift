import Replication

/// What `quick_check` is to SQLite's own pages.
extension SQLiteKeyIndex {
  /// Reads the tail, and every page and guide: each matches its check, the items of a segment
  /// ascend, and its guides lead to all of them. About a second per GiB.
  /// - Throws: `.corrupt` with what is wrong first.
  func check() throws(StoreError) {
    try refresh()
    _ = try checkTail()
    for segment in segments.values.sorted(by: { $0.id < $1.id }) where segment.state != .retired {
      if let fault = try fault(in: segment) {
        throw .corrupt("\(fault) of segment \(segment.id) of the key index")
      }
    }
  }

  private func fault(in segment: Segment) throws(StoreError) -> String? {
    var last: IndexItem?
    var guide: IndexGuide?
    for number in 0..<segment.pageCount {
      let page = try page(number, of: segment)
      let (block, place) = number.quotientAndRemainder(dividingBy: IndexGuide.maximumPageCount)
      // The last block of a growing segment has no guide yet.
      let isOpen =
        segment.state == .growing
        && block == segment.pageCount / IndexGuide.maximumPageCount
      if place == 0 { guide = isOpen ? nil : try self.guide(block, of: segment) }
      if let last, let first = page.items.first, first <= last {
        return "the order of page \(number)"
      }
      last = page.items.last
      guard let guide else { continue }
      guard place < guide.firstKeys.count, guide.firstKeys[place] == page.items.first?.key,
        page.items.allSatisfy({ guide.mayHold($0.key) })
      else { return "the guide of page \(number)" }
    }
    return nil
  }
}
