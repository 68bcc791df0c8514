import CSQLite
import Glibc
import Synchronization

/// A file layer over another one, for the connection that writes: what SQLite writes to the WAL in
/// two calls a page goes to the file in one call a commit.
///
/// Nothing is promised later than without it: the bytes are handed on before the call that writes
/// the commit's last page returns, so SQLite learns there of a full disk, and syncs, and lets
/// readers see the commit, only after that. Bytes that do not follow those at hand, a read, a sync
/// and whatever asks for the file's size hand them on first. Every other file is the lower layer's
/// own.
enum GatheredWAL {
  /// Lower layers that have one over them, by their address: a simulated disk's comes and goes, and
  /// the next one stands where it was. Layers stay registered.
  private static let lowerLayers = Mutex<Set<UInt>>([])

  /// - Parameter lower: nil for the operating system's.
  /// - Returns: the name to open a database with; nil when there is no such lower layer.
  static func layer(over lower: String?) -> String? {
    guard let base = sqlite3_vfs_find(lower) else { return nil }
    let address = UInt(bitPattern: base)
    let name = "dongbo-gathered-\(address)"
    lowerLayers.withLock { known in
      if known.insert(address).inserted { register(over: base, name: name) }
    }
    return name
  }

  /// Room for a file of any lower layer: the next one at an address may be of another kind.
  private static let lowerFileByteCount: Int32 = 4_096

  private static func register(over base: UnsafeMutablePointer<sqlite3_vfs>, name: String) {
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    layer.initialize(to: base.pointee)
    layer.pointee.pNext = nil
    layer.pointee.zName = UnsafePointer(strdup(name))
    layer.pointee.szOsFile = max(base.pointee.szOsFile, lowerFileByteCount)
    layer.pointee.szOsFile += Int32(GatheredFile.headerByteCount)
    layer.pointee.pAppData = UnsafeMutableRawPointer(base)
    layer.pointee.xOpen = { layer, name, file, flags, outFlags in
      GatheredWAL.open(lower(layer), name, file, flags, outFlags)
    }
    layer.pointee.xDelete = { layer, name, syncs in
      let base = lower(layer)
      return base.pointee.xDelete(base, name, syncs)
    }
    layer.pointee.xAccess = { layer, name, flags, result in
      let base = lower(layer)
      return base.pointee.xAccess(base, name, flags, result)
    }
    layer.pointee.xFullPathname = { layer, name, limit, result in
      let base = lower(layer)
      return base.pointee.xFullPathname(base, name, limit, result)
    }
    layer.pointee.xRandomness = { layer, count, bytes in
      let base = lower(layer)
      return base.pointee.xRandomness(base, count, bytes)
    }
    layer.pointee.xSleep = { layer, microseconds in
      let base = lower(layer)
      return base.pointee.xSleep(base, microseconds)
    }
    layer.pointee.xGetLastError = { layer, count, text in
      let base = lower(layer)
      return base.pointee.xGetLastError?(base, count, text) ?? 0
    }
    sqlite3_vfs_register(layer, 0)
  }

  private static func open(
    _ base: UnsafeMutablePointer<sqlite3_vfs>, _ name: UnsafePointer<CChar>?,
    _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
    _ outFlags: UnsafeMutablePointer<Int32>?
  ) -> Int32 {
    guard let file, flags & SQLITE_OPEN_WAL != 0 else {
      return base.pointee.xOpen(base, name, file, flags, outFlags)
    }
    file.pointee.pMethods = nil
    let inner = GatheredFile.inner(of: file)
    let code = base.pointee.xOpen(base, name, inner, flags, outFlags)
    guard inner.pointee.pMethods != nil else { return code }
    GatheredFile.adopt(file)
    return code
  }
}

/// The layer below.
private func lower(_ layer: UnsafeMutablePointer<sqlite3_vfs>?) -> UnsafeMutablePointer<sqlite3_vfs>
{
  guard let base = layer?.pointee.pAppData else { preconditionFailure("a layer over nothing") }
  return base.assumingMemoryBound(to: sqlite3_vfs.self)
}

/// An open WAL: SQLite's file with our methods, a reference to this, then the lower layer's file.
private final class GatheredFile {
  /// SQLite's file and the reference.
  static let headerByteCount = 16
  /// More is handed on before its commit. SQLite's layer for Unix writes less than 128 KiB at once,
  /// and takes what is longer for a full disk.
  private static let byteLimit = 64 << 10
  /// What stands before each page in the WAL: at 4, the database's size in a commit's last one.
  private static let frameHeaderByteCount = 24

  private let inner: UnsafeMutablePointer<sqlite3_file>
  private var bytes: [UInt8] = []
  /// Where the first byte at hand belongs.
  private var start: sqlite3_int64 = 0
  /// The next page is the commit's last.
  private var isCommitting = false

  private init(_ inner: UnsafeMutablePointer<sqlite3_file>) { self.inner = inner }

