/// Whom a row is delivered to. The centre and the entry's origin are always entitled and not
/// listed.
package enum Recipients: Hashable, Sendable {
  case everyone
  /// Ascending, each once; empty means origin and centre only.
  case sites([SiteID])

  package static let none = Recipients.sites([])

  /// Sites in any order, repeats allowed.
  package init(_ sites: some Sequence<SiteID>) {
    let listed = Array(sites)
    let isAscending = zip(listed, listed.dropFirst()).allSatisfy(<)
    self = .sites(isAscending ? listed : Set(listed).sorted())
  }

  /// Whether `site` is named or everyone is; origin and centre are not asked about here.
  package func contains(_ site: SiteID) -> Bool {
    switch self {
    case .everyone: true
    case .sites(let sites): sites.contains(site)
    }
  }

  /// The sites that are named; empty for everyone.
  package var listed: [SiteID] {
    switch self {
    case .everyone: []
    case .sites(let sites): sites
    }
  }

  /// Who is in either.
  package func union(_ other: Recipients) -> Recipients {
    switch (self, other) {
    case (.everyone, _), (_, .everyone): .everyone
    case (.sites(let left), .sites(let right)):
      if right.allSatisfy(left.contains) {
        self
      } else if left.isEmpty {
        other
      } else {
        Recipients(left + right)
      }
    }
  }

  /// Who is in here but not in `other`; nil when nobody is.
  package func subtracting(_ other: Recipients) -> Recipients? {
    switch (self, other) {
    case (_, .everyone): return nil
    case (.everyone, .sites): return .everyone
    case (.sites(let left), .sites(let right)):
      let rest = left.filter { !right.contains($0) }
      return rest.isEmpty ? nil : .sites(rest)
    }
  }

  /// One byte 0 for everyone, or 1, a count, and each site as length and text.
  package func encode(to writer: inout ByteWriter) {
    switch self {
    case .everyone: writer.write(UInt8(0))
    case .sites(let sites):
      writer.write(UInt8(1))
      writer.write(UInt16(sites.count))
      for site in sites { writer.write(site) }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteError) {
    let start = reader.offset
    switch try reader.readUInt8() {
    case 0: self = .everyone
    case 1:
      var sites: [SiteID] = []
      for _ in 0..<(try reader.readUInt16()) { sites.append(try reader.readSiteID()) }
      self = .sites(sites)
    default: throw .invalid(field: "recipients", at: start)
    }
  }
}

/// One row of a site's log: an entry delivered, or delivered again (law 3).
package struct LogRow: Hashable, Sendable {
  package let lsn: LSN
  /// The incarnation of *this* site that wrote the row.
  package let incarnation: Incarnation
  /// SHA-256(head before ‖ digest of the entry).
  package let head: Digest
  package let entry: EntryIdentity
  package let digest: Digest
  package let lane: Lane
  package let recipients: Recipients
  /// The peer it came from; nil when authored here.
  package let via: SiteID?

  package init(
    lsn: LSN, incarnation: Incarnation, head: Digest, entry: EntryIdentity, digest: Digest,
    lane: Lane, recipients: Recipients, via: SiteID?
  ) {
    self.lsn = lsn
    self.incarnation = incarnation
    self.head = head
    self.entry = entry
    self.digest = digest
    self.lane = lane
    self.recipients = recipients
    self.via = via
  }
}

/// A row with its entry.
package struct AppendedRow: Hashable, Sendable {
  package let row: LogRow
  package let entry: Entry
  package init(row: LogRow, entry: Entry) {
    self.row = row
    self.entry = entry
  }
}

/// Rows of one transaction, in order.
package struct AppendedRows: Hashable, Sendable {
  package private(set) var rows: [AppendedRow] = []
  /// Header and body bytes of their entries together.
  package private(set) var byteCount = 0

  package init(_ rows: some Sequence<AppendedRow> = []) {
    for row in rows { append(row) }
  }

  package mutating func append(_ row: consuming AppendedRow) {
    byteCount += row.entry.byteCount
    rows.append(row)
  }
}

/// The last row of a log.
package struct LogEnd: Hashable, Sendable {
  package let lsn: LSN
  package let incarnation: Incarnation
  package let head: Digest
  package init(lsn: LSN, incarnation: Incarnation, head: Digest) {
    self.lsn = lsn
    self.incarnation = incarnation
    self.head = head
  }
  package static let start = LogEnd(
    lsn: .start, incarnation: Checkpoint.start.incarnation, head: .zero)
}
