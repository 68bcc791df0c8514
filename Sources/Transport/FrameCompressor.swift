internal import CZstd

/// Why a compressed frame body was not taken. All but `.library` are the peer's fault.
package enum CompressionError: Error, Hashable, Sendable {
  case declaredTooLong(count: Int, limit: Int)
  /// More output for its input than any of our frames has: a decompression bomb.
  case ratioTooHigh(declared: Int, compressed: Int)
  case windowTooLarge
  case corrupt(String)
  /// The content does not have the length that the frame declares.
  case wrongLength(declared: Int)
  /// Bytes after the end of the compressed content.
  case trailing(count: Int)
  /// Our own library failed: memory.
  case library(String)
}

/// Compresses and decompresses frame bodies with zstd, each on its own. The contexts cost some
/// hundred KiB: one compressor per worker, not per link. Confined to that worker's thread.
package final class FrameCompressor {
  /// What text of our records never reaches; T11 of the threat list.
  package static let ratioLimit = 100
  /// Very small frames compress well beyond the ratio; their output is small whatever they claim.
  package static let ratioFreeByteCount = 4 * 1024
  /// Greatest window a frame may ask for, as a power of two; our frames end at 1 MiB.
  package static let windowLogLimit: CInt = 20
  /// First bytes of what zstd writes since 1.0.
  private static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

  private let compression: OpaquePointer
  private let decompression: OpaquePointer

  /// - Parameter level: zstd's level; 1 is the fastest of the regular ones.
  package init(level: CInt = 1) throws(CompressionError) {
    guard let compression = ZSTD_createCCtx() else { throw .library("no memory") }
    guard let decompression = ZSTD_createDCtx() else {
      ZSTD_freeCCtx(compression)
      throw .library("no memory")
    }
    self.compression = compression
    self.decompression = decompression
    let results = [
      ZSTD_CCtx_setParameter(compression, ZSTD_c_compressionLevel, level),
      ZSTD_CCtx_setParameter(compression, ZSTD_c_windowLog, Self.windowLogLimit),
      ZSTD_DCtx_setParameter(decompression, ZSTD_d_windowLogMax, Self.windowLogLimit),
    ]
    for result in results where ZSTD_isError(result) != 0 {
      throw .library(String(cString: ZSTD_getErrorName(result)))
    }
  }

  deinit {
    ZSTD_freeCCtx(compression)
    ZSTD_freeDCtx(decompression)
  }

  /// The compressed form, or nil when it would not be smaller or would exceed the ratio that
  /// ``decompress(_:declaredByteCount:limit:)`` lets pass; then the bytes travel as they are.
  package func compress(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count > 1 else { return nil }
    let context = compression
    var failed = false
    let compressed = [UInt8](unsafeUninitializedCapacity: bytes.count - 1) { target, count in
      let result = bytes.withUnsafeBytes { source in
        ZSTD_compress2(
          context, target.baseAddress, target.count, source.baseAddress, source.count)
      }
      // Too small a target is the common answer for bytes that do not shrink.
      failed = ZSTD_isError(result) != 0
      count = failed ? 0 : result
    }
    guard !failed, Self.isPlausible(declared: bytes.count, compressed: compressed.count) else {
      return nil
    }
    return compressed
  }

  /// Restores exactly `declaredByteCount` bytes. No memory is taken before the declared length has
  /// been held against `limit` and against the ratio.
  package func decompress(
    _ bytes: [UInt8], declaredByteCount: Int, limit: Int
  ) throws(CompressionError) -> [UInt8] {
    guard declaredByteCount >= 0, declaredByteCount <= limit else {
      throw .declaredTooLong(count: declaredByteCount, limit: limit)
    }
    guard Self.isPlausible(declared: declaredByteCount, compressed: bytes.count) else {
      throw .ratioTooHigh(declared: declaredByteCount, compressed: bytes.count)
    }
    // Debian's library reads formats of before 1.0 as well, and there no limit bounds the window.
    guard bytes.starts(with: Self.magic.prefix(bytes.count)) else {
      throw .corrupt("Unknown frame descriptor")
    }
    let context = decompression
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)

    var step = (result: 0, consumed: 0)
    let restored = [UInt8](unsafeUninitializedCapacity: declaredByteCount) { target, count in
      bytes.withUnsafeBytes { source in
        var output = ZSTD_outBuffer(dst: target.baseAddress, size: declaredByteCount, pos: 0)
        var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        step.result = ZSTD_decompressStream(context, &output, &input)
        step.consumed = input.pos
        count = output.pos
      }
    }
    guard ZSTD_isError(step.result) == 0 else { throw Self.error(step.result) }
    // Zero says that the frame is complete and all of it is in the output; more says that input is
    // missing or output does not fit.
    guard step.result == 0, restored.count == declaredByteCount else {
      throw .wrongLength(declared: declaredByteCount)
    }
    guard step.consumed == bytes.count else {
      throw .trailing(count: bytes.count - step.consumed)
    }
    return restored
  }

  private static func isPlausible(declared: Int, compressed: Int) -> Bool {
    declared <= ratioFreeByteCount || declared / ratioLimit <= compressed
  }

  private static func error(_ result: Int) -> CompressionError {
    switch ZSTD_getErrorCode(result) {
    case ZSTD_error_frameParameter_windowTooLarge: .windowTooLarge
    case ZSTD_error_memory_allocation: .library("no memory")
    case let code: .corrupt(String(cString: ZSTD_getErrorString(code)))
    }
  }
}