  static func inner(
    of file: UnsafeMutablePointer<sqlite3_file>
  ) -> UnsafeMutablePointer<sqlite3_file> {
    (UnsafeMutableRawPointer(file) + headerByteCount).assumingMemoryBound(to: sqlite3_file.self)
  }

  static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>) {
    let reference = Unmanaged.passRetained(GatheredFile(inner(of: file)))
    (UnsafeMutableRawPointer(file) + MemoryLayout<sqlite3_file>.size)
      .storeBytes(of: reference.toOpaque(), as: UnsafeMutableRawPointer.self)
    file.pointee.pMethods = UnsafePointer(methods.pointer)
  }

  private static func reference(
    in file: UnsafeMutablePointer<sqlite3_file>?
  ) -> Unmanaged<GatheredFile> {
    guard let file else { preconditionFailure("a call without its file") }
    return Unmanaged.fromOpaque(
      (UnsafeMutableRawPointer(file) + MemoryLayout<sqlite3_file>.size)
        .load(as: UnsafeMutableRawPointer.self))
  }

  static func of(_ file: UnsafeMutablePointer<sqlite3_file>?) -> GatheredFile {
    reference(in: file).takeUnretainedValue()
  }

  var lower: sqlite3_io_methods {
    guard let methods = inner.pointee.pMethods else { preconditionFailure("the WAL is closed") }
    return methods.pointee
  }

  func write(_ data: UnsafeRawBufferPointer, at offset: sqlite3_int64) -> Int32 {
    // Asked first: what is at hand may have to go before this page, and takes the note with it.
    let endsCommit = isCommitting
    let follows = offset == start + sqlite3_int64(bytes.count)
    if !bytes.isEmpty, !follows || bytes.count + data.count > Self.byteLimit {
      let code = handOn()
      guard code == SQLITE_OK else { return code }
    }
    if bytes.isEmpty {
      start = offset
      bytes.reserveCapacity(Self.byteLimit)
    }
    bytes.append(contentsOf: data)
    isCommitting =
      data.count == Self.frameHeaderByteCount && data[4..<8].contains { $0 != 0 }
    return endsCommit ? handOn() : SQLITE_OK
  }

  /// What could not be written is dropped, as SQLite takes it: it writes that again, or ends.
  func handOn() -> Int32 {
    isCommitting = false
    precondition(bytes.count <= Self.byteLimit, "\(bytes.count) bytes at once")
    guard !bytes.isEmpty else { return SQLITE_OK }
    let code = bytes.withUnsafeBytes {
      lower.xWrite(inner, $0.baseAddress, Int32($0.count), start)
    }
    bytes.removeAll(keepingCapacity: true)
    return code
  }

  /// Hands on, then does what only the file itself can.
  func afterwards(
    _ call: (sqlite3_io_methods, UnsafeMutablePointer<sqlite3_file>) -> Int32
  ) -> Int32 {
    let code = handOn()
    return code == SQLITE_OK ? call(lower, inner) : code
  }

  private func close() -> Int32 {
    let written = handOn()
    let closed = lower.xClose(inner)
    return written == SQLITE_OK ? closed : written
  }

  /// The table of our methods, one for all files, for ever.
  private struct Methods: @unchecked Sendable {
    // Unchecked: never written after it was made.
    let pointer = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
  }

  private static let methods: Methods = {
    var table = sqlite3_io_methods()
    table.iVersion = 1
    table.xClose = { file in
      let reference = GatheredFile.reference(in: file)
      file?.pointee.pMethods = nil
      return reference.takeRetainedValue().close()
    }
    table.xRead = { file, data, count, offset in
      GatheredFile.of(file).afterwards { $0.xRead($1, data, count, offset) }
    }
    table.xWrite = { file, data, count, offset in
      GatheredFile.of(file).write(
        UnsafeRawBufferPointer(start: data, count: Int(count)), at: offset)
    }
    table.xTruncate = { file, size in
      GatheredFile.of(file).afterwards { $0.xTruncate($1, size) }
    }
    table.xSync = { file, flags in GatheredFile.of(file).afterwards { $0.xSync($1, flags) } }
    table.xFileSize = { file, size in
      GatheredFile.of(file).afterwards { $0.xFileSize($1, size) }
    }
    table.xLock = { file, level in GatheredFile.of(file).afterwards { $0.xLock($1, level) } }
    table.xUnlock = { file, level in GatheredFile.of(file).afterwards { $0.xUnlock($1, level) } }
    table.xCheckReservedLock = { file, result in
      GatheredFile.of(file).afterwards { $0.xCheckReservedLock($1, result) }
    }
    table.xFileControl = { file, operation, argument in
      GatheredFile.of(file).afterwards { $0.xFileControl($1, operation, argument) }
    }
    table.xSectorSize = { file in
      let found = GatheredFile.of(file)
      return found.lower.xSectorSize(found.inner)
    }
    table.xDeviceCharacteristics = { file in
      let found = GatheredFile.of(file)
      return found.lower.xDeviceCharacteristics(found.inner)
    }
    let methods = Methods()
    methods.pointer.initialize(to: table)
    return methods
  }()
}
