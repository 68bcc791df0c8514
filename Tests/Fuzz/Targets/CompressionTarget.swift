import Transport

extension FuzzTarget {
  /// The decompressor: four bytes for the declared length, the compressed bytes.
  static let compression = FuzzTarget(
    name: "compression", maximumByteCount: 4_096,
    // zstd takes its window and tables once a context, at most as large as the content.
    memory: MemoryBound(fixedByteCount: 4 << 20, factor: 4 * FrameCompressor.ratioLimit),
    seeds: { try CompressionChecks.seeds() + SeedFiles.corpus("compression") },
    makeCheck: {
      let compressor = try FrameCompressor()
      return { input in try CompressionChecks.check(input, compressor) }
    })
}

enum CompressionChecks {
  /// As the daemon's: a frame without its header.
  private static let limit = 1 << 20
  private static let probe = (0..<300).map { UInt8($0 % 7) }

  static func check(_ input: [UInt8], _ compressor: FrameCompressor) throws {
    guard input.count >= 4 else { return }
    let declared = input[..<4].reduce(0) { $0 << 8 | Int($1) }
    let content = Array(input[4...])
    do {
      let plain = try compressor.decompress(content, declaredByteCount: declared, limit: limit)
      try require(plain.count == declared, "\(plain.count) bytes, \(declared) declared")
      for other in [declared - 1, declared + 1] {
        try require(
          restored(content, other, compressor) == nil, "\(other) bytes declared pass as well")
      }
      try require(
        restored(content + [0], declared, compressor) == nil, "a byte behind the end passes")
      try checkRoundTrip(plain, compressor)
    } catch let error as CompressionError {
      if case .library = error { throw BrokenProperty(description: "\(error)") }
      // Nothing of what failed is left for the next frame.
      try checkRoundTrip(probe, compressor)
    }
    try checkRoundTrip(content, compressor)
  }

  private static func checkRoundTrip(_ bytes: [UInt8], _ compressor: FrameCompressor) throws {
    guard let compressed = compressor.compress(bytes) else { return }
    try require(compressed.count < bytes.count, "compressed bytes are more than plain ones")
    try require(
      restored(compressed, bytes.count, compressor) == bytes, "compressed bytes do not come back")
  }

  private static func restored(
    _ bytes: [UInt8], _ declared: Int, _ compressor: FrameCompressor
  ) -> [UInt8]? {
    try? compressor.decompress(bytes, declaredByteCount: declared, limit: limit)
  }

  static func seeds() throws -> [Seed] {
    let compressor = try FrameCompressor()
    let contents =
      try SeedFiles.folder("Tests/ReplicationTests/Samples") + [
        Seed(name: "probe", bytes: probe),
        Seed(name: "zeros", bytes: [UInt8](repeating: 0, count: 4_096)),
      ]
    return contents.compactMap { content in
      guard let compressed = compressor.compress(content.bytes) else { return nil }
      let length = (0..<4).map {
        UInt8(truncatingIfNeeded: content.bytes.count >> (8 * (3 - $0)))
      }
      return Seed(name: content.name, bytes: length + compressed)
    }
  }
}
