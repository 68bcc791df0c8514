import Testing

@testable import Replication

@Suite struct LinkFrameTests {
  private let limit = FrameHeader.maximumFrameByteCount

  @Test func framesComeOutWholeHoweverTheBytesCome() throws {
    let frames = [
      Message.ping(Ping(token: 1, logEnd: .start)).frame,
      Message.refuse(Refuse(.overloaded, "later")).frame,
    ]
    let bytes = frames.flatMap(\.bytes)
    for size in 1...bytes.count {
      var assembler = FrameAssembler()
      var seen: [Frame] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        assembler.append(Array(bytes[start..<min(start + size, bytes.count)]))
        while let frame = try assembler.next(limit: limit) { seen.append(frame) }
        #expect(assembler.pendingByteCount < frames[0].bytes.count)
      }
      #expect(seen == frames)
      #expect(assembler.pendingByteCount == 0)
    }
  }

  @Test func whatIsFilledInIsWhatIsAppended() throws {
    let frame = Message.ping(Ping(token: 1, logEnd: .start)).frame
    var assembler = FrameAssembler()
    assembler.append(Array(frame.bytes + frame.bytes.prefix(5)))
    #expect(try assembler.next(limit: limit) == frame)
    let count = assembler.fill { buffer in
      // What a frame has used is gone, what none has used is kept.
      #expect(buffer == Array(frame.bytes.prefix(5)))
      buffer += frame.bytes.dropFirst(5)
      return buffer.count
    }
    #expect(count == frame.bytes.count)
    #expect(try assembler.next(limit: limit) == frame)
    #expect(assembler.pendingByteCount == 0)
  }

  /// Offset, new byte, and what is then said.
  private static let badHeaders: [(Int, UInt8, FrameError)] = [
    (4, 0, .unknownType(0)),
    (4, 9, .unknownType(9)),
    (5, 1, .invalidLane(type: .ping, lane: 1)),
    (5, 2, .invalidLane(type: .ping, lane: 2)),
    (6, 2, .invalidFlags(2)),
    (7, 1, .invalidReserved(1)),
    (11, 81, .plainLength(81, payloadLength: 80)),
    (0, 1, .tooLong(byteCount: 0x0100_005c, limit: 1 << 20)),
    (8, 1, .tooLong(byteCount: 0x0100_005c, limit: 1 << 20)),
  ]

  @Test(arguments: badHeaders)
  func badHeadersAreRefusedBeforeThePayload(offset: Int, byte: UInt8, error: FrameError) {
    var bytes = Array(Message.ping(Ping(token: 1, logEnd: .start)).frame.bytes.prefix(12))
    bytes[offset] = byte
    var assembler = FrameAssembler()
    assembler.append(bytes)
    #expect(throws: error) { _ = try assembler.next(limit: limit) }
  }

  @Test func lanesAreForEntriesAndAcknowledgementsOnly() throws {
    for type in MessageType.allCases {
      for lane in [UInt8(0), 1, 2] {
        let bytes: [UInt8] = [0, 0, 0, 0, type.rawValue, lane, 0, 0, 0, 0, 0, 0]
        let isAllowed = lane == 0 || lane == 1 && type.hasLane
        let header = try? FrameHeader.decode(bytes, at: 0, limit: limit)
        #expect((header != nil) == isAllowed)
      }
    }
  }

  @Test func theLimitIsOfTheWholeFrameOnTheWireAndBeforeCompression() throws {
    let limit = FrameHeader.maximumHelloByteCount
    for (payload, plain, flags, isAllowed) in [
      (limit - 12, limit - 12, UInt8(0), true), (limit - 11, limit - 11, 0, false),
      (10, limit - 12, 1, true), (10, limit - 11, 1, false),
    ] {
      var writer = ByteWriter()
      writer.write(UInt32(payload))
      writer.write([1, 0, flags, 0])
      writer.write(UInt32(plain))
      let header = try? FrameHeader.decode(writer.bytes, at: 0, limit: limit)
      #expect((header != nil) == isAllowed)
      if let header { #expect(header.isCompressed == (flags == 1)) }
    }
  }
}
