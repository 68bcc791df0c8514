import Cryptography
import Operations
import Replication
import Storage
import Transport

/// A file that is here, or is not any more.
struct FileChange: Sendable {
  let digest: Digest
  let state: FileState
  init(_ digest: Digest, _ state: FileState) {
    self.digest = digest
    self.state = state
  }
}

/// Files on the reactor: hands what sessions ask for to the thread of files, and back; walks the
/// scrub; sees that what is damaged is fetched again.
final class FileCare {
  /// Between two stretches of the scrub, or longer (``BackgroundPace``): with 1 MiB a stretch, at
  /// most some 10 MiB a second, and a terabyte in a day and a half.
  static let scrubPause = Duration.milliseconds(100)
  /// A round begins no sooner after the last one began, however little there is.
  static let scrubInterval = Duration.seconds(600)

  private let daemon: DaemonContext
  private let loop: EventLoop
  private let links: LinkTable
  private let writer: Writer
  private let worker: FileWorker
  private let store: FileStore
  let fetcher: FileFetcher
  private var ahead = ReadAhead()
  private var roundStarted: Instant
  /// Files found rotten or lost, until they are here again: for the count of repairs.
  private var lost: Set<Digest> = []
  private static let lostCount = 4_096

  init(
    daemon: DaemonContext, loop: EventLoop, links: LinkTable, writer: Writer, worker: FileWorker,
    store: FileStore, fetcher: FileFetcher
  ) {
    self.daemon = daemon
    self.loop = loop
    self.links = links
    self.writer = writer
    self.worker = worker
    self.store = store
    self.fetcher = fetcher
    roundStarted = loop.now
  }

  func start() {
    fetcher.wake()
    scheduleScrub(after: Self.scrubPause)
  }

  // MARK: What sessions ask for

  func perform(_ request: SessionRequest, _ link: LinkDriver, peer: SiteID) {
    switch request {
    case .readFile(let wanted, let offset, let byteCount, _):
      read(
        ReadRange(wanted: wanted, offset: offset, pieceByteCount: byteCount), link, peer: peer)
    case .writeFile(let wanted, let offset, let bytes, let total):
      worker.post(
        .write(link.number, wanted, offset: offset, pieces: [bytes], totalByteCount: total))
    case .judge, .load, .loadOutcomes: preconditionFailure("\(request) is not about files")
    }
  }

  private func read(_ range: ReadRange, _ link: LinkDriver, peer: SiteID) {
    let key = ReadAhead.Key(link.number, range.wanted)
    let (byteCount, now) = (range.pieceByteCount, loop.now)
    switch ahead.take(key, at: range.offset, byteCount: byteCount, now: now) {
    case .piece(let piece):
      link.answer(
        .fileRead(
          range.wanted, offset: range.offset, bytes: piece.bytes,
          totalByteCount: piece.totalByteCount))
      guard let next = ahead.readOn(key, pieceByteCount: byteCount, now: now) else { return }
      worker.post(.read(link.number, peer: peer, next))
    case .coming: break
    case .nothing:
      var range = range
      range.pieceCount = ahead.reserve(key, byteCount: byteCount, now: now)
      worker.post(.read(link.number, peer: peer, range))
    }
  }

  private func take(
    _ pieces: [[UInt8]], of range: ReadRange, _ session: SessionNumber, totalByteCount: UInt64
  ) {
    let key = ReadAhead.Key(session, range.wanted)
    let first: [UInt8]
    if range.isAhead {
      switch ahead.came(key, pieces, totalByteCount: totalByteCount, now: loop.now) {
      case .kept: return
      case .answer(let piece): first = piece.bytes
      case .askAgain(let offset, let byteCount):
        guard let link = links.drivers[session], let peer = link.identity?.site else { return }
        return read(
          ReadRange(wanted: range.wanted, offset: offset, pieceByteCount: byteCount), link,
          peer: peer)
      }
    } else {
      first = pieces.first ?? []
      ahead.keep(
        key, Array(pieces.dropFirst()), at: range.offset + UInt64(first.count),
        totalByteCount: totalByteCount, now: loop.now)
    }
    links.drivers[session]?.advance(
      .fileRead(
        range.wanted, offset: range.offset, bytes: first, totalByteCount: totalByteCount))
  }

  /// A registry has come: who may have what may have changed.
  func rightsChanged() { ahead.dropAll() }

  func ended(_ session: SessionNumber, peer: SiteID?) {
    ahead.drop(session)
    fetcher.ended(session, peer: peer)
  }

  // MARK: What the thread of files says

