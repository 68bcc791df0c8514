import Replication

/// SipHash-2-4 with 128 bits (Aumasson and Bernstein): a keyed hash of short names. Who does not
/// know the secret cannot find two names with one hash, however many they send.
struct KeyHash: Sendable {
  private let first: UInt64
  private let second: UInt64

  /// - Parameter secret: the 16 bytes of the algorithm's key.
  init(secret: Bytes16) {
    first = secret.high.byteSwapped
    second = secret.low.byteSwapped
  }

  /// The hash of `bytes`.
  func callAsFunction(_ bytes: [UInt8]) -> Bytes16 {
    var state = SipState(first, second)
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        state.take(
          UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
      }
      var last = UInt64(buffer.count & 0xff) << 56
      for index in offset..<buffer.count {
        last |= UInt64(buffer[index]) << UInt64(8 * (index - offset))
      }
      state.take(last)
    }
    return state.finish()
  }
}

/// The four words of the algorithm's state.
private struct SipState {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64

  init(_ first: UInt64, _ second: UInt64) {
    v0 = 0x736f_6d65_7073_6575 ^ first
    v1 = 0x646f_7261_6e64_6f6d ^ second ^ 0xee
    v2 = 0x6c79_6765_6e65_7261 ^ first
    v3 = 0x7465_6462_7974_6573 ^ second
  }

  mutating func take(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  mutating func finish() -> Bytes16 {
    v2 ^= 0xee
    for _ in 0..<4 { round() }
    let high = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xdd
    for _ in 0..<4 { round() }
    return Bytes16(high: high.byteSwapped, low: (v0 ^ v1 ^ v2 ^ v3).byteSwapped)
  }

  private mutating func round() {
    v0 &+= v1
    v1 = Self.rotated(v1, 13) ^ v0
    v0 = Self.rotated(v0, 32)
    v2 &+= v3
    v3 = Self.rotated(v3, 16) ^ v2
    v0 &+= v3
    v3 = Self.rotated(v3, 21) ^ v0
    v2 &+= v1
    v1 = Self.rotated(v1, 17) ^ v2
    v2 = Self.rotated(v2, 32)
  }

  private static func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word << count | word >> (64 - count)
  }
}
