import Glibc
import Testing

@testable import Replication

private let hashing = TestHashing()
private let langSon = site("lang-son")
private let centre = site("trung-uong")

private func checkpoint(_ lsn: UInt64) -> Checkpoint {
  Checkpoint(
    incarnation: Incarnation(Bytes16(high: 0x1111_1111_1111_1111, low: 0x1111_1111_1111_1111)),
    lsn: LSN(lsn),
    head: Digest(
      Bytes32(
        0x2222_2222_2222_2222, 0x2222_2222_2222_2222, 0x2222_2222_2222_2222, 0x2222_2222_2222_2222)),
    tag: Bytes16(high: 0x3333_3333_3333_3333, low: 0x3333_3333_3333_3333))
}

private func history(_ lsns: UInt64...) -> CheckpointHistory {
  var history = CheckpointHistory()
  for lsn in lsns { history.advance(to: checkpoint(lsn)) }
  return history
}

private let goldenHeader: EntryHeader = {
  var header = testHeader(langSon, 5, lane: .urgent, audience: [site("cao-bang")])
  header.parents = [
    Digest(
      Bytes32(
        0x4444_4444_4444_4444, 0x4444_4444_4444_4444, 0x4444_4444_4444_4444, 0x4444_4444_4444_4444))
  ]
  header.extensions = [0xee, 0xff]
  return header
}()

/// One message for each golden file of its name.
private let goldenMessages: [(name: String, message: Message)] = [
  (
    "hello",
    .hello(
      Hello(
        protocolMinimum: 1, protocolMaximum: 1, site: langSon,
        incarnation: Incarnation(Bytes16(high: 1, low: 2)), nonce: Bytes16(high: 3, low: 4),
        logEnd: checkpoint(9), witness: checkpoint(8),
        received: PerLane(normal: history(7), urgent: CheckpointHistory()), outcomeCursor: 6,
        registry: RegistryRevision(number: 5, digest: .zero), isRecovering: true,
        software: "dongbod 1", extensions: [0xab]))
  ),
  (
    "hello-ok",
    .helloOK(
      HelloOK(
        version: 1, nonce: Bytes16(high: 3, low: 4),
        resume: PerLane(normal: checkpoint(7), urgent: .start), outcomeCursor: 6))
  ),
  ("refuse", .refuse(Refuse(.twoHolders, "hai máy"))),
  (
    "entries",
    .entries(
      EntriesMessage(
        lane: .urgent, previousLSN: LSN(7),
        entries: [
          Entry(authoring: goldenHeader, body: Array("{}".utf8), hashing: hashing),
          goldenStub,
        ],
        checkpoint: checkpoint(9)))
  ),
  (
    "ack",
    .acknowledge(
      Acknowledgement(
        lane: .normal, checkpoint: checkpoint(9), credit: Credit(entries: 64, bytes: 65_536),
        outcomeCursor: 6, outcomesEnd: 11, pingToken: 2, logEnd: checkpoint(30),
        firstOutcomeNumber: 11,
        outcomes: [
          Outcome(
            site: centre,
            entry: EntryIdentity(
              origin: langSon, incarnation: Incarnation(Bytes16(high: 1, low: 2)),
              sequence: SequenceNumber(5)),
            state: .held, code: .referenceMissing)
        ]))
  ),
  ("ping", .ping(Ping(token: 2, logEnd: checkpoint(9)))),
  ("want-begin", .want(WantMessage(goldenFile, .begin(FileWindow(taken: 65_536, upTo: 327_680))))),
  ("want-more", .want(WantMessage(goldenWantedEntry, .more(FileWindow(taken: 7, upTo: 7))))),
  ("want-withdraw", .want(WantMessage(goldenFile, .withdraw))),
  (
    "file-piece",
    .file(
      FileMessage(
        goldenFile,
        .piece(
          FilePiece(offset: 65_536, totalByteCount: 1 << 30, bytes: Array("abc".utf8)))))
  ),
  ("file-refused", .file(FileMessage(goldenWantedEntry, .refused(.notEntitled)))),
]

private let goldenFile = Wanted.file(repeatedDigest(0x4444_4444_4444_4444))
private let goldenWantedEntry = Wanted.entry(repeatedDigest(0x5555_5555_5555_5555))

private func repeatedDigest(_ word: UInt64) -> Digest { Digest(Bytes32(word, word, word, word)) }

private let goldenStub: Entry = {
  let bodyDigest = Digest(
    Bytes32(
      0x5555_5555_5555_5555, 0x5555_5555_5555_5555, 0x5555_5555_5555_5555, 0x5555_5555_5555_5555))
  let stub = try? Entry(
    headerBytes: testHeader(langSon, 4, lane: .urgent).encoded, bodyDigest: bodyDigest,
    hashing: hashing)
  return stub ?? testEntry(langSon, 4)
}()

