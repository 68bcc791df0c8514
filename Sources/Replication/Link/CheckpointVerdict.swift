/// What a quoted checkpoint of this site's log proves (law 6).
package enum CheckpointVerdict: Hashable, Sendable {
  /// The row is here with that head: resume after it.
  case resume
  /// This site wrote further than its log now reaches: it lost rows and must recover.
  case lost
  /// The incarnation wrote another row there: two logs under one incarnation.
  case forked
  /// This site never wrote it: it proves nothing, the link is refused and alarmed.
  case badTag
}

/// Judges a checkpoint of the log of `site`, quoted by a peer or read from the witness file.
/// - Parameter log: this site's log; `site` and `sealing` are this site's too.
/// - Throws: what the store throws; nothing is known then.
package func judge(
  _ checkpoint: Checkpoint, of site: SiteID, in log: some LogReader,
  sealing: some CheckpointSealing
) throws(StoreError) -> CheckpointVerdict {
  guard checkpoint.isSealed(by: site, sealing) else { return .badTag }
  // The end of a log without rows, sealed, is the start.
  if checkpoint.lsn == .start { return .resume }
  if let row = try log.row(at: checkpoint.lsn), row.head == checkpoint.head { return .resume }
  guard let last = try log.lastRow(of: checkpoint.incarnation), checkpoint.lsn <= last else {
    return .lost
  }
  return .forked
}

/// What a peer's HELLO proves about this site's own log, and where to send from.
package struct HelloJudgement: Hashable, Sendable {
  /// The newest checkpoint of each lane's history that this log still has.
  package var resume: PerLane<Checkpoint>
  package var lostRows: Bool
  package var isForked: Bool
  package var hasBadTag: Bool
  package init(
    resume: PerLane<Checkpoint>, lostRows: Bool = false, isForked: Bool = false,
    hasBadTag: Bool = false
  ) {
    self.resume = resume
    self.lostRows = lostRows
    self.isForked = isForked
    self.hasBadTag = hasBadTag
  }
}

/// Judges every checkpoint of this site's log that `hello` quotes: each lane's history from the
/// newest back to the first that resumes, and the witness. Reads at most 133 rows.
/// - Throws: what the store throws.
package func judgeHello(
  _ hello: Hello, of site: SiteID, in log: some LogReader, sealing: some CheckpointSealing
) throws(StoreError) -> HelloJudgement {
  var judgement = HelloJudgement(resume: PerLane(both: .start))
  for lane in Lane.allCases {
    for checkpoint in hello.received[lane].newestFirst {
      let verdict = try judge(checkpoint, of: site, in: log, sealing: sealing)
      judgement.note(verdict)
      if verdict == .resume {
        judgement.resume[lane] = checkpoint
        break
      }
    }
  }
  judgement.note(try judge(hello.witness, of: site, in: log, sealing: sealing))
  return judgement
}

extension HelloJudgement {
  fileprivate mutating func note(_ verdict: CheckpointVerdict) {
    switch verdict {
    case .resume: break
    case .lost: lostRows = true
    case .forked: isForked = true
    case .badTag: hasBadTag = true
    }
  }
}
