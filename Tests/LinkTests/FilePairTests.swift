import Testing

@testable import Replication

/// Two sites that want files of each other while entries flow, on a line that is cut at any byte.
private struct FileWorld {
  static let window = UInt64(LinkLimits().fileWindowByteCount)

  var pair: LinkPair
  var random: TestRandom
  /// What each side still wants, with its size as it was told; offered again after each cut.
  var wishes: [WritableKeyPath<LinkPair, FakeSite>: [Wanted: UInt64?]] = [:]
  var cutCount = 0
  var sequence = UInt64(1)
  var largestFrame = 0

  static var sides: [(WritableKeyPath<LinkPair, FakeSite>, WritableKeyPath<LinkPair, FakeSite>)] {
    [(\.province, \.centre), (\.centre, \.province)]
  }

  init(seed: UInt64) {
    pair = pairWithRows(1)
    random = TestRandom(state: seed)
    pair.limits.largestFrameByteCount = 16 << 10
    pair.province.commitsAtOnce = false
    pair.centre.commitsAtOnce = false
    for (side, _) in Self.sides { wishes[side] = [:] }
  }

  /// `holder` has the content, the other side wants it.
  mutating func add(
    _ wanted: Wanted, _ content: [UInt8], heldBy holder: WritableKeyPath<LinkPair, FakeSite>,
    size: UInt64?
  ) {
    pair[keyPath: holder].disk.held[wanted] = content
    wishes[holder == \.province ? \.centre : \.province]?[wanted] = .some(size)
  }

  mutating func wantMore(_ side: WritableKeyPath<LinkPair, FakeSite>) {
    let wanted = Set(pair[keyPath: side].session.takingPlaces.map(\.wanted))
    var free = pair[keyPath: side].session.freeFilePlaces
    let sorted = (wishes[side] ?? [:]).sorted { $0.key.description < $1.key.description }
    for (key, size) in sorted where free > 0 && !wanted.contains(key) {
      let offset = UInt64(pair[keyPath: side].disk.taken[key]?.count ?? 0)
      pair[keyPath: side].step(.fileWanted(key, byteCount: size, offset: offset), pair.now)
      free -= 1
    }
  }

  mutating func noteTaken(_ side: WritableKeyPath<LinkPair, FakeSite>, _ other: FakeSite) {
    for (key, _) in wishes[side] ?? [:]
    where pair[keyPath: side].disk.taken[key]?.count == other.disk.held[key]?.count {
      // The last word of the series is out too, or it would be wanted twice.
      if pair[keyPath: side].session.takingPlaces.contains(where: { $0.wanted == key }) { continue }
      wishes[side]?[key] = nil
    }
  }

  var isDone: Bool { wishes.values.allSatisfy(\.isEmpty) }
  var isClosed: Bool { Self.sides.contains { !pair[keyPath: $0.0].closures.isEmpty } }

  /// One thing happens.
  mutating func step() {
    let (side, other) = Self.sides[Int.random(in: 0...1, using: &random)]
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<9:
      let count = min(
        pair[keyPath: side].outbox.count, Int.random(in: 1...20_000, using: &random))
      let bytes = pair[keyPath: side].takeOutbox(count)
      if count > 0 { pair[keyPath: other].receive(bytes, pair.now) }
    case 9..<15: _ = pair[keyPath: side].workDisk(pair.now)
    case 15, 16:
      guard let ticket = pair[keyPath: side].pending.last?.ticket else { break }
      pair[keyPath: side].commit()
      let report = pair[keyPath: side].report
      pair[keyPath: side].step(.committed(ticket, report), pair.now)
    case 17:
      sequence += 1
      let lane: Lane = Bool.random(using: &random) ? .urgent : .normal
      let size = Int.random(in: 8...3_000, using: &random)
      let entry = testEntry(pair[keyPath: side].id, sequence, lane: lane, bodyByteCount: size)
      pair[keyPath: side].log.append(entry)
      let end = pair[keyPath: side].log.sealedEnd
      pair[keyPath: side].step(.logGrew(end), pair.now)
    default:
      noteTaken(side, pair[keyPath: other])
      wantMore(side)
      pair.now = pair.now + .milliseconds(Int.random(in: 0...30, using: &random))
      pair[keyPath: side].step(.deadlineReached, pair.now)
    }
    check()
  }

  mutating func check() {
    for (side, _) in Self.sides {
      let site = pair[keyPath: side]
      if let progress = site.session.progress {
        largestFrame = max(largestFrame, progress.frameByteCount)
      }
      #expect(site.session.outstandingFileByteCount <= Self.window)
      #expect(site.session.takingPlaces.count <= 4)
      #expect(site.disk.requests.count { if case .readFile = $0 { true } else { false } } <= 1)
      #expect(site.closures.isEmpty, "\(site.closures)")
    }
  }

  /// The line breaks at whatever byte it has reached; one end may be killed as well, and then what
  /// its disk was asked to write is lost.
  mutating func cut() {
    cutCount += 1
    for (side, other) in Self.sides {
      if Bool.random(using: &random) {
        for request in pair[keyPath: side].disk.requests {
          guard case .writeFile = request else { continue }
          pair[keyPath: side].disk.requests = [request]
          _ = pair[keyPath: side].disk.answerNext(queuedByteCount: 0)
        }
      }
      let taken = pair[keyPath: side].disk.taken
      let lost = pair[keyPath: other].disk.sentUpTo.reduce(0) { sum, sent in
        sum + sent.value - UInt64(taken[sent.key]?.count ?? 0)
      }
      #expect(lost <= Self.window, "cut \(cutCount)")
    }
    pair.cut()
    for (side, _) in Self.sides { pair[keyPath: side].closures = [] }
    pair.connect()
  }
}

