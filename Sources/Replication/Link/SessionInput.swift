/// Which side of the connection this is. A province dials, the centre accepts.
package enum LinkRole: Hashable, Sendable {
  /// Sends its HELLO first.
  case dialler
  /// Sends its HELLO in answer to a valid one.
  case acceptor
}

/// What this site knows about itself and the link when a session opens. Read it after every write
/// of the previous session on this link is committed: what it says is quoted to the peer.
package struct LocalView: Hashable, Sendable {
  package var role: LinkRole
  package var site: SiteID
  package var incarnation: Incarnation
  /// Random, one per process.
  package var nonce: Bytes16
  /// From the peer's certificate: its HELLO must say the same.
  package var peer: SiteID
  /// The end of this site's log, sealed.
  package var logEnd: Checkpoint
  package var peerState: PeerState
  package var registry: RegistryRevision
  /// Number of the last outcome this site has for the peer; 0 without any.
  package var outcomesEnd: UInt64
  /// This site recovers on this link and asks for its own entries too: it has lost rows, and this
  /// peer has not confirmed yet (`recoverUpTo` of the link is set, or no session has named it yet).
  package var isRecovering: Bool
  package var isStorageFull: Bool
  /// For the peer's operator, at most 64 bytes: "dongbod 1.0".
  package var software: String
  /// What this site's clock shows; nil: the HELLO does not say.
  package var wallTime: WallTime?

  package init(
    role: LinkRole, site: SiteID, incarnation: Incarnation, nonce: Bytes16, peer: SiteID,
    logEnd: Checkpoint, peerState: PeerState, registry: RegistryRevision, outcomesEnd: UInt64,
    isRecovering: Bool, isStorageFull: Bool, software: String, wallTime: WallTime? = nil
  ) {
    self.role = role
    self.site = site
    self.incarnation = incarnation
    self.nonce = nonce
    self.peer = peer
    self.logEnd = logEnd
    self.peerState = peerState
    self.registry = registry
    self.outcomesEnd = outcomesEnd
    self.isRecovering = isRecovering
    self.isStorageFull = isStorageFull
    self.software = software
    self.wallTime = wallTime
  }
}

/// Number of a ``LinkWrite`` within its session, from 1, ascending.
package struct Ticket: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let value: UInt64
  package init(_ value: UInt64) { self.value = value }
  package var description: String { "\(value)" }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What a commit decided, as the ACK must report it.
package struct CommitReport: Hashable, Sendable {
  /// Number of this site's last outcome for the peer, in the committed state.
  package var outcomesEnd: UInt64
  /// The end of this site's log in the committed state, sealed.
  package var logEnd: Checkpoint
  package init(outcomesEnd: UInt64, logEnd: Checkpoint) {
    self.outcomesEnd = outcomesEnd
    self.logEnd = logEnd
  }
}

/// Why bytes from the peer were no message.
package enum FrameRejection: Error, Hashable, Sendable, CustomStringConvertible {
  case frame(FrameError)
  case message(ByteError)
  /// The payload did not decompress to the length its header declares.
  case compression

  package var description: String {
    switch self {
    case .frame(let error): error.description
    case .message(let error): error.description
    case .compression: "payload does not decompress to its declared length"
    }
  }
}

/// Why the shell ends a session.
package enum CloseReason: Hashable, Sendable {
  /// The connection ended or broke: nobody is left to tell.
  case transportEnded
  /// A new session of the same process took over.
  case replaced
  /// Tell the peer: shutting down, overloaded, two holders, unknown site ...
  case refuse(RefusalCode, String)
}

/// What happened. The shell calls ``Session/step(_:now:)`` with each, in the order it learned them.
package enum SessionInput: Hashable, Sendable {
  /// The connection is up and both certificates are checked. First input, once.
  case opened(LocalView)
  case messageReceived(Message)
  case frameRejected(FrameRejection)
  /// Any bytes came; a sign of life before a frame is whole.
  case bytesReceived
  /// Answer to ``SessionRequest/judge(_:)``.
  case helloJudged(HelloJudgement)
  /// Answer to ``SessionRequest/load(lane:after:limits:peerIsRecovering:)``; the checkpoint is
  /// `batch.last`, sealed.
  case batchLoaded(Lane, RowBatch, Checkpoint)
  /// The other answer to it: an entry there cannot be read until it is repaired. The lane stops at
  /// it, and skips nothing.
  case loadStalled(Lane)
  /// What was damaged is repaired: stalled lanes load again.
  case loadsResumed
  /// Answer to ``SessionRequest/loadOutcomes(after:limit:)``.
  case outcomesLoaded([NumberedOutcome])
  /// Rows were committed: the new end of this site's log, sealed.
  case logGrew(Checkpoint)
  /// Number of this site's last outcome for the peer, after it grew outside a take of this link.
  case outcomesGrew(UInt64)
  /// Every write up to and including this ticket is durable.
  case committed(Ticket, CommitReport)
  case storageFullChanged(Bool)
  /// Whether this site recovers on this link.
  case recoveryChanged(Bool)
  /// Another connection claims the same site: PING, and say when the answer comes.
  case probeRequested
  /// This site has the content's bytes before `offset` and wants the others: of `byteCount` in all,
  /// or nil when nobody has said (an entry). Ends with `.fileWritten` up to the end, or
  /// ``SessionEvent/fileRefused(_:_:)``, or `.wantCancelled`; until then it has one of
  /// ``Session/freeFilePlaces``.
  /// - Precondition: a place is free; it is not wanted already; no write for an earlier want of it
  ///   is under way; something is left to want.
  case fileWanted(Wanted, byteCount: UInt64?, offset: UInt64)
  /// It is not wanted any more. Writes under way may still be answered. Its place becomes free once
  /// the peer has confirmed; it may be wanted again at once.
  case wantCancelled(Wanted)
  /// Answer to ``SessionRequest/writeFile(_:offset:bytes:totalByteCount:)``, or to several at once:
  /// the bytes before `upTo` are where a want after a crash would find them.
  case fileWritten(Wanted, upTo: UInt64)
  /// Answer to ``SessionRequest/readFile(_:offset:byteCount:whenQueuedAtMost:)``: the bytes there,
  /// fewer than asked for only at the end of the content, none beyond it.
  case fileRead(Wanted, offset: UInt64, bytes: [UInt8], totalByteCount: UInt64)
  /// The other answer to it.
  case fileUnavailable(Wanted, FileRefusal)
  case deadlineReached
  case closeRequested(CloseReason)
}
