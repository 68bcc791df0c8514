/// What one step asks of its shell.
///
/// The shell performs `writes` in order, each in one transaction (several may share one), and gives
/// `.committed(ticket, report)` back once they are synced. The machine emits no ACK before that:
/// the design's `sendAfterDurable` is this ticket, because an ACK carries what the commit decided.
/// `sendNow` goes out in order, at once, and needs no write of the same step to be durable.
/// After `close` every message of `sendNow` is still sent, then the connection is shut.
package struct StepOutput: Hashable, Sendable {
  package var requests: [SessionRequest] = []
  package var writes: [LinkWrite] = []
  package var sendNow: [Message] = []
  package var close: LinkClosure?
  /// When to call with `.deadlineReached`, replacing every earlier deadline; nil: not at all.
  package var nextDeadline: Instant?
  package var events: [SessionEvent] = []
  package init() {}
}

/// What the shell reads for the session, and the file content it writes, in any thread; each is
/// answered by one input.
package enum SessionRequest: Hashable, Sendable {
  /// Ask ``SessionDirectory`` first; then ``judgeHello(_:of:in:sealing:)`` and `.helloJudged`, or
  /// `.closeRequested(.refuse(...))`.
  case judge(Hello)
  /// Rows of the lane for this peer. Answered by `.batchLoaded`. Held back while more than
  /// `whenQueuedAtMost` bytes wait for the connection; nil: not held back.
  case load(
    lane: Lane, after: LSN, limits: RowLimits, peerIsRecovering: Bool, whenQueuedAtMost: Int?)
  /// This site's outcomes for the peer. Answered by `.outcomesLoaded`.
  case loadOutcomes(after: UInt64, limit: Int)
  /// Bytes of what the peer wants, if it is entitled to it. Answered by `.fileRead` or
  /// `.fileUnavailable`; one at a time. `whenQueuedAtMost` as for a load.
  case readFile(Wanted, offset: UInt64, byteCount: Int, whenQueuedAtMost: Int?)
  /// Bytes that follow on those written before. Answered by `.fileWritten`; the shell that holds
  /// the last ones compares the digest, and does not trust `totalByteCount` bytes it has not seen.
  /// What cannot be written is answered with `.wantCancelled`.
  case writeFile(Wanted, offset: UInt64, bytes: ArraySlice<UInt8>, totalByteCount: UInt64)
}

/// One change of durable state. Writes of a session are committed in the order of their tickets:
/// the resume point is durable no later than the first entries after it.
package struct LinkWrite: Hashable, Sendable {
  package let ticket: Ticket
  package let change: LinkChange
  package init(ticket: Ticket, change: LinkChange) {
    self.ticket = ticket
    self.change = change
  }
}

/// What is written about a link. ``PeerState/apply(_:)`` makes the change to the link's own state;
/// where it says more, the writer does that in the same transaction.
package enum LinkChange: Hashable, Sendable {
  /// A HELLO_OK came: these checkpoints replace what is held of the peer's log, and the cursor its
  /// outcomes. With `recoverUpTo` this site recovers on this link up to there.
  case resume(
    checkpoints: PerLane<Checkpoint>, peerLogEnd: Checkpoint, peerLife: Incarnation,
    outcomesTaken: UInt64, recoverUpTo: LSN?)
  /// Entries came: the writer reconciles each, in order, then moves the cursor of the lane.
  case take(
    lane: Lane, previousLSN: LSN, entries: [Entry], checkpoint: Checkpoint,
    peerLogEnd: Checkpoint)
  /// The peer has this site's log up to here. At most once a second and on closing.
  case acknowledged(lane: Lane, LSN)
  /// The peer's outcomes from number `first` on: the writer keeps each, and passes on what is for
  /// another origin.
  case takeOutcomes(first: UInt64, [Outcome])
  /// The end of the peer's log as it said. At most once a second and on closing.
  case witness(Checkpoint)
  /// The peer proved that this site lost rows: the writer locks the site and marks the link as
  /// unconfirmed, unless `rejoin` has answered for this loss.
  case rowsLost
  /// This site has the peer's log, in both lanes, up to where it had to recover: confirmed.
  case recovered
}

/// How a session ended; decides what the shell does next.
package enum LinkClosure: Hashable, Sendable {
  /// The peer said why.
  case refusedByPeer(RefusalCode, String)
  /// This side refused the peer and told it. Count, alarm where the event says so, back off.
  case refused(RefusalCode, String)
  /// The peer broke the protocol and was told. Count, back off.
  case violation(LinkViolation)
  case handshakeTimedOut
  /// Nothing heard for ``LinkLimits/silenceTimeout``.
  case silent
  /// ``LinkLimits/sessionLife`` is over: dial again at once.
  case lifeEnded
  /// This site must say that it recovers: dial again once its writes are committed.
  case restart
  case transportEnded
  case replaced
}

