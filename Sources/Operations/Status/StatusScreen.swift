import Replication

/// The report for people: the verdict in one line, the peers worst first, then what to do.
/// `?` is "cannot be known from here"; it is never shown as 0.
package struct StatusScreen {
  /// Of a line, in characters.
  package static let width = 100
  /// Healthy peers shown without `all`; the rest is counted.
  package static let healthyRowLimit = 8

  let report: StatusReport
  private let language: Language

  package init(_ report: StatusReport, in language: Language) {
    self.report = report
    self.language = language
  }

  /// The whole screen; no line is longer than `width` characters.
  package func text(showAll: Bool) -> String {
    var lines = [verdictLine]
    let peers = rankedPeers
    let healthy = peers.filter { isHealthy($0) }
    let hiddenCount = showAll ? 0 : max(0, healthy.count - Self.healthyRowLimit)
    let shown = peers.prefix(peers.count - hiddenCount)
    if !shown.isEmpty {
      lines.append("")
      lines += table(Array(shown))
    }
    if hiddenCount > 0 { lines.append("  " + word(.hidden, "\(hiddenCount)")) }
    if let count = report.facts.pendingFileCount, count > 0 {
      lines.append("  " + word(.filesPending, "\(count)"))
    }
    for finding in report.findings { lines += [""] + paragraph(finding) }
    return lines.map { cut($0, to: Self.width) }.joined(separator: "\n") + "\n"
  }

  /// Verdict, what is behind it, how fresh it is, and who says so.
  package var verdictLine: String {
    let facts = report.facts
    let troubled = facts.peers.count { !isHealthy($0) }
    let summary =
      switch (facts.peers.count, troubled) {
      case (0, _): word(.noPeers)
      case (let count, 0): word(.allHealthy, "\(count)")
      case (let count, _): word(.peersNeedAttention, "\(count)", "\(troubled)")
      }
    var parts = [summary]
    if report.severity(of: facts.site) > .ok { parts.append(word(.siteNeedsAttention)) }
    if let oldest = report.oldestProof {
      parts.append(word(.oldestProof, ageText(facts.now - oldest)))
    } else if !facts.peers.isEmpty {
      parts.append(word(.neverProof))
    }
    let uptime = ageText(facts.now - facts.started)
    parts.append(word(.up, facts.site.description, visibleText(facts.version), uptime))
    return "\(report.verdict.name.uppercased())  \(parts.joined(separator: " · "))"
  }

  private var rankedPeers: [PeerStatus] {
    report.facts.peers.sorted { left, right in
      let (a, b) = (report.severity(of: left.site), report.severity(of: right.site))
      if a != b { return a > b }
      let (healthyLeft, healthyRight) = (isHealthy(left), isHealthy(right))
      return healthyLeft == healthyRight ? left.site < right.site : !healthyLeft
    }
  }

  /// A session, no finding, and nothing that waits for a person.
  private func isHealthy(_ peer: PeerStatus) -> Bool {
    let isConnected =
      switch peer.state {
      case .streaming: true
      case .catchUp, .waiting, .never, .refused: false
      }
    return isConnected && report.severity(of: peer.site) == .ok
      && peer.conflicts.total == 0 && peer.quarantined.total == 0
  }

  private func table(_ peers: [PeerStatus]) -> [String] {
    let columns = self.columns
    let rows = peers.map { peer in columns.map { $0.cell(peer) } }
    var widths = columns.indices.map { index in
      max(columns[index].title.count, rows.map { $0[index].count }.max() ?? 0)
    }
    var kept = Array(columns.indices)
    // Two characters of mark, a blank between columns.
    while 2 + kept.map({ widths[$0] + 1 }).reduce(0, +) - 1 > Self.width,
      let victim = kept.max(by: { columns[$0].dropRank < columns[$1].dropRank }),
      columns[victim].dropRank > 0
    {
      kept.removeAll { $0 == victim }
    }
    if let last = kept.last { widths[last] = 0 }
    let line: (String, [String]) -> String = { mark, cells in
      mark + " " + kept.map { padded(cells[$0], to: widths[$0]) }.joined(separator: " ")
    }
    return [line(" ", columns.map(\.title))]
      + zip(peers, rows).map { line(mark(of: $0), $1) }
  }

  /// `-` never connected, `x` refused, `!` critical, `~` warning.
  private func mark(of peer: PeerStatus) -> String {
    switch peer.state {
    case .never: return "-"
    case .refused: return "x"
    case .streaming, .catchUp, .waiting: break
    }
    switch report.severity(of: peer.site) {
    case .ok: return " "
    case .warning: return "~"
    case .critical: return "!"
    }
  }

  private struct Column {
    let title: String
    /// The highest goes first when the line is too long; 0 stays.
    let dropRank: Int
    let cell: (PeerStatus) -> String
  }

  private var columns: [Column] {
    let now = report.facts.now
    return [
      Column(title: word(.columnSite), dropRank: 0) { $0.site.description },
      Column(title: word(.columnState), dropRank: 0) { stateWord($0.state) },
      Column(title: word(.columnProof), dropRank: 0) { peer in
        peer.lastProof.map { ageText(now - $0) } ?? "-"
      },
      Column(title: word(.columnOut), dropRank: 0) { lagText($0.lagOut) },
      Column(title: word(.columnIn), dropRank: 0) { lagText($0.lagIn) },
      Column(title: word(.columnKinds), dropRank: 4, cell: kindGlyphs),
      Column(title: word(.columnConflicts), dropRank: 1) { countText($0.conflicts.total) },
      Column(title: word(.columnHeld), dropRank: 3) { countText($0.held.total) },
      Column(title: word(.columnQuarantined), dropRank: 1) { countText($0.quarantined.total) },
      Column(title: word(.columnCertificate), dropRank: 2) { peer in
        peer.certificateNotAfter.map { "\(StatusReport.days(until: $0, from: now))d" } ?? "?"
      },
    ]
  }

  /// Documents, directives, finance: `!` quarantined, `~` conflict or held, `*` neither.
  private func kindGlyphs(_ peer: PeerStatus) -> String {
    [RecordKind.document, .directive, .finance].map { kind in
      if peer.quarantined[kind] > 0 { return "!" }
      if peer.conflicts[kind] + peer.held[kind] > 0 { return "~" }
      return peer.state == .never ? "-" : "*"
    }.joined(separator: "  ")
  }

  func paragraph(_ finding: Finding) -> [String] {
    let glyph = finding.severity == .critical ? "!" : "~"
    let title = finding.title(in: language)
    let action = finding.id.action.text(in: language, [finding.site])
    return wrapped("\(glyph) \(finding.id.rawValue) \(finding.site)  \(title)", indent: 4)
      + wrapped("    \(word(.why))  \(finding.id.why.text(in: language))", indent: 9)
      + wrapped("    \(word(.action))  \(action)", indent: 9)
      + ["    \(word(.see))  dongbo explain \(finding.id.rawValue)"]
  }

  /// Breaks at blanks; a word longer than the line is cut by `text`.
  private func wrapped(_ line: String, indent: Int) -> [String] {
    guard line.count > Self.width, let head = line.prefix(Self.width + 1).lastIndex(of: " "),
      line.distance(from: line.startIndex, to: head) > indent
    else { return [line] }
    let rest = String(repeating: " ", count: indent) + line[line.index(after: head)...]
    return [String(line[..<head])] + wrapped(rest, indent: indent)
  }

  func stateWord(_ state: LinkCondition) -> String {
    switch state {
    case .streaming: word(.streaming)
    case .catchUp: word(.catchUp)
    case .waiting: word(.waiting)
    case .never: word(.never)
    case .refused: word(.refused)
    }
  }

  func lagText(_ lag: Lag?) -> String {
    guard let lag else { return "?" }
    guard lag.entryCount > 0 else { return "0" }
    return countText(lag.entryCount) + "/" + (lag.age.map { ageText($0) } ?? "?")
  }

  /// Whole below a million, then `1.2M`, `3.4G`.
  private func countText(_ count: UInt64) -> String {
    guard count >= 1_000_000 else { return "\(count)" }
    let (unit, name): (UInt64, String) =
      count >= 1_000_000_000 ? (1_000_000_000, "G") : (1_000_000, "M")
    return "\(count / unit).\(count % unit * 10 / unit)\(name)"
  }

  func word(_ phrase: StatusPhrase, _ arguments: String...) -> String {
    phrase.local.text(in: language, arguments)
  }
}

/// `text` with blanks behind it up to `width` characters as people count them.
func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// `line` without blanks at its end, cut where it is longer than `width` characters.
func cut(_ line: String, to width: Int) -> String {
  let trimmed = line.reversed().drop { $0 == " " }.reversed()
  return trimmed.count <= width ? String(trimmed) : String(trimmed.prefix(width - 1)) + ">"
}
