import Glibc
package import Replication

/// Puts a store in place of the one in the data directory, as one decision: a kill at any moment
/// leaves the old store whole, or the new one.
///
/// | name in the data directory | what it is |
/// |---|---|
/// | `restore/` | being prepared; the next restore begins anew |
/// | `restore-ready/` | decided; whoever opens the store next ends it first |
/// | `before-restore-TIME/` | the store that was here; nothing of ours ever removes it |
///
/// The rename from the first name to the second is the decision. What follows are renames that can
/// be done again: inside `restore-ready/` the new store is the last to leave, so as long as it is
/// there, what stands in its place is the old one.
package struct StoreRestore: ~Copyable {
  /// Called before each change on disk; a test ends there, as a kill would.
  typealias Watch = (_ step: String) throws(StoreOpenError) -> Void

  private static let staging = "restore"
  private static let decided = "restore-ready"
  private static let setAsidePrefix = "before-restore-"

  private let directory: DataDirectory
  private let file: OpenFile
  private var byteCount: Int64 = 0
  private let watch: Watch

  /// Ends an earlier restore that was decided, forgets one that was not.
  package init(in directory: DataDirectory) throws(StoreOpenError) {
    try self.init(in: directory) { _ throws(StoreOpenError) in }
  }

  init(in directory: DataDirectory, watch: @escaping Watch) throws(StoreOpenError) {
    try Self.finishCommitted(in: directory, watch: watch)
    let place = "\(directory.path)/\(Self.staging)"
    try watch("clear")
    try Self.clear(place)
    try Self.call("create", place) { mkdir($0, 0o700) }
    let path = "\(place)/\(DataDirectory.databaseName)"
    let file = OpenFile(path, O_WRONLY | O_CREAT | O_EXCL)
    guard file.isOpen else { throw .directory(path: path, operation: "create", errno: errno) }
    self.directory = directory
    self.file = file
    self.watch = watch
  }

  private var path: String { "\(directory.path)/\(Self.staging)/\(DataDirectory.databaseName)" }

  /// The newest schema that can be put in place.
  package static var knownSchema: Int64 { SchemaMigration.currentVersion }

  /// Whether the data directory holds a store, whole or not.
  package static func hasStore(_ directory: DataDirectory) -> Bool {
    DataDirectory.databaseSuffixes.contains { exists(directory.databasePath + $0) }
  }

  /// Takes the next bytes of the store.
  package mutating func append(_ bytes: Span<UInt8>) throws(StoreOpenError) {
    do { try file.write(bytes, at: byteCount, path) } catch {
      throw .directory(path: path, operation: "write", errno: error.errno)
    }
    byteCount += Int64(bytes.count)
  }

  /// Checks the store that was written, brings its schema up to date, and makes it the store of a
  /// site that has been put back: `lock` locks it, and files that it names and that are not here
  /// are pending.
  /// - Returns: what `lock` returns, and how many files are to come back from peers.
  package func prepare<Value>(
    for site: SiteID, hashing: some SHA256Hashing & SHA256Streaming,
    lock: (inout SQLiteWriter) throws(StoreError) -> Value
  ) throws(StoreOpenError) -> (locked: Value, pendingFileCount: Int) {
    let files = try Self.files(in: directory, hashing: hashing)
    let prepared = try update(hashing) { writer throws(StoreOpenError) in
      let found = try StoreOpenError.wrapping { () throws(StoreError) in
        try writer.siteState().site
      }
      guard found == site else {
        throw .ofAnotherSite(found: found.description, configured: site.description)
      }
      let locked = try StoreOpenError.wrapping { () throws(StoreError) in try lock(&writer) }
      return (locked, try Self.markPending(in: writer, unlessIn: files))
    }
    // A clean close leaves one file; the decision moves that one alone.
    guard !Self.exists("\(path)-wal") else {
      throw .store(.failed(operation: "close \(path)", code: 0, message: "its WAL stays"))
    }
    try Self.sync(path)
    return prepared
  }

  /// Decides, and puts the store in place. One that was there is set aside.
  /// - Parameter time: names the directory it goes to.
  /// - Returns: that directory; nil when there was no store.
  package func commit(at time: String) throws(StoreOpenError) -> String? {
    let place = "\(directory.path)/\(Self.staging)"
    let hadStore = Self.hasStore(directory)
    var name = Self.setAsidePrefix + time
    var number = 1
    while Self.exists("\(directory.path)/\(name)") {
      number += 1
      name = "\(Self.setAsidePrefix)\(time)-\(number)"
    }
    try Self.call("create", "\(place)/\(name)") { mkdir($0, 0o700) }
    try Self.sync(place)
    try watch("decide")
    try Self.move(place, to: "\(directory.path)/\(Self.decided)")
    try Self.sync(directory.path)
    try Self.finishCommitted(in: directory, watch: watch)
    return hadStore ? "\(directory.path)/\(name)" : nil
  }

  /// Takes away what was prepared. Best effort: the next restore does so too.
  package func abandon() { try? Self.clear("\(directory.path)/\(Self.staging)") }

  // MARK: After the decision

  /// Ends a restore that was decided and cut off; does nothing when there is none.
  package static func finishCommitted(in directory: DataDirectory) throws(StoreOpenError) {
    try finishCommitted(in: directory) { _ throws(StoreOpenError) in }
  }

  static func finishCommitted(
    in directory: DataDirectory, watch: Watch
  ) throws(StoreOpenError) {
    let place = "\(directory.path)/\(decided)"
    guard exists(place) else { return }
    let fresh = "\(place)/\(DataDirectory.databaseName)"
    let aside = try names(in: place).first { $0.hasPrefix(setAsidePrefix) }
    if exists(fresh) {
      guard let aside else {
        throw .directory(path: place, operation: "find \(setAsidePrefix)* in", errno: ENOENT)
      }
      for suffix in DataDirectory.databaseSuffixes where exists(directory.databasePath + suffix) {
        try watch("set aside \(suffix)")
        try move(
          directory.databasePath + suffix,
          to: "\(place)/\(aside)/\(DataDirectory.databaseName)\(suffix)")
      }
      try sync("\(place)/\(aside)")
      // A log of the old store must never come back beside the new one.
      try sync(directory.path)
      try watch("put in place")
      try move(fresh, to: directory.databasePath)
      try sync(directory.path)
      try sync(place)
    }
    if let aside {
      try watch("show what was set aside")
      // Nothing was here: the directory goes with the other.
      if try !names(in: "\(place)/\(aside)").isEmpty {
        try move("\(place)/\(aside)", to: "\(directory.path)/\(aside)")
        try sync(directory.path)
      }
    }
    try watch("end")
    try clear(place)
    try sync(directory.path)
  }
}

