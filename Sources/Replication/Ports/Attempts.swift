/// Remembers what is being tried, outside the transaction, so that what kills the daemon is named
/// by the next start (reliability.md T23).
package protocol AttemptNoting: Sendable {
  /// Notes that the entry is about to be applied.
  /// - Returns: false when it was being applied at ``AttemptLimits/crashCount`` crashes, or
  ///   ``AttemptLimits/endCount`` ends of the process of whatever cause, in a row: it must not be
  ///   tried again.
  func begin(_ attempt: Attempt) -> Bool
  /// Everything begun has been applied.
  func end()
}

/// An entry that is tried, by what is the same when its write is sent again under another identity.
/// The body alone will not do: all receipts of one code have the same one.
package struct Attempt: Hashable, Sendable {
  package let record: RecordKey?
  package let subject: Subject
  package let body: Digest
  package init(_ entry: Entry) {
    self.init(
      record: entry.header.record, subject: entry.header.subject, body: entry.bodyDigest)
  }
  package init(record: RecordKey?, subject: Subject, body: Digest) {
    self.record = record
    self.subject = subject
    self.body = body
  }

  /// Bytes of ``encoded``.
  package static let byteCount = 64

  /// Record id and event id or revision, 16 bytes each, zeros for none; then the body's digest.
  package var encoded: [UInt8] {
    let none = Bytes16(high: 0, low: 0)
    let subject =
      switch subject {
      case .none: none
      case .revision(let revision): Bytes16(high: 0, low: revision.value)
      case .event(let event): event.raw.raw
      }
    var writer = ByteWriter(reserving: Self.byteCount)
    writer.write(record?.id.raw.raw ?? none)
    writer.write(subject)
    writer.write(body.raw)
    return writer.bytes
  }
}

/// Bounds of what is tried after a crash.
package enum AttemptLimits {
  /// Crashes of the process by a fault of its own, in the middle of one entry, after which it is
  /// quarantined.
  package static let crashCount: UInt32 = 2
  /// Ends of whatever cause. Somebody who kills the daemon hits one entry twice by chance, so these
  /// need to be more; but what makes the kernel kill it is told from that by nothing else.
  package static let endCount: UInt32 = 5
}

/// For stores without a disk, where a crash takes the note with it.
package struct NoAttemptNotes: AttemptNoting {
  package init() {}
  package func begin(_ attempt: Attempt) -> Bool { true }
  package func end() {}
}
