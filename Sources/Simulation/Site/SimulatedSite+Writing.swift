import Cryptography
import Replication
import Storage

/// Names a client's request while it is under way.
typealias RequestNumber = Int

/// What the writer is asked to do, in the order asked.
enum WriterJob: SessionJob {
  case submit(RequestNumber, Submission)
  case decide(RequestNumber, record: RecordKey, keep: Keep)
  case bootstrap
  case addSite(SiteID)
  case rejoin(without: [SiteID])
  /// A person lets in what is quarantined, as after a restore of the centre from a backup older
  /// than its newest registry.
  case release
  /// An entry comes by itself, as from an offline bundle: at the centre from its origin, elsewhere
  /// from the centre.
  case handOver(Entry)
  case repair(Entry)
  /// Superseded bodies of that age go.
  case compact(keeping: Duration)
  case openLink(SessionNumber, peer: SiteID)
  case change(SessionNumber, peer: SiteID, LinkWrite)

  var request: RequestNumber? {
    switch self {
    case .submit(let request, _), .decide(let request, _, _): request
    case .bootstrap, .addSite, .rejoin, .release, .handOver, .repair, .compact, .openLink, .change:
      nil
    }
  }

  var session: SessionNumber? {
    switch self {
    case .openLink(let session, _), .change(let session, _, _): session
    case .submit, .decide, .bootstrap, .addSite, .rejoin, .release, .handOver, .repair, .compact:
      nil
    }
  }

  /// Whose state it moves or reads.
  var peer: SiteID? {
    switch self {
    case .openLink(_, let peer), .change(_, let peer, _): peer
    default: nil
    }
  }

  var opensLink: Bool { if case .openLink = self { true } else { false } }
}

/// Answer of the writer to a client.
enum WriteResult: Hashable {
  case ok(Authored)
  case refused(String)
}

/// One transaction's worth of jobs with the answers that wait for its commit.
struct WriterGroup {
  var reconciler: Reconciler
  var replies: [Reply] = []
  var resumedPeers: Set<SiteID> = []
  /// Entries that the transaction repaired.
  var repaired: [Digest] = []

  init(reconciler: Reconciler) { self.reconciler = reconciler }

  enum Reply {
    case answered(RequestNumber, WriteResult)
    case opened(SessionNumber, PeerState, SiteState, outcomesEnd: UInt64)
    case committed(SessionNumber, peer: SiteID, Ticket)
  }
}

/// What the jobs of a group do. When it is written, and what becomes of its answers, is in
/// `SimulatedSite+Committing.swift`.
extension SimulatedSite {
  /// All of one group, into the open `transaction`.
  func perform(
    _ jobs: [WriterJob], in group: inout WriterGroup, _ transaction: inout some SimulatedStore
  ) throws(StoreError) {
    for job in jobs { try perform(job, in: &group, &transaction) }
    try group.reconciler.finish(in: &transaction)
  }

  private func perform(
    _ job: WriterJob, in group: inout WriterGroup, _ transaction: inout some SimulatedStore
  ) throws(StoreError) {
    switch job {
    case .submit(let request, let submission):
      group.replies.append(.answered(request, try author(submission, in: &group, &transaction)))
    case .decide(let request, let record, let keep):
      let plan = try group.reconciler.plan(keep, of: record, reason: nil, in: transaction)
      let result: WriteResult
      switch plan {
      case .success(let plan):
        result = try submit(plan.input, record.kind, plan.operation, in: &group, &transaction)
      case .failure(let refusal): result = .refused("\(refusal)")
      }
      group.replies.append(.answered(request, result))
    case .bootstrap: try editRegistry(adding: nil, in: &group, &transaction)
    case .addSite(let site): try editRegistry(adding: site, in: &group, &transaction)
    case .rejoin(let absent):
      _ = try group.reconciler.rejoin(without: absent, in: &transaction)
    case .release: try release(in: &group, &transaction)
    case .handOver(let entry):
      let result = try group.reconciler.receive(
        entry, from: isCentre ? entry.origin : centre, isRecovering: false,
        in: &transaction)
      note("is handed an entry as \(result.state) \(result.code)")
    case .repair(let entry):
      if try transaction.repair(entry) { group.repaired.append(entry.digest) }
    case .compact(let age): try compact(keeping: age, in: &group, &transaction)
    case .openLink(let session, let peer):
      group.replies.append(
        .opened(
          session, try transaction.peer(peer), group.reconciler.log.state,
          outcomesEnd: try transaction.outcomesEnd(for: peer)))
    case .change(let session, let peer, let write):
      let results = try group.reconciler.perform(write.change, of: peer, in: &transaction)
      for (entry, result) in zip(write.change.entries, results) where result.state != .applied {
        note("has an entry from \(peer) as \(result.state) \(result.code): \(entry.brief)")
        if result.state == .quarantined { world.count(.quarantined) }
      }
      if case .resume = write.change { group.resumedPeers.insert(peer) }
      group.replies.append(.committed(session, peer: peer, write.ticket))
    }
  }

