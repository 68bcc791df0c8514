import Replication

/// One connection: a stream of bytes in each direction, in order, lost only together with
/// everything after it. Instead of TLS each piece carries its number and a sum: a piece that was
/// changed, or came twice, ends the connection as a bad record ends one of TLS.
final class SimulatedConnection {
  static let segmentByteCount = 1_400

  private struct Segment {
    let number: UInt64
    var bytes: [UInt8]
    let sum: UInt64

    init(number: UInt64, bytes: [UInt8]) {
      self.number = number
      self.bytes = bytes
      sum = Self.sum(bytes)
    }

    var isSound: Bool { Self.sum(bytes) == sum }

    private static func sum(_ bytes: [UInt8]) -> UInt64 {
      bytes.reduce(0) { $0 &+ UInt64($1) }
    }
  }

  /// One direction, named after the end that sends.
  private struct Stream {
    /// When the line has taken everything written so far.
    var freeAt = Instant(nanoseconds: 0)
    var lastArrival = Instant(nanoseconds: 0)
    var sentCount: UInt64 = 0
    var takenCount: UInt64 = 0
    /// Arrivals that wait until the line brings them, in order.
    var held: [() -> Void] = []
    var isHeld = false
    /// Nothing of it arrives any more.
    var isOver = false
  }

  private let line: SimulatedLine
  private unowned let world: SimulatedWorld
  private var receivers: [ConnectionEnd: (ConnectionEvent) -> Void] = [:]
  private var streams: [ConnectionEnd: Stream] = [.dialler: Stream(), .acceptor: Stream()]
  private(set) var isBroken = false
  /// Both ends believe in it.
  private(set) var isWhole = true
  /// The next frame that this end sends is spoiled before TLS would seal it.
  var plannedSpoiling: (end: ConnectionEnd, kind: Spoiling)?
  /// A frame of it was spoiled: the end that took it must refuse it.
  private(set) var isSpoiled = false

  init(line: SimulatedLine, world: SimulatedWorld) {
    self.line = line
    self.world = world
  }

  func attach(_ end: ConnectionEnd, _ receiver: @escaping (ConnectionEvent) -> Void) {
    receivers[end] = receiver
  }

  func detach(_ end: ConnectionEnd) { receivers[end] = nil }

  /// Bytes written at this end that wait for the line.
  func queuedByteCount(_ end: ConnectionEnd) -> Int {
    let wait = (streams[end]?.freeAt ?? world.now) - world.now
    return Int(wait / .microseconds(1)) * line.bitsPerSecond(to: end.other) / 8_000_000
  }

  // MARK: Sending

  func send(_ message: Message, from end: ConnectionEnd) {
    var bytes = message.frame.bytes
    if let planned = plannedSpoiling, planned.end == end,
      let spoiled = planned.kind.spoil(bytes, of: message)
    {
      world.note("a frame of the \(end) is spoiled: \(planned.kind)")
      bytes = spoiled
      plannedSpoiling = nil
      isSpoiled = true
      world.inject(.spoiledFrame)
    }
    world.watchWire(bytes)
    var start = 0
    while start < bytes.count {
      let stop = min(start + Self.segmentByteCount, bytes.count)
      let segment = Segment(number: nextNumber(end), bytes: Array(bytes[start..<stop]))
      start = stop
      carry(segment.bytes.count, from: end) { [self] in deliver(segment, to: end.other) }
    }
  }

  private func nextNumber(_ end: ConnectionEnd) -> UInt64 {
    streams[end]?.sentCount += 1
    return streams[end]?.sentCount ?? 0
  }

  /// The other end hears of a connection once this has come through.
  func ask(_ action: @escaping () -> Void) { carry(0, from: .dialler, action) }

  /// Ends the stream once everything written before is through.
  func close(from end: ConnectionEnd) {
    detach(end)
    carry(0, from: end) { [self] in
      isBroken = true
      receivers[end.other]?(.closed)
    }
  }

