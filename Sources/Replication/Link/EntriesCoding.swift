/// ENTRIES; the lane stands in the frame header.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | previous LSN: the receiver's checkpoint in this lane |
/// | 8 | 2 | entry count, at most 4,096 |
/// | 10 | ... | the entries, in log order, see below |
/// | | 72 | checkpoint at the last LSN |
///
/// An entry:
///
/// | size | field |
/// |---|---|
/// | 1 | flags: bit 0 stub (the body was superseded and dropped); the others are 0 |
/// | 4 + h | header: length, bytes as `ChangeLog/EntryCoding.swift` documents |
/// | 4 + b | body: length (at most 256 KiB), bytes; or, in a stub, only SHA-256(body), 32 bytes |
extension EntriesMessage {
  /// Flags, two lengths and the shortest header.
  private static let minimumEntryByteCount = 1 + 4 + 122 + 4

  func encode(to writer: inout ByteWriter) {
    precondition(entries.count <= Self.maximumEntryCount, "\(entries.count) entries")
    writer.write(previousLSN.value)
    writer.write(UInt16(entries.count))
    for entry in entries { entry.encodeForWire(to: &writer) }
    checkpoint.encode(to: &writer)
  }

  init(
    from reader: inout ByteReader, lane: Lane, hashing: some SHA256Hashing
  ) throws(ByteError) {
    let previousLSN = LSN(try reader.readUInt64())
    let position = reader.offset
    let count = Int(try reader.readUInt16())
    guard count <= Self.maximumEntryCount else {
      throw .tooLong(
        field: "entries", at: position, count: count, limit: Self.maximumEntryCount)
    }
    let needed = count * Self.minimumEntryByteCount
    guard needed <= reader.remaining else {
      throw .truncated(at: position, needed: needed, available: reader.remaining)
    }
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for _ in 0..<count { entries.append(try Entry(fromWire: &reader, hashing: hashing)) }
    self.init(
      lane: lane, previousLSN: previousLSN, entries: entries,
      checkpoint: try Checkpoint(from: &reader))
  }
}

/// An entry as ENTRIES carries it, see there.
extension Entry {
  private static let stubFlag: UInt8 = 1
  /// Of ``wireBytes``: flags, two lengths, the longest header, the longest body.
  package static let maximumWireByteCount =
    1 + 4 + EntryHeader.maximumByteCount + 4 + maximumBodyByteCount

  /// The content of a log entry that is wanted by its digest: as in ENTRIES, a stub as a stub.
  package var wireBytes: [UInt8] {
    var writer = ByteWriter(reserving: 9 + headerBytes.count + (body?.count ?? 32))
    encodeForWire(to: &writer)
    return writer.bytes
  }

  /// The mirror of ``wireBytes``. The caller holds `digest` against the one it wanted.
  /// - Throws: when the bytes are no entry, or go on after it.
  package init(wireBytes: [UInt8], hashing: some SHA256Hashing) throws(ByteError) {
    var reader = ByteReader(wireBytes)
    try self.init(fromWire: &reader, hashing: hashing)
    try reader.finish()
  }

  fileprivate func encodeForWire(to writer: inout ByteWriter) {
    writer.write(body == nil ? Self.stubFlag : 0)
    writer.write(UInt32(headerBytes.count))
    writer.write(headerBytes)
    if let body {
      writer.write(UInt32(body.count))
      writer.write(body)
    } else {
      writer.write(bodyDigest.raw)
    }
  }

  fileprivate init(
    fromWire reader: inout ByteReader, hashing: some SHA256Hashing
  ) throws(ByteError) {
    let start = reader.offset
    let flags = try reader.readUInt8()
    guard flags & ~Self.stubFlag == 0 else { throw .invalid(field: "entry flags", at: start) }
    let header = try Self.readSized(
      &reader, "entry header", limit: EntryHeader.maximumByteCount)
    if flags & Self.stubFlag != 0 {
      try self.init(
        headerBytes: header, bodyDigest: Digest(try reader.readBytes32()), hashing: hashing)
    } else {
      let body = try Self.readSized(&reader, "body", limit: Self.maximumBodyByteCount)
      try self.init(headerBytes: header, body: body, hashing: hashing)
    }
  }

