/// One lane on its way to the peer. Positions never pass each other:
/// `acknowledged <= sent <= scanned <= log end`.
struct LaneSender: Hashable, Sendable {
  struct InFlight: Hashable, Sendable {
    let checkpoint: Checkpoint
    let entryCount: Int
    let byteCount: Int
    let mark: LineRate.Mark
  }

  /// A load's entries that wait for a free place in flight.
  struct Ready: Hashable, Sendable {
    let entries: [Entry]
    let checkpoint: Checkpoint
  }

  private(set) var acknowledged: Checkpoint
  private(set) var sent: Checkpoint
  /// The rows up to here have been looked at.
  private(set) var scanned: LSN
  private(set) var inFlight: [InFlight] = []
  private(set) var ready: Ready?
  /// The checkpoint at `scanned` while rows without entries for the peer lie behind it.
  private(set) var passedOver: Checkpoint?
  private var credit: Credit
  /// The end of the log when the outstanding load was asked for; nil without one.
  private var loadingAt: LSN?
  /// An entry after ``scanned`` cannot be read: no load until it is repaired.
  private(set) var isStalled = false
  /// A load found nothing up to this end of the log.
  private var exhaustedAt: LSN = .start
  private var lastSentAt: Instant?

  init(resumingAfter checkpoint: Checkpoint, credit: Credit) {
    acknowledged = checkpoint
    sent = checkpoint
    scanned = checkpoint.lsn
    self.credit = credit
  }

  /// Credit that is left; in flight may exceed it after it shrank, never the other way round.
  var availableEntryCount: Int {
    max(0, Int(credit.entries) - inFlight.reduce(0) { $0 + $1.entryCount })
  }

  var availableByteCount: Int { max(0, Int(credit.bytes) - byteCountInFlight) }

  var byteCountInFlight: Int { inFlight.reduce(0) { $0 + $1.byteCount } }

  /// A load is outstanding: there may be a frame in a moment.
  var isLoading: Bool { loadingAt != nil }

  private var hasCredit: Bool { availableEntryCount > 0 && availableByteCount > 0 }

  // MARK: Loading

  /// What to load next; nil while a load or its entries are outstanding, without credit, or when
  /// the peer has been sent everything.
  mutating func nextLoad(logEnd: LSN, frameByteCount: Int, limits: LinkLimits) -> RowLimits? {
    guard loadingAt == nil, !isStalled, ready == nil, hasCredit, scanned < logEnd,
      exhaustedAt < logEnd, !isFarBehind(limits)
    else { return nil }
    loadingAt = logEnd
    return RowLimits(
      entries: min(availableEntryCount, EntriesMessage.maximumEntryCount),
      bytes: min(availableByteCount, frameByteCount), scannedRows: limits.scannedRows)
  }

  /// - Precondition: the load was asked for.
  mutating func stall() {
    precondition(loadingAt != nil, "stalled after \(scanned) unasked")
    loadingAt = nil
    isStalled = true
  }

  mutating func resume() { isStalled = false }

  /// - Precondition: the load was asked for, and the shell kept to its limits.
  mutating func loaded(_ batch: RowBatch, _ checkpoint: Checkpoint) {
    guard let end = loadingAt else { preconditionFailure("load after \(batch.after) unasked") }
    precondition(batch.after == scanned, "load after \(batch.after), asked after \(scanned)")
    precondition(
      batch.last.lsn == checkpoint.lsn && batch.last.head == checkpoint.head
        && batch.last.lsn >= scanned, "load to \(batch.last.lsn), sealed \(checkpoint.lsn)")
    loadingAt = nil
    if batch.last.lsn == scanned {
      precondition(batch.entries.isEmpty, "\(batch.entries.count) entries in no rows")
      exhaustedAt = end
    } else if batch.entries.isEmpty {
      scanned = checkpoint.lsn
      passedOver = checkpoint
    } else if batch.entries.count > availableEntryCount || !hasCredit {
      // The credit shrank meanwhile: load again when there is some.
    } else {
      scanned = checkpoint.lsn
      passedOver = nil
      ready = Ready(entries: batch.entries, checkpoint: checkpoint)
    }
  }

  // MARK: Sending

  /// Whether a frame could go now: entries, or progress without any that is due.
  func hasFrame(logEnd: LSN, now: Instant, limits: LinkLimits) -> Bool {
    if ready != nil { return true }
    guard passedOver != nil, hasCredit else { return false }
    return isFarBehind(limits)
      || progressDeadline(logEnd: logEnd, limits).map { $0 <= now } ?? false
  }

  /// When progress without entries is due, once the peer has all others: not one frame per row.
  func progressDeadline(logEnd: LSN, _ limits: LinkLimits) -> Instant? {
    guard passedOver != nil, hasCredit, scanned >= logEnd else { return nil }
    return (lastSentAt ?? Instant(nanoseconds: 0)) + limits.emptyProgressInterval
  }

  private func isFarBehind(_ limits: LinkLimits) -> Bool {
    passedOver != nil && scanned.value - sent.lsn.value >= UInt64(limits.scannedRows)
  }

