/// Remembers what is being tried, outside the transaction, so that what kills the daemon is named
/// by the next start (reliability.md T23).
package protocol AttemptNoting: Sendable {
  /// Notes that the entry is about to be applied.
  /// - Parameter body: the entry's body digest: the same for a write that is sent again.
  /// - Returns: false when this body was being applied at ``AttemptLimits/crashCount`` ends of the
  ///   process: it must not be tried again.
  func begin(_ body: Digest) -> Bool
  /// Everything begun has been applied.
  func end()
}

/// Bounds of what is tried after a crash.
package enum AttemptLimits {
  /// Ends of the process in the middle of one entry, after which it is quarantined.
  package static let crashCount: UInt32 = 2
}

/// For stores without a disk, where a crash takes the note with it.
package struct NoAttemptNotes: AttemptNoting {
  package init() {}
  package func begin(_ body: Digest) -> Bool { true }
  package func end() {}
}