// MARK: The store being prepared

extension StoreRestore {
  /// Runs `body` in one transaction on the store that was written, and closes it.
  private func update<Value>(
    _ hashing: some SHA256Hashing,
    _ body: (inout SQLiteWriter) throws(StoreOpenError) -> Value
  ) throws(StoreOpenError) -> Value {
    let connection = try StoreOpenError.wrapping { () throws(StoreError) in
      let connection = try SQLiteConnection(path: path, role: .writer)
      try connection.quickCheck()
      return connection
    }
    defer { connection.close() }
    try connection.migrate()
    var writer = SQLiteWriter(SQLiteTables(connection, hashing: hashing), directory: directory)
    try StoreOpenError.wrapping { () throws(StoreError) in try writer.begin() }
    let value = try body(&writer)
    try StoreOpenError.wrapping { () throws(StoreError) in try writer.commit() }
    return value
  }

  private static func files(
    in directory: DataDirectory, hashing: some SHA256Streaming
  ) throws(StoreOpenError) -> FileStore {
    do { return try FileStore(directory: directory, hashing: hashing) } catch {
      throw .directory(path: "\(directory.path)/files", operation: "open", errno: error.errno)
    }
  }

  private static func markPending(
    in writer: SQLiteWriter, unlessIn files: FileStore
  ) throws(StoreOpenError) -> Int {
    var count = 0
    var last: Digest?
    while true {
      let page = try StoreOpenError.wrapping { () throws(StoreError) in
        try writer.storedFiles(after: last, limit: FileLimits.maximumPageCount)
      }
      guard let end = page.last else { return count }
      for file in page where try !isHere(file.digest, files) {
        try StoreOpenError.wrapping { () throws(StoreError) in
          try writer.setFileState(.pending, of: file.digest)
        }
        count += 1
      }
      last = end.digest
    }
  }

  private static func isHere(
    _ digest: Digest, _ files: FileStore
  ) throws(StoreOpenError) -> Bool {
    do { return try files.contains(digest) } catch {
      throw .directory(path: "\(digest)", operation: "look at", errno: error.errno)
    }
  }
}

// MARK: Calls of the system

extension StoreRestore {
  fileprivate static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  fileprivate static func call(
    _ operation: String, _ path: String, _ body: (String) -> Int32
  ) throws(StoreOpenError) {
    guard body(path) == 0 else {
      throw .directory(path: path, operation: operation, errno: errno)
    }
  }

  fileprivate static func move(_ path: String, to target: String) throws(StoreOpenError) {
    try call("move", path) { rename($0, target) }
  }

  fileprivate static func sync(_ path: String) throws(StoreOpenError) {
    let file = OpenFile(path, O_RDONLY)
    try call("sync", path) { _ in file.isOpen ? fsync(file.descriptor) : -1 }
  }

  fileprivate static func names(in path: String) throws(StoreOpenError) -> [String] {
    var found: [String] = []
    let place = OpenFile(path, O_RDONLY | O_DIRECTORY)
    guard place.isOpen else { throw .directory(path: path, operation: "list", errno: errno) }
    do {
      try place.forEachName { name throws(FileStoreError) in found.append(name) }
    } catch {
      throw .directory(path: path, operation: "list", errno: error.errno)
    }
    return found
  }

  /// Removes a directory of ours, which holds files and empty directories; none is as good.
  fileprivate static func clear(_ path: String) throws(StoreOpenError) {
    guard exists(path) else { return }
    for name in try names(in: path) {
      let inside = "\(path)/\(name)"
      if unlink(inside) != 0 { try call("remove", inside) { rmdir($0) } }
    }
    try call("remove", path) { rmdir($0) }
  }
}

extension FileStoreError {
  /// The system's code, where there is one.
  fileprivate var errno: Int32 {
    switch self {
    case .full(_, let errno), .failed(_, _, let errno): errno
    case .notOurs: ENOTDIR
    default: EIO
    }
  }
}
