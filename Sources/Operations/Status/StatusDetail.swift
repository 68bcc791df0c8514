package import Replication

extension StatusScreen {
  /// One peer in depth, a line for each fact, then its findings: `dongbo status ca-mau`.
  ///
  /// - Returns: nil when there is no such peer.
  package func detail(of site: SiteID) -> String? {
    let facts = report.facts
    guard let peer = facts.peers.first(where: { $0.site == site }) else { return nil }
    var rows: [(String, String)] = [
      (word(.columnSite), peer.site.description), (word(.columnState), stateWord(peer.state)),
    ]
    if let reason = peer.state.reason { rows.append((word(.reason), visibleText(reason))) }
    rows += [
      (
        word(.columnProof),
        peer.lastProof.map { "\(ageText(facts.now - $0))  \($0.localText)" } ?? "-"
      ),
      (word(.columnOut), explained(peer.lagOut)), (word(.columnIn), explained(peer.lagIn)),
      (word(.failures), "\(peer.consecutiveFailureCount)"),
      (word(.columnConflicts), byKind(peer.conflicts)), (word(.columnHeld), byKind(peer.held)),
      (word(.columnQuarantined), byKind(peer.quarantined)),
      (word(.columnCertificate), certificate(peer.certificateNotAfter)),
    ]
    let width = rows.map(\.0.count).max() ?? 0
    var lines = rows.map { "\(padded($0, to: width))  \($1)" }
    for finding in report.findings where finding.site == site.description {
      lines += [""] + paragraph(finding)
    }
    return lines.map { cut($0, to: Self.width) }.joined(separator: "\n") + "\n"
  }

  private func explained(_ lag: Lag?) -> String {
    lag == nil ? "?  " + word(.unknown) : lagText(lag)
  }

  private func certificate(_ end: WallTime?) -> String {
    guard let end else { return "?" }
    return "\(StatusReport.days(until: end, from: report.facts.now))d  \(end.localDate)"
  }

  /// The total, then the kinds that have any.
  private func byKind(_ counts: CountByKind) -> String {
    let parts = RecordKind.allCases.filter { counts[$0] > 0 }.map { kind in
      word(phrase(of: kind), "\(counts[kind])")
    }
    return ["\(counts.total)"].appending(parts.joined(separator: ", ")).joined(separator: "  ")
  }

  private func phrase(of kind: RecordKind) -> StatusPhrase {
    switch kind {
    case .document: .document
    case .directive: .directive
    case .finance: .finance
    case .registry: .registry
    }
  }
}

extension [String] {
  /// With `text` at the end, unless it is empty.
  fileprivate func appending(_ text: String) -> [String] { text.isEmpty ? self : self + [text] }
}
