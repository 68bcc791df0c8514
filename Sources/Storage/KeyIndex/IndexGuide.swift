import Replication

/// What says, without reading them, which pages of a block may hold a key. A block is up to
/// ``maximumPageCount`` pages of a segment, one after the other. One row of the store:
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 2 | p, the number of pages, 1 to ``maximumPageCount`` |
/// | 2 | 16 p | the key each begins with |
/// | 2 + 16 p | f | filter of the keys in them: 1 to ``maximumFilterByteCount`` |
/// | 2 + 16 p + f | 8 | check over the row's place and all before |
struct IndexGuide: Hashable, Sendable {
  /// With the filter a guide fills one page of the file.
  static let maximumPageCount = 28
  static let maximumFilterByteCount =
    maximumPageCount * IndexPage.maximumItemCount * fullBlockBitsPerKey / 8
  /// Of a block of all its pages: a key that is not there passes one time in forty.
  static let fullBlockBitsPerKey = 8
  /// Of a block of half of them or fewer, as most segments have that a lookup asks: one time in
  /// four hundred.
  static let shortBlockBitsPerKey = 16
  /// The keys the pages begin with, ascending.
  let firstKeys: [IndexKey]
  /// ``KeyProbe`` says how it is asked.
  let filter: [UInt8]

  /// - Parameter keys: of all items in the pages; one key need stand there once.
  /// - Precondition: 1 to ``maximumPageCount`` pages, and keys.
  init(firstKeys: [IndexKey], keys: [IndexKey]) {
    precondition((1...Self.maximumPageCount).contains(firstKeys.count), "\(firstKeys.count) pages")
    self.firstKeys = firstKeys
    let byteCount = min(
      max(keys.count * Self.shortBlockBitsPerKey / 8, 1), Self.maximumFilterByteCount)
    var filter = [UInt8](repeating: 0, count: byteCount)
    filter.withUnsafeMutableBufferPointer { filter in
      for key in keys {
        KeyProbe(key).forEachBit(of: byteCount) { filter[$0] |= $1 }
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
        (1...Self.maximumFilterByteCount).contains(filterByteCount)
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

/// The bits of a filter that stand for a key.
///
/// Identifiers are the callers' choice: whoever wants may find some that pass a filter. That costs
/// a look at a page and changes no answer.
struct KeyProbe {
  private static let bitCount = 4
  private let start: UInt64
  private let step: UInt64

  init(_ key: IndexKey) {
    var hash = (key.high ^ key.low &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 32
    hash = hash &* 0xc4ce_b9fe_1a85_ec53
    start = hash >> 32
    step = hash & 0xffff_ffff | 1
  }

  /// - Parameter body: gets a byte's index and the bit in it.
  func forEachBit(of byteCount: Int, _ body: (Int, UInt8) -> Void) {
    for number in 0..<Self.bitCount {
      let (byte, bit) = bit(number, of: byteCount)
      body(byte, bit)
    }
  }

  /// False only when no key of the filter is this one.
  func mayBe(in filter: UnsafeBufferPointer<UInt8>) -> Bool {
    for number in 0..<Self.bitCount {
      let (byte, bit) = bit(number, of: filter.count)
      if filter[byte] & bit == 0 { return false }
    }
    return true
  }

  private func bit(_ number: Int, of byteCount: Int) -> (byte: Int, bit: UInt8) {
    let position = (start &+ UInt64(number) &* step) & 0xffff_ffff
    let bit = Int(truncatingIfNeeded: (position &* (UInt64(byteCount) * 8)) >> 32)
    return (bit >> 3, 1 << UInt8(truncatingIfNeeded: bit & 7))
  }
}
