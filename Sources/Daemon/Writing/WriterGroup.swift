import Replication
import Storage

/// One transaction's worth of jobs: performs them in order and keeps the answers until the commit.
struct WriterGroup {
  private let context: WriterContext
  private var reconciler: Reconciler
  private let registryBefore: RegistryRevision
  private var replies: [PendingReply] = []
  private var peersTouched: Set<SiteID> = []
  private var tally = GroupTally()

  /// A reply whose content may depend on the end of the group.
  private enum PendingReply {
    case ready(WriterReply)
    case committed(LinkID, peer: SiteID, Ticket)
  }

  init(context: WriterContext, state: SiteState, unopened: Incarnation?, now: WallTime) {
    self.context = context
    registryBefore = state.registry
    let log = SiteLog(state: state, unopened: unopened, hashing: context.hashing, now: now)
    reconciler = Reconciler(
      site: context.site, centre: context.centre, configuredPins: context.configuredPins, log: log,
      hashing: context.hashing, signatures: ECDSAChecker())
  }

  /// Whether the genesis of this start is in the transaction or before it.
  var isOpened: Bool { reconciler.log.isOpened }

  mutating func perform(_ job: WriterJob, in writer: SQLiteWriter) throws(StoreError) {
    var store = writer
    tally.jobCount += 1
    switch job {
    case .submit(let request, let submission):
      let result = try author(submission, in: &store)
      replies.append(.ready(.submitted(request, result)))
    case .decide(let request, let decision):
      let result = try decide(decision, in: &store)
      replies.append(.ready(.submitted(request, result)))
    case .editRegistry(let request, let edit):
      let result = try self.edit(edit, in: &store)
      replies.append(.ready(.registryEdited(request, result)))
    case .rejoin(let request, let absent):
      let open = try reconciler.rejoin(without: absent, in: &store)
      replies.append(.ready(.rejoined(request, unconfirmed: open)))
    case .retry(let request, let identity):
      let result = try store.waiting(identity).map { waiting throws(StoreError) in
        try reconciler.retry(waiting, in: &store)
      }
      replies.append(.ready(.retried(request, result)))
    case .openLink(let link, let peer):
      let opening = LinkOpening(
        peerState: try store.peer(peer), site: reconciler.log.state,
        outcomesEnd: try store.outcomesEnd(for: peer))
      replies.append(.ready(.linkOpened(link, opening)))
    case .change(let link, let peer, let write):
      for result in try reconciler.perform(write.change, of: peer, in: &store) {
        tally.note(result)
      }
      peersTouched.insert(peer)
      replies.append(.committed(link, peer: peer, write.ticket))
    }
  }

  /// Saves the site's state; the last writes before the commit.
  mutating func finish(
    in writer: SQLiteWriter
  ) throws(StoreError) -> ([WriterReply], CommitNews) {
    var store = writer
    try reconciler.log.finish(in: &store)
    let state = reconciler.log.state
    var outcomesEnd: [SiteID: UInt64] = [:]
    for peer in Set(try store.peers()).union(peersTouched) {
      outcomesEnd[peer] = try store.outcomesEnd(for: peer)
    }
    let sealed = Checkpoint(
      of: context.site, incarnation: state.end.incarnation, lsn: state.end.lsn,
      head: state.end.head, sealing: context.sealing)
    let ready = replies.map { reply in
      switch reply {
      case .ready(let ready): ready
      case .committed(let link, let peer, let ticket):
        .committed(
          link, ticket, CommitReport(outcomesEnd: outcomesEnd[peer] ?? 0, logEnd: sealed))
      }
    }
    let news = CommitNews(
      end: state.end, state: state, outcomesEnd: outcomesEnd, alarms: reconciler.alarms,
      tally: tally, registryChanged: state.registry != registryBefore)
    return (ready, news)
  }

  private mutating func author(
    _ submission: Submission, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<Authored, AuthoringRefusal> {
    let result = try reconciler.author(submission, in: &store)
    if case .success(let authored) = result, !authored.isRepeat {
      tally.entryCount += 1
      if submission.record.kind == .registry, case .revision(let number) = submission.subject {
        let revision = RegistryRevision(number: number.value, digest: authored.digest)
        while try reconciler.releaseWaiting(for: revision, in: &store) {}
      }
    }
    return result
  }

  // MARK: Decisions

  /// The owner's decision as an entry that names all parents (design.md section 3, Conflicts).
  private mutating func decide(
    _ decision: ConflictDecision, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<Authored, AuthoringRefusal> {
    let record = decision.record
    guard let summary = try store.summary(of: record) else { return .failure(.notHere(record)) }
    if let owner = summary.owner, owner != context.site { return .failure(.notOwner(owner)) }
    let plan = try reconciler.plan(decision.keep.asKeep, of: record, in: store)
    switch plan {
    case .failure(let refusal): return .failure(refusal)
    case .success(let plan):
      let json = plan.json(reason: decision.reason)
      do throws(RecordError) {
        let submission = try Submission.read(
          kind: record.kind, operation: plan.operation, json: json)
        return try author(submission, in: &store)
      } catch {
        preconditionFailure("a decision of our own is malformed: \(error)")
      }
    }
  }
}