  /// As the daemon does it, but for the pace.
  private func compact(
    keeping age: Duration, in group: inout WriterGroup, _ transaction: inout some SimulatedStore
  ) throws(StoreError) {
    guard group.reconciler.log.state.lock == nil else { return }
    let past = UInt64(max(age / .microseconds(1), 0))
    let cutoff = WallTime(microseconds: wallTime.microseconds - min(past, wallTime.microseconds))
    let pageLength = world.limits.pageLength
    var last: RecordKey?
    repeat {
      let page = try transaction.revisedRecords(after: last, limit: pageLength)
      var isComplete = false
      while !isComplete {
        let tally = try transaction.compact(
          page.records, supersededBefore: cutoff, limit: pageLength)
        if tally.bodyCount > 0 { note("compacts \(tally.bodyCount) of \(tally.byteCount) bytes") }
        isComplete = tally.isComplete
      }
      last = page.last
    } while last != nil
  }

  private func release(
    in group: inout WriterGroup, _ transaction: inout some SimulatedStore
  ) throws(StoreError) {
    for waiting in try transaction.waitingEntries(skip: 0, limit: .max)
    where waiting.state == .quarantined {
      // One that came in may have let in others.
      guard try transaction.waiting(waiting.entry.identity) != nil else { continue }
      let result = try group.reconciler.retry(waiting, isRelease: true, in: &transaction)
      note("releases \(waiting.code): \(result.state) \(result.code)")
      try group.reconciler.releaseWaiting(after: waiting.entry, result, in: &transaction)
    }
  }

  private func author(
    _ submission: Submission, in group: inout WriterGroup,
    _ transaction: inout some SimulatedStore
  ) throws(StoreError) -> WriteResult {
    switch try group.reconciler.author(submission, in: &transaction) {
    case .success(let authored):
      if submission.record.kind == .registry, case .revision(let number) = submission.subject {
        let revision = RegistryRevision(number: number.value, digest: authored.digest)
        try group.reconciler.releaseWaiting(for: revision, in: &transaction)
      }
      return .ok(authored)
    case .failure(.rule(let fault)): return .refused("\(fault)")
    case .failure(let refusal): return .refused("\(refusal)")
    }
  }

  private func submit(
    _ input: JSONObject, _ kind: RecordKind, _ operation: Operation, in group: inout WriterGroup,
    _ transaction: inout some SimulatedStore
  ) throws(StoreError) -> WriteResult {
    let submission: Submission
    do throws(RecordError) {
      submission = try Submission.read(
        kind: kind, operation: operation, json: JSONValue.object(input).canonicalBytes)
    } catch {
      return .refused("\(error)")
    }
    return try author(submission, in: &group, &transaction)
  }

  /// The next revision of the registry: the world's first members, or one more.
  private func editRegistry(
    adding site: SiteID?, in group: inout WriterGroup, _ transaction: inout some SimulatedStore
  ) throws(StoreError) {
    let puts = Resolution(of: try transaction.entries(of: RegistryRules.record)).current
    let number = group.reconciler.log.state.registry.number + 1
    var body = puts.last?.body.flatMap { (try? JSONValue.parse($0))?.object } ?? JSONObject()
    let added = site.map { [$0] } ?? world.firstMembers
    // Written once: a later start finds a registry and leaves it alone.
    if site == nil && number > 1 { return }
    for member in added {
      let tier: RegistrySnapshot.Tier = member == centre ? .centre : .province
      body = RegistrySnapshot.adding(
        RegistrySnapshot.Site(
          id: member, tier: tier, generation: 1, pins: [SimulatedKey(of: member).pin]),
        to: body, number: number)
    }
    var input = RegistrySnapshot.signing(
      body, publicKey: key.publicKey,
      signature: key.sign(RegistrySnapshot.signedBytes(of: body)))
    input["recordId"] = .string(Text(RegistryRules.record.id.description))
    input["revision"] = .integer(Int64(clamping: number))
    input["secrecyLevel"] = .string("none")
    input["parents"] = .array(puts.map { .string(Text($0.digest.description)) })
    let result = try submit(input, .registry, .put, in: &group, &transaction)
    note("registry \(number): \(result)")
  }
}

extension LinkChange {
  fileprivate var entries: [Entry] {
    if case .take(_, _, let entries, _, _) = self { entries } else { [] }
  }
}

extension Entry {
  /// For the trace.
  fileprivate var brief: String {
    let record = header.record.map { "\($0.kind)/\($0.id)" } ?? "log"
    return "\(identity) (\(header.operation) of \(record))"
  }
}
