import Replication

/// A stretch of a segment's items, ascending, as one row of the store holds it:
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 32 n | n items, 1 to ``maximumItemCount`` |
/// | 32 n | 8 | check over the page's place and its items |
///
/// SQLite has no checksum of its own: the check makes a flipped bit, or a row in another's place, a
/// ``StoreError/corrupt(_:)`` instead of a key that is not found.
struct IndexPage: Hashable, Sendable {
  /// So that the row, with what SQLite adds, fills one page of the file and needs no second.
  static let maximumItemCount = 126

  let items: [IndexItem]

  /// - Precondition: 1 to ``maximumItemCount`` items, ascending.
  init(_ items: [IndexItem]) {
    precondition((1...Self.maximumItemCount).contains(items.count), "\(items.count) items")
    self.items = items
  }

  func encoded(at place: Int64) -> [UInt8] {
    let byteCount = items.count * IndexItem.byteCount + WordCheck.byteCount
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let target = UnsafeMutableRawBufferPointer(buffer)
      var check = WordCheck(place)
      var offset = 0
      func write(_ word: UInt64) {
        target.storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      func take(_ word: UInt64) {
        check.take(word)
        write(word)
      }
      for item in items {
        take(item.first)
        take(item.second)
        take(item.third)
        take(item.fourth)
      }
      write(check.value)
      count = byteCount
    }
  }

  /// - Throws: `.corrupt` for bytes that no page at `place` encodes to.
  init(_ bytes: UnsafeRawBufferPointer, at place: Int64) throws(StoreError) {
    let (count, rest) = (bytes.count - WordCheck.byteCount)
      .quotientAndRemainder(dividingBy: IndexItem.byteCount)
    guard rest == 0, (1...Self.maximumItemCount).contains(count) else {
      throw .corrupt("\(bytes.count) bytes in page \(place) of the key index")
    }
    var check = WordCheck(place)
    var isAscending = true
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    items = [IndexItem](unsafeUninitializedCapacity: count) { items, filled in
      for index in 0..<count {
        let item = IndexItem(
          word(4 * index), word(4 * index + 1), word(4 * index + 2), word(4 * index + 3))
        check.take(item.first)
        check.take(item.second)
        check.take(item.third)
        check.take(item.fourth)
        if index > 0, item <= items[index - 1] { isAscending = false }
        items.initializeElement(at: index, to: item)
      }
      filled = count
    }
    guard check.value == word(4 * count), isAscending else {
      throw .corrupt("page \(place) of the key index does not match its check")
    }
  }

  /// Index of the first item that does not precede `key`; the count when all do.
  func firstIndex(notBefore key: IndexKey) -> Int {
    items.partitioningIndex { $0.key >= key }
  }

  /// Index of the first item after `item`.
  func firstIndex(after item: IndexItem) -> Int {
    items.partitioningIndex { item < $0 }
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index whose element `isInSecondHalf` and so are all after it; the count when none.
  func partitioningIndex(_ isInSecondHalf: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = low + (high - low) / 2
      if isInSecondHalf(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
