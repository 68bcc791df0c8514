extension Message {
  /// The payload before compression.
  /// - Precondition: every list and text within its bounds, and the whole within a frame.
  package var payload: [UInt8] {
    var writer = ByteWriter(reserving: 512)
    switch self {
    case .hello(let hello): hello.encode(to: &writer)
    case .helloOK(let answer): answer.encode(to: &writer)
    case .refuse(let refuse): refuse.encode(to: &writer)
    case .entries(let entries): entries.encode(to: &writer)
    case .acknowledge(let acknowledgement): acknowledgement.encode(to: &writer)
    case .ping(let ping): ping.encode(to: &writer)
    case .want(let want): want.encode(to: &writer)
    case .file(let file): file.encode(to: &writer)
    }
    return writer.bytes
  }

  /// The frame of this message without compression.
  package var frame: Frame {
    let payload = payload
    return Frame(
      header: FrameHeader(type: type, lane: lane, payloadByteCount: payload.count),
      payload: payload)
  }

  /// - Parameter plain: the payload after decompression, `header.plainByteCount` bytes.
  /// - Throws: when it is truncated, out of bounds, or has bytes left over. Never traps.
  package static func decode(
    _ header: FrameHeader, _ plain: [UInt8], hashing: some SHA256Hashing
  ) throws(ByteError) -> Message {
    var reader = ByteReader(plain)
    let message: Message
    switch header.type {
    case .hello: message = .hello(try Hello(from: &reader))
    case .helloOK: message = .helloOK(try HelloOK(from: &reader))
    case .refuse: message = .refuse(try Refuse(from: &reader))
    case .entries:
      message = .entries(
        try EntriesMessage(from: &reader, lane: header.lane, hashing: hashing))
    case .acknowledge:
      message = .acknowledge(try Acknowledgement(from: &reader, lane: header.lane))
    case .ping: message = .ping(try Ping(from: &reader))
    case .want: message = .want(try WantMessage(from: &reader))
    case .file: message = .file(try FileMessage(from: &reader))
    }
    try reader.finish()
    return message
  }
}

/// HELLO. Integers are big-endian; a checkpoint is incarnation 16, LSN 8, head 32, tag 16.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | lowest protocol version spoken |
/// | 2 | 2 | highest protocol version spoken |
/// | 4 | 16 | incarnation |
/// | 20 | 16 | process nonce |
/// | 36 | 72 | end of my log |
/// | 108 | 72 | witness: the last end of your log that I was told |
/// | 180 | 8 | outcome cursor |
/// | 188 | 8 | registry revision: number |
/// | 196 | 32 | registry revision: digest |
/// | 228 | 1 | recovering: 0 or 1 |
/// | 229 | 1 + n | site: length, text |
/// | | 1 + 72 k | my checkpoints of your log, normal lane: count, newest first, ends at the start |
/// | | 1 + 72 k | the same, urgent lane |
/// | | 1 + s | software: length (at most 64), UTF-8 |
/// | | 2 + x | extensions: length (at most 2,048), bytes kept verbatim |
extension Hello {
  func encode(to writer: inout ByteWriter) {
    let text = Array(software.utf8)
    precondition(text.count <= Self.maximumSoftwareByteCount, "software of \(text.count) bytes")
    precondition(
      extensions.count <= Self.maximumExtensionByteCount, "\(extensions.count) extension bytes")
    writer.write(protocolMinimum)
    writer.write(protocolMaximum)
    writer.write(incarnation.raw)
    writer.write(nonce)
    logEnd.encode(to: &writer)
    witness.encode(to: &writer)
    writer.write(outcomeCursor)
    writer.write(registry.number)
    writer.write(registry.digest.raw)
    writer.write(isRecovering ? UInt8(1) : 0)
    writer.write(site)
    received.normal.encode(to: &writer)
    received.urgent.encode(to: &writer)
    writer.write(UInt8(text.count))
    writer.write(text)
    writer.write(UInt16(extensions.count))
    writer.write(extensions)
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let minimum = try reader.readUInt16()
    let maximum = try reader.readUInt16()
    guard minimum <= maximum else { throw .invalid(field: "protocol range", at: 0) }
    let incarnation = Incarnation(try reader.readBytes16())
    let nonce = try reader.readBytes16()
    let logEnd = try Checkpoint(from: &reader)
    let witness = try Checkpoint(from: &reader)
    let outcomeCursor = try reader.readUInt64()
    let registry = RegistryRevision(
      number: try reader.readUInt64(), digest: Digest(try reader.readBytes32()))
    let flagPosition = reader.offset
    let flag = try reader.readUInt8()
    guard flag <= 1 else { throw .invalid(field: "recovering", at: flagPosition) }
    let site = try reader.readSiteID()
    let normal = try CheckpointHistory(from: &reader)
    let urgent = try CheckpointHistory(from: &reader)
    let software = try reader.readText(
      Int(try reader.readUInt8()), field: "software", limit: Self.maximumSoftwareByteCount)
    let extensionPosition = reader.offset
    let extensionCount = Int(try reader.readUInt16())
    guard extensionCount <= Self.maximumExtensionByteCount else {
      throw .tooLong(
        field: "extensions", at: extensionPosition, count: extensionCount,
        limit: Self.maximumExtensionByteCount)
    }
    self.init(
      protocolMinimum: minimum, protocolMaximum: maximum, site: site, incarnation: incarnation,
      nonce: nonce, logEnd: logEnd, witness: witness,
      received: PerLane(normal: normal, urgent: urgent), outcomeCursor: outcomeCursor,
      registry: registry, isRecovering: flag == 1, software: software,
      extensions: try reader.readBytes(extensionCount))
  }
}

