internal import CZstd
internal import Glibc

/// Who connected over a Unix socket, as the kernel knows it.
package struct PeerCredentials: Hashable, Sendable {
  package let userID: UInt32
  package let groupID: UInt32
  package let processID: Int32

  /// The credentials of the process at the other end, at the time it connected.
  package init(of descriptor: CInt) throws(TransportError) {
    var credentials = dongbo_credentials()
    guard dongbo_peer_credentials(descriptor, &credentials) == 0 else {
      throw TransportError(.credentials, errno: errno)
    }
    userID = credentials.uid
    groupID = credentials.gid
    processID = credentials.pid
  }

  /// Whether the peer's user belongs to the named group, by its primary group or by the group
  /// database. A user or group that does not exist belongs to nothing. Reads local files or asks
  /// the name service: keep the answer for the connection.
  package func isMember(ofGroup name: String) -> Bool {
    guard let wanted = Self.groupID(named: name) else { return false }
    return groupID == wanted || Self.groups(ofUser: userID).contains(wanted)
  }

  /// The groups of a user by the group database; empty for an unknown user. A user in more than
  /// ``groupLimit`` groups is taken to be in none.
  package static func groups(ofUser userID: UInt32) -> [UInt32] {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: databaseBufferByteCount) {
      buffer -> [UInt32] in
      guard let start = buffer.baseAddress,
        getpwuid_r(userID, &entry, start, buffer.count, &found) == 0, found != nil
      else { return [] }
      var groups = [gid_t](repeating: 0, count: groupLimit)
      var count = CInt(groupLimit)
      guard getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count) >= 0 else { return [] }
      return Array(groups.prefix(Int(count)))
    }
  }

  /// Greatest number of groups looked at.
  package static var groupLimit: Int { 1_024 }

  private static func groupID(named name: String) -> UInt32? {
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: databaseBufferByteCount) {
      buffer -> UInt32? in
      guard let start = buffer.baseAddress,
        getgrnam_r(name, &entry, start, buffer.count, &found) == 0, found != nil
      else { return nil }
      return entry.gr_gid
    }
  }

  /// Room for one line of the user or group database.
  private static var databaseBufferByteCount: Int { 64 * 1024 }
}
