/// A job of the writer, as far as sessions go.
package protocol SessionJob {
  /// The session it is of, if any.
  var session: SessionNumber? { get }
  /// The peer of that session.
  var peer: SiteID? { get }
  /// Whether it reads what its session starts from.
  var opensLink: Bool { get }
}

/// Which jobs of the writer may be done now. The writes of a session build on each other: while one
/// of them waits for a damaged entry to be repaired, those behind it wait too, in order; and when
/// one is rolled back, none behind it is ever done.
///
/// Bounded by what sessions may have uncommitted: nothing that waits is acknowledged, so the peer
/// waits with it.
package struct WaitingWrites<Job: SessionJob> {
  /// In the order they came.
  package private(set) var jobs: [Job] = []
  private var waiting: Set<SessionNumber> = []
  /// The shell closes them; a new session has a new number.
  private var broken: Set<SessionNumber> = []

  package init() {}

  /// - Returns: those to be done now, in order, and those of broken sessions, never to be done. The
  ///   others wait.
  /// - Note: ask again, one by one, for jobs of a group that is done one by one: each may change
  ///   what becomes of those behind it.
  package mutating func sort(_ jobs: [Job]) -> (ready: [Job], orphans: [Job]) {
    var ready: [Job] = []
    var orphans: [Job] = []
    for job in jobs {
      if job.opensLink, let peer = job.peer { giveUp(peer) }
      if let session = job.session, broken.contains(session) {
        orphans.append(job)
      } else if let session = job.session, waiting.contains(session) {
        self.jobs.append(job)
      } else {
        ready.append(job)
      }
    }
    return (ready, orphans)
  }

  /// A new session starts from what is committed: the peer sends again what an earlier one of it
  /// has waiting here.
  private mutating func giveUp(_ peer: SiteID) {
    let sessions = Set(jobs.filter { $0.peer == peer }.compactMap(\.session))
    jobs.removeAll { $0.peer == peer }
    waiting.subtract(sessions)
    broken.formUnion(sessions)
  }

  /// A job of `session` needs an entry that is damaged: it waits.
  package mutating func wait(_ job: Job, of session: SessionNumber) {
    waiting.insert(session)
    jobs.append(job)
  }

  /// Jobs that were rolled back for good.
  package mutating func rolledBack(_ jobs: [Job]) { broken.formUnion(jobs.compactMap(\.session)) }

  /// What waited, now that something is repaired: it goes before everything else, and waits again
  /// if that was not what it needs.
  package mutating func release() -> [Job] {
    waiting = []
    defer { jobs = [] }
    return jobs
  }
}