extension Session {
  fileprivate var taking: FileTaking? {
    if case .streaming(let streaming) = state { streaming.receiving.files } else { nil }
  }
  fileprivate var takingPlaces: [FileTaking.Place] { taking?.places ?? [] }
  fileprivate var outstandingFileByteCount: UInt64 { taking?.outstandingByteCount ?? 0 }
}

@Suite struct FilePairTests {
  private static func file(_ number: UInt64) -> Wanted {
    .file(Digest(Bytes32(number, 0, 0, number)))
  }

  private static func content(_ count: Int, _ salt: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) ^ salt) }
  }

  @Test(arguments: UInt64(0)..<8)
  func filesArriveWholeWhateverIsCut(seed: UInt64) {
    var world = FileWorld(seed: seed)
    let sizes = [1, 700, 65_536, 262_144, 262_145, 400_000, 150_000, 600_000]
    for (index, size) in sizes.enumerated() {
      let (holder, _) = FileWorld.sides[index % 2]
      world.add(
        Self.file(UInt64(index) + 1), Self.content(size, index), heldBy: holder,
        size: UInt64(size))
    }
    let entry = testEntry(site("lang-son"), 1, bodyByteCount: 200_000)
    world.add(.entry(entry.digest), entry.wireBytes, heldBy: \.province, size: nil)
    world.pair.connect()
    for _ in 0..<100_000 where !world.isDone && !world.isClosed {
      world.step()
      if Int.random(in: 0..<100, using: &world.random) == 0, world.cutCount < 20 { world.cut() }
    }
    #expect(world.isDone, "\(world.wishes)")
    #expect(world.cutCount >= 3)
    for (side, other) in FileWorld.sides {
      let (taker, holder) = (world.pair[keyPath: side], world.pair[keyPath: other])
      #expect(taker.disk.taken == holder.disk.held)
      let size = holder.disk.held.values.reduce(0) { $0 + $1.count }
      let again = holder.disk.sentByteCount - size
      #expect((0...world.cutCount * LinkLimits().fileWindowByteCount).contains(again))
      // One frame of the line, with the headers of the pieces that make it up.
      #expect(holder.disk.largestWait <= world.largestFrame + 66 * 16)
    }
    let repaired = world.pair.centre.disk.taken[.entry(entry.digest)] ?? []
    #expect((try? Entry(wireBytes: repaired, hashing: TestHashing())) == entry)
    // And the lanes were not held up for ever either.
    world.pair.run()
    for lane in Lane.allCases {
      #expect(
        world.pair.centre.taken[lane].count
          == expectedEntries(lane, of: world.pair.province, at: world.pair.centre).count)
    }
  }

  /// A holder that has nothing but four files of a size to send.
  private func pairWithFiles(_ count: Int, size: Int) -> LinkPair {
    var pair = pairWithRows(1)
    for number in 1...UInt64(count) {
      pair.centre.disk.held[Self.file(number)] = Self.content(size, Int(number))
    }
    pair.connect()
    pair.run()
    for number in 1...UInt64(count) {
      pair.province.step(
        .fileWanted(Self.file(number), byteCount: UInt64(size), offset: 0), pair.now)
    }
    return pair
  }

  @Test func severalFilesTakeTurns() {
    var pair = pairWithFiles(4, size: 1 << 20)
    pair.run()
    #expect(pair.province.disk.taken == pair.centre.disk.held)
    #expect(pair.province.session.freeFilePlaces == 4)
    // In any stretch of the pieces each file has about its share.
    let pieces = pair.centre.disk.sentPieces
    for start in stride(from: 8, to: pieces.count - 24, by: 4) {
      let stretch = pieces[start..<start + 16]
      for number in UInt64(1)...4 {
        #expect((2...6).contains(stretch.count { $0 == Self.file(number) }))
      }
    }
  }

  @Test func aFastLineGetsLargePiecesAndALaneStillGoesFirst() {
    var pair = pairWithFiles(1, size: 8 << 20)
    pair.run()
    #expect(pair.province.disk.taken == pair.centre.disk.held)
    // 128 pieces would be the fewest.
    #expect(pair.centre.disk.sentPieces.count < 140)
  }

  /// A lane that always has something to send leaves a file one frame in nine, and no more.
  @Test func aCatchUpNeitherStarvesAFileNorWaitsForIt() {
    var pair = pairWithFiles(1, size: 200_000)
    for number in UInt64(2)...600 {
      pair.centre.log.append(testEntry(pair.centre.id, number, bodyByteCount: 6_000))
    }
    pair.limits.largestFrameByteCount = 8 << 10
    pair.connect()
    for limit in stride(from: 0, to: 20_000, by: 50) where !pair.province.session.isUp {
      pair.run(for: .zero, upToByte: limit)
    }
    pair.province.step(
      .fileWanted(Self.file(1), byteCount: 200_000, offset: 0), pair.now)
    pair.centre.disk.sentPieces = []
    var frames: [MessageType] = []
    var seen = 0
    while pair.province.disk.taken[Self.file(1)]?.count != 200_000, seen < 10_000 {
      seen += 1
      let waiting = pair.centre.disk.queue.count
      _ = pair.centre.workDisk(pair.now)
      frames += pair.centre.disk.queue.dropFirst(waiting).map(\.type)
      let bytes = pair.centre.takeOutbox(min(pair.centre.outbox.count, 9_000))
      pair.province.receive(bytes, pair.now)
      _ = pair.province.workDisk(pair.now)
      let answer = pair.province.takeOutbox(pair.province.outbox.count)
      let before = pair.centre.disk.queue.count
      pair.centre.receive(answer, pair.now)
      frames += pair.centre.disk.queue.dropFirst(before).map(\.type)
    }
    #expect(pair.province.disk.taken == pair.centre.disk.held)
    #expect(pair.centre.log.rows.count > pair.province.taken.normal.count)
    let places = frames.indices.filter { frames[$0] == .file }
    #expect(places.count >= 24)
    let between = zip(places, places.dropFirst()).map { first, second in
      frames[first..<second].count { $0 == .entries }
    }
    // While a piece is read, frames of what was acknowledged meanwhile go before it or after it.
    let most = 2 * pair.limits.laneFramesPerFileFrame
    #expect(between.allSatisfy { $0 < most }, "\(between)")
    let share = Double(between.reduce(0, +)) / Double(between.count)
    #expect((7.5...8.5).contains(share), "\(between)")
  }

  /// A catch-up that waits for acknowledgements leaves no gap and no turn for a file; an entry
  /// under repair goes all the same, because they may wait for it.
  @Test func anEntryUnderRepairWaitsForNoTurn() {
    var session = upSession()
    let wanted = Wanted.entry(Digest(Bytes32(5, 5, 5, 5)))
    let end = Checkpoint(
      incarnation: incarnation(1), lsn: LSN(9), head: .zero, tag: Bytes16(high: 0, low: 9))
    let loading = session.step(.logGrew(end), now: seconds(100))
    #expect(!loading.requests.isEmpty, "a lane loads, so it is busy")
    func reads(_ wanted: Wanted) -> [SessionRequest] {
      let want = WantMessage(wanted, .begin(FileWindow(taken: 0, upTo: 9)))
      return session.step(.messageReceived(.want(want)), now: seconds(100)).requests
    }
    #expect(reads(Self.file(1)).isEmpty)
    #expect(
      reads(wanted) == [.readFile(wanted, offset: 0, byteCount: 9, whenQueuedAtMost: nil)])
  }

  @Test func nothingIsAskedForWhileTheDiskIsFull() {
    var pair = pairWithFiles(2, size: 1 << 20)
    pair.province.step(.storageFullChanged(true), pair.now)
    pair.run()
    #expect(pair.province.disk.taken.values.reduce(0) { $0 + $1.count } == 256 << 10)
    pair.province.step(.storageFullChanged(false), pair.now)
    pair.run()
    #expect(pair.province.disk.taken == pair.centre.disk.held)
  }

  @Test func aFileOfAnotherSizeIsRefusedAndTheLinkStays() {
    for told in [999_999, 1_000_001, UInt64(3)] {
      var pair = pairWithRows(1)
      pair.centre.disk.held[Self.file(1)] = Self.content(1_000_000, 1)
      pair.connect()
      pair.run()
      pair.province.step(.fileWanted(Self.file(1), byteCount: told, offset: 2), pair.now)
      pair.run()
      #expect(pair.province.events.last == .fileRefused(Self.file(1), .otherSize))
      #expect(pair.province.disk.taken.isEmpty)
      #expect(pair.province.closures.isEmpty && pair.centre.closures.isEmpty)
      #expect(pair.province.session.freeFilePlaces == 4)
    }
  }

  @Test func whatDoesNotComeIsSaidAndOthersGoOn() {
    var pair = pairWithFiles(3, size: 300_000)
    pair.centre.disk.refusals[Self.file(2)] = .notEntitled
    pair.run()
    #expect(pair.province.events.contains(.fileRefused(Self.file(2), .notEntitled)))
    #expect(pair.province.disk.taken.count == 2)
    #expect(pair.province.session.freeFilePlaces == 4)
    pair.centre.disk.refusals = [:]
    pair.province.step(
      .fileWanted(Self.file(2), byteCount: 300_000, offset: 0), pair.now)
    pair.run()
    #expect(pair.province.disk.taken == pair.centre.disk.held)
  }

  @Test(arguments: UInt64(0)..<20)
  func withdrawingAndWantingAgainNeverConfusesThePeer(seed: UInt64) {
    var random = TestRandom(state: seed)
    var pair = pairWithFiles(4, size: 500_000)
    for _ in 0..<300 {
      let number = UInt64.random(in: 1...4, using: &random)
      let wanted = Self.file(number)
      let place = pair.province.session.takingPlaces.first { $0.wanted == wanted }
      if Bool.random(using: &random), let place, case .taking = place.series {
        // The shell waits for its own writes before it wants the same again.
        while pair.province.disk.requests.isEmpty == false { _ = pair.province.workDisk(pair.now) }
        pair.province.step(.wantCancelled(wanted), pair.now)
        let offset = UInt64(pair.province.disk.taken[wanted]?.count ?? 0)
        if Bool.random(using: &random), offset < 500_000 {
          pair.province.step(
            .fileWanted(wanted, byteCount: 500_000, offset: offset), pair.now)
        }
      }
      let bytes = pair.centre.takeOutbox(
        min(pair.centre.outbox.count, Int.random(in: 0...9_000, using: &random)))
      pair.province.receive(bytes, pair.now)
      let back = pair.province.takeOutbox(
        min(pair.province.outbox.count, Int.random(in: 0...200, using: &random)))
      pair.centre.receive(back, pair.now)
      _ = pair.centre.workDisk(pair.now)
      _ = pair.province.workDisk(pair.now)
    }
    pair.run()
    #expect(pair.province.closures.isEmpty && pair.centre.closures.isEmpty)
    for number in UInt64(1)...4 where pair.province.session.freeFilePlaces > 0 {
      let offset = UInt64(pair.province.disk.taken[Self.file(number)]?.count ?? 0)
      guard offset < 500_000 else { continue }
      pair.province.step(
        .fileWanted(Self.file(number), byteCount: 500_000, offset: offset), pair.now)
    }
    pair.run()
    #expect(pair.province.disk.taken == pair.centre.disk.held)
    #expect(pair.province.session.freeFilePlaces == 4)
  }
}
