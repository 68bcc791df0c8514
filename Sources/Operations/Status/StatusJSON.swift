import Replication

extension StatusReport {
  /// The report for machines. Keys are never translated and never removed; times are RFC 3339,
  /// ages whole seconds, null is "cannot be known from here". `title` follows `language`.
  package func json(in language: Language) -> JSONOutput {
    .object([
      ("schema", .integer(Self.schema)),
      ("site", .text(facts.site.description)),
      ("tier", .text(facts.tier.rawValue)),
      ("version", .text(facts.version)),
      ("time", .text(facts.now.rfc3339)),
      ("started", .text(facts.started.rfc3339)),
      ("uptimeSeconds", .integer((facts.now - facts.started).components.seconds)),
      ("verdict", .text(verdict.name)),
      ("state", .text(facts.state.rawValue)),
      ("stateReason", facts.stateReason.isEmpty ? .null : .text(facts.stateReason)),
      ("peers", .list(facts.peers.map(peer))),
      ("conflicts", facts.conflicts.json),
      ("held", facts.held.json),
      ("oldestHeld", .optional(facts.oldestHeld?.rfc3339)),
      ("quarantined", facts.quarantined.json),
      ("filesPending", .optional(facts.pendingFileCount.map { Int64($0) })),
      ("rollbacks", .list(facts.rollbacks.map(rollback))),
      ("refusedEntries", .integer(Int64(clamping: facts.refusedEntryCount))),
      ("refusedConnections", .integer(Int64(clamping: facts.refusedConnectionCount))),
      ("storeBytes", .integer(Int64(clamping: facts.storeByteCount))),
      ("freeBytes", .optional(facts.freeByteCount.map { Int64(clamping: $0) })),
      ("reserveBytes", .integer(Int64(clamping: facts.reserveByteCount))),
      ("certificateNotAfter", .optional(facts.certificateNotAfter?.rfc3339)),
      ("reloadFault", .optional(facts.reloadFault)),
      ("findings", .list(findings.map { finding($0, language) })),
    ])
  }

  private func peer(_ peer: PeerStatus) -> JSONOutput {
    .object([
      ("site", .text(peer.site.description)),
      ("severity", .text(severity(of: peer.site).name)),
      ("state", .text(peer.state.name)),
      ("reason", .optional(peer.state.reason)),
      ("lastProof", .optional(peer.lastProof?.rfc3339)),
      ("lagOut", lag(peer.lagOut)),
      ("lagIn", lag(peer.lagIn)),
      ("consecutiveFailures", .integer(Int64(peer.consecutiveFailureCount))),
      ("conflicts", peer.conflicts.json),
      ("held", peer.held.json),
      ("quarantined", peer.quarantined.json),
      ("certificateNotAfter", .optional(peer.certificateNotAfter?.rfc3339)),
      ("twoHolders", .flag(peer.hasTwoHolders)),
      ("aboveCeiling", .optional(peer.aboveCeiling)),
      ("clockOffsetMilliseconds", .optional(peer.clockOffset?.milliseconds)),
    ])
  }

  private func rollback(_ seen: RollbackSeen) -> JSONOutput {
    .object([
      ("site", .text(seen.site.description)),
      ("time", .text(seen.time.rfc3339)),
      ("afterSequence", .integer(Int64(clamping: seen.sequence.value))),
    ])
  }

  private func lag(_ lag: Lag?) -> JSONOutput {
    guard let lag else { return .null }
    return .object([
      ("entries", .integer(Int64(clamping: lag.entryCount))),
      ("ageSeconds", .optional(lag.age?.components.seconds)),
    ])
  }

  private func finding(_ finding: Finding, _ language: Language) -> JSONOutput {
    .object([
      ("id", .text(finding.id.rawValue)),
      ("severity", .text(finding.severity.name)),
      ("site", .text(finding.site)),
      ("title", .text(finding.title(in: language))),
      ("why", .text(finding.id.why.text(in: language))),
      ("do", .text(finding.id.action.text(in: language, [finding.site]))),
    ])
  }
}

extension CountByKind {
  fileprivate var json: JSONOutput {
    .object(RecordKind.allCases.map { ($0.description, .integer(Int64(clamping: self[$0]))) })
  }
}
