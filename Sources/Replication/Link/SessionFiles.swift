/// File content on a session that is up: what this site wants is in `FileTaking.swift`, what the
/// peer wants in `FileServing.swift`; here is what both have to do with lanes and the line.
extension Streaming {
  /// What the shell may want beyond what it wants now.
  var freeFilePlaces: Int {
    speaksFiles ? limits.filesAtOnce - receiving.files.places.count : 0
  }

  /// - Precondition: ``freeFilePlaces`` allows it.
  mutating func fileWanted(
    _ wanted: Wanted, _ ask: FileTaking.Ask, output: inout StepOutput
  ) {
    precondition(speaksFiles, "\(wanted) of a peer without files")
    receiving.files.want(wanted, ask, limits: limits, output: &output)
  }

  mutating func received(
    _ message: FileMessage, output: inout StepOutput
  ) throws(LinkViolation) {
    guard speaksFiles else { throw .unexpected(.file, state: "speaking version 1") }
    try receiving.files.take(message, limits: limits, output: &output)
  }

  mutating func received(
    _ message: WantMessage, now: Instant, output: inout StepOutput
  ) throws(LinkViolation) {
    guard speaksFiles else { throw .unexpected(.want, state: "speaking version 1") }
    let arrived = try sending.files.wanted(message, limits: limits, output: &output)
    guard let last = arrived.last else { return }
    let byteCount = arrived.reduce(0) { $0 + $1.byteCount }
    sending.rate.arrived(byteCount, last.mark, now: now, limits: limits)
  }

  mutating func fileRead(
    _ wanted: Wanted, offset: UInt64, bytes: [UInt8], totalByteCount: UInt64, now: Instant,
    output: inout StepOutput
  ) {
    let mark = sending.rate.mark(now: now, hasOthersInFlight: sending.hasFramesInFlight)
    let message = sending.files.read(
      wanted, offset: offset, bytes: bytes, totalByteCount: totalByteCount, mark: mark)
    if let message { output.sendNow.append(.file(message)) }
  }

  mutating func fileUnavailable(
    _ wanted: Wanted, _ reason: FileRefusal, output: inout StepOutput
  ) {
    if let message = sending.files.unavailable(wanted, reason) {
      output.sendNow.append(.file(message))
    }
  }

  /// Asks for the next piece when the lanes leave a gap, or have had their frames before it.
  ///
  /// In a gap the shell waits until the connection holds so little that, with the piece, it is one
  /// frame of what the line carries: what a lane has next waits no longer than for such a frame. A
  /// piece whose turn it is among the lanes' frames takes its place in their queue instead, which
  /// may never run dry. An entry that the peer repairs its log with waits for no turn: the peer may
  /// acknowledge nothing before it has it.
  mutating func requestFile(now: Instant, output: inout StepOutput) {
    let isGap = !sending.lanesAreBusy(logEnd: logEnd.lsn, now: now, limits: limits)
    let isTurn = isGap || sending.laneFrameRun >= limits.laneFramesPerFileFrame
    let frameByteCount = sending.rate.frameByteCount
    let read = sending.files.nextRead(
      frameByteCount: min(frameByteCount, limits.largestFileFrameByteCount),
      onlyEntries: !isTurn)
    guard let read else { return }
    sending.laneFrameRun = 0
    output.requests.append(
      .readFile(
        read.wanted, offset: read.offset, byteCount: read.byteCount,
        whenQueuedAtMost: isGap ? frameByteCount - read.byteCount : nil))
  }
}

extension SendingSide {
  var hasFramesInFlight: Bool { framesInFlight > 0 || files.hasFramesInFlight }

  /// Whether a lane has a frame, even one that waits for a place in flight, or looks for one.
  func lanesAreBusy(logEnd: LSN, now: Instant, limits: LinkLimits) -> Bool {
    Lane.allCases.contains {
      lanes[$0].isLoading || lanes[$0].hasFrame(logEnd: logEnd, now: now, limits: limits)
    }
  }
}
