import Replication

/// What every commit changes of the key index, as one row of the store that fills no more than one
/// page of its file: items that no segment has yet, and what is counted. A commit of one change has
/// some ten items. As a segment of their own they took four pages of as many tables to the disk,
/// and every eighth of them was merged.
///
/// The row is one blob of big-endian words:
///
/// | words | what |
/// |---|---|
/// | 1 | number |
/// | 1 | number of the segments |
/// | 1 | k, how many kinds are counted |
/// | 3 k | kind, entries, records |
/// | 4 n | n items, ascending, at most ``maximumItemCount`` |
/// | 1 | check over all before it |
struct KeyTail {
  /// More items are written as a segment. So many fit into a page, with the rest of the row.
  static let maximumItemCount = 120
  private static let wordsBeforeCounts = 3
  private static let wordsOfCount = 3
  private static let wordsOfItem = IndexItem.byteCount / WordCheck.byteCount
  /// Where the check says that the words stand: no page of a segment does.
  private static let place: Int64 = -1

  /// Commits that changed the index. Ascending, as versions of summaries are made of it; not 0.
  var number: UInt64
  /// The last of them that changed which segments there are, or their pages.
  var segmentsNumber: UInt64
  var counts: [RecordKind: KindTally]
}

/// What the store has of a kind, so that nobody counts it.
struct KindTally: Equatable {
  /// With a row.
  var entries = 0
  /// Records of which a put is here.
  var records = 0
}

extension KeyTail {
  /// - Precondition: `items` ascend; at most ``maximumItemCount``.
  func encoded(with items: [IndexItem]) -> [UInt8] {
    precondition(items.count <= Self.maximumItemCount, "\(items.count) items in the tail")
    var words = [number, segmentsNumber, UInt64(counts.count)]
    for (kind, tally) in counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      words.append(UInt64(kind.rawValue))
      words.append(UInt64(bitPattern: Int64(tally.entries)))
      words.append(UInt64(bitPattern: Int64(tally.records)))
    }
    for item in items { words += [item.first, item.second, item.third, item.fourth] }
    var check = WordCheck(Self.place)
    for word in words { check.take(word) }
    var writer = ByteWriter()
    for word in words { writer.write(word) }
    writer.write(check.value)
    return writer.bytes
  }

  /// The number alone; nothing is checked. 0 when there is none.
  static func number(in bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.count < WordCheck.byteCount ? 0 : UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
  }

  /// - Throws: `.corrupt` for bytes that no tail encodes to.
  static func decode(
    _ bytes: UnsafeRawBufferPointer
  ) throws(StoreError) -> (tail: KeyTail, items: [IndexItem]) {
    let (wordCount, rest) = bytes.count.quotientAndRemainder(dividingBy: WordCheck.byteCount)
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    guard rest == 0, wordCount > wordsBeforeCounts, word(2) <= UInt64(UInt8.max) else {
      throw .corrupt("\(bytes.count) bytes in the tail of the key index")
    }
    let firstItem = wordsBeforeCounts + wordsOfCount * Int(word(2))
    let (itemCount, odd) = (wordCount - 1 - firstItem).quotientAndRemainder(dividingBy: wordsOfItem)
    var check = WordCheck(place)
    for index in 0..<wordCount - 1 { check.take(word(index)) }
    guard (0...maximumItemCount).contains(itemCount), odd == 0, word(0) > 0,
      check.value == word(wordCount - 1)
    else { throw .corrupt("the tail of the key index does not match its check") }

    var tail = KeyTail(number: word(0), segmentsNumber: word(1), counts: [:])
    for place in stride(from: wordsBeforeCounts, to: firstItem, by: wordsOfCount) {
      guard let kind = UInt8(exactly: word(place)).flatMap({ RecordKind(rawValue: $0) }) else {
        continue
      }
      tail.counts[kind] = KindTally(
        entries: Int(truncatingIfNeeded: word(place + 1)),
        records: Int(truncatingIfNeeded: word(place + 2)))
    }
    let items = (0..<itemCount).map { number in
      let place = firstItem + wordsOfItem * number
      return IndexItem(word(place), word(place + 1), word(place + 2), word(place + 3))
    }
    return (tail, items)
  }
}