  private static func readSized(
    _ reader: inout ByteReader, _ field: StaticString, limit: Int
  ) throws(ByteError) -> [UInt8] {
    let start = reader.offset
    let count = Int(try reader.readUInt32())
    guard count <= limit else {
      throw .tooLong(field: field, at: start, count: count, limit: limit)
    }
    return try reader.readBytes(count)
  }
}

/// ACK; the lane stands in the frame header.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 72 | checkpoint: my durable cursor in your log, this lane |
/// | 72 | 4 | credit: entries that may be in flight beyond it |
/// | 76 | 4 | credit: bytes that may be in flight beyond it |
/// | 80 | 8 | outcome cursor: your outcomes that I have durably taken |
/// | 88 | 8 | outcomes end: number of my last outcome for you when the checkpoint became durable |
/// | 96 | 8 | token of the last PING from you, or 0 |
/// | 104 | 72 | end of my log |
/// | 176 | 8 | number of the first outcome below; 0 when there is none |
/// | 184 | 2 | outcome count, at most 1,024 |
/// | 186 | ... | outcomes, see below, numbered one after the other |
///
/// An outcome:
///
/// | size | field |
/// |---|---|
/// | 1 + n | site whose outcome it is: length, text |
/// | 1 + n | the entry: origin |
/// | 16 | the entry: incarnation |
/// | 8 | the entry: sequence |
/// | 1 | state: 0 applied, 1 held, 2 conflict, 3 quarantined, 4 refused |
/// | 1 | code, see `OutcomeCode` |
extension Acknowledgement {
  /// Two sites of one letter, incarnation, sequence, state, code.
  private static let minimumOutcomeByteCount = 2 + 2 + 16 + 8 + 2

  func encode(to writer: inout ByteWriter) {
    precondition(outcomes.count <= Self.maximumOutcomeCount, "\(outcomes.count) outcomes")
    precondition(outcomes.isEmpty == (firstOutcomeNumber == 0), "first \(firstOutcomeNumber)")
    checkpoint.encode(to: &writer)
    writer.write(credit.entries)
    writer.write(credit.bytes)
    writer.write(outcomeCursor)
    writer.write(outcomesEnd)
    writer.write(pingToken)
    logEnd.encode(to: &writer)
    writer.write(firstOutcomeNumber)
    writer.write(UInt16(outcomes.count))
    for outcome in outcomes { outcome.encode(to: &writer) }
  }

  init(from reader: inout ByteReader, lane: Lane) throws(ByteError) {
    let checkpoint = try Checkpoint(from: &reader)
    let credit = Credit(entries: try reader.readUInt32(), bytes: try reader.readUInt32())
    let outcomeCursor = try reader.readUInt64()
    let outcomesEnd = try reader.readUInt64()
    let pingToken = try reader.readUInt64()
    let logEnd = try Checkpoint(from: &reader)
    let position = reader.offset
    let first = try reader.readUInt64()
    let count = Int(try reader.readUInt16())
    guard count <= Self.maximumOutcomeCount else {
      throw .tooLong(
        field: "outcomes", at: position, count: count, limit: Self.maximumOutcomeCount)
    }
    guard (count == 0) == (first == 0), first <= UInt64.max - UInt64(count) else {
      throw .invalid(field: "first outcome number", at: position)
    }
    let needed = count * Self.minimumOutcomeByteCount
    guard needed <= reader.remaining else {
      throw .truncated(at: position, needed: needed, available: reader.remaining)
    }
    var outcomes: [Outcome] = []
    outcomes.reserveCapacity(count)
    for _ in 0..<count { outcomes.append(try Outcome(from: &reader)) }
    self.init(
      lane: lane, checkpoint: checkpoint, credit: credit, outcomeCursor: outcomeCursor,
      outcomesEnd: outcomesEnd, pingToken: pingToken, logEnd: logEnd, firstOutcomeNumber: first,
      outcomes: outcomes)
  }
}
