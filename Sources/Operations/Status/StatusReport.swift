package import Replication

/// The answer of `dongbo status`: the facts, and what follows from them.
package struct StatusReport: Equatable, Sendable {
  /// Of the JSON. Members are only ever added.
  package static let schema: Int64 = 1

  package let facts: StatusFacts
  /// Worst first; equal ones by site.
  package let findings: [Finding]

  /// Runs all checks on `facts`.
  package init(_ facts: StatusFacts, thresholds: SiteConfiguration.Thresholds) {
    self.facts = facts
    let all =
      Self.ownFindings(facts, thresholds)
      + facts.peers.flatMap { Self.findings(of: $0, facts, thresholds) }
    findings = all.sorted { left, right in
      (right.severity, left.site, left.id.rawValue) < (left.severity, right.site, right.id.rawValue)
    }
  }

  /// The worst of all findings.
  package var verdict: Severity { findings.map(\.severity).max() ?? .ok }

  /// The worst finding about a peer.
  package func severity(of site: SiteID) -> Severity {
    let name = site.description
    return findings.filter { $0.site == name }.map(\.severity).max() ?? .ok
  }

  /// The last proof of contact of the peer that was heard longest ago; nil when one never was.
  package var oldestProof: WallTime? {
    let proofs = facts.peers.map(\.lastProof)
    return proofs.contains(nil) ? nil : proofs.compactMap(\.self).min()
  }

  /// Days until a certificate ends, cut down; negative when it has.
  package static func days(until end: WallTime, from now: WallTime) -> Int {
    let day: Int64 = 86_400_000_000
    let left = Int64(clamping: end.microseconds) - Int64(clamping: now.microseconds)
    return Int(left >= 0 ? left / day : (left - day + 1) / day)
  }

  /// A certificate this near its end is critical.
  static let criticalCertificateDays = 7
  /// Below so many times the reserve the disk is called low.
  static let reserveWarningFactor: UInt64 = 2

  /// Long enough to be seen; the JSON shows them for good.
  static let rollbackShown = Duration.seconds(7 * 86_400)

  private static func ownFindings(
    _ facts: StatusFacts, _ thresholds: SiteConfiguration.Thresholds
  ) -> [Finding] {
    let own = facts.site.description
    var found: [Finding] = []
    func add(_ id: CheckID, _ severity: Severity, _ arguments: String...) {
      found.append(
        Finding(id: id, severity: severity, site: own, arguments: arguments.map { .text($0) }))
    }
    switch facts.state {
    case .normal: break
    case .locked: add(.locked, .critical, facts.stateReason)
    case .recovering: add(.recovering, .warning, facts.stateReason)
    }
    for rollback in facts.rollbacks where facts.now - rollback.time < rollbackShown {
      found.append(
        Finding(
          id: .rolledBack, severity: .warning, site: rollback.site.description,
          arguments: [.text(rollback.time.localText), .text("\(rollback.sequence)")]))
    }
    if facts.conflicts.total > 0 { add(.conflictsOpen, .warning, "\(facts.conflicts.total)") }
    if facts.quarantined.total > 0 {
      add(.quarantineNotEmpty, .warning, "\(facts.quarantined.total)")
    }
    if let oldest = facts.oldestHeld, facts.now - oldest >= thresholds.held {
      add(.heldTooLong, .warning, "\(facts.held.total)", ageText(facts.now - oldest))
    }
    let (warningLevel, overflow) = facts.reserveByteCount.multipliedReportingOverflow(
      by: reserveWarningFactor)
    let isNear = facts.freeByteCount.map { overflow || $0 < warningLevel } ?? false
    if facts.isStorageFull || isNear {
      let isBelow = facts.freeByteCount.map { $0 < facts.reserveByteCount } ?? true
      add(
        .diskLow, facts.isStorageFull || isBelow ? .critical : .warning,
        facts.freeByteCount.map(byteText) ?? "?", byteText(facts.reserveByteCount))
    }
    if let fault = facts.reloadFault {
      // The first of its lines: `dongbo config check` shows them all.
      let first = fault.split(whereSeparator: \.isNewline).first.map { String($0) } ?? ""
      add(.reloadFailed, .warning, first)
    }
    return found + certificate(facts.certificateNotAfter, own, facts, thresholds)
  }

  private static func findings(
    of peer: PeerStatus, _ facts: StatusFacts, _ thresholds: SiteConfiguration.Thresholds
  ) -> [Finding] {
    let site = peer.site.description
    var found: [Finding] = []
    if peer.hasTwoHolders {
      found.append(Finding(id: .twoHolders, severity: .critical, site: site, arguments: []))
    }
    if let entry = peer.aboveCeiling {
      found.append(
        Finding(id: .aboveCeiling, severity: .critical, site: site, arguments: [.text(entry)]))
    }
    if let offset = peer.clockOffset, offset.isTooLarge {
      found.append(
        Finding(
          id: .clockOff, severity: .warning, site: site,
          arguments: [
            .text(ageText(offset.amount)),
            .phrase(offset.isAhead ? .clockAhead : .clockBehind),
          ]))
    }
    switch peer.state {
    case .streaming, .catchUp: break
    case .never:
      found.append(Finding(id: .neverConnected, severity: .warning, site: site, arguments: []))
    case .refused(let reason):
      found.append(
        Finding(id: .linkRefused, severity: .critical, site: site, arguments: [.text(reason)]))
    case .waiting(let reason):
      // Before its first byte a peer has been silent since this site began to listen.
      let since = peer.lastProof ?? facts.started
      guard facts.now - since >= thresholds.silence else { break }
      found.append(
        Finding(
          id: .linkWaiting, severity: .critical, site: site,
          arguments: [.text(since.localText), .text(reason)]))
    }
    return found + certificate(peer.certificateNotAfter, site, facts, thresholds)
  }

  private static func certificate(
    _ end: WallTime?, _ site: String, _ facts: StatusFacts,
    _ thresholds: SiteConfiguration.Thresholds
  ) -> [Finding] {
    guard let end, end - facts.now < thresholds.certificate else { return [] }
    let left = days(until: end, from: facts.now)
    return [
      Finding(
        id: .certificateExpiring,
        severity: left < criticalCertificateDays ? .critical : .warning, site: site,
        arguments: [.text("\(left)"), .text(end.localDate)])
    ]
  }
}

extension WallTime {
  /// Time from `right` to `left`; zero when `right` is later: ages are for display.
  static func - (left: WallTime, right: WallTime) -> Duration {
    left < right ? .zero : .microseconds(Int64(clamping: left.microseconds - right.microseconds))
  }
}

/// A size for people: three digits at most before the unit, cut down.
package func byteText(_ count: UInt64) -> String {
  let units = ["B", "K", "M", "G", "T", "P", "E"]
  var value = count
  var rest: UInt64 = 0
  var unit = 0
  while value >= 1024 {
    (rest, value, unit) = (value % 1024, value / 1024, unit + 1)
  }
  return value < 10 && unit > 0
    ? "\(value).\(rest * 10 / 1024)\(units[unit])" : "\(value)\(units[unit])"
}
