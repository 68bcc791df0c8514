import Glibc
package import Replication

/// Why a store could not be opened.
package enum StoreOpenError: Error, Hashable, Sendable {
  /// Another process holds the directory; its id as it wrote it, 0 when unreadable.
  case inUse(path: String, processID: Int32)
  case ofAnotherSite(found: String, configured: String)
  case newerSchema(found: Int64, known: Int64)
  /// The file is some other program's database.
  case notAStore
  case directory(path: String, operation: String, errno: Int32)
  case store(StoreError)

  package var hint: String {
    switch self {
    case .inUse(let path, let processID):
      "process \(processID) uses \(path): stop it, or configure another data directory"
    case .ofAnotherSite(let found, let configured):
      "the data is of site \(found), the configuration of \(configured): correct one of them"
    case .newerSchema(let found, let known):
      "the data has schema \(found), this program knows \(known): install the newer program again"
    case .notAStore: "the database belongs to another program: configure another data directory"
    case .directory(let path, let operation, let errno):
      "\(operation) \(path): \(String(cString: strerror(errno))); check owner, mode and mount"
    case .store(let error): error.hint
    }
  }

  /// Runs `body`, whose failure keeps the store from being opened.
  static func wrapping<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreOpenError) -> Value {
    do { return try body() } catch { throw .store(error) }
  }
}
