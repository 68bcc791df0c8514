/// Bytes that wait to be written, in order, up to a limit. Appending and consuming cost amortised
/// constant time a byte: consumed bytes leave in bulk, once they are the greater part.
package struct OutputBuffer: Sendable {
  /// Greatest number of bytes that may wait.
  package let limit: Int
  private var bytes: [UInt8] = []
  private var head = 0

  /// - Precondition: `limit` is positive.
  package init(limit: Int) {
    precondition(limit > 0, "output limit \(limit)")
    self.limit = limit
  }

  /// Number of bytes that wait.
  package var count: Int { bytes.count - head }
  /// Whether nothing waits.
  package var isEmpty: Bool { count == 0 }
  /// Number of bytes that still fit.
  package var room: Int { limit - count }

  /// The bytes that wait, oldest first.
  package var pending: ArraySlice<UInt8> { bytes[head...] }

  /// - Returns: false when the bytes do not fit; nothing is then appended.
  package mutating func append(_ more: ArraySlice<UInt8>) -> Bool {
    guard more.count <= room else { return false }
    bytes.append(contentsOf: more)
    return true
  }

  /// Drops the `count` oldest bytes.
  package mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count, "consume \(count) of \(self.count)")
    head += count
    if head == bytes.count {
      // A buffer that once was large must not keep its memory on an idle connection.
      bytes.removeAll(keepingCapacity: bytes.capacity <= Self.retainedByteCount)
      head = 0
    } else if head > bytes.count / 2, head >= Self.retainedByteCount {
      bytes.removeSubrange(..<head)
      head = 0
    }
  }

  /// Capacity kept when the buffer runs empty.
  private static var retainedByteCount: Int { 16 * 1024 }
}
