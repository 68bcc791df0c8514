/// A position in one site's log with what proves it (law 6): the incarnation that wrote the row at
/// `lsn`, the running head there, and a tag that only the log's own site can make or check.
package struct Checkpoint: Hashable, Sendable {
  package let incarnation: Incarnation
  package let lsn: LSN
  package let head: Digest
  package let tag: Bytes16

  package init(incarnation: Incarnation, lsn: LSN, head: Digest, tag: Bytes16) {
    self.incarnation = incarnation
    self.lsn = lsn
    self.head = head
    self.tag = tag
  }

  /// The start of every log: a correct resume point that needs no proof.
  package static let start = Checkpoint(
    incarnation: Incarnation(Bytes16(high: 0, low: 0)), lsn: .start, head: .zero,
    tag: Bytes16(high: 0, low: 0))

  /// Encoded size: incarnation 16, LSN 8, head 32, tag 16.
  package static let byteCount = 72

  package init(
    of site: SiteID, incarnation: Incarnation, lsn: LSN, head: Digest,
    sealing: some CheckpointSealing
  ) {
    self.init(
      incarnation: incarnation, lsn: lsn, head: head,
      tag: sealing.tag(Self.sealedBytes(site, incarnation, lsn, head)))
  }

  /// Whether this site wrote it; the start is anyone's.
  package func isSealed(by site: SiteID, _ sealing: some CheckpointSealing) -> Bool {
    self == .start || sealing.isTag(tag, of: Self.sealedBytes(site, incarnation, lsn, head))
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(incarnation.raw)
    writer.write(lsn.value)
    writer.write(head.raw)
    writer.write(tag)
  }

  package init(from reader: inout ByteReader) throws(ByteError) {
    self.init(
      incarnation: Incarnation(try reader.readBytes16()), lsn: LSN(try reader.readUInt64()),
      head: Digest(try reader.readBytes32()), tag: try reader.readBytes16())
  }

  private static func sealedBytes(
    _ site: SiteID, _ incarnation: Incarnation, _ lsn: LSN, _ head: Digest
  ) -> [UInt8] {
    var writer = ByteWriter(reserving: 96)
    writer.write(site)
    writer.write(incarnation.raw)
    writer.write(lsn.value)
    writer.write(head.raw)
    return writer.bytes
  }
}

/// Checkpoints of one log in one lane, newest first, spaced by doubling distances and ending at the
/// start: whatever the log lost, the newest point still common to both ends is near.
package struct CheckpointHistory: Hashable, Sendable {
  /// One slot per doubling of a 64-bit distance, the newest and the start.
  package static let maximumCount = 66

  package private(set) var newestFirst: [Checkpoint]

  package init() { newestFirst = [.start] }

  package var newest: Checkpoint { newestFirst[0] }

  /// Moves to `checkpoint`, thinning older ones so that each distance from it is at least twice the
  /// one before.
  /// - Precondition: not behind the newest.
  package mutating func advance(to checkpoint: Checkpoint) {
    precondition(checkpoint.lsn >= newest.lsn, "\(checkpoint.lsn) after \(newest.lsn)")
    guard checkpoint.lsn > newest.lsn else {
      newestFirst[0] = checkpoint
      return
    }
    var kept = [checkpoint]
    var wanted: UInt64 = 1
    for (index, old) in newestFirst.enumerated() where old != .start {
      let distance = checkpoint.lsn.value - old.lsn.value
      let following = index + 1 < newestFirst.count ? newestFirst[index + 1] : .start
      // Keep `old` when dropping it would leave a distance over twice the one wanted here.
      if distance >= wanted || checkpoint.lsn.value - following.lsn.value > wanted &* 2 {
        kept.append(old)
        wanted = distance > UInt64.max / 2 ? .max : distance * 2
      }
    }
    newestFirst = kept.prefix(Self.maximumCount - 1) + [.start]
  }

  /// Goes back to `checkpoint`, the only way a cursor does: the resume point of a HELLO_OK.
  package mutating func reset(to checkpoint: Checkpoint) {
    newestFirst.removeAll { $0.lsn >= checkpoint.lsn || $0 == .start }
    if checkpoint != .start { newestFirst.insert(checkpoint, at: 0) }
    newestFirst.append(.start)
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt8(newestFirst.count))
    for checkpoint in newestFirst { checkpoint.encode(to: &writer) }
  }

  /// - Throws: when it is too long, not descending, or does not end at the start.
  package init(from reader: inout ByteReader) throws(ByteError) {
    let start = reader.offset
    let count = Int(try reader.readUInt8())
    guard (1...Self.maximumCount).contains(count) else {
      throw .tooLong(field: "history", at: start, count: count, limit: Self.maximumCount)
    }
    var checkpoints: [Checkpoint] = []
    for _ in 0..<count { checkpoints.append(try Checkpoint(from: &reader)) }
    guard checkpoints.last == .start,
      zip(checkpoints, checkpoints.dropFirst()).allSatisfy({ $0.lsn > $1.lsn })
    else { throw .invalid(field: "history", at: start) }
    newestFirst = checkpoints
  }
}
