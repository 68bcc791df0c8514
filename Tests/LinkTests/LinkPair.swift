import Testing

@testable import Replication

/// One site with a fake log, its state of the link, and the session of one connection: the smallest
/// shell. Messages travel through the codec.
struct FakeSite {
  let id: SiteID
  let peer: SiteID
  let role: LinkRole
  var log: FakeLog
  var peerState = PeerState()
  var session = Session(limits: LinkLimits())
  var assembler = FrameAssembler()
  var outbox: [UInt8] = []
  var deadline: Instant?
  var closures: [LinkClosure] = []
  var events: [SessionEvent] = []
  /// Entries in the order they were taken, per lane, duplicates included.
  var taken: PerLane<[EntryIdentity]> = PerLane(both: [])
  var takenOutcomes: [Outcome] = []
  var isRecovering = false
  /// Writes that wait for their commit.
  var pending: [LinkWrite] = []
  var commitsAtOnce = true
  var largestInFlight = 0
  var disk = FakeDisk()

  init(_ id: SiteID, peer: SiteID, role: LinkRole, log: FakeLog) {
    self.id = id
    self.peer = peer
    self.role = role
    self.log = log
  }

  mutating func open(limits: LinkLimits, now: Instant) {
    commit()
    session = Session(limits: limits)
    assembler = FrameAssembler()
    outbox = []
    disk.connectionEnded()
    let view = LocalView(
      role: role, site: id, incarnation: log.incarnation, nonce: Bytes16(high: 1, low: 1),
      peer: peer, logEnd: log.sealedEnd, peerState: peerState, registry: .builtIn,
      outcomesEnd: UInt64(log.outcomes.count), isRecovering: isRecovering, isStorageFull: false,
      software: "test")
    step(.opened(view), now)
  }

  mutating func receive(_ bytes: [UInt8], _ now: Instant) {
    assembler.append(bytes)
    step(.bytesReceived, now)
    do {
      while let frame = try assembler.next(limit: session.maximumFrameByteCount) {
        let message = try Message.decode(frame.header, frame.payload, hashing: TestHashing())
        step(.messageReceived(message), now)
      }
    } catch {
      Issue.record("\(error)")
    }
  }

  mutating func step(_ input: SessionInput, _ now: Instant) {
    var inputs = [input]
    while !inputs.isEmpty {
      let output = session.step(inputs.removeFirst(), now: now)
      deadline = output.nextDeadline
      events += output.events
      for message in output.sendNow {
        let bytes = message.frame.bytes
        outbox += bytes
        disk.noteSent(message, byteCount: bytes.count)
      }
      if let close = output.close { closures.append(close) }
      for request in output.requests { inputs += answer(request) }
      pending += output.writes
      if commitsAtOnce, let ticket = pending.last?.ticket {
        commit()
        inputs.append(.committed(ticket, report))
      }
      let inFlight = session.progress.map { $0.inFlightEntryCount.normal } ?? 0
      largestInFlight = max(largestInFlight, inFlight)
    }
  }

  struct Durable: Equatable {
    let peerState: PeerState
    let logEnd: LogEnd
    let taken: PerLane<[EntryIdentity]>
    let takenOutcomes: [Outcome]
  }

  var durable: Durable {
    Durable(
      peerState: peerState, logEnd: log.end, taken: taken, takenOutcomes: takenOutcomes)
  }

  var report: CommitReport {
    CommitReport(outcomesEnd: UInt64(log.outcomes.count), logEnd: log.sealedEnd)
  }

  /// One transaction: everything that waits becomes durable.
  mutating func commit() {
    for write in pending {
      peerState.apply(write.change)
      switch write.change {
      case .take(let lane, _, let entries, _, _):
        for entry in entries {
          taken[lane].append(entry.identity)
          guard log.entries[entry.identity] == nil else { continue }
          log.append(entry, via: peer)
          if entry.identity.sequence.value.isMultiple(of: 3) {
            log.addOutcome(entry.identity, .held)
          }
        }
      case .takeOutcomes(_, let outcomes): takenOutcomes += outcomes
      case .rowsLost: isRecovering = true
      case .recovered: isRecovering = false
      case .resume, .acknowledged, .witness: break
      }
    }
    pending = []
  }

  private mutating func answer(_ request: SessionRequest) -> [SessionInput] {
    switch request {
    case .judge(let hello):
      let judgement = try? judgeHello(hello, of: id, in: log, sealing: log.sealing)
      return judgement.map { [.helloJudged($0)] } ?? []
    case .load(let lane, let after, let limits, let peerIsRecovering, _):
      let selection = RowSelection(
        peer: peer, peerIsCentre: role == .dialler, peerIsRecovering: peerIsRecovering)
      let batch = try? log.rows(after: after, lane: lane, selection: selection, limits: limits)
      return batch.map { [.batchLoaded(lane, $0, log.sealed($0.last))] } ?? []
    case .loadOutcomes(let number, let limit):
      let outcomes = try? log.outcomes(for: peer, after: number, limit: limit)
      return outcomes.map { [.outcomesLoaded($0)] } ?? []
    case .readFile, .writeFile:
      disk.requests.append(request)
      return []
    }
  }

