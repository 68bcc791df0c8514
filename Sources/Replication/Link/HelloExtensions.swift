/// Optional fields of a HELLO, in `extensions`: a peer that does not know one passes over it, and
/// one that does not say it is no worse a peer. So they need no new version of the protocol.
///
/// | size | field |
/// |---|---|
/// | 1 | tag, each at most once |
/// | 2 + n | value: length, bytes |
///
/// | tag | value |
/// |---|---|
/// | 1 | wall time of the sender: microseconds since 1970 UTC, 8 bytes |
extension Hello {
  private static let wallTimeTag: UInt8 = 1

  /// What the sender's clock showed when it wrote this; nil when it does not say. A claim.
  package var wallTime: WallTime? {
    guard let value = extensionValue(Self.wallTimeTag) else { return nil }
    var reader = ByteReader(value)
    guard let microseconds = try? reader.readUInt64(), reader.remaining == 0 else { return nil }
    return WallTime(microseconds: microseconds)
  }

  /// The extensions of a HELLO that says `wallTime`.
  static func extensions(wallTime: WallTime?) -> [UInt8] {
    guard let wallTime else { return [] }
    var writer = ByteWriter(reserving: 11)
    writer.write(wallTimeTag)
    writer.write(UInt16(8))
    writer.write(wallTime.microseconds)
    return writer.bytes
  }

  /// nil without it, and for bytes of another form: nothing hangs on an optional field.
  private func extensionValue(_ tag: UInt8) -> [UInt8]? {
    var reader = ByteReader(extensions)
    while reader.remaining > 0 {
      guard let found = try? reader.readUInt8(), let count = try? reader.readUInt16(),
        let value = try? reader.readBytes(Int(count))
      else { return nil }
      if found == tag { return value }
    }
    return nil
  }
}
