package import Replication

/// A stretch of the log's entries that the scrub has read.
package struct EntryScrubPage: Hashable, Sendable {
  /// The last entry's position; nil when none is left after the one asked for.
  package let last: LSN?
  package let entryCount: Int
  package let byteCount: Int
  /// Digests of entries whose bytes are not those they name.
  package let rotten: [Digest]
  /// Digests of stubs in records that lack a body they should have.
  package let bodiless: [Digest]
}

/// A stretch of the key index that the scrub has read.
package struct KeyScrubPage: Hashable, Sendable {
  /// Where to go on; nil at the end.
  package let last: Int64?
  package let byteCount: Int
}

extension SQLiteQueries {
  /// Reads pages of the key index after `place`, at most `limit`, and computes their checks. The
  /// tail's stands before all.
  /// - Throws: `.corrupt` at the first that does not match.
  package func scrubKeys(after place: Int64, limit: Int) throws(StoreError) -> KeyScrubPage {
    var last: Int64?
    var byteCount = 0
    if place == 0 { byteCount += try tables.index.checkTail() }
    try tables.raw.forEach(
      "SELECT id, items FROM segment_page WHERE id > ? ORDER BY id LIMIT ?",
      [.integer(place), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      let place = row.integer(0)
      byteCount += try row.withBytes(1) { bytes throws(StoreError) in
        _ = try IndexPage(bytes, at: place)
        return bytes.count
      }
      last = place
      return true
    }
    return KeyScrubPage(last: last, byteCount: byteCount)
  }

  /// Reads entries after `lsn` and computes their digests, at most `byteCount` bytes and one entry
  /// beyond. What does not match is reported and the reading goes on.
  /// - Throws: also `.corrupt` when the key index does not lead to one of them, or its row stands
  ///   under another record.
  package func scrubEntries(
    after lsn: LSN, limit: Int, byteCount limitOfBytes: Int
  ) throws(StoreError) -> EntryScrubPage {
    var last: LSN?
    var entryCount = 0
    var byteCount = 0
    var rotten: [Digest] = []
    var stubs: [Entry] = []
    try tables.connection.forEach(
      """
      SELECT id, header, body, body_digest, digest, kind, record FROM entry
      WHERE id > ? ORDER BY id LIMIT ?
      """, [.unsigned(lsn.value), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      last = LSN(row.unsigned(0))
      entryCount += 1
      do throws(StoreError) {
        let entry = try tables.entry(row, 1)
        guard try row.isNull(5) ? entry.record == nil : row.key(5) == entry.record else {
          throw .corrupt("entry \(row.unsigned(0)) stands under another record than its own")
        }
        try requireKeys(of: entry, id: row.unsigned(0))
        byteCount += entry.byteCount
        if entry.body == nil { stubs.append(entry) }
      } catch {
        guard case .rotten(let digest) = error else { throw error }
        rotten.append(digest)
      }
      return byteCount < limitOfBytes
    }
    return EntryScrubPage(
      last: last, entryCount: entryCount, byteCount: byteCount, rotten: rotten,
      bodiless: try bodiless(among: stubs))
  }

  private func requireKeys(of entry: Entry, id: UInt64) throws(StoreError) {
    var isFound = try tables.index.entryIDs(of: entry.digest).contains(id)
    if isFound, let record = entry.header.record {
      isFound = try tables.index.entryIDs(of: record).contains(id)
    }
    guard isFound else { throw .corrupt("entry \(id) is missing in the key index") }
  }

  private func bodiless(among stubs: [Entry]) throws(StoreError) -> [Digest] {
    var found: [Digest] = []
    for stub in stubs {
      guard let record = stub.header.record,
        try summary(of: record)?.holds.contains(.bodyMissing) == true
      else { continue }
      let current = Resolution(of: try entries(of: record)).current
      if current.contains(where: { $0.digest == stub.digest }) { found.append(stub.digest) }
    }
    return found
  }

  /// Who should have the entry with this digest, though its bytes here cannot be read.
  /// - Returns: nil when no entry with a row has it.
  package func lead(toEntry digest: Digest) throws(StoreError) -> ContentLead? {
    var identity: EntryIdentity?
    for id in try tables.index.entryIDs(of: digest) where identity == nil {
      identity = try tables.connection.first(
        "SELECT run, sequence FROM entry WHERE id = ? AND digest = ?",
        [.unsigned(id), .digest(digest)]
      ) { row throws(StoreError) in try tables.identity(row.integer(0), row.unsigned(1)) }
    }
    guard let identity else { return nil }
    return ContentLead(
      .entry(digest), byteCount: nil, origins: [identity.origin],
      holders: try recipients(of: identity) ?? .none)
  }
}

extension SQLiteWriter {
  package func repair(_ entry: Entry) throws(StoreError) -> Bool {
    guard let run = try tables.runID(of: entry.identity) else { return false }
    let found = try tables.connection.first(
      "SELECT body FROM entry WHERE run = ? AND sequence = ? AND digest = ?",
      [.integer(run), .unsigned(entry.identity.sequence.value), .digest(entry.digest)]
    ) { row throws(StoreError) in row.isNull(0) ? nil : row.bytes(0) }
    guard let found else { return false }
    cache = WriterCache()
    let repaired = found.map { tables.withBody($0, entry) } ?? entry
    try tables.connection.run(
      """
      UPDATE entry SET header = ?, body_digest = ?, body = ?
      WHERE run = ? AND sequence = ? AND digest = ?
      """,
      [
        .blob(repaired.headerBytes), repaired.storedBodyDigest, repaired.storedBody,
        .integer(run), .unsigned(entry.identity.sequence.value), .digest(entry.digest),
      ])
    return true
  }
}
