/// What a frame carries. Raw values are on the wire. WANT and FILE are of protocol version 2: in a
/// session of version 1 they have no place, see ``ProtocolRange/firstWithFiles``.
package enum MessageType: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case hello = 1
  case helloOK = 2
  case refuse = 3
  case entries = 4
  case acknowledge = 5
  case ping = 6
  case want = 7
  case file = 8

  /// Whether its frames belong to a lane; the lane byte of all others is 0.
  package var hasLane: Bool { self == .entries || self == .acknowledge }

  package var description: String {
    switch self {
    case .hello: "HELLO"
    case .helloOK: "HELLO_OK"
    case .refuse: "REFUSE"
    case .entries: "ENTRIES"
    case .acknowledge: "ACK"
    case .ping: "PING"
    case .want: "WANT"
    case .file: "FILE"
    }
  }
}

/// Why a frame header is refused: always the peer's fault, never "more bytes needed".
package enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLong(byteCount: UInt64, limit: Int)
  case unknownType(UInt8)
  case invalidLane(type: MessageType, lane: UInt8)
  case invalidFlags(UInt8)
  case invalidReserved(UInt8)
  case plainLength(UInt32, payloadLength: UInt32)

  package var description: String {
    switch self {
    case .tooLong(let count, let limit): "frame of \(count) bytes, limit \(limit)"
    case .unknownType(let type): "frame of unknown type \(type)"
    case .invalidLane(let type, let lane): "\(type) frame with lane \(lane)"
    case .invalidFlags(let flags): "frame with unknown flags \(flags)"
    case .invalidReserved(let value): "frame with reserved byte \(value)"
    case .plainLength(let plain, let payload):
      "uncompressed frame of \(payload) bytes that says \(plain)"
    }
  }
}

