/// What one site knows about itself: its place in its own log and what its next entry needs.
package struct SiteState: Hashable, Sendable {
  /// Random, made with the store: a witness of another store proves nothing about this one.
  package var storeID: Bytes16
  package var site: SiteID
  package var end: LogEnd
  /// Last sequence number given on this branch.
  package var lastSequence: SequenceNumber
  package var clock: HybridTime
  package var greatestDepth: Depth
  /// The registry this site authors under; `builtIn` until one has come.
  package var registry: RegistryRevision
  /// Why this site authors nothing but its genesis; nil when it may write.
  package var lock: LockReason?
  /// Peers that have not yet given back what this site lost (design.md section 4, Recovery).
  package var unconfirmed: [SiteID]

  package init(storeID: Bytes16, site: SiteID) {
    self.storeID = storeID
    self.site = site
    end = .start
    lastSequence = .start
    clock = .zero
    greatestDepth = .zero
    registry = .builtIn
    lock = nil
    unconfirmed = []
  }
}

/// Proof of loss that locked the site. Raw values are on disk.
package enum LockReason: UInt8, Hashable, Sendable, CustomStringConvertible {
  case peerHoldsMore = 1
  case witnessAhead = 2
  case witnessMissing = 3
  case witnessOfAnotherStore = 4
  case restoredByCommand = 5

  package var description: String {
    switch self {
    case .peerHoldsMore: "peer-holds-more"
    case .witnessAhead: "witness-ahead"
    case .witnessMissing: "witness-missing"
    case .witnessOfAnotherStore: "witness-of-another-store"
    case .restoredByCommand: "restored-by-command"
    }
  }
}

/// What is kept about a link, at this end.
package struct PeerState: Hashable, Sendable {
  /// How far this site has the peer's log, per lane: what it quotes in HELLO.
  package var received: [Lane: CheckpointHistory]
  /// How far the peer has acknowledged this site's log, per lane.
  package var acknowledged: [Lane: LSN]
  /// The last word of the peer about the end of its own log: even a peer entitled to nothing is a
  /// witness. While it recovers, its last word before: what it does not have is still to come back.
  package var logEnd: Checkpoint
  /// The peer's outcomes up to this number are here.
  package var outcomesTaken: UInt64
  /// This site recovers on this link until it has the peer's log up to here in every lane.
  package var recoverUpTo: LSN?
  /// The operator went on without this peer's confirmation (`rejoin --without`): a loss that it
  /// proves later reopens recovery on its link and does not lock the site again.
  package var isAnsweredFor: Bool
  /// Under which incarnation the peer writes, as its last HELLO said.
  package var life: Incarnation
  /// What came back over this link since the last loss was found.
  package var cameBack: RecoveryTally

  package init() {
    received = [.normal: CheckpointHistory(), .urgent: CheckpointHistory()]
    acknowledged = [.normal: .start, .urgent: .start]
    logEnd = .start
    outcomesTaken = 0
    recoverUpTo = nil
    isAnsweredFor = false
    life = Checkpoint.start.incarnation
    cameBack = RecoveryTally()
  }

  package func encode(to writer: inout ByteWriter) {
    for lane in Lane.allCases { (received[lane] ?? CheckpointHistory()).encode(to: &writer) }
    for lane in Lane.allCases { writer.write((acknowledged[lane] ?? .start).value) }
    logEnd.encode(to: &writer)
    writer.write(outcomesTaken)
    writer.write(recoverUpTo == nil ? UInt8(0) : 1)
    writer.write(recoverUpTo?.value ?? 0)
    writer.write(isAnsweredFor ? UInt8(1) : 0)
    writer.write(life.raw)
    cameBack.encode(to: &writer)
  }

  package init(from reader: inout ByteReader) throws(ByteError) {
    self.init()
    for lane in Lane.allCases { received[lane] = try CheckpointHistory(from: &reader) }
    for lane in Lane.allCases { acknowledged[lane] = LSN(try reader.readUInt64()) }
    logEnd = try Checkpoint(from: &reader)
    outcomesTaken = try reader.readUInt64()
    let isRecovering = try reader.readUInt8() == 1
    let upTo = LSN(try reader.readUInt64())
    recoverUpTo = isRecovering ? upTo : nil
    isAnsweredFor = try reader.readUInt8() == 1
    // A store of an earlier version says no more.
    guard reader.remaining > 0 else { return }
    life = Incarnation(try reader.readBytes16())
    cameBack = try RecoveryTally(from: &reader)
  }
}