/// HELLO_OK, 170 bytes.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | protocol version chosen |
/// | 2 | 16 | nonce of the HELLO it answers |
/// | 18 | 72 | checkpoint of my log that I send from, normal lane |
/// | 90 | 72 | the same, urgent lane |
/// | 162 | 8 | my outcomes are sent after this number |
extension HelloOK {
  func encode(to writer: inout ByteWriter) {
    writer.write(version)
    writer.write(nonce)
    resume.normal.encode(to: &writer)
    resume.urgent.encode(to: &writer)
    writer.write(outcomeCursor)
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let version = try reader.readUInt16()
    let nonce = try reader.readBytes16()
    let normal = try Checkpoint(from: &reader)
    let urgent = try Checkpoint(from: &reader)
    self.init(
      version: version, nonce: nonce, resume: PerLane(normal: normal, urgent: urgent),
      outcomeCursor: try reader.readUInt64())
  }
}

/// REFUSE.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | code, see ``RefusalCode`` |
/// | 2 | 2 + n | text: length (at most 256), UTF-8 |
extension Refuse {
  func encode(to writer: inout ByteWriter) {
    let bytes = Array(text.utf8)
    writer.write(code.code)
    writer.write(UInt16(bytes.count))
    writer.write(bytes)
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let code = RefusalCode(code: try reader.readUInt16())
    let text = try reader.readText(
      Int(try reader.readUInt16()), field: "text", limit: Self.maximumTextByteCount)
    self.init(code, text)
  }
}

/// PING, 80 bytes.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | token: above 0 |
/// | 8 | 72 | end of my log |
extension Ping {
  func encode(to writer: inout ByteWriter) {
    writer.write(token)
    logEnd.encode(to: &writer)
  }

  init(from reader: inout ByteReader) throws(ByteError) {
    let token = try reader.readUInt64()
    guard token > 0 else { throw .invalid(field: "token", at: 0) }
    self.init(token: token, logEnd: try Checkpoint(from: &reader))
  }
}

extension ByteReader {
  /// UTF-8 of `count` bytes.
  fileprivate mutating func readText(
    _ count: Int, field: StaticString, limit: Int
  ) throws(ByteError) -> String {
    let start = offset
    guard count <= limit else {
      throw .tooLong(field: field, at: start, count: count, limit: limit)
    }
    guard let text = String(validating: try readBytes(count), as: UTF8.self) else {
      throw .invalid(field: field, at: start)
    }
    return text
  }
}
