import Cryptography
import Replication

/// A file whose content follows from a seed: it lies nowhere but in the stores of the sites. No
/// compression shortens it.
struct SeededFile: Hashable, Sendable {
  /// What is made, sent and read at a time; the daemon takes no more in one request.
  static let pieceByteCount = 1 << 20

  let byteCount: Int
  let digest: Digest
  private let seed: UInt64

  /// Makes the whole content once, for its digest.
  init(byteCount: Int, seed: UInt64) {
    precondition(byteCount > 0, "\(byteCount) bytes")
    self.byteCount = byteCount
    self.seed = seed
    let stream = OpenSSLHash().makeStream()
    for offset in Self.offsets(byteCount) {
      stream.update(Self.piece(at: offset, of: byteCount, seed).span)
    }
    digest = stream.finish()
  }

  /// As records write it.
  var digestText: String { "sha-256:\(digest)" }

  /// Where the pieces begin.
  var offsets: StrideTo<Int> { Self.offsets(byteCount) }

  /// - Parameter offset: one of ``offsets``.
  func piece(at offset: Int) -> [UInt8] { Self.piece(at: offset, of: byteCount, seed) }

  private static func offsets(_ byteCount: Int) -> StrideTo<Int> {
    stride(from: 0, to: byteCount, by: pieceByteCount)
  }

  private static func piece(at offset: Int, of byteCount: Int, _ seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed &+ UInt64(offset))
    let count = min(pieceByteCount, byteCount - offset)
    let wordByteCount = MemoryLayout<UInt64>.size
    let wordCount = (count + wordByteCount - 1) / wordByteCount
    var bytes = [UInt8](repeating: 0, count: wordCount * wordByteCount)
    bytes.withUnsafeMutableBytes { buffer in
      for word in 0..<wordCount {
        buffer.storeBytes(
          of: random.next().littleEndian, toByteOffset: word * wordByteCount, as: UInt64.self)
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
