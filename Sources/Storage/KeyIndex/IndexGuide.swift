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
  private static let probeCount = 4

  /// The keys the pages begin with, ascending.
  let firstKeys: [IndexKey]
  private let filter: [UInt8]

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
        var probe = FilterProbe(key, bitCount: UInt64(byteCount) * 8)
        for _ in 0..<Self.probeCount {
          let bit = probe.next()
          filter[bit >> 3] |= 1 << UInt8(truncatingIfNeeded: bit & 7)
        }
      }
    }
    self.filter = filter
  }

  var byteCount: Int { 2 + 16 * firstKeys.count + filter.count + WordCheck.byteCount }

  /// False only when no item of the block has the key.
  func mayHold(_ key: IndexKey) -> Bool {
    filter.withUnsafeBufferPointer { filter in
      var probe = FilterProbe(key, bitCount: UInt64(filter.count) * 8)
      for _ in 0..<Self.probeCount {
        let bit = probe.next()
        if filter[bit >> 3] & 1 << UInt8(truncatingIfNeeded: bit & 7) == 0 { return false }
      }
      return true
    }
  }

  /// The first page that may hold items of the key: the one before the first that begins with it or
  /// after it.
  func firstPage(of key: IndexKey) -> Int {
    max(firstKeys.partitioningIndex { $0 >= key } - 1, 0)
  }

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

/// The bits of a filter that stand for a key, one after the other.
///
/// Identifiers are the callers' choice: whoever wants may find some that pass a filter. That costs
/// a look at a page and changes no answer.
private struct FilterProbe {
  private var position: UInt64
  private let step: UInt64
  private let bitCount: UInt64

  init(_ key: IndexKey, bitCount: UInt64) {
    var hash = (key.high ^ key.low &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 32
    hash = hash &* 0xc4ce_b9fe_1a85_ec53
    position = hash >> 32
    step = hash & 0xffff_ffff | 1
    self.bitCount = bitCount
  }

  mutating func next() -> Int {
    defer { position = (position &+ step) & 0xffff_ffff }
    return Int(truncatingIfNeeded: (position &* bitCount) >> 32)
  }
}