@Suite struct LinkMessageTests {
  @Test(arguments: goldenMessages.indices)
  func goldenFilesHold(index: Int) throws {
    let (name, message) = goldenMessages[index]
    let golden = try goldenBytes(name)
    #expect(hexText(message.frame.bytes) == hexText(golden))
    var assembler = FrameAssembler()
    assembler.append(golden)
    let frame = try #require(try assembler.next(limit: FrameHeader.maximumFrameByteCount))
    #expect(try Message.decode(frame.header, frame.payload, hashing: hashing) == message)
  }

  @Test func theGoldenEntryHeaderHolds() throws {
    let golden = try goldenBytes("entry-header")
    #expect(hexText(goldenHeader.encoded) == hexText(golden))
    #expect(try EntryHeader(decoding: golden) == goldenHeader)
  }

  @Test(arguments: goldenMessages.indices)
  func truncatedAndTrailingBytesAreRefused(index: Int) {
    let frame = goldenMessages[index].message.frame
    for count in 0..<frame.payload.count {
      #expect(throws: ByteError.self) { try decode(frame, Array(frame.payload.prefix(count))) }
    }
    #expect(throws: ByteError.trailing(at: frame.payload.count, count: 1)) {
      try decode(frame, frame.payload + [0])
    }
  }

  /// What still decodes is encoded as it came: no byte is ignored.
  @Test(arguments: goldenMessages.indices)
  func everyChangedByteIsRefusedOrKept(index: Int) {
    let frame = goldenMessages[index].message.frame
    for offset in frame.payload.indices {
      for change in [UInt8(1), 0x80, 0xff] {
        var bytes = frame.payload
        bytes[offset] ^= change
        guard let message = try? decode(frame, bytes) else { continue }
        #expect(message.payload == bytes)
      }
    }
  }

  @Test func randomBytesNeverTrap() {
    var random = TestRandom(state: 1)
    for _ in 0..<3_000 {
      let count = Int.random(in: 0..<400, using: &random)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      for (_, message) in goldenMessages { _ = try? decode(message.frame, bytes) }
    }
  }

  @Test func randomMessagesSurviveTheWire() throws {
    var random = TestRandom(state: 2)
    for _ in 0..<200 {
      let count = UInt64.random(in: 0...20, using: &random)
      let lane: Lane = Bool.random(using: &random) ? .urgent : .normal
      let entries = (0..<count).map { number in
        let size = Int.random(in: 0...900, using: &random)
        let entry = testEntry(centre, number + 1, lane: lane, bodyByteCount: size)
        return Bool.random(using: &random) ? entry : entry.stub
      }
      let message = Message.entries(
        EntriesMessage(
          lane: lane, previousLSN: LSN(random.next()), entries: entries,
          checkpoint: checkpoint(random.next())))
      #expect(try decode(message.frame, message.payload) == message)
    }
  }

  @Test func countsBeyondTheBytesTakeNoMemory() {
    var writer = ByteWriter()
    writer.write(UInt64(1))
    writer.write(UInt16(4_096))
    let header = FrameHeader(type: .entries, lane: .normal, payloadByteCount: writer.bytes.count)
    #expect(throws: ByteError.truncated(at: 8, needed: 4_096 * 131, available: 0)) {
      try Message.decode(header, writer.bytes, hashing: hashing)
    }
    writer.write(UInt8(0))
    var tooMany = writer.bytes
    tooMany[8] = 0xff
    #expect(throws: ByteError.tooLong(field: "entries", at: 8, count: 0xff00, limit: 4_096)) {
      try Message.decode(header, tooMany, hashing: hashing)
    }
  }

  @Test func refusalsFitAndNewCodesDecode() {
    #expect(Refuse(.badTag, String(repeating: "đ", count: 200)).text.utf8.count == 256)
    #expect(RefusalCode(code: 999) == .unknown(999))
    for code in UInt16(1)...12 { #expect(RefusalCode(code: code).code == code) }
    for code in UInt16(1)...12 { #expect(RefusalCode(code: code) != .unknown(code)) }
  }

  @discardableResult
  private func decode(_ frame: Frame, _ bytes: [UInt8]) throws -> Message {
    try Message.decode(frame.header, bytes, hashing: hashing)
  }
}

private struct GoldenFileError: Error { let path: String }

/// The bytes of `Tests/Corpora/Golden/<name>.hex`: hex in lines, `#` starts a comment.
private func goldenBytes(_ name: String) throws -> [UInt8] {
  let folder = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
  let path = "/\(folder)/Corpora/Golden/\(name).hex"
  guard let file = fopen(path, "r") else { throw GoldenFileError(path: path) }
  defer { fclose(file) }
  var text: [UInt8] = []
  while case let character = fgetc(file), character != EOF { text.append(UInt8(character)) }
  let hex = text.split(separator: UInt8(ascii: "\n"))
    .flatMap { $0.prefix { $0 != UInt8(ascii: "#") } }
    .filter { $0 != UInt8(ascii: " ") }
  guard let bytes = hexBytes(String(decoding: hex, as: UTF8.self)) else {
    throw GoldenFileError(path: path)
  }
  return bytes
}