/// The first 12 bytes of every frame. Integers are big-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | payload length: bytes on the wire after this header |
/// | 4 | 1 | type: 1 HELLO, 2 HELLO_OK, 3 REFUSE, 4 ENTRIES, 5 ACK, 6 PING, 7 WANT, 8 FILE |
/// | 5 | 1 | lane: 0 normal, 1 urgent in ENTRIES and ACK; 0 in all others |
/// | 6 | 1 | flags: bit 0 the payload is one zstd frame; the others are 0 |
/// | 7 | 1 | reserved: 0 |
/// | 8 | 4 | plain length: the payload before compression; the payload length without it |
package struct FrameHeader: Hashable, Sendable {
  package static let byteCount = 12
  /// A whole frame, this header included, on the wire and before compression.
  package static let maximumFrameByteCount = 1 << 20
  /// The same until the session is up: what a stranger may make us keep.
  package static let maximumHelloByteCount = 16 << 10

  private static let compressedFlag: UInt8 = 1

  package let type: MessageType
  /// `.normal` where the type has no lane.
  package let lane: Lane
  package let isCompressed: Bool
  package let payloadByteCount: Int
  package let plainByteCount: Int

  /// A header for a payload that is sent as it is.
  package init(type: MessageType, lane: Lane, payloadByteCount: Int) {
    self.init(
      type: type, lane: lane, isCompressed: false, payloadByteCount: payloadByteCount,
      plainByteCount: payloadByteCount)
  }

  /// A header for a payload that the shell has compressed from `plainByteCount` bytes.
  package init(type: MessageType, lane: Lane, compressedByteCount: Int, plainByteCount: Int) {
    self.init(
      type: type, lane: lane, isCompressed: true, payloadByteCount: compressedByteCount,
      plainByteCount: plainByteCount)
  }

  private init(
    type: MessageType, lane: Lane, isCompressed: Bool, payloadByteCount: Int, plainByteCount: Int
  ) {
    let limit = Self.maximumFrameByteCount - Self.byteCount
    precondition(type.hasLane || lane == .normal, "\(type) in lane \(lane)")
    precondition((0...limit).contains(payloadByteCount), "payload of \(payloadByteCount) bytes")
    precondition((0...limit).contains(plainByteCount), "plain payload of \(plainByteCount) bytes")
    self.type = type
    self.lane = lane
    self.isCompressed = isCompressed
    self.payloadByteCount = payloadByteCount
    self.plainByteCount = plainByteCount
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(payloadByteCount))
    writer.write(type.rawValue)
    writer.write(lane.rawValue)
    writer.write(isCompressed ? Self.compressedFlag : 0)
    writer.write(UInt8(0))
    writer.write(UInt32(plainByteCount))
  }

  /// Checks every field before a byte of payload is kept.
  /// - Parameter limit: bytes of a whole frame, on the wire and before compression.
  package static func decode(
    _ bytes: [UInt8], at start: Int, limit: Int
  ) throws(FrameError) -> FrameHeader {
    precondition(start >= 0 && bytes.count - start >= byteCount, "\(bytes.count) from \(start)")
    let payload = loadUInt32(bytes, at: start)
    let plain = loadUInt32(bytes, at: start + 8)
    let flags = bytes[start + 6]
    guard let type = MessageType(rawValue: bytes[start + 4]) else {
      throw .unknownType(bytes[start + 4])
    }
    guard let lane = Lane(rawValue: bytes[start + 5]), type.hasLane || lane == .normal else {
      throw .invalidLane(type: type, lane: bytes[start + 5])
    }
    guard flags & ~compressedFlag == 0 else { throw .invalidFlags(flags) }
    guard bytes[start + 7] == 0 else { throw .invalidReserved(bytes[start + 7]) }
    let longest = UInt64(max(payload, plain)) + UInt64(byteCount)
    guard longest <= UInt64(limit) else { throw .tooLong(byteCount: longest, limit: limit) }
    let isCompressed = flags & compressedFlag != 0
    guard isCompressed || plain == payload else {
      throw .plainLength(plain, payloadLength: payload)
    }
    return FrameHeader(
      type: type, lane: lane, isCompressed: isCompressed, payloadByteCount: Int(payload),
      plainByteCount: Int(plain))
  }

  private static func loadUInt32(_ bytes: [UInt8], at start: Int) -> UInt32 {
    bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// One frame as it came: the payload is still compressed when the header says so. The shell
/// decompresses to exactly `header.plainByteCount` bytes, then calls
/// ``Message/decode(_:_:hashing:)``.
package struct Frame: Hashable, Sendable {
  package let header: FrameHeader
  package let payload: [UInt8]
  package init(header: FrameHeader, payload: [UInt8]) {
    precondition(payload.count == header.payloadByteCount, "\(payload.count) bytes for \(header)")
    self.header = header
    self.payload = payload
  }

  /// Header and payload as they go on the wire.
  package var bytes: [UInt8] {
    var writer = ByteWriter(reserving: FrameHeader.byteCount + payload.count)
    header.encode(to: &writer)
    writer.write(payload)
    return writer.bytes
  }
}

/// Bytes in, frames out. Keeps less than one frame once ``next(limit:)`` has returned nil.
package struct FrameAssembler: Sendable {
  private var buffer: [UInt8] = []
  private var consumed = 0

  package init() {}

  /// Bytes that no frame has used yet.
  package var pendingByteCount: Int { buffer.count - consumed }

  /// Adds what the line brought. Take every frame out with ``next(limit:)`` before the next call,
  /// so that no more than one frame and one read are ever kept.
  package mutating func append(_ bytes: [UInt8]) { fill { $0.append(contentsOf: bytes) } }

  /// The same with what `body` appends, which so need not be copied.
  package mutating func fill<Result>(_ body: (inout [UInt8]) -> Result) -> Result {
    if consumed > 0 {
      buffer.removeFirst(consumed)
      consumed = 0
    }
    let keptByteCount = buffer.count
    let result = body(&buffer)
    precondition(buffer.count >= keptByteCount, "\(buffer.count) bytes of \(keptByteCount) left")
    return result
  }

  /// The next whole frame, or nil when its bytes are incomplete.
  /// - Parameter limit: bytes of a whole frame; pass ``Session/maximumFrameByteCount`` afresh each
  ///   time, because a message may raise it.
  /// - Throws: as soon as a header is invalid; the connection is then of no more use.
  package mutating func next(limit: Int) throws(FrameError) -> Frame? {
    guard pendingByteCount >= FrameHeader.byteCount else { return nil }
    let header = try FrameHeader.decode(buffer, at: consumed, limit: limit)
    let end = consumed + FrameHeader.byteCount + header.payloadByteCount
    guard buffer.count >= end else { return nil }
    let payload = Array(buffer[consumed + FrameHeader.byteCount..<end])
    consumed = end
    return Frame(header: header, payload: payload)
  }
}