  /// The next frame, now in flight.
  /// - Precondition: `hasFrame`.
  mutating func takeFrame(lane: Lane, now: Instant, mark: LineRate.Mark) -> EntriesMessage {
    guard let checkpoint = ready?.checkpoint ?? passedOver else {
      preconditionFailure("no \(lane) frame after \(sent.lsn)")
    }
    let message = EntriesMessage(
      lane: lane, previousLSN: sent.lsn, entries: ready?.entries ?? [], checkpoint: checkpoint)
    inFlight.append(
      InFlight(
        checkpoint: checkpoint, entryCount: message.entries.count,
        byteCount: message.creditByteCount, mark: mark))
    sent = checkpoint
    ready = nil
    passedOver = nil
    lastSentAt = now
    return message
  }

  /// Takes the frames that `checkpoint` covers out of flight.
  /// - Returns: nil when it is neither the last acknowledged nor the end of a frame in flight.
  mutating func acknowledge(_ checkpoint: Checkpoint, credit: Credit) -> [InFlight]? {
    defer {
      self.credit = credit
      unloadBeyondCredit()
    }
    guard checkpoint != acknowledged else { return [] }
    guard let index = inFlight.firstIndex(where: { $0.checkpoint == checkpoint }) else {
      return nil
    }
    let arrived = Array(inFlight[...index])
    inFlight.removeFirst(index + 1)
    acknowledged = checkpoint
    return arrived
  }

  /// Gives back entries that a smaller credit no longer allows; they are loaded again in time.
  private mutating func unloadBeyondCredit() {
    guard let entries = ready?.entries, entries.count > availableEntryCount || !hasCredit else {
      return
    }
    ready = nil
    scanned = sent.lsn
  }
}

/// How fast the line carries entries, and how large a frame should therefore be.
///
/// Each frame remembers what had arrived when it left; on its ACK the difference over the time
/// between is the rate the line really carried, whatever the round trip.
struct LineRate: Hashable, Sendable {
  struct Mark: Hashable, Sendable {
    fileprivate let sentAt: Instant
    fileprivate let deliveredByteCount: Int
    fileprivate let deliveredAt: Instant
    /// Other frames were in flight before it: a low rate then is the line's, not ours.
    fileprivate let hadCompany: Bool
  }

  private(set) var frameByteCount: Int
  /// What may be in flight on this line.
  private var windowByteCount: Int
  private var shortestRoundTrip: Duration?
  private var deliveredByteCount = 0
  private var deliveredAt = Instant(nanoseconds: 0)

  init(_ limits: LinkLimits) {
    frameByteCount = limits.firstFrameByteCount
    windowByteCount = limits.framesInFlight * limits.firstFrameByteCount
  }

  mutating func mark(now: Instant, hasOthersInFlight: Bool) -> Mark {
    if !hasOthersInFlight { deliveredAt = now }
    return Mark(
      sentAt: now, deliveredByteCount: deliveredByteCount, deliveredAt: deliveredAt,
      hadCompany: hasOthersInFlight)
  }

  /// Whether one more frame may be in flight: always a few, and more within a window that TCP
  /// never waits for. TCP finds the rate of a line by sending up to three times as much in each
  /// round trip (BBR 2.89, others 2), and takes a sender that has nothing to send for one that
  /// needs no more, so the window grows threefold. It grows no more once an answer takes much
  /// longer than the line needs: then the line is full, or the peer is slower than its line and
  /// would only gather frames.
  func hasPlace(after frameCount: Int, byteCount: Int, _ limits: LinkLimits) -> Bool {
    frameCount < limits.framesInFlight
      || frameCount < limits.mostFramesInFlight && byteCount < windowByteCount
  }

  /// Frames of `byteCount` together arrived, the last of them marked `mark`. Moves the frame size
  /// at most by a factor of two towards what the line carries in `limits.frameDuration`. A frame
  /// that travelled alone never makes it smaller.
  mutating func arrived(_ byteCount: Int, _ mark: Mark, now: Instant, limits: LinkLimits) {
    guard byteCount > 0 else { return }
    deliveredByteCount += byteCount
    deliveredAt = now
    let periods = (now - mark.deliveredAt) / limits.frameDuration
    let carried = Double(deliveredByteCount - mark.deliveredByteCount)
    noteRoundTrip(now - mark.sentAt, of: byteCount, limits)
    let wanted = periods > 0 ? carried / periods : .infinity
    let doubled = frameByteCount * 2
    let halved = frameByteCount / 2
    if wanted >= Double(doubled) {
      frameByteCount = doubled
    } else if wanted > Double(frameByteCount) || mark.hadCompany {
      frameByteCount = wanted < Double(halved) ? halved : Int(wanted)
    }
    // The window is for frames of the line's measure; smaller ones would be what bounds it.
    let smallest = max(limits.smallestFrameByteCount, windowByteCount / limits.mostFramesInFlight)
    frameByteCount = min(max(frameByteCount, smallest), limits.largestFrameByteCount)
  }

  private mutating func noteRoundTrip(
    _ roundTrip: Duration, of byteCount: Int, _ limits: LinkLimits
  ) {
    let shortest = min(shortestRoundTrip ?? roundTrip, roundTrip)
    shortestRoundTrip = shortest
    guard roundTrip <= shortest * limits.growingRoundTrips else { return }
    let bound = limits.mostFramesInFlight * limits.largestFrameByteCount
    windowByteCount = min(windowByteCount + limits.windowGrowth * byteCount, bound)
  }
}
