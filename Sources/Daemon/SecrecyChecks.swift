import Glibc
import Replication

/// The two checks of an entry's level that this site makes before the peer makes the third
/// (promise 7): at ingest, where an entry is written, and at send, where it would leave.
///
/// A debug build can open them, to show that the next one holds: `DONGBO_TEST_OPEN=ingest`, or
/// `ingest,send`. A release build has no such door, and the check at receive never has one.
enum SecrecyChecks {
  /// The highest level an application may write.
  static let ingest: SecrecyLevel = isOpen("ingest") ? .tuyetMat : .none

  /// The highest level that leaves on a link with this ceiling.
  static func sending(_ ceiling: SecrecyLevel) -> SecrecyLevel {
    isSendOpen ? .tuyetMat : ceiling
  }

  private static let isSendOpen = isOpen("send")

  private static func isOpen(_ check: String) -> Bool {
    #if DEBUG
      guard let open = getenv("DONGBO_TEST_OPEN") else { return false }
      return String(cString: open).split(separator: ",").contains { $0 == check }
    #else
      return false
    #endif
  }
}
