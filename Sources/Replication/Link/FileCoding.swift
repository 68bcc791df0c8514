/// What both WANT and FILE begin with.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | kind: 0 file, 1 log entry |
/// | 1 | 32 | digest |
extension Wanted {
  static let byteCount = 33

  func encode(to writer: inout ByteWriter) {
    switch self {
    case .file(let digest):
      writer.write(UInt8(0))
      writer.write(digest.raw)
    case .entry(let digest):
      writer.write(UInt8(1))
      writer.write(digest.raw)
    }
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let position = reader.offset
    let kind = try reader.readUInt8()
    guard kind <= 1 else { throw .invalid(field: "kind of content", at: position) }
    let digest = Digest(try reader.readBytes32())
    self = kind == 0 ? .file(digest) : .entry(digest)
  }
}

/// WANT, 50 bytes; 34 in form 2.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 33 | kind and digest, see ``Wanted`` |
/// | 33 | 1 | form: 0 begin, 1 more, 2 withdraw |
/// | 34 | 8 | taken: the bytes before it are with me; not in form 2 |
/// | 42 | 8 | up to: I take the bytes before it; at most 2^53, and taken + 262,144 |
extension WantMessage {
  func encode(to writer: inout ByteWriter) {
    wanted.encode(to: &writer)
    switch form {
    case .begin(let window):
      writer.write(UInt8(0))
      window.encode(to: &writer)
    case .more(let window):
      writer.write(UInt8(1))
      window.encode(to: &writer)
    case .withdraw: writer.write(UInt8(2))
    }
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let wanted = try Wanted(from: &reader)
    let position = reader.offset
    switch try reader.readUInt8() {
    case 0: self.init(wanted, .begin(try FileWindow(from: &reader)))
    case 1: self.init(wanted, .more(try FileWindow(from: &reader)))
    case 2: self.init(wanted, .withdraw)
    default: throw .invalid(field: "form of WANT", at: position)
    }
  }
}

extension FileWindow {
  fileprivate func encode(to writer: inout ByteWriter) {
    writer.write(taken)
    writer.write(upTo)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteError) {
    let taken = try reader.readUInt64()
    let position = reader.offset
    let upTo = try reader.readUInt64()
    guard upTo >= taken, upTo - taken <= WantMessage.maximumWindowByteCount,
      upTo <= FilePiece.maximumTotalByteCount
    else {
      throw .invalid(field: "window", at: position)
    }
    self.init(taken: taken, upTo: upTo)
  }
}

/// FILE.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 33 | kind and digest, see ``Wanted`` |
/// | 33 | 1 | form: 0 piece, 1 refused |
///
/// A piece goes on with:
///
/// | offset | size | field |
/// |---|---|---|
/// | 34 | 8 | offset of its first byte in the content |
/// | 42 | 8 | total size of the content, at most 2^53 |
/// | 50 | 4 | byte count n, 1 to 262,144, not beyond the total size |
/// | 54 | n | the bytes |
///
/// A refusal:
///
/// | offset | size | field |
/// |---|---|---|
/// | 34 | 1 | reason, see ``FileRefusal``; not 0 |
extension FileMessage {
  /// Bytes of a piece's payload before its own.
  static let pieceHeadByteCount = Wanted.byteCount + 21

  func encode(to writer: inout ByteWriter) {
    switch form {
    case .piece(let piece):
      encodeHead(of: piece, to: &writer)
      writer.write(piece.bytes)
    case .refused(let reason):
      wanted.encode(to: &writer)
      writer.write(UInt8(1))
      writer.write(reason.code)
    }
  }

  /// The frame of a piece without compression, in two parts: what goes before the piece's bytes,
  /// and those, which so need not be copied into a frame. nil for a refusal.
  package var pieceFrame: (head: [UInt8], bytes: ArraySlice<UInt8>)? {
    guard case .piece(let piece) = form else { return nil }
    var writer = ByteWriter(reserving: FrameHeader.byteCount + Self.pieceHeadByteCount)
    FrameHeader(
      type: .file, lane: .normal, payloadByteCount: Self.pieceHeadByteCount + piece.bytes.count
    ).encode(to: &writer)
    encodeHead(of: piece, to: &writer)
    return (writer.bytes, piece.bytes)
  }

  private func encodeHead(of piece: FilePiece, to writer: inout ByteWriter) {
    wanted.encode(to: &writer)
    writer.write(UInt8(0))
    writer.write(piece.offset)
    writer.write(piece.totalByteCount)
    writer.write(UInt32(piece.bytes.count))
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let wanted = try Wanted(from: &reader)
    let position = reader.offset
    switch try reader.readUInt8() {
    case 0: self.init(wanted, .piece(try FilePiece(from: &reader)))
    case 1:
      let code = try reader.readUInt8()
      guard code > 0 else { throw .invalid(field: "reason", at: position + 1) }
      self.init(wanted, .refused(FileRefusal(code: code)))
    default: throw .invalid(field: "form of FILE", at: position)
    }
  }
}

extension FilePiece {
  fileprivate init(from reader: inout ByteReader) throws(ByteError) {
    let start = reader.offset
    let offset = try reader.readUInt64()
    let totalPosition = reader.offset
    let total = try reader.readUInt64()
    guard total <= Self.maximumTotalByteCount else {
      throw .invalid(field: "total size", at: totalPosition)
    }
    guard offset < total else { throw .invalid(field: "offset", at: start) }
    let position = reader.offset
    let count = Int(try reader.readUInt32())
    guard count <= Self.maximumByteCount else {
      throw .tooLong(
        field: "piece", at: position, count: count, limit: Self.maximumByteCount)
    }
    guard count > 0, UInt64(count) <= total - offset else {
      throw .invalid(field: "piece", at: position)
    }
    self.init(offset: offset, totalByteCount: total, bytes: try reader.readSlice(count))
  }
}
