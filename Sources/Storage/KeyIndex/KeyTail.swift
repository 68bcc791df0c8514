import Replication

/// What every commit changes of the key index, as one row of the store that fills no more than one
/// page of its file: items that no segment has yet, and what is counted. A commit of one change has
/// some ten items. As a segment of their own they took four pages of as many tables to the disk,
/// and every eighth of them was merged.
struct KeyTail {
  /// More items are written as a segment. So many fit into a page, with the rest of the row.
  static let maximumItemCount = 120
  /// For the check of the items (``IndexPage``): where no page of a segment stands.
  static let place: Int64 = 0

  /// Commits that changed the index. Ascending, as versions of summaries are made of it.
  var number: UInt64
  /// The last of them that changed which segments there are, or their pages.
  var segmentsNumber: UInt64
  var counts: [RecordKind: KindTally]
}

/// What the store has of a kind, so that nobody counts it.
struct KindTally: Equatable {
  /// With a row.
  var entries = 0
  /// Records of which a put is here.
  var records = 0
}

extension KeyTail {
  /// | bytes | what |
  /// |---|---|
  /// | 1 | kind |
  /// | 8 | entries |
  /// | 8 | records |
  var encodedCounts: [UInt8] {
    var writer = ByteWriter()
    for kind in RecordKind.allCases {
      guard let tally = counts[kind] else { continue }
      writer.write(kind.rawValue)
      writer.write(UInt64(bitPattern: Int64(tally.entries)))
      writer.write(UInt64(bitPattern: Int64(tally.records)))
    }
    return writer.bytes
  }

  static func counts(from reader: inout ByteReader) throws(ByteError) -> [RecordKind: KindTally] {
    var counts: [RecordKind: KindTally] = [:]
    while reader.remaining > 0 {
      let kind = RecordKind(rawValue: try reader.readUInt8())
      let tally = KindTally(
        entries: Int(truncatingIfNeeded: try reader.readUInt64()),
        records: Int(truncatingIfNeeded: try reader.readUInt64()))
      if let kind { counts[kind] = tally }
    }
    return counts
  }
}
