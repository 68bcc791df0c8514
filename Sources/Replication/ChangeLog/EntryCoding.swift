/// The bytes of an entry header, format 1. Integers are big-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | format: 1 |
/// | 1 | 1 | operation: 0 genesis, 1 put, 2 append, 3 annotate, 4 withdraw, 5 offer, 6 accept |
/// | 2 | 1 | kind: 0 none (genesis), 1 document, 2 directive, 3 finance, 4 registry |
/// | 3 | 1 | lane: 0 normal, 1 urgent |
/// | 4 | 1 | secrecy: 0 none, 1 mat, 2 toiMat, 3 tuyetMat |
/// | 5 | 1 | subject: 0 none, 1 revision, 2 event |
/// | 6 | 16 | incarnation |
/// | 22 | 8 | sequence |
/// | 30 | 8 | time: microseconds since 1970 UTC |
/// | 38 | 2 | time: counter |
/// | 40 | 16 | record id; zeros in a genesis |
/// | 56 | 16 | subject: 8 zeros and the revision, or the event id, or zeros |
/// | 72 | 4 | depth |
/// | 76 | 8 | registry revision: number |
/// | 84 | 32 | registry revision: digest |
/// | 116 | 1 + n | origin: length, text |
/// | | 1 + ... | audience: count, then each site as length and text, ascending, each once |
/// | | 1 + 32 p | parents: count, digests |
/// | | 2 + x | extensions: length (at most 1,024), bytes kept verbatim |
extension EntryHeader {
  static let format: UInt8 = 1
  /// Sequence numbers and times stay far from where arithmetic on them could overflow.
  static let maximumNumber: UInt64 = 1 << 62
  /// A revision is an integer of canonical JSON too.
  static let maximumRevision: UInt64 = 1 << 53 - 1
  /// The greatest encoding the bounds allow; a frame reader checks against it before it allocates.
  package static let maximumByteCount =
    116 + 33 + 1 + maximumAudienceCount * 33 + 1 + maximumParentCount * 32 + 2
    + maximumExtensionByteCount

  /// - Precondition: lists within their bounds; audience ascending without repeats.
  package var encoded: [UInt8] {
    precondition(audience.count <= Self.maximumAudienceCount, "audience of \(audience.count)")
    precondition(parents.count <= Self.maximumParentCount, "\(parents.count) parents")
    precondition(
      extensions.count <= Self.maximumExtensionByteCount, "\(extensions.count) extension bytes")
    precondition(zip(audience, audience.dropFirst()).allSatisfy(<), "audience not ascending")
    var writer = ByteWriter(reserving: 192)
    writer.write(Self.format)
    writer.write(operation.code)
    writer.write(record?.kind.rawValue ?? 0)
    writer.write(lane.rawValue)
    writer.write(secrecy.rawValue)
    writeSubjectTag(to: &writer)
    writer.write(identity.incarnation.raw)
    writer.write(identity.sequence.value)
    writer.write(time.microseconds)
    writer.write(time.counter)
    writer.write(record?.id.raw.raw ?? Bytes16(high: 0, low: 0))
    writeSubject(to: &writer)
    writer.write(depth.value)
    writer.write(registry.number)
    writer.write(registry.digest.raw)
    writer.write(identity.origin)
    writer.write(UInt8(audience.count))
    for site in audience { writer.write(site) }
    writer.write(UInt8(parents.count))
    for parent in parents { writer.write(parent.raw) }
    writer.write(UInt16(extensions.count))
    writer.write(extensions)
    return writer.bytes
  }

