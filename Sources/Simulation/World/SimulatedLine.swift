import Replication

/// The wide-area line of one province: what every connection over it suffers.
final class SimulatedLine {
  let province: SiteID
  var latency: Duration = .milliseconds(5)
  /// In each direction.
  var bitsPerSecond = 10_000_000
  /// The line is cut when so many more bytes have come through, both directions together.
  var byteCountUntilCut: Int?
  /// Bytes that came through, both directions together.
  private(set) var byteCount = 0
  private(set) var isCut = false
  private var connections: [SimulatedConnection] = []
  private unowned let world: SimulatedWorld

  init(province: SiteID, world: SimulatedWorld) {
    self.province = province
    self.world = world
  }

  func connect() -> SimulatedConnection {
    connections.removeAll { $0.isBroken }
    let connection = SimulatedConnection(line: self, world: world)
    connections.append(connection)
    return connection
  }

  /// - Parameter silently: no end hears of it: both wait until their timeouts.
  func cut(silently: Bool = false) {
    guard !isCut else { return }
    world.note("line \(province) cut\(silently ? " silently" : "")")
    isCut = true
    byteCountUntilCut = nil
    for connection in connections { connection.breakDown(silently: silently) }
    connections = []
  }

  func heal() {
    guard isCut else { return }
    world.note("line \(province) healed")
    isCut = false
  }

  /// Counts what comes through.
  /// - Returns: how many of the bytes do; fewer when the line is cut among them.
  fileprivate func pass(_ count: Int) -> Int {
    guard let left = byteCountUntilCut else {
      byteCount += count
      return count
    }
    let passed = min(left, count)
    byteCount += passed
    byteCountUntilCut = left - passed
    return passed
  }
}

enum ConnectionEnd: Hashable, Sendable {
  case dialler, acceptor
  var other: ConnectionEnd { self == .dialler ? .acceptor : .dialler }
}

enum ConnectionEvent {
  case received([UInt8])
  case closed
}

/// One connection: a stream of bytes in each direction, in order, never doubled, lost only together
/// with everything after it.
final class SimulatedConnection {
  static let segmentByteCount = 1_400

  private let line: SimulatedLine
  private unowned let world: SimulatedWorld
  private(set) var isBroken = false
  private var receivers: [ConnectionEnd: (ConnectionEvent) -> Void] = [:]
  /// When the line has taken everything written so far at this end.
  private var freeAt: [ConnectionEnd: Instant] = [:]

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
    let wait = (freeAt[end] ?? world.now) - world.now
    return Int(wait / .microseconds(1)) * line.bitsPerSecond / 8_000_000
  }

  func send(_ bytes: [UInt8], from end: ConnectionEnd) {
    world.watchWire(bytes)
    var start = 0
    while start < bytes.count {
      let segment = Array(bytes[start..<min(start + Self.segmentByteCount, bytes.count)])
      start += segment.count
      after(transmitting: segment.count, from: end) { [self] in
        deliver(segment, to: end.other)
      }
    }
  }

  /// Ends the stream once everything written before is through.
  func close(from end: ConnectionEnd) {
    detach(end)
    after(transmitting: 0, from: end) { [self] in
      isBroken = true
      receivers[end.other]?(.closed)
    }
  }

  func breakDown(silently: Bool) {
    guard !isBroken else { return }
    isBroken = true
    guard !silently else { return }
    for end in [ConnectionEnd.dialler, .acceptor] {
      world.after(line.latency) { [self] in receivers[end]?(.closed) }
    }
  }

  private func after(
    transmitting count: Int, from end: ConnectionEnd, _ action: @escaping () -> Void
  ) {
    let start = max(freeAt[end] ?? world.now, world.now)
    let free = start + .nanoseconds(count * 8_000_000_000 / line.bitsPerSecond)
    freeAt[end] = free
    world.at(free + line.latency) { [self] in
      if !isBroken { action() }
    }
  }

  private func deliver(_ segment: [UInt8], to end: ConnectionEnd) {
    let passed = line.pass(segment.count)
    if passed > 0 { receivers[end]?(.received(Array(segment.prefix(passed)))) }
    if line.byteCountUntilCut == 0 { line.cut() }
  }
}
