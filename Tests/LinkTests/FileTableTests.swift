import Testing

@testable import Replication

private let now = seconds(100)
private let nonce = Bytes16(high: 9, low: 9)

/// A session that is up, of the version, with a resume point that is durable.
func upSession(version: ProtocolVersion = 2, limits: LinkLimits = LinkLimits()) -> Session {
  var hello = testHello()
  hello.protocolMaximum = version
  var session = Session(limits: limits)
  for input: SessionInput in [
    .opened(
      LocalView(
        role: .dialler, site: site("lang-son"), incarnation: incarnation(1), nonce: nonce,
        peer: site("trung-uong"), logEnd: .start, peerState: PeerState(), registry: .builtIn,
        outcomesEnd: 0, isRecovering: false, isStorageFull: false, software: "test")),
    .messageReceived(.hello(hello)), .helloJudged(HelloJudgement(resume: PerLane(both: .start))),
    .messageReceived(
      .helloOK(
        HelloOK(version: version, nonce: nonce, resume: PerLane(both: .start), outcomeCursor: 0))),
    .committed(Ticket(1), CommitReport(outcomesEnd: 0, logEnd: .start)),
  ] { _ = session.step(input, now: now) }
  return session
}

/// Every message and answer about a content in every state of it, at both ends.
@Suite struct FileTableTests {
  private static let file = Wanted.file(Digest(Bytes32(1, 1, 1, 1)))
  private static let entry = Wanted.entry(Digest(Bytes32(2, 2, 2, 2)))

  private static func piece(
    _ offset: UInt64, _ count: Int, of total: UInt64 = 300_000, _ wanted: Wanted = file
  ) -> SessionInput {
    let bytes = [UInt8](repeating: 7, count: count)
    let piece = FilePiece(offset: offset, totalByteCount: total, bytes: bytes)
    return .messageReceived(.file(FileMessage(wanted, .piece(piece))))
  }

  private static func refused(_ reason: FileRefusal) -> SessionInput {
    .messageReceived(.file(FileMessage(file, .refused(reason))))
  }

  private static func want(_ form: WantMessage.Form, _ wanted: Wanted = file) -> SessionInput {
    .messageReceived(.want(WantMessage(wanted, form)))
  }

  private static func window(_ taken: UInt64, _ upTo: UInt64) -> FileWindow {
    FileWindow(taken: taken, upTo: upTo)
  }

  private static func read(_ offset: UInt64, _ count: Int, of total: UInt64) -> SessionInput {
    .fileRead(
      file, offset: offset, bytes: [UInt8](repeating: 7, count: count), totalByteCount: total)
  }

  private typealias Row = (state: String, input: String, output: String)

  // MARK: This site wants

  private static let asked = SessionInput.fileWanted(file, byteCount: 300_000, offset: 1_000)

  private static let takingStates: [String: [SessionInput]] = [
    "nothing": [],
    "begun": [asked],
    "partly": [asked, piece(1_000, 9_000)],
    "short": [.fileWanted(file, byteCount: 5_000, offset: 1_000)],
    "received": [
      .fileWanted(file, byteCount: 5_000, offset: 1_000), piece(1_000, 4_000, of: 5_000),
    ],
    "withdrawing": [asked, .wantCancelled(file)],
    "withdrawing one of two": [
      asked, .wantCancelled(file), .fileWanted(entry, byteCount: nil, offset: 0),
    ],
    "again": [asked, .wantCancelled(file), .fileWanted(file, byteCount: 300_000, offset: 5)],
    "entry": [.fileWanted(entry, byteCount: nil, offset: 0)],
    "full": [asked, .storageFullChanged(true), piece(1_000, 9_000)],
  ]

  private static let takingInputs: [String: SessionInput] = [
    "next piece": piece(1_000, 9_000),
    "piece after it": piece(10_000, 9_000),
    "overlap": piece(9_999, 9_000),
    "whole": piece(1_000, 4_000, of: 5_000),
    "too far": piece(10_000, 253_145),
    "just so far": piece(10_000, 253_144),
    "other size": piece(1_000, 9_000, of: 299_999),
    "size changes": piece(10_000, 9_000, of: 300_001),
    "entry": piece(0, 700, of: 700, entry),
    "huge entry": piece(0, 700, of: UInt64(Entry.maximumWireByteCount) + 1, entry),
    "refused": refused(.notHere),
    "withdrawn": refused(.withdrawn),
    "written": .fileWritten(file, upTo: 10_000),
    "all written": .fileWritten(file, upTo: 5_000),
    "cancel": .wantCancelled(file),
    "wanted": asked,
    "another wanted": .fileWanted(entry, byteCount: nil, offset: 0),
    "room": .storageFullChanged(false),
  ]

