import CLimits
import Cryptography
import Glibc
import Replication
import Transport

/// What the machine allows, measured on the workload's own bytes: what our figures are held
/// against. Each is one thread's and the median of three.
enum LimitsRun {
  private static let rounds = 3
  private static let pieceByteCount = 256 << 10
  private static let syncCount = 500

  static func figures(changeCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let directory = try Laboratory.newDirectory()
    let rows = LimitRows(changeCount: changeCount, seed: seed)
    var figures = Figures()
    figures.add("bodyBytesPerChange", Double(rows.bodies.count) / Double(changeCount), decimals: 1)
    for (name, isIndexed) in [("sqliteLogPerSecond", false), ("sqliteOncePerSecond", true)] {
      let rate = try median { () throws(BenchFailure) in
        try sqlite(rows, in: directory, isIndexed: isIndexed)
      }
      figures.add(name, count: Int(rate.rounded()))
    }
    let synced = try median { () throws(BenchFailure) in try syncs(in: directory) }
    figures.add("syncsPerSecond", count: Int(synced.rounded()))
    let pieces = rows.pieces(of: pieceByteCount)
    try addCompression(of: pieces, to: &figures)
    let hashed = try median { () throws(BenchFailure) in
      let hashing = OpenSSLHash()
      return rate(rows.bodies.count) { for body in rows.all { _ = hashing.digest(body) } }
    }
    figures.add("sha256MBPerSecond", count: Int(hashed.rounded()))
    let passed = try median { () throws(BenchFailure) in try MemoryLine().rate(of: pieces) }
    figures.add("tlsBothEndsMBPerSecond", count: Int(passed.rounded()))
    try Laboratory.remove(directory)
    return figures
  }

  private static func addCompression(
    of pieces: [[UInt8]], to figures: inout Figures
  ) throws(BenchFailure) {
    let compressor: FrameCompressor
    do throws(CompressionError) { compressor = try FrameCompressor() } catch {
      throw BenchFailure("zstd: \(error)")
    }
    let plainCount = pieces.reduce(0) { $0 + $1.count }
    var compressed: [[UInt8]] = []
    let compression = try median { () throws(BenchFailure) in
      compressed = []
      return rate(plainCount) {
        for piece in pieces { compressed.append(compressor.compress(piece) ?? piece) }
      }
    }
    let decompression = try median { () throws(BenchFailure) in
      rate(plainCount) {
        for (piece, small) in zip(pieces, compressed) where small.count < piece.count {
          _ = try? compressor.decompress(
            small, declaredByteCount: piece.count, limit: pieceByteCount)
        }
      }
    }
    figures.add("compressMBPerSecond", count: Int(compression.rounded()))
    figures.add("decompressMBPerSecond", count: Int(decompression.rounded()))
    let smallCount = compressed.reduce(0) { $0 + $1.count }
    figures.add("compressionRatio", Double(plainCount) / Double(max(smallCount, 1)), decimals: 2)
  }

  /// 1,000 rows a transaction, each body once.
  private static func sqlite(
    _ rows: LimitRows, in directory: String, isIndexed: Bool
  ) throws(BenchFailure) -> Double {
    let path = directory + "/limit.db"
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    let nanoseconds = rows.withRows { rows in
      withUnsafePointer(to: rows) { dongbo_sqlite_limit(path, $0, 1_000, isIndexed ? 1 : 0) }
    }
    guard nanoseconds > 0 else { throw BenchFailure("SQLite's limit failed with \(-nanoseconds)") }
    return Statistics.rate(rows.count, nanoseconds: UInt64(nanoseconds))
  }

  /// 4 KiB written over what is there, as a recycled log does, and synced.
  private static func syncs(in directory: String) throws(BenchFailure) -> Double {
    let path = directory + "/sync"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw BenchFailure("\(path) cannot be made") }
    defer { close(file) }
    let page = [UInt8](repeating: 1, count: 4_096)
    guard pwrite(file, page, page.count, 0) == page.count, fsync(file) == 0 else {
      throw BenchFailure("\(path) cannot be written")
    }
    let start = MonotonicClock.now()
    for _ in 0..<syncCount {
      guard pwrite(file, page, page.count, 0) == page.count, fdatasync(file) == 0 else {
        throw BenchFailure("\(path) cannot be synced")
      }
    }
    return Statistics.rate(
      syncCount, nanoseconds: MonotonicClock.now().nanoseconds - start.nanoseconds)
  }

  /// Megabytes a second.
  static func rate(_ byteCount: Int, _ work: () -> Void) -> Double {
    let start = MonotonicClock.now()
    work()
    let nanoseconds = MonotonicClock.now().nanoseconds - start.nanoseconds
    return Statistics.rate(byteCount, nanoseconds: nanoseconds) / 1_000_000
  }

  private static func median(
    _ measure: () throws(BenchFailure) -> Double
  ) throws(BenchFailure) -> Double {
    var values: [Double] = []
    for _ in 0..<rounds { values.append(try measure()) }
    guard let median = Statistics.median(values) else { preconditionFailure("no rounds") }
    return median
  }
}

/// The workload as rows of a key and a body.
private struct LimitRows {
  private(set) var keys: [UInt8] = []
  private(set) var bodies: [UInt8] = []
  private var offsets = [0]

  init(changeCount: Int, seed: UInt64) {
    var workload = Workload(seed: seed)
    for _ in 0..<changeCount {
      let change = workload.next()
      keys += [change.record.kind.rawValue] + change.record.id.raw.raw.bytes
      bodies += change.json
      offsets.append(bodies.count)
    }
  }

  var count: Int { offsets.count - 1 }

  var all: [[UInt8]] { zip(offsets, offsets.dropFirst()).map { Array(bodies[$0..<$1]) } }

  func pieces(of byteCount: Int) -> [[UInt8]] {
    stride(from: 0, to: bodies.count, by: byteCount).map {
      Array(bodies[$0..<min($0 + byteCount, bodies.count)])
    }
  }

  /// The rows, valid within `use`.
  func withRows<Result>(_ use: (dongbo_rows) -> Result) -> Result {
    keys.withUnsafeBufferPointer { keys in
      bodies.withUnsafeBufferPointer { bodies in
        offsets.map { UInt($0) }.withUnsafeBufferPointer { offsets in
          use(
            dongbo_rows(
              keys: keys.baseAddress, bodies: bodies.baseAddress,
              offsets: offsets.withMemoryRebound(to: Int.self) { UnsafePointer($0.baseAddress) },
              count: count))
        }
      }
    }
  }
}
