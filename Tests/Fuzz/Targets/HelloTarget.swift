import Cryptography
import Replication

extension FuzzTarget {
  /// All that a peer says from its HELLO on, to a centre whose shell answers every request: the
  /// session must close on what breaks the protocol, and trap on nothing.
  static let hello = FuzzTarget(
    name: "hello", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 256 << 10, factor: 512),
    seeds: { try HelloChecks.seeds() + SeedFiles.corpus("hello") },
    makeCheck: { { input in try HelloChecks.check(input) } })
}

enum HelloChecks {
  /// Sites and numbers of `Tests/Corpora/Golden`.
  private static func view() throws -> LocalView {
    guard let centre = SiteID("trung-uong"), let peer = SiteID("lang-son") else {
      throw BrokenProperty(description: "no site ids")
    }
    return LocalView(
      role: .acceptor, site: centre, incarnation: Incarnation(Bytes16(high: 5, low: 6)),
      nonce: Bytes16(high: 3, low: 4), peer: peer, logEnd: .start, peerState: PeerState(),
      registry: .builtIn, outcomesEnd: 0, isRecovering: false, isStorageFull: false,
      software: "dongbod", wallTime: WallTime(microseconds: 1_800_000_000_000_000))
  }

  static func check(_ input: [UInt8]) throws {
    var chance = InputChance(input)
    let whole = try Shell(view(), [input])
    let pieces = try Shell(view(), chance.pieces(of: input))
    try require(
      whole.session == pieces.session, "the pieces in which bytes come change the session")
    try require(whole.sent == pieces.sent, "the pieces in which bytes come change the answers")
    try require(whole.sent.count <= 4 + 8 * (1 + input.count / FrameHeader.byteCount), "a flood")
  }

  /// A session up, with one of every message in it.
  static func seeds() throws -> [Seed] {
    let golden = ["hello", "hello-ok", "ping", "entries", "ack", "want-begin", "file-piece"]
    var session: [UInt8] = []
    var seeds: [Seed] = []
    for name in golden {
      session += try SeedFiles.bytes("Tests/Corpora/Golden/\(name).hex")
      seeds.append(Seed(name: "up-to-\(name)", bytes: session))
    }
    return seeds
  }
}

/// The shell of one session: commits at once, holds no file and has nothing to send.
private struct Shell {
  var session = Session(limits: LinkLimits())
  private(set) var sent: [Message] = []
  private var isClosed = false
  private let now = Instant(nanoseconds: 1_000_000_000)

  init(_ view: LocalView, _ pieces: [[UInt8]]) throws {
    try step(.opened(view))
    var assembler = FrameAssembler()
    for piece in pieces where !isClosed {
      assembler.append(piece)
      try step(.bytesReceived)
      do throws(FrameError) {
        while !isClosed, let frame = try assembler.next(limit: session.maximumFrameByteCount) {
          received(frame)
        }
      } catch { try? step(.frameRejected(.frame(error))) }
    }
    if let broken { throw broken }
  }

  private var broken: BrokenProperty?

  private mutating func received(_ frame: Frame) {
    do {
      guard !frame.header.isCompressed else { return try step(.frameRejected(.compression)) }
      let message: Message
      do throws(ByteError) {
        message = try Message.decode(frame.header, frame.payload, hashing: OpenSSLHash())
      } catch { return try step(.frameRejected(.message(error))) }
      try step(.messageReceived(message))
    } catch { broken = broken ?? (error as? BrokenProperty) }
  }

  /// One step and the answers to all that it asks for.
  private mutating func step(_ input: SessionInput) throws {
    var inputs = [input]
    // Each message is answered in a few rounds: what is asked again and again goes round for ever.
    for _ in 0..<64 {
      guard !inputs.isEmpty else { return }
      var next: [SessionInput] = []
      for input in inputs {
        try require(!isClosed || session.isUp == false, "up after its end")
        let output = session.step(input, now: now)
        for message in output.sendNow { _ = message.frame.bytes }
        sent += output.sendNow
        isClosed = isClosed || output.close != nil
        try require(output.close == nil || output.requests.isEmpty, "asks after its end")
        next += output.writes.map {
          .committed($0.ticket, CommitReport(outcomesEnd: 0, logEnd: .start))
        }
        next += output.requests.compactMap(Self.answer)
      }
      inputs = isClosed ? [] : next
    }
    try require(inputs.isEmpty, "asks without an end")
  }

  private static func answer(_ request: SessionRequest) -> SessionInput? {
    switch request {
    case .judge: .helloJudged(HelloJudgement(resume: PerLane(both: .start)))
    case .load(let lane, let after, _, _, _):
      .batchLoaded(lane, RowBatch(after: after, last: .start, entries: []), .start)
    case .loadOutcomes: .outcomesLoaded([])
    case .readFile(let wanted, _, _, _): .fileUnavailable(wanted, .notEntitled)
    case .writeFile(let wanted, let offset, let bytes, _):
      .fileWritten(wanted, upTo: offset + UInt64(bytes.count))
    }
  }
}
