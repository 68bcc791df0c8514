import Cryptography
import Replication
import Transport

extension FuzzTarget {
  /// Bytes of a connection that is up: framing, decompression, every message.
  static let frame = FuzzTarget(
    name: "frame", maximumByteCount: 4_096,
    // A compressed frame may hold a hundred times its bytes; entries keep a few copies of theirs.
    // zstd's context grows once to the largest window that a frame may ask for, and its blocks.
    memory: MemoryBound(
      fixedByteCount: 512 << 10 + 1 << FrameCompressor.windowLogLimit,
      factor: 8 * FrameCompressor.ratioLimit),
    seeds: {
      try SeedFiles.folder("Tests/Corpora/Golden").filter { $0.name != "entry-header.hex" }
        + SeedFiles.corpus("frame") + FrameChecks.compressedSeeds()
    },
    makeCheck: {
      let compressor = try FrameCompressor()
      return { input in try FrameChecks.check(input, compressor) }
    })

  /// The payload of one message: a byte for the type, one for the lane, the payload.
  static let message = FuzzTarget(
    name: "message", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 64 << 10, factor: 64),
    seeds: {
      try SeedFiles.folder("Tests/Corpora/Golden").filter { $0.name != "entry-header.hex" }.map {
        Seed(name: $0.name, bytes: Array($0.bytes[4..<6] + $0.bytes[FrameHeader.byteCount...]))
      } + SeedFiles.corpus("message")
    },
    makeCheck: {
      { input in
        guard input.count >= 2, let type = MessageType(rawValue: input[0]),
          let lane = Lane(rawValue: input[1]), type.hasLane || lane == .normal
        else { return }
        var chance = InputChance(input)
        try FrameChecks.checkMessage(type, lane, Array(input[2...]), &chance)
      }
    })
}

enum FrameChecks {
  static let limit = FrameHeader.maximumFrameByteCount

  static func check(_ input: [UInt8], _ compressor: FrameCompressor) throws {
    var chance = InputChance(input)
    let whole = Received([input], limit: limit)
    try require(
      Received(chance.pieces(of: input), limit: limit) == whole,
      "the pieces in which bytes come change what is received")
    let start = Received([Array(input.prefix(chance.below(input.count + 1)))], limit: limit)
    try require(whole.continues(start), "more bytes change what was received before them")
    let stranger = Received([input], limit: FrameHeader.maximumHelloByteCount)
    try require(
      whole.frames.starts(with: stranger.frames), "a lower limit changes what is within it")
    for frame in whole.frames { try check(frame, compressor, &chance) }
  }

  private static func check(
    _ frame: Frame, _ compressor: FrameCompressor, _ chance: inout InputChance
  ) throws {
    let header = frame.header
    try require(Received([frame.bytes], limit: limit).frames == [frame], "a frame is not as sent")
    var plain = frame.payload
    if header.isCompressed {
      do throws(CompressionError) {
        plain = try compressor.decompress(
          frame.payload, declaredByteCount: header.plainByteCount,
          limit: limit - FrameHeader.byteCount)
      } catch { return }
    }
    try require(plain.count == header.plainByteCount, "\(plain.count) bytes for \(header)")
    try checkMessage(header.type, header.lane, plain, &chance)
  }

  /// What decodes is encoded as it came, and neither less nor more than it decodes.
  static func checkMessage(
    _ type: MessageType, _ lane: Lane, _ plain: [UInt8], _ chance: inout InputChance
  ) throws {
    guard plain.count <= limit - FrameHeader.byteCount else { return }
    let header = FrameHeader(type: type, lane: lane, payloadByteCount: plain.count)
    let hashing = OpenSSLHash()
    let message: Message
    do throws(ByteError) {
      message = try Message.decode(header, plain, hashing: hashing)
    } catch {
      try require(error.description.utf8.count < 200, "\(error)")
      return
    }
    try require(message.type == type && message.lane == lane, "\(type) is another message")
    try require(message.payload == plain, "\(type) is not encoded as it was decoded")
    let part = Array(plain.prefix(chance.below(plain.count)))
    try require(
      throwsError { () throws(ByteError) in
        _ = try Message.decode(header, part, hashing: hashing)
      }, "\(part.count) of \(plain.count) bytes of \(type) decode")
    try require(
      throwsError { () throws(ByteError) in
        _ = try Message.decode(header, plain + [0], hashing: hashing)
      }, "\(type) decodes with a byte too many")
    if case .hello(let hello) = message {
      _ = hello.wallTime
      _ = ProtocolRange.common(with: hello)
    }
  }

  /// Frames of entries as the daemon compresses them.
  static func compressedSeeds() throws -> [Seed] {
    let golden = try SeedFiles.bytes("Tests/Corpora/Golden/entries.hex")
    var assembler = FrameAssembler()
    assembler.append(golden)
    guard let frame = try assembler.next(limit: limit),
      let compressed = try FrameCompressor().compress(frame.payload)
    else { throw BrokenProperty(description: "entries.hex does not compress") }
    let header = FrameHeader(
      type: .entries, lane: .urgent, compressedByteCount: compressed.count,
      plainByteCount: frame.payload.count)
    return [
      Seed(name: "entries-compressed", bytes: Frame(header: header, payload: compressed).bytes)
    ]
  }
}

/// What a connection's bytes come to.
private struct Received: Equatable {
  var frames: [Frame] = []
  var error: FrameError?
  var pendingByteCount = 0

  init(_ pieces: [[UInt8]], limit: Int) {
    var assembler = FrameAssembler()
    do throws(FrameError) {
      for piece in pieces {
        assembler.append(piece)
        while let frame = try assembler.next(limit: limit) { frames.append(frame) }
      }
      pendingByteCount = assembler.pendingByteCount
    } catch { self.error = error }
  }

  /// Whether this is what may follow on `start`: nothing taken back, and an error is for ever.
  func continues(_ start: Received) -> Bool {
    if let error = start.error { return frames == start.frames && self.error == error }
    return frames.starts(with: start.frames)
  }
}