  func take(_ reply: FileReply) {
    switch reply {
    case .read(let session, let range, let pieces, let total):
      take(pieces, of: range, session, totalByteCount: total)
    case .unavailable(let session, let wanted, let reason):
      ahead.drop(ReadAhead.Key(session, wanted))
      links.drivers[session]?.advance(.fileUnavailable(wanted, reason))
    case .opened(let session, let wanted, let offset): fetcher.opened(session, wanted, offset)
    case .written(let session, let wanted, let upTo):
      fetcher.written(session, wanted, upTo: upTo)
    case .storedFile(let digest, let byteCount): fetcher.stored(digest, byteCount)
    case .fetchedEntry(let entry, let byteCount): fetcher.fetched(entry, byteCount)
    case .failed(let wanted, let fault): fetcher.failed(wanted, fault)
    case .found(let findings):
      ahead.dropAll()
      for finding in findings { found(finding) }
    case .scrubbed(let step): scrubbed(step)
    }
  }

  /// An entry could not be read: it is looked for, and fetched again.
  func examine(_ digest: Digest) {
    guard fetcher.repairs[digest] == nil else { return }
    worker.post(.examine(digest))
  }

  private func found(_ finding: FileFinding) {
    switch finding {
    case .rottenFile(let digest, let isKept):
      fetchAgain(digest, "file.rotten", isKept: isKept)
    case .lostFile(let digest): fetchAgain(digest, "file.lost", isKept: false)
    case .rottenEntry(let digest, let lead): foundRottenEntry(digest, lead)
    case .bodilessEntry(let digest, let lead): foundBodilessEntry(digest, lead)
    }
  }

  private func fetchAgain(_ digest: Digest, _ event: StaticString, isKept: Bool) {
    if lost.count < Self.lostCount, lost.insert(digest).inserted {
      daemon.metrics.series(.rottenFound, ["file"]).add()
      daemon.logger.log(
        .error, event,
        [
          "file": .of(digest), "kept": .flag(isKept),
          "do": "nothing: it is fetched again; check the disk",
        ])
    }
    writer.postBounded(.setFiles([FileChange(digest, .pending)]))
  }

  private func foundRottenEntry(_ digest: Digest, _ lead: ContentLead?) {
    guard fetcher.repairs[digest] == nil else { return }
    daemon.metrics.series(.rottenFound, ["entry"]).add()
    daemon.logger.log(
      .error, "entry.rotten",
      [
        "entry": .of(digest), "origin": .text(lead?.origins.first?.description ?? "unknown"),
        "do": .of(StoreError.rotten(digest).hint),
      ])
    if let lead { fetcher.repair(digest, lead) }
  }

  /// A current entry that only its stub came of (law 2): who sent it is at fault.
  private func foundBodilessEntry(_ digest: Digest, _ lead: ContentLead?) {
    guard fetcher.repairs[digest] == nil else { return }
    daemon.logger.log(
      .error, "entry.body-missing",
      [
        "entry": .of(digest), "origin": .text(lead?.origins.first?.description ?? "unknown"),
        "do": "nothing: peers are asked for it; if it stays so, ask its origin why",
      ])
    if let lead { fetcher.repair(digest, lead) }
  }

  // MARK: What the writer says

  func filesSet(_ changes: [FileChange]) {
    for change in changes {
      switch change.state {
      case .here:
        fetcher.settled(.file(change.digest))
        guard lost.remove(change.digest) != nil else { continue }
        daemon.metrics.series(.rottenRepaired, ["file"]).add()
        daemon.logger.log(.notice, "file.repaired", ["file": .of(change.digest)])
      case .pending: fetcher.wake()
      }
    }
  }

  func repaired(_ digest: Digest, _ isDone: Bool) {
    fetcher.settled(.entry(digest))
    fetcher.repairs[digest] = nil
    guard isDone else { return }
    daemon.metrics.series(.rottenRepaired, ["entry"]).add()
    daemon.logger.log(.notice, "entry.repaired", ["entry": .of(digest)])
    links.resumeLoads()
  }

  /// The disk is full: what was to be noted is found again.
  func notWritten(_ job: WriterJob) {
    switch job {
    case .setFiles(let changes): for change in changes { fetcher.notWritten(.file(change.digest)) }
    case .repair(let entry): fetcher.notWritten(.entry(entry.digest))
    default: break
    }
  }

  // MARK: Scrub

  private func scheduleScrub(after delay: Duration) {
    _ = loop.schedule(after: delay) { [weak self] in self?.worker.post(.scrub) }
  }

  private func scrubbed(_ step: ScrubStep) {
    daemon.metrics.series(.scrubbedBytes).add(step.byteCount)
    if let failure = step.failure {
      daemon.logger.log(.warning, "scrub.failed", ["error": .text(failure)])
    }
    guard step.isRoundOver else {
      return scheduleScrub(
        after: BackgroundPace.rest(after: step.duration, atLeast: Self.scrubPause))
    }
    daemon.metrics.series(.scrubRound).set(Double(WallClock.now().microseconds) / 1e6)
    let next = max(roundStarted + Self.scrubInterval, loop.now + Self.scrubPause)
    roundStarted = next
    scheduleScrub(after: next - loop.now)
  }
}