  private func carry(
    _ count: Int, from end: ConnectionEnd, _ action: @escaping () -> Void
  ) {
    guard var stream = streams[end], !stream.isOver else { return }
    let rate = line.bitsPerSecond(to: end.other)
    stream.freeAt =
      max(stream.freeAt, world.now) + .nanoseconds(count * 8_000_000_000 / rate)
    var arrival = stream.freeAt + line.latency
    if line.jitter > .zero { arrival = arrival + world.randomPart(of: line.jitter) }
    stream.lastArrival = max(stream.lastArrival, arrival)
    streams[end] = stream
    world.at(stream.lastArrival) { [self] in arrived(from: end, action) }
  }

  private func arrived(from end: ConnectionEnd, _ action: @escaping () -> Void) {
    guard !isBroken, let stream = streams[end], !stream.isOver else { return }
    if stream.isHeld || !stream.held.isEmpty || line.blocked.contains(end) {
      streams[end]?.held.append(action)
    } else {
      action()
    }
  }

  /// What was held comes, in order.
  func release(from end: ConnectionEnd) {
    guard streams[end]?.isHeld == false else { return }
    let held = streams[end]?.held ?? []
    streams[end]?.held = []
    for action in held where !isBroken && streams[end]?.isOver == false { action() }
  }

  private func deliver(_ segment: Segment, to end: ConnectionEnd) {
    let damage = line.takeDamage()
    var piece = segment
    if damage == .flippedBit {
      world.inject(.damagedBytes)
      piece.bytes[world.random.below(segment.bytes.count)] ^= 1 << world.random.below(8)
    }
    take(piece, at: end)
    // The first of two may end the connection; nobody sees the second then.
    guard damage == .repeated, !isBroken else { return }
    world.inject(.repeatedBytes)
    take(segment, at: end)
  }

  private func take(_ segment: Segment, at end: ConnectionEnd) {
    guard segment.isSound, segment.number == (streams[end.other]?.takenCount ?? 0) + 1 else {
      world.note("line \(line.province): the \(end) has a bad record")
      world.count(.badRecord)
      return breakDown(silently: false)
    }
    streams[end.other]?.takenCount = segment.number
    let passed = line.pass(segment.bytes.count)
    world.mix(UInt64(passed))
    if passed == segment.bytes.count {
      receivers[end]?(.received(segment.bytes))
    } else if passed > 0 {
      receivers[end]?(.received(Array(segment.bytes.prefix(passed))))
    }
    if line.byteCountUntilCut == 0 { line.cut() }
  }

  // MARK: Its end

  func breakDown(silently: Bool) {
    guard !isBroken else { return }
    isBroken = true
    guard !silently else { return }
    for end in [ConnectionEnd.dialler, .acceptor] {
      world.after(line.latency) { [self] in receivers[end]?(.broken) }
    }
  }

  /// See ``SimulatedLine/halfOpen(telling:lateFor:)``.
  func end(for end: ConnectionEnd, lateFor: Duration?) {
    isWhole = false
    streams[end.other]?.isOver = true
    if let lateFor {
      streams[end]?.isHeld = true
      world.after(lateFor) { [self] in
        streams[end]?.isHeld = false
        release(from: end)
        streams[end]?.isOver = true
      }
    } else {
      streams[end]?.isOver = true
    }
    receivers[end]?(.broken)
  }
}

/// What a peer's fault does to a frame before it is sealed: the one who takes it must notice.
enum Spoiling: CaseIterable {
  /// The reserved byte of its header is not 0.
  case garbled
  /// Entries come twice in one session: the second time they follow on nothing.
  case repeated

  /// - Returns: nil when this message is not one that it spoils for certain.
  func spoil(_ bytes: [UInt8], of message: Message) -> [UInt8]? {
    switch self {
    case .garbled:
      var garbled = bytes
      garbled[7] = 0x5A
      return garbled
    case .repeated:
      guard case .entries = message else { return nil }
      return bytes + bytes
    }
  }
}
