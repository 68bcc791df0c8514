import Replication

extension RecordSummary {
  /// | bytes | what |
  /// |---|---|
  /// | 1 + n | owner: length, 0 for none, and text |
  /// | 1 | lane, ``noLane`` for none |
  /// | 8 | greatest revision |
  /// | 4 | held entries |
  /// | 2 + n | conflicts: how many, and their codes |
  /// | 2 + n | holds, in the same way |
  /// | n | audience (`Recipients.encode`) |
  func encode(to writer: inout ByteWriter) {
    if let owner { writer.write(owner) } else { writer.write(UInt8(0)) }
    writer.write(lane?.rawValue ?? Self.noLane)
    writer.write(greatestRevision.value)
    writer.write(heldCount)
    for codes in [conflicts, holds] {
      writer.write(UInt16(codes.count))
      for code in codes { writer.write(code.rawValue) }
    }
    audience.encode(to: &writer)
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    self.init()
    owner = try Self.owner(from: &reader)
    let laneOffset = reader.offset
    let code = try reader.readUInt8()
    lane = Lane(rawValue: code)
    guard lane != nil || code == Self.noLane else {
      throw .invalid(field: "lane", at: laneOffset)
    }
    greatestRevision = Revision(try reader.readUInt64())
    heldCount = try reader.readUInt32()
    conflicts = try Self.codes(from: &reader)
    holds = try Self.codes(from: &reader)
    audience = try Recipients(from: &reader)
  }

  private static let noLane = UInt8.max

  private static func owner(from reader: inout ByteReader) throws(ByteError) -> SiteID? {
    var ahead = reader
    guard try ahead.readUInt8() > 0 else {
      reader = ahead
      return nil
    }
    return try reader.readSiteID()
  }

  private static func codes(from reader: inout ByteReader) throws(ByteError) -> [OutcomeCode] {
    var codes: [OutcomeCode] = []
    for _ in 0..<(try reader.readUInt16()) {
      let offset = reader.offset
      guard let code = OutcomeCode(rawValue: try reader.readUInt8()) else {
        throw .invalid(field: "outcome code", at: offset)
      }
      codes.append(code)
    }
    return codes
  }
}
