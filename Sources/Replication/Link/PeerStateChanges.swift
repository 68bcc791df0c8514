extension PeerState {
  /// Makes `change` to what is kept about the link. The writer calls it inside the transaction.
  /// - Precondition: a take continues at the newest checkpoint, outcomes at the cursor.
  package mutating func apply(_ change: LinkChange) {
    switch change {
    case .resume(let checkpoints, let peerLogEnd, let peerLife, let outcomes, let recoverUpTo):
      for lane in Lane.allCases { received[lane]?.reset(to: checkpoints[lane]) }
      logEnd = peerLogEnd
      life = peerLife
      outcomesTaken = outcomes
      self.recoverUpTo = recoverUpTo
    case .take(let lane, let previous, _, let checkpoint, let peerLogEnd):
      let newest = received[lane]?.newest.lsn
      precondition(newest == previous, "take after \(previous) at \(String(describing: newest))")
      received[lane]?.advance(to: checkpoint)
      logEnd = peerLogEnd
    case .acknowledged(let lane, let lsn): acknowledged[lane] = lsn
    case .takeOutcomes(let first, let outcomes):
      precondition(first == outcomesTaken + 1, "outcomes from \(first) after \(outcomesTaken)")
      outcomesTaken += UInt64(outcomes.count)
    case .witness(let checkpoint): logEnd = checkpoint
    case .rowsLost: break
    case .recovered: recoverUpTo = nil
    }
  }
}
