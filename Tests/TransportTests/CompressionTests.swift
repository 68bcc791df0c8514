import Testing

@testable import Transport

@Suite struct FrameCompressorTests {
  private static let limit = 1024 * 1024

  @Test func restoresWhatItCompressed() throws {
    let compressor = try FrameCompressor()
    var random = SeededGenerator(seed: 4)
    for count in [2, 100, 4_096, 70_000, Self.limit] {
      let text = (0..<count).map { _ in UInt8.random(in: 97...104, using: &random) }
      guard let compressed = compressor.compress(text) else {
        #expect(count == 2)
        continue
      }
      #expect(compressed.count < count)
      let restored = try compressor.decompress(
        compressed, declaredByteCount: count, limit: Self.limit)
      #expect(restored == text)
    }
  }

  @Test func givesUpWhatDoesNotShrink() throws {
    let compressor = try FrameCompressor()
    var random = SeededGenerator(seed: 5)
    #expect(compressor.compress([]) == nil)
    #expect(compressor.compress([1]) == nil)
    #expect(
      compressor.compress((0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }) == nil
    )
    // Shrinks beyond the ratio: the peer would refuse it, so it travels as it is.
    #expect(compressor.compress([UInt8](repeating: 0, count: Self.limit)) == nil)
    #expect(compressor.compress([UInt8](repeating: 0, count: 4_096)) != nil)
  }

  @Test func refusesWhatDoesNotKeepItsWord() throws {
    let compressor = try FrameCompressor()
    let text = (0..<3_000).map { UInt8($0 % 251) }
    let good = try #require(compressor.compress(text))
    func refusal(_ bytes: [UInt8], _ declared: Int, limit: Int = 4_000) -> CompressionError? {
      do throws(CompressionError) {
        _ = try compressor.decompress(bytes, declaredByteCount: declared, limit: limit)
        return nil
      } catch { return error }
    }
    #expect(refusal(good, 3_000) == nil)
    #expect(refusal(good, 3_000, limit: 2_999) == .declaredTooLong(count: 3_000, limit: 2_999))
    #expect(refusal(good, -1) == .declaredTooLong(count: -1, limit: 4_000))
    #expect(refusal(good, 2_999) == .wrongLength(declared: 2_999))
    #expect(refusal(good, 3_001) == .wrongLength(declared: 3_001))
    #expect(refusal(good, 0) == .wrongLength(declared: 0))
    #expect(refusal(good + [0], 3_000) == .trailing(count: 1))
    #expect(refusal(good + good, 3_000) == .trailing(count: good.count))
    #expect(refusal(Array(good.dropLast()), 3_000) == .wrongLength(declared: 3_000))
    #expect(refusal([], 3_000) == .wrongLength(declared: 3_000))
    // A frame of zstd 0.7 that asks for a window of 32 MiB.
    let ancient: [UInt8] = [0x27, 0xb5, 0x2f, 0xfd, 0xa0, 0x70, 0xff, 0xff, 0x01]
    guard case .corrupt = refusal(ancient, 3_000) else {
      Issue.record("a format of before zstd 1.0 was taken")
      return
    }
    guard case .corrupt = refusal([1, 2, 3, 4, 5, 6], 3_000) else {
      Issue.record("garbage was taken")
      return
    }
    // The context is of use again after each of these.
    #expect(refusal(good, 3_000) == nil)
  }

  /// One megabyte of zeros and more, as zstd writes it: an RLE block of 128 KiB in four bytes.
  @Test func refusesBombs() throws {
    let compressor = try FrameCompressor()
    let header: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]  // window 2^17, no content size
    let block: [UInt8] = [0x02, 0x00, 0x10, 0x00]  // RLE, 131,072 times zero
    let lastBlock: [UInt8] = [0x03, 0x00, 0x10, 0x00]
    let bomb = header + Array(repeating: block, count: 7_999).joined() + lastBlock
    // Honest about its billion bytes, or lying: refused before memory is taken, or at the limit.
    #expect(throws: CompressionError.declaredTooLong(count: 8_000 * 131_072, limit: Self.limit)) {
      try compressor.decompress(bomb, declaredByteCount: 8_000 * 131_072, limit: Self.limit)
    }
    #expect(throws: CompressionError.wrongLength(declared: Self.limit)) {
      try compressor.decompress(bomb, declaredByteCount: Self.limit, limit: Self.limit)
    }
    let small = header + Array(repeating: block, count: 7).joined() + lastBlock
    #expect(
      throws: CompressionError.ratioTooHigh(declared: Self.limit, compressed: small.count)
    ) {
      try compressor.decompress(small, declaredByteCount: Self.limit, limit: Self.limit)
    }
    let single = header + lastBlock
    #expect(throws: CompressionError.wrongLength(declared: 4_096)) {
      try compressor.decompress(single, declaredByteCount: 4_096, limit: Self.limit)
    }
    let wide: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58] + lastBlock  // window 2^21
    #expect(throws: CompressionError.windowTooLarge) {
      try compressor.decompress(wide, declaredByteCount: 4_096, limit: Self.limit)
    }
  }

  @Test func randomBytesNeverTrap() throws {
    let compressor = try FrameCompressor()
    var random = SeededGenerator(seed: 6)
    let good = try #require(compressor.compress((0..<3_000).map { UInt8($0 % 97) }))
    for _ in 0..<2_000 {
      var bytes = good
      bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(
        in: 1...255, using: &random)
      _ = try? compressor.decompress(bytes, declaredByteCount: 3_000, limit: 4_000)
    }
  }
}