/// What the peer did that the protocol does not allow.
package enum LinkViolation: Error, Hashable, Sendable {
  case rejected(FrameRejection)
  /// The message has no place in the state of this name.
  case unexpected(MessageType, state: StaticString)
  case wrongVersion(ProtocolVersion)
  case wrongNonce
  /// A HELLO_OK resumes at a checkpoint that was not quoted to it.
  case unquotedResume(Lane)
  case outcomeCursorAhead(UInt64, sent: UInt64)
  case wrongPrevious(Lane, LSN, expected: LSN)
  /// Fewer log rows than entries, or none at all.
  case noProgress(Lane, from: LSN, to: LSN, entryCount: Int)
  case creditExceeded(Lane)
  /// Not what was last acknowledged, nor the end of a frame in flight.
  case unsentCheckpoint(Lane, LSN)
  case outcomeGap(UInt64, expected: UInt64)
  case tooManyOutcomes
  /// FILE for what this site does not want, or confirms what it did not withdraw.
  case unsolicitedFile
  /// A piece that overlaps the one before it, or leaves a gap.
  case fileOutOfPlace(UInt64, expected: UInt64)
  case fileBeyondWindow(UInt64, upTo: UInt64)
  case fileSizeChanged(UInt64, before: UInt64)
  case entryTooLarge(UInt64)
  case tooManyWants
  case wantedTwice
  case wantGoesBack(UInt64, after: UInt64)
  case wantBeyondSent(UInt64, sent: UInt64)

  package static func == (left: Self, right: Self) -> Bool {
    left.description == right.description
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension LinkViolation: CustomStringConvertible {
  package var description: String {
    switch self {
    case .rejected(let rejection): rejection.description
    case .unexpected(let type, let state): "\(type) while \(state)"
    case .wrongVersion(let version): "protocol version \(version) was not offered"
    case .wrongNonce: "HELLO_OK answers another HELLO"
    case .unquotedResume(let lane): "\(lane) lane resumes at a checkpoint that was not quoted"
    case .outcomeCursorAhead(let cursor, let sent): "outcome cursor \(cursor), sent \(sent)"
    case .wrongPrevious(let lane, let lsn, let expected):
      "\(lane) entries after \(lsn), expected after \(expected)"
    case .noProgress(let lane, let from, let to, let count):
      "\(count) \(lane) entries in rows \(from) to \(to)"
    case .creditExceeded(let lane): "\(lane) entries beyond the credit"
    case .unsentCheckpoint(let lane, let lsn):
      "\(lane) acknowledgement of \(lsn), which was not sent"
    case .outcomeGap(let first, let expected): "outcomes from \(first), expected \(expected)"
    case .tooManyOutcomes: "outcomes beyond what may be in flight"
    case .unsolicitedFile: "FILE for what is not wanted"
    case .fileOutOfPlace(let offset, let expected): "FILE at \(offset), expected at \(expected)"
    case .fileBeyondWindow(let end, let upTo): "FILE up to \(end), wanted up to \(upTo)"
    case .fileSizeChanged(let size, let before): "FILE of \(size) bytes in all, before \(before)"
    case .entryTooLarge(let size): "an entry of \(size) bytes"
    case .tooManyWants: "more wants at once than there are places"
    case .wantedTwice: "WANT begins what is wanted already"
    case .wantGoesBack(let taken, let before): "WANT goes back to \(taken), after \(before)"
    case .wantBeyondSent(let taken, let sent): "WANT has taken \(taken), sent \(sent)"
    }
  }
}

/// What logs and metrics should know; asks nothing of the shell.
package enum SessionEvent: Hashable, Sendable {
  /// Both HELLO_OKs are exchanged; entries may flow.
  case becameUp(peer: SiteID, version: ProtocolVersion, peerIsRecovering: Bool)
  /// This site lost rows: alarm.
  case lostRows
  /// The peer quotes less than it once acknowledged, so it lost something itself.
  case peerLostRows(Lane, from: LSN, to: LSN)
  /// Two logs under one incarnation: alarm at both tiers, keep both.
  case forkSuspected
  /// The peer quoted a checkpoint that this site never wrote: alarm.
  case badTag
  /// This site has back what it lost from this peer.
  case recovered
  /// Durable at the peer up to here: wakes whoever waits for it.
  case acknowledged(Lane, LSN)
  /// Outcomes of the peer that it has not sent yet are behind this number: with both lanes
  /// acknowledged and outcomes taken so far, what became of every entry is known.
  case outcomesAnnounced(end: UInt64)
  /// The peer answered the PING of `.probeRequested`.
  case probeAnswered
  /// What was wanted does not come, and is not wanted any more: ask elsewhere, or later.
  case fileRefused(Wanted, FileRefusal)
}