  /// - Throws: on an unknown format, a value out of its range, or bytes left over.
  package init(decoding bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    guard try reader.readUInt8() == Self.format else { throw .invalid(field: "format", at: 0) }
    let operation = Operation(code: try reader.readUInt8())
    let kindCode = try reader.readUInt8()
    guard let lane = Lane(rawValue: try reader.readUInt8()) else {
      throw .invalid(field: "lane", at: 3)
    }
    guard let secrecy = SecrecyLevel(rawValue: try reader.readUInt8()) else {
      throw .invalid(field: "secrecy", at: 4)
    }
    let subjectTag = try reader.readUInt8()
    let incarnation = Incarnation(try reader.readBytes16())
    let sequence = SequenceNumber(try reader.readUInt64())
    guard sequence > .start, sequence.value <= Self.maximumNumber else {
      throw .invalid(field: "sequence", at: 22)
    }
    let time = HybridTime(
      microseconds: try reader.readUInt64(), counter: try reader.readUInt16())
    guard time.microseconds <= Self.maximumNumber else { throw .invalid(field: "time", at: 30) }
    let record = try Self.record(kindCode, try reader.readBytes16(), operation)
    let subject = try Self.subject(subjectTag, try reader.readBytes16())
    let depth = Depth(try reader.readUInt32())
    let registry = RegistryRevision(
      number: try reader.readUInt64(), digest: Digest(try reader.readBytes32()))
    let origin = try reader.readSiteID()
    let audience = try Self.readAudience(&reader)
    let parents = try Self.readParents(&reader)
    let extensionCount = Int(try reader.readUInt16())
    guard extensionCount <= Self.maximumExtensionByteCount else {
      throw .tooLong(
        field: "extensions", at: reader.offset, count: extensionCount,
        limit: Self.maximumExtensionByteCount)
    }
    let extensions = try reader.readBytes(extensionCount)
    try reader.finish()
    self.init(
      identity: EntryIdentity(origin: origin, incarnation: incarnation, sequence: sequence),
      time: time, operation: operation, record: record, subject: subject, parents: parents,
      depth: depth, registry: registry, lane: lane, secrecy: secrecy, audience: audience)
    self.extensions = extensions
  }

  private func writeSubjectTag(to writer: inout ByteWriter) {
    switch subject {
    case .none: writer.write(UInt8(0))
    case .revision: writer.write(UInt8(1))
    case .event: writer.write(UInt8(2))
    }
  }

  private func writeSubject(to writer: inout ByteWriter) {
    switch subject {
    case .none: writer.write(Bytes16(high: 0, low: 0))
    case .revision(let revision): writer.write(Bytes16(high: 0, low: revision.value))
    case .event(let event): writer.write(event.raw.raw)
    }
  }

  private static func record(
    _ kindCode: UInt8, _ id: Bytes16, _ operation: Operation
  ) throws(ByteError) -> RecordKey? {
    if operation == .genesis {
      guard kindCode == 0, id == Bytes16(high: 0, low: 0) else {
        throw .invalid(field: "record of a genesis", at: 2)
      }
      return nil
    }
    guard let kind = RecordKind(rawValue: kindCode) else { throw .invalid(field: "kind", at: 2) }
    return RecordKey(kind: kind, id: RecordID(UniqueID(id)))
  }

  private static func subject(_ tag: UInt8, _ raw: Bytes16) throws(ByteError) -> Subject {
    switch tag {
    case 0 where raw == Bytes16(high: 0, low: 0): return .none
    case 1 where raw.high == 0 && (1...maximumRevision).contains(raw.low):
      return .revision(Revision(raw.low))
    case 2: return .event(EventID(UniqueID(raw)))
    default: throw .invalid(field: "subject", at: 5)
    }
  }

  private static func readAudience(_ reader: inout ByteReader) throws(ByteError) -> [SiteID] {
    let count = Int(try reader.readUInt8())
    guard count > 0 else { return [] }
    var audience: [SiteID] = []
    audience.reserveCapacity(count)
    for _ in 0..<count {
      let start = reader.offset
      let site = try reader.readSiteID()
      if let last = audience.last, last >= site {
        throw .invalid(field: "order of the audience", at: start)
      }
      audience.append(site)
    }
    return audience
  }

  private static func readParents(_ reader: inout ByteReader) throws(ByteError) -> [Digest] {
    let count = Int(try reader.readUInt8())
    guard count > 0 else { return [] }
    var parents: [Digest] = []
    parents.reserveCapacity(count)
    for _ in 0..<count { parents.append(Digest(try reader.readBytes32())) }
    return parents
  }
}
