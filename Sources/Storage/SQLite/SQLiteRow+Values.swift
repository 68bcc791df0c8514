import Replication

extension SiteState {
  /// The columns of `site_state` in the order of the schema.
  init(_ row: SQLiteRow, end: LogEnd) throws(StoreError) {
    guard let site = try row.site(1) else { throw row.corrupt("site", 1) }
    self.init(storeID: try row.bytes16(0), site: site)
    self.end = end
    lastSequence = SequenceNumber(row.unsigned(2))
    guard let counter = UInt16(exactly: row.integer(4)) else { throw row.corrupt("counter", 4) }
    clock = HybridTime(microseconds: row.unsigned(3), counter: counter)
    guard let depth = UInt32(exactly: row.integer(5)) else { throw row.corrupt("depth", 5) }
    greatestDepth = Depth(depth)
    registry = RegistryRevision(number: row.unsigned(6), digest: try row.digest(7))
    if !row.isNull(8) {
      guard let reason = LockReason(rawValue: try row.code(8)) else {
        throw row.corrupt("lock reason", 8)
      }
      lock = reason
    }
    unconfirmed = try row.decoded(9, "unconfirmed") { reader throws(ByteError) in
      var sites: [SiteID] = []
      while reader.remaining > 0 { sites.append(try reader.readSiteID()) }
      return sites
    }
  }
}

extension RecordSummary {
  /// Columns owner, lane, revision, held, conflicts, audience, holds.
  init(_ row: SQLiteRow) throws(StoreError) {
    self.init()
    owner = try row.site(0)
    lane = try row.lane(1)
    greatestRevision = Revision(row.unsigned(2))
    guard let held = UInt32(exactly: row.integer(3)) else { throw row.corrupt("count", 3) }
    heldCount = held
    conflicts = try row.outcomeCodes(4)
    audience = try row.recipients(5)
    holds = try row.outcomeCodes(6)
  }
}

extension SQLiteTables {
  /// Columns header, body, body_digest, digest, via, state, code, attempts.
  func waiting(_ row: SQLiteRow) throws(StoreError) -> WaitingEntry {
    guard let state = OutcomeState(rawValue: try row.code(5)) else { throw row.corrupt("state", 5) }
    guard let code = OutcomeCode(rawValue: try row.code(6)) else { throw row.corrupt("code", 6) }
    guard let attempts = UInt32(exactly: row.integer(7)) else { throw row.corrupt("count", 7) }
    return WaitingEntry(
      entry: try entry(row, 0), via: try row.site(4), state: state, code: code, attempts: attempts)
  }
}

extension SQLiteRow {
  /// One byte each; none in a NULL.
  fileprivate func outcomeCodes(_ column: Int32) throws(StoreError) -> [OutcomeCode] {
    var codes: [OutcomeCode] = []
    for byte in bytes(column) {
      guard let code = OutcomeCode(rawValue: byte) else { throw corrupt("outcome code", column) }
      codes.append(code)
    }
    return codes
  }

  /// Columns state, reason, verified_at, registry_number, registry_digest, details.
  func verdict() throws(StoreError) -> SignatureVerdict {
    guard let state = SignatureVerdict.State(rawValue: try code(0)) else {
      throw corrupt("verdict", 0)
    }
    let reason = Text(String(decoding: bytes(1), as: UTF8.self))
    guard let details = VerdictDetails(canonicalBytes: bytes(5)) else {
      throw corrupt("details", 5)
    }
    return SignatureVerdict(
      state: state, reason: reason, verifiedAt: WallTime(microseconds: unsigned(2)),
      registry: RegistryRevision(number: unsigned(3), digest: try digest(4)), details: details)
  }

  /// The time of a header, of which these are the bytes.
  func time(_ column: Int32) throws(StoreError) -> WallTime {
    WallTime(
      microseconds: try decoded(column, "time") { reader throws(ByteError) in
        try reader.readUInt64()
      })
  }

  func outcome(_ column: Int32) throws(StoreError) -> Outcome {
    try decoded(column, "outcome") { reader throws(ByteError) in try Outcome(from: &reader) }
  }
}
