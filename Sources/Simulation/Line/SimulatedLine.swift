import Replication

/// The wide-area line of one province: what every connection over it suffers.
final class SimulatedLine {
  let province: SiteID
  var latency: Duration = .milliseconds(5)
  /// Each piece comes up to so much later than it would; never before one sent earlier.
  var jitter: Duration = .zero
  /// In each direction.
  var bitsPerSecond = 10_000_000
  /// An end that reads no faster than this; nil: as fast as the line brings it.
  var slowReader: (end: ConnectionEnd, bitsPerSecond: Int)?
  /// The line is cut when so many more bytes have come through, both directions together.
  var byteCountUntilCut: Int?
  /// What happens to the next pieces that arrive.
  var plannedDamage: [Damage] = []
  /// Ends whose bytes do not come through for now; TCP sends them again, so they come later.
  private(set) var blocked: Set<ConnectionEnd> = []
  /// Bytes that came through, both directions together.
  private(set) var byteCount = 0
  private(set) var isCut = false
  private var connections: [SimulatedConnection] = []
  unowned let world: SimulatedWorld

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

  // MARK: Less than a cut

  func block(from end: ConnectionEnd) {
    guard blocked.insert(end).inserted else { return }
    world.note("line \(province) brings nothing from the \(end)")
  }

  func unblock(from end: ConnectionEnd) {
    guard blocked.remove(end) != nil else { return }
    world.note("line \(province) brings what comes from the \(end) again")
    for connection in connections { connection.release(from: end) }
  }

  /// Its connection is gone for one end, and up as far as the other knows.
  /// - Parameter lateFor: what that end had sent still comes, so much later; nil: never.
  /// - Returns: false without a connection.
  func halfOpen(telling end: ConnectionEnd, lateFor: Duration?) -> Bool {
    guard let connection = connections.last(where: { !$0.isBroken && $0.isWhole }) else {
      return false
    }
    world.note("line \(province) is half open: the \(end) knows")
    connection.end(for: end, lateFor: lateFor)
    return true
  }

  /// The next frame that `end` sends is spoiled.
  func spoil(_ kind: Spoiling, from end: ConnectionEnd) {
    connections.last { !$0.isBroken }?.plannedSpoiling = (end, kind)
  }

  // MARK: For its connections

  func bitsPerSecond(to end: ConnectionEnd) -> Int {
    guard let slow = slowReader, slow.end == end else { return bitsPerSecond }
    return min(slow.bitsPerSecond, bitsPerSecond)
  }

  /// Counts what comes through.
  /// - Returns: how many of the bytes do; fewer when the line is cut among them.
  func pass(_ count: Int) -> Int {
    guard let left = byteCountUntilCut else {
      byteCount += count
      return count
    }
    let passed = min(left, count)
    byteCount += passed
    byteCountUntilCut = left - passed
    return passed
  }

  func takeDamage() -> Damage? { plannedDamage.isEmpty ? nil : plannedDamage.removeFirst() }
}

/// What a bad line does to a piece of a stream. TLS notices each; no byte of it reaches a session.
enum Damage: Hashable, Sendable {
  case flippedBit
  case repeated
}

enum ConnectionEnd: Hashable, Sendable {
  case dialler, acceptor
  var other: ConnectionEnd { self == .dialler ? .acceptor : .dialler }
}

enum ConnectionEvent {
  case received([UInt8])
  /// The other end closed it.
  case closed
  /// Nobody did.
  case broken
}