  private static let takingTable: [Row] = [
    ("nothing", "next piece", "FILE for what is not wanted"),
    ("nothing", "refused", "FILE for what is not wanted"),
    ("nothing", "withdrawn", "FILE for what is not wanted"),
    ("nothing", "written", ""),
    ("nothing", "cancel", ""),
    ("nothing", "wanted", "begin 1000 to 263144"),
    ("begun", "next piece", "write 9000 at 1000"),
    ("begun", "piece after it", "FILE at 10000, expected at 1000"),
    ("begun", "other size", "withdraw, refused other-size"),
    ("begun", "refused", "refused not-here"),
    ("begun", "withdrawn", "FILE for what is not wanted"),
    ("begun", "cancel", "withdraw"),
    ("partly", "piece after it", "write 9000 at 10000"),
    ("partly", "overlap", "FILE at 9999, expected at 10000"),
    ("partly", "next piece", "FILE at 1000, expected at 10000"),
    ("partly", "just so far", "write 253144 at 10000"),
    ("partly", "too far", "FILE up to 263145, wanted up to 263144"),
    ("partly", "size changes", "FILE of 300001 bytes in all, before 300000"),
    ("partly", "written", "more 10000 to 272144"),
    ("partly", "refused", "refused not-here"),
    ("partly", "cancel", "withdraw"),
    ("short", "whole", "write 4000 at 1000"),
    ("received", "all written", "more 5000 to 5000"),
    ("received", "cancel", "withdraw"),
    ("withdrawing", "next piece", ""),
    ("withdrawing", "overlap", ""),
    ("withdrawing", "refused", ""),
    ("withdrawing", "written", ""),
    ("withdrawing", "cancel", ""),
    ("withdrawing", "wanted", ""),
    ("withdrawing", "withdrawn", ""),
    // What may still come of the one is not asked for of another.
    ("withdrawing", "another wanted", "begin 0 to 0"),
    ("withdrawing one of two", "withdrawn", "more 0 to 262144"),
    ("begun", "another wanted", "begin 0 to 0"),
    ("again", "next piece", ""),
    ("again", "withdrawn", "begin 5 to 262149"),
    ("again", "cancel", ""),
    ("entry", "entry", "write 700 at 0"),
    ("entry", "huge entry", "an entry of \(Entry.maximumWireByteCount + 1) bytes"),
    ("full", "written", "more 10000 to 263144"),
    ("full", "room", "ACK, ACK"),
  ]

  @Test(arguments: takingTable.indices)
  func whatIsWanted(index: Int) throws {
    let row = Self.takingTable[index]
    let path = try #require(Self.takingStates[row.state])
    let input = try #require(Self.takingInputs[row.input])
    expect(after: path, input, row.output, "\(row.input) in \(row.state)")
  }

  // MARK: The peer wants

  private static let begun = want(.begin(window(0, 262_144)))

  private static let servingStates: [String: [SessionInput]] = [
    "nothing": [],
    "reading": [begun],
    "sent": [begun, read(0, 8_192, of: 300_000)],
    "waiting": [want(.begin(window(0, 8_192))), read(0, 8_192, of: 300_000)],
    "narrow": [want(.begin(window(0, 12_000)))],
    "withdrawn": [begun, want(.withdraw)],
    "begun again": [begun, want(.withdraw), want(.begin(window(50, 262_194)))],
    "done": [begun, read(0, 700, of: 700)],
    "full": (1...4).map {
      want(.begin(window(0, 9)), .file(Digest(Bytes32(9, 9, 9, UInt64($0)))))
    },
  ]

  private static let servingInputs: [String: SessionInput] = [
    "begin": begun,
    "one more begun": want(.begin(window(0, 9)), entry),
    "begin empty": want(.begin(window(0, 0))),
    "more": want(.more(window(8_192, 270_336))),
    "late": want(.more(window(8_192, 262_144))),
    "end": want(.more(window(700, 262_144))),
    "window back": want(.more(window(0, 262_143))),
    "beyond": want(.more(window(8_193, 270_336))),
    "withdraw": want(.withdraw),
    "read": read(0, 8_192, of: 300_000),
    "read of 12000": read(0, 8_192, of: 12_000),
    "short": read(0, 700, of: 700),
    "empty": .fileRead(file, offset: 0, bytes: [], totalByteCount: 0),
    "next read": read(8_192, 8_192, of: 300_000),
    "other total": read(8_192, 8_192, of: 300_001),
    "not here": .fileUnavailable(file, .notHere),
  ]

