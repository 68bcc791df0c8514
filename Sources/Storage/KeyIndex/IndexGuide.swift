import Replication

/// What says, without reading them, which pages of a block may hold a key. A block is up to
/// ``maximumPageCount`` pages of a segment, one after the other. One row of the store:
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 2 | p, the number of pages, 1 to ``maximumPageCount`` |
/// | 2 | 16 p | the key each begins with |
/// | 2 + 16 p | f | filter of the keys in them: lines of 64 bytes, see ``KeyProbe`` |
/// | 2 + 16 p + f | 8 | check over the row's place and all before |
struct IndexGuide: Hashable, Sendable {
  /// With the filter, of twelve bits for each key, a guide fills one page of the file. Of keys that
  /// are not there fewer than one in a hundred pass then, and each costs a look at a page; with 28
  /// pages and eight bits it was one in forty. In a store of two million entries catch-up went from
  /// 20,400 to 28,000 changes/s by it, in one run each.
  static let maximumPageCount = 19
  static let maximumFilterLineCount = 58
  static let maximumFilterByteCount = maximumFilterLineCount * KeyProbe.lineByteCount
  /// Of a block of fewer pages there is room for more.
  static let shortBlockBitsPerKey = 16
  /// The keys the pages begin with, ascending.
  let firstKeys: [IndexKey]
  /// ``KeyProbe`` says how it is asked.
  let filter: [UInt8]

  /// The guide of these pages.
  /// - Precondition: 1 to ``maximumPageCount`` pages, ascending.
  init(_ pages: [IndexPage]) {
    precondition((1...Self.maximumPageCount).contains(pages.count), "\(pages.count) pages")
    firstKeys = pages.map { $0.items[0].key }
    var keys: [IndexKey] = []
    for page in pages {
      for item in page.items where item.key != keys.last { keys.append(item.key) }
    }
    let lineBitCount = KeyProbe.lineByteCount * 8
    let lineCount = min(
      (keys.count * Self.shortBlockBitsPerKey + lineBitCount - 1) / lineBitCount,
      Self.maximumFilterLineCount)
    var filter = [UInt8](repeating: 0, count: lineCount * KeyProbe.lineByteCount)
    filter.withUnsafeMutableBufferPointer { filter in
      for key in keys {
        KeyProbe(key).forEachBit(of: filter.count) { filter[$0] |= $1 }
      }
    }
    self.filter = filter
  }

  var byteCount: Int { 2 + 16 * firstKeys.count + filter.count + WordCheck.byteCount }

  /// False only when no item of the block has the key.
  func mayHold(_ key: IndexKey) -> Bool {
    filter.withUnsafeBufferPointer { KeyProbe(key).mayBe(in: $0) }
  }

  func firstPage(of key: IndexKey) -> Int { firstKeys.firstPage(of: key) }

  func encoded(at place: Int64) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt16(firstKeys.count))
    for key in firstKeys {
      writer.write(key.high)
      writer.write(key.low)
    }
    writer.write(filter)
    writer.write(Self.check(writer.bytes[...], at: place))
    return writer.bytes
  }

  /// - Throws: `.corrupt` for bytes that no guide at `place` encodes to.
  init(_ bytes: [UInt8], at place: Int64) throws(StoreError) {
    var reader = ByteReader(bytes)
    do throws(ByteError) {
      let count = Int(try reader.readUInt16())
      let filterByteCount = bytes.count - 2 - 16 * count - WordCheck.byteCount
      guard (1...Self.maximumPageCount).contains(count),
        (1...Self.maximumFilterByteCount).contains(filterByteCount),
        filterByteCount.isMultiple(of: KeyProbe.lineByteCount)
      else { throw .invalid(field: "length", at: 0) }
      var keys: [IndexKey] = []
      for _ in 0..<count {
        keys.append(IndexKey(try reader.readUInt64(), try reader.readUInt64()))
      }
      firstKeys = keys
      filter = try reader.readBytes(filterByteCount)
      let check = try reader.readUInt64()
      guard check == Self.check(bytes.dropLast(WordCheck.byteCount), at: place) else {
        throw .invalid(field: "check", at: bytes.count - WordCheck.byteCount)
      }
    } catch {
      throw .corrupt("guide \(place) of the key index: \(error)")
    }
  }

  private static func check(_ bytes: ArraySlice<UInt8>, at place: Int64) -> UInt64 {
    var check = WordCheck(place)
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        check.take(
          UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
      }
      for index in offset..<buffer.count { check.take(UInt64(buffer[index])) }
    }
    return check.value
  }
}

extension RandomAccessCollection<IndexKey> where Index == Int {
  /// Of pages that begin with these keys the first that may hold items of `key`: the one before the
  /// first that begins with it or after it.
  func firstPage(of key: IndexKey) -> Int {
    Swift.max(partitioningIndex { $0 >= key } - 1, 0)
  }
}

/// The bits of a filter that stand for a key: five in one of its lines. A line is what a processor
/// fetches at once; the filters of a large store are more than its cache holds.
///
/// Identifiers are the callers' choice: whoever wants may find some that pass a filter. That costs
/// a look at a page and changes no answer.
struct KeyProbe {
  static let lineByteCount = 64
  private static let bitCount = 5
  /// So many bits of the hash say which bit of a line.
  private static let bitsPerBit = 9
  private let hash: UInt64

  init(_ key: IndexKey) {
    var hash = (key.high ^ key.low &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 32
    hash = hash &* 0xc4ce_b9fe_1a85_ec53
    self.hash = hash ^ hash >> 32
  }

  /// - Parameter body: gets a byte's index and the bit in it.
  func forEachBit(of byteCount: Int, _ body: (Int, UInt8) -> Void) {
    let line = lineStart(of: byteCount)
    for number in 0..<Self.bitCount {
      let (byte, bit) = bit(number)
      body(line + byte, bit)
    }
  }

  /// False only when no key of the filter is this one.
  /// - Precondition: one line or more.
  func mayBe(in filter: UnsafeBufferPointer<UInt8>) -> Bool {
    let line = lineStart(of: filter.count)
    var missing: UInt8 = 0
    for number in 0..<Self.bitCount {
      let (byte, bit) = bit(number)
      missing |= ~filter[line + byte] & bit
    }
    return missing == 0
  }

  private func lineStart(of byteCount: Int) -> Int {
    let lineCount = UInt64(byteCount / Self.lineByteCount)
    return Int(truncatingIfNeeded: (hash >> 32 &* lineCount) >> 32) * Self.lineByteCount
  }

  /// In a line.
  private func bit(_ number: Int) -> (byte: Int, bit: UInt8) {
    let position = hash >> UInt64(number * Self.bitsPerBit) & (1 << UInt64(Self.bitsPerBit) - 1)
    return (
      Int(truncatingIfNeeded: position >> 3), 1 << UInt8(truncatingIfNeeded: position & 7)
    )
  }
}