  /// What the line takes of the outbox.
  mutating func takeOutbox(_ count: Int) -> [UInt8] {
    let bytes = Array(outbox.prefix(count))
    outbox.removeFirst(count)
    disk.noteLeft(count)
    return bytes
  }

  /// The oldest read or write of file content that need not wait for the line.
  mutating func workDisk(_ now: Instant) -> Bool {
    guard let input = disk.answerNext(queuedByteCount: outbox.count) else { return false }
    step(input, now)
    return true
  }
}

/// A province and the centre, wired back to back in virtual time.
struct LinkPair {
  var province: FakeSite
  var centre: FakeSite
  var limits = LinkLimits()
  var now = seconds(100)
  /// Bytes delivered on the present connection.
  var deliveredByteCount = 0
  /// The largest number of bytes a connection held.
  var largestOutbox = 0

  init(provinceLog: FakeLog, centreLog: FakeLog) {
    province = FakeSite(
      provinceLog.site, peer: centreLog.site, role: .dialler, log: provinceLog)
    centre = FakeSite(centreLog.site, peer: provinceLog.site, role: .acceptor, log: centreLog)
  }

  mutating func connect() {
    deliveredByteCount = 0
    centre.open(limits: limits, now: now)
    province.open(limits: limits, now: now)
  }

  /// Moves bytes, commits and time on until nothing is left to do within `duration`.
  /// - Parameter limit: bytes of this connection after which it stops, both directions counted.
  mutating func run(for duration: Duration = .seconds(3), upToByte limit: Int? = nil) {
    let end = now + duration
    // Bounded: time moves on when neither side has bytes or commits.
    for _ in 0..<100_000 {
      if deliver(limit) { continue }
      if let limit, deliveredByteCount >= limit { break }
      if province.workDisk(now) || centre.workDisk(now) { continue }
      if commitPending() { continue }
      guard let next = [province.deadline, centre.deadline].compactMap({ $0 }).min(), next <= end
      else { break }
      now = max(now, next)
      for side in [\LinkPair.province, \.centre] where self[keyPath: side].deadline ?? end <= now {
        self[keyPath: side].step(.deadlineReached, now)
      }
    }
  }

  /// Breaks the connection; what was handed to the writers becomes durable.
  mutating func cut() {
    province.step(.closeRequested(.transportEnded), now)
    centre.step(.closeRequested(.transportEnded), now)
    province.commit()
    centre.commit()
  }

  /// What the two sites would find after a restart.
  var durable: [FakeSite.Durable] { [province.durable, centre.durable] }

  private mutating func deliver(_ limit: Int?) -> Bool {
    largestOutbox = max(largestOutbox, province.outbox.count, centre.outbox.count)
    for (from, to) in [(\LinkPair.province, \LinkPair.centre), (\.centre, \.province)] {
      let left = limit.map { $0 - deliveredByteCount } ?? .max
      let count = min(self[keyPath: from].outbox.count, left)
      guard count > 0 else { continue }
      let bytes = self[keyPath: from].takeOutbox(count)
      deliveredByteCount += count
      self[keyPath: to].receive(bytes, now)
      return true
    }
    return false
  }

  private mutating func commitPending() -> Bool {
    for side in [\LinkPair.province, \.centre] {
      guard let ticket = self[keyPath: side].pending.last?.ticket else { continue }
      self[keyPath: side].commit()
      let report = self[keyPath: side].report
      self[keyPath: side].step(.committed(ticket, report), now)
      return true
    }
    return false
  }
}

/// Logs of both sides with rows in both lanes, some for others only.
func pairWithRows(_ count: Int, bodyByteCount: Int = 4) -> LinkPair {
  let (langSon, centre, caoBang) = (site("lang-son"), site("trung-uong"), site("cao-bang"))
  var provinceLog = FakeLog(langSon)
  var centreLog = FakeLog(centre)
  for number in 1...UInt64(count) {
    let lane: Lane = number.isMultiple(of: 4) ? .urgent : .normal
    provinceLog.append(testEntry(langSon, number, lane: lane, bodyByteCount: bodyByteCount))
    centreLog.append(
      testEntry(centre, number, lane: lane, bodyByteCount: bodyByteCount),
      recipients: number.isMultiple(of: 5) ? Recipients([caoBang]) : .everyone)
  }
  return LinkPair(provinceLog: provinceLog, centreLog: centreLog)
}

/// What `receiver` should have of `sender`'s own entries, in the lane.
func expectedEntries(_ lane: Lane, of sender: FakeSite, at receiver: FakeSite) -> [EntryIdentity] {
  let selection = RowSelection(
    peer: receiver.id, peerIsCentre: receiver.role == .acceptor, peerIsRecovering: false)
  return sender.log.rows.filter {
    $0.lane == lane
      && selection.wants(recipients: $0.recipients, origin: $0.entry.origin, via: $0.via)
  }.map(\.entry)
}
