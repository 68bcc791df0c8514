import Testing

@testable import Replication

@Suite struct FileMessageTests {
  private static let digest = Digest(Bytes32(1, 2, 3, 4))
  private static let begin = Message.want(
    WantMessage(.file(digest), .begin(FileWindow(taken: 4, upTo: 9))))
  private static let withdraw = Message.want(WantMessage(.entry(digest), .withdraw))
  private static let piece = Message.file(
    FileMessage(
      .file(digest), .piece(FilePiece(offset: 4, totalByteCount: 9, bytes: [7, 8, 9]))))
  private static let refused = Message.file(FileMessage(.file(digest), .refused(.damaged)))

  private static func word(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
  }

  /// A message, the offset from which it gets other bytes, and what is then said.
  private static let malformed: [(Message, Int, [UInt8], ByteError)] = [
    (begin, 0, [2], .invalid(field: "kind of content", at: 0)),
    (begin, 33, [3], .invalid(field: "form of WANT", at: 33)),
    (begin, 33, [2], .trailing(at: 34, count: 16)),
    (begin, 42, word(3), .invalid(field: "window", at: 42)),
    (begin, 42, word(4 + 262_145), .invalid(field: "window", at: 42)),
    (begin, 34, word(1 << 53) + word(1 << 53 + 1), .invalid(field: "window", at: 42)),
    (begin, 34, word(.max) + word(.max), .invalid(field: "window", at: 42)),
    (withdraw, 33, [0], .truncated(at: 34, needed: 8, available: 0)),
    (piece, 0, [9], .invalid(field: "kind of content", at: 0)),
    (piece, 33, [2], .invalid(field: "form of FILE", at: 33)),
    (piece, 33, [1], .invalid(field: "reason", at: 34)),
    (piece, 34, word(9), .invalid(field: "offset", at: 34)),
    (piece, 34, word(.max), .invalid(field: "offset", at: 34)),
    (piece, 34, word(7), .invalid(field: "piece", at: 50)),
    (piece, 42, word(6), .invalid(field: "piece", at: 50)),
    (piece, 42, word(1 << 53 + 1), .invalid(field: "total size", at: 42)),
    (piece, 50, [0, 0, 0, 0], .invalid(field: "piece", at: 50)),
    (piece, 50, [0, 0, 0, 4], .truncated(at: 54, needed: 4, available: 3)),
    (piece, 50, [0, 0, 0, 2], .trailing(at: 56, count: 1)),
    (
      piece, 50, [0, 4, 0, 1],
      .tooLong(field: "piece", at: 50, count: 262_145, limit: 262_144)
    ),
    (refused, 34, [0], .invalid(field: "reason", at: 34)),
    (refused, 33, [0], .truncated(at: 34, needed: 8, available: 1)),
  ]

  @Test(arguments: malformed.indices)
  func malformedMessagesNameFieldAndOffset(index: Int) {
    let (message, offset, change, error) = Self.malformed[index]
    let frame = message.frame
    var bytes = frame.payload
    bytes.replaceSubrange(offset..<min(offset + change.count, bytes.count), with: change)
    #expect(throws: error) {
      try Message.decode(frame.header, bytes, hashing: TestHashing())
    }
  }

  /// Kills: a head that says another length than the bytes after it have.
  @Test(arguments: [1, 3, 65_536]) func aPieceInTwoPartsIsItsFrame(byteCount: Int) throws {
    // A slice of something longer, as a piece that came in a frame is.
    let bytes = [UInt8](repeating: 6, count: byteCount + 9)[7..<byteCount + 7]
    let piece = FilePiece(offset: 1, totalByteCount: 1 << 20, bytes: bytes)
    let message = FileMessage(.file(Self.digest), .piece(piece))
    let parts = try #require(message.pieceFrame)
    #expect(parts.head + parts.bytes == Message.file(message).frame.bytes)
    #expect(parts.head.count == FrameHeader.byteCount + FileMessage.pieceHeadByteCount)
    #expect(FileMessage(.file(Self.digest), .refused(.busy)).pieceFrame == nil)
  }

  @Test func randomMessagesSurviveTheWire() throws {
    var random = TestRandom(state: 11)
    for _ in 0..<2_000 {
      let digest = Digest(Bytes32(random.next(), random.next(), random.next(), random.next()))
      let wanted: Wanted = Bool.random(using: &random) ? .file(digest) : .entry(digest)
      let taken = UInt64.random(in: 0...1 << 52, using: &random)
      let window = FileWindow(
        taken: taken, upTo: taken + UInt64.random(in: 0...262_144, using: &random))
      let bytes = [UInt8](repeating: 5, count: Int.random(in: 1...500, using: &random))
      let piece = FilePiece(
        offset: taken,
        totalByteCount: taken + UInt64(bytes.count) + UInt64.random(in: 0...9, using: &random),
        bytes: bytes)
      let reason = FileRefusal(code: UInt8.random(in: 1...255, using: &random))
      for message: Message in [
        .want(WantMessage(wanted, .begin(window))), .want(WantMessage(wanted, .more(window))),
        .want(WantMessage(wanted, .withdraw)), .file(FileMessage(wanted, .piece(piece))),
        .file(FileMessage(wanted, .refused(reason))),
      ] {
        let frame = message.frame
        #expect(
          try Message.decode(frame.header, frame.payload, hashing: TestHashing()) == message)
      }
    }
  }

  @Test func refusalsKeepTheirCodes() {
    for code in UInt8(1)...6 {
      #expect(FileRefusal(code: code).code == code)
      #expect(FileRefusal(code: code) != .unknown(code))
    }
    #expect(FileRefusal(code: 7) == .unknown(7))
  }

  @Test func anEntryIsItselfAsWireBytes() throws {
    let entry = testEntry(site("lang-son"), 5, bodyByteCount: 300)
    for kept in [entry, entry.stub] {
      let bytes = kept.wireBytes
      #expect(try Entry(wireBytes: bytes, hashing: TestHashing()) == kept)
      #expect(bytes.count <= Entry.maximumWireByteCount)
      #expect(throws: ByteError.trailing(at: bytes.count, count: 1)) {
        try Entry(wireBytes: bytes + [0], hashing: TestHashing())
      }
      #expect(throws: ByteError.invalid(field: "entry flags", at: 0)) {
        try Entry(wireBytes: [2] + bytes.dropFirst(), hashing: TestHashing())
      }
    }
  }
}