  private static let servingTable: [Row] = [
    ("nothing", "begin", "read 8192 at 0 when 0 queued"),
    ("nothing", "begin empty", ""),
    ("nothing", "more", ""),
    ("nothing", "withdraw", "refuse withdrawn"),
    ("reading", "begin", "WANT begins what is wanted already"),
    ("reading", "read", "piece 8192 at 0, read 8192 at 8192 when 0 queued"),
    ("reading", "short", "piece 700 at 0"),
    ("reading", "empty", "refuse other-size"),
    ("reading", "not here", "refuse not-here"),
    ("reading", "more", "WANT has taken 8192, sent 0"),
    ("reading", "withdraw", "refuse withdrawn"),
    // At once, alone: the frame grows, and what is being read keeps its size.
    ("sent", "more", ""),
    ("sent", "late", ""),
    ("sent", "beyond", "WANT has taken 8193, sent 8192"),
    ("sent", "window back", "WANT goes back to 0, after 0"),
    ("sent", "next read", "piece 8192 at 8192, read 8192 at 16384 when 0 queued"),
    ("sent", "other total", "refuse damaged"),
    ("sent", "not here", "refuse not-here"),
    // The frame has grown to 16384: this piece ends where such a piece would.
    ("waiting", "more", "read 8192 at 8192 when 8192 queued"),
    ("waiting", "withdraw", "refuse withdrawn"),
    // What is left of a window is no piece, unless it is the end.
    ("narrow", "read", "piece 8192 at 0"),
    ("narrow", "read of 12000", "piece 8192 at 0, read 3808 at 8192 when 4384 queued"),
    ("reading", "one more begun", ""),
    ("withdrawn", "read", ""),
    ("withdrawn", "not here", ""),
    ("withdrawn", "more", ""),
    ("withdrawn", "withdraw", "refuse withdrawn"),
    ("begun again", "read", "read 8142 at 50 when 50 queued"),
    ("begun again", "not here", "read 8142 at 50 when 50 queued"),
    ("done", "end", ""),
    ("full", "begin", "more wants at once than there are places"),
    ("full", "withdraw", "refuse withdrawn"),
  ]

  @Test(arguments: servingTable.indices)
  func whatThePeerWants(index: Int) throws {
    let row = Self.servingTable[index]
    let path = try #require(Self.servingStates[row.state])
    let input = try #require(Self.servingInputs[row.input])
    expect(after: path, input, row.output, "\(row.input) in \(row.state)")
  }

  @Test func aPeerOfVersion1GetsNoWantAndSendsNone() {
    var session = upSession(version: 1)
    #expect(session.freeFilePlaces == 0)
    let want = session.step(Self.begun, now: now)
    #expect(want.close == .violation(.unexpected(.want, state: "speaking version 1")))
    session = upSession(version: 1)
    let file = session.step(Self.refused(.notHere), now: now)
    #expect(file.close == .violation(.unexpected(.file, state: "speaking version 1")))
  }

  @Test func placesAreFreeAgainAtTheEndOfASeries() {
    for (ends, free) in [
      ([], 3), ([.wantCancelled(Self.file)], 3),
      ([.wantCancelled(Self.file), Self.refused(.withdrawn)], 4), ([Self.refused(.busy)], 4),
      ([Self.piece(1_000, 4_000, of: 300_000), .fileWritten(Self.file, upTo: 5_000)], 3),
    ] as [([SessionInput], Int)] {
      var session = upSession()
      #expect(session.freeFilePlaces == 4)
      for input in [Self.asked] + ends { _ = session.step(input, now: now) }
      #expect(session.freeFilePlaces == free)
    }
    var session = upSession()
    for input in Self.takingStates["received"] ?? [] { _ = session.step(input, now: now) }
    _ = session.step(.fileWritten(Self.file, upTo: 5_000), now: now)
    #expect(session.freeFilePlaces == 4)
    _ = session.step(.closeRequested(.transportEnded), now: now)
    #expect(session.freeFilePlaces == 0)
  }

  private func expect(
    after path: [SessionInput], _ input: SessionInput, _ expected: String, _ comment: String
  ) {
    var session = upSession()
    for earlier in path { #expect(session.step(earlier, now: now).close == nil) }
    let output = session.step(input, now: now)
    #expect(Self.words(output) == expected, "\(comment)")
  }

  private static func words(_ output: StepOutput) -> String {
    if case .violation(let violation) = output.close { return violation.description }
    return (output.sendNow.map(word) + output.requests.map(word) + output.events.map(word))
      .joined(separator: ", ")
  }

  private static func word(_ message: Message) -> String {
    switch message {
    case .want(let want):
      switch want.form {
      case .begin(let window): "begin \(window.taken) to \(window.upTo)"
      case .more(let window): "more \(window.taken) to \(window.upTo)"
      case .withdraw: "withdraw"
      }
    case .file(let file):
      switch file.form {
      case .piece(let piece): "piece \(piece.bytes.count) at \(piece.offset)"
      case .refused(let reason): "refuse \(reason)"
      }
    case .hello, .helloOK, .refuse, .entries, .acknowledge, .ping: message.type.description
    }
  }

  private static func word(_ request: SessionRequest) -> String {
    switch request {
    case .readFile(_, let offset, let count, let limit):
      "read \(count) at \(offset)" + (limit.map { " when \($0) queued" } ?? " in turn")
    case .writeFile(_, let offset, let bytes, _): "write \(bytes.count) at \(offset)"
    case .judge, .load, .loadOutcomes: "another request"
    }
  }

  private static func word(_ event: SessionEvent) -> String {
    if case .fileRefused(_, let reason) = event { "refused \(reason)" } else { "another event" }
  }
}
