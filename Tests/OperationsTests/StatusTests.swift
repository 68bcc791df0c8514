import Foundation
import Operations
import Replication
import Testing

private let minute: UInt64 = 60_000_000
private let day: UInt64 = 86_400_000_000
private let now = WallTime(microseconds: 1_795_444_258_000_000)
private let thresholds = SiteConfiguration.Thresholds(
  silence: .seconds(900), held: .days(1), certificate: .days(30))

private func ago(_ microseconds: UInt64) -> WallTime {
  WallTime(microseconds: now.microseconds - microseconds)
}

private func site(_ text: String) throws -> SiteID { try #require(SiteID(text)) }

private func facts(_ peers: [PeerStatus] = []) throws -> StatusFacts {
  var facts = StatusFacts(
    site: try site("trung-uong"), tier: .centre, version: "1.0.0", now: now, started: ago(12 * day))
  facts.peers = peers
  facts.freeByteCount = 1 << 40
  facts.reserveByteCount = 1 << 30
  return facts
}

private func streaming(_ name: String) throws -> PeerStatus {
  var peer = PeerStatus(site: try site(name), state: .streaming)
  peer.lastProof = ago(2_000_000)
  peer.lagOut = Lag(entryCount: 0, age: nil)
  peer.lagIn = Lag(entryCount: 0, age: nil)
  peer.certificateNotAfter = WallTime(microseconds: now.microseconds + 210 * day)
  return peer
}

private func report(_ facts: StatusFacts) -> StatusReport {
  StatusReport(facts, thresholds: thresholds)
}

/// One silent, one behind with a certificate near its end, one with quarantine, 31 healthy.
private func estate() throws -> StatusFacts {
  var peers = try (0..<31).map { try streaming("tinh-\($0 + 10)") }
  var silent = PeerStatus(site: try site("ca-mau"), state: .waiting(reason: "TCP timed out"))
  silent.lastProof = ago(192 * minute)
  silent.lagOut = Lag(entryCount: 18_402, age: .seconds(11_460))
  silent.certificateNotAfter = WallTime(microseconds: now.microseconds + 61 * day)
  var expiring = try streaming("dien-bien")
  expiring.state = .catchUp
  expiring.lagIn = Lag(entryCount: 640, age: nil)
  expiring.certificateNotAfter = WallTime(microseconds: now.microseconds + 9 * day)
  expiring.quarantined[.finance] = 2
  peers += [expiring, silent, PeerStatus(site: try site("hue"), state: .never)]
  return try facts(peers)
}

@Test func theScreenPutsTheWorstFirst() throws {
  let screen = StatusScreen(report(try estate()), in: .en)
  let lines = screen.text(showAll: false).split(separator: "\n", omittingEmptySubsequences: false)
  #expect(
    lines.prefix(8).joined(separator: "\n") == """
      CRITICAL  attention: 3 of 34 sites · one never heard of · trung-uong 1.0.0 up 12d

        SITE      STATE     LAST PROOF LAG OUT     LAG IN DO DI FI CONFL HELD QUAR CERT
      ! ca-mau    waiting   3h12m      18402/3h11m ?      *  *  *  0     0    0    61d
      ~ dien-bien catch-up  2s         0           640/?  *  *  !  0     0    2    9d
      - hue       never     -          ?           ?      -  -  -  0     0    0    ?
        tinh-10   streaming 2s         0           0      *  *  *  0     0    0    210d
        tinh-11   streaming 2s         0           0      *  *  *  0     0    0    210d
      """)
  #expect(lines.contains("  ... 23 healthy sites hidden (--all)"))
  #expect(lines.contains("! DB-LINK-003 ca-mau  no session since 23/11/2026 18:18: TCP timed out"))
  #expect(lines.contains("    see  dongbo explain DB-LINK-003"))
  #expect(lines.allSatisfy { $0.count <= StatusScreen.width })
  #expect(screen.text(showAll: true).contains("tinh-40"))
}

@Test func theScreenSpeaksVietnamese() throws {
  let text = StatusScreen(report(try estate()), in: .vi).text(showAll: false)
  #expect(text.hasPrefix("CRITICAL  cần chú ý: 3/34 điểm"))
  let lines = text.split(separator: "\n")
  let header = try #require(lines.first { $0.contains("TÌNH TRẠNG") })
  let row = try #require(lines.first { $0.contains("ca-mau") })
  // Columns line up by what people count as characters.
  let headerColumn = header.distance(
    from: header.startIndex, to: try #require(header.range(of: "CHỜ GỬI")))
  #expect(row.dropFirst(headerColumn).hasPrefix("18402/3h11m"))
  #expect(lines.allSatisfy { $0.count <= StatusScreen.width })
}

extension Substring {
  /// Where `word` begins.
  fileprivate func range(of word: String) -> Index? {
    indices.first { self[$0...].hasPrefix(word) }
  }
}

@Test func healthIsNeverInferredFromLagZero() throws {
  var peer = try streaming("ca-mau")
  #expect(report(try facts([peer])).verdict == .ok)
  let line = StatusScreen(report(try facts([peer])), in: .en).verdictLine
  #expect(line == "OK  healthy: 1 of 1 sites · oldest proof 2s ago · trung-uong 1.0.0 up 12d")
  peer.state = .waiting(reason: "closed")
  peer.lastProof = ago(16 * minute)
  #expect(report(try facts([peer])).verdict == .critical)
  peer.lastProof = ago(14 * minute)
  #expect(report(try facts([peer])).verdict == .ok)
  #expect(StatusScreen(report(try facts([peer])), in: .en).verdictLine.contains("1 of 1"))
}

@Test func everyCheckCanBeFound() throws {
  var all = try estate()
  all.peers[0].state = .refused(reason: "pin")
  all.peers[1].hasTwoHolders = true
  all.peers[2].aboveCeiling = "lang-son/1 (document 2)"
  all.peers[3].clockOffset = ClockOffset(least: .seconds(-1200))
  all.conflicts[.directive] = 1
  all.quarantined[.finance] = 2
  all.held[.document] = 3
  all.oldestHeld = ago(2 * day)
  all.freeByteCount = 1 << 20
  all.reloadFault = "dongbo.conf:3: no\nReally"
  all.rollbacks = [
    RollbackSeen(site: all.peers[4].site, time: ago(6 * day), sequence: SequenceNumber(17))
  ]
  all.state = .locked
  let locked = report(all)
  all.state = .recovering
  let found = Set((locked.findings + report(all).findings).map(\.id))
  #expect(found == Set(CheckID.allCases))
  #expect(locked.findings.map(\.severity) == locked.findings.map(\.severity).sorted(by: >))
  for language in Language.allCases {
    let text = StatusScreen(locked, in: language).text(showAll: true)
    #expect(!text.contains("{0}") && !text.contains("{1}"), "an unfilled placeholder")
    #expect(text.contains("dongbo.conf:3: no\n"))
  }
}

@Test func onePeerInDepth() throws {
  let screen = StatusScreen(report(try estate()), in: .en)
  #expect(
    screen.detail(of: try site("dien-bien")) == """
      SITE               dien-bien
      STATE              catch-up
      LAST PROOF         2s  23/11/2026 21:30
      LAG OUT            0
      LAG IN             640/?
      FAILURES IN A ROW  0
      CONFL              0
      HELD               0
      QUAR               2  finance 2
      CERT               9d  02/12/2026

      ~ DB-CERT-001 dien-bien  certificate ends in 9 days (02/12/2026)
          why  from that day on the link cannot be established
          do   issue a new certificate for dien-bien, then dongbo reload
          see  dongbo explain DB-CERT-001

      """)
  let silent = try #require(screen.detail(of: try site("ca-mau")))
  #expect(silent.contains("REASON             TCP timed out\n"))
  #expect(silent.contains("LAG IN             ?  cannot be known from here\n"))
  #expect(screen.detail(of: try site("nowhere")) == nil)
}

@Test func theReportFeedsTheMetrics() throws {
  var some = try estate()
  some.conflicts[.finance] = 3
  let registry = MetricRegistry()
  for peer in some.peers { registry.declare(site: peer.site.description) }
  let page = String(
    decoding: registry.render { report(some).publish(to: $0) }, as: UTF8.self)
  for line in [
    "dongbo_link_state{site=\"ca-mau\",state=\"waiting\"} 1",
    "dongbo_link_state{site=\"ca-mau\",state=\"streaming\"} 0",
    "dongbo_link_last_contact_timestamp_seconds{site=\"hue\"} 0",
    "dongbo_link_last_contact_timestamp_seconds{site=\"dien-bien\"} 1795444256",
    "dongbo_check_status{check=\"DB-LINK-003\"} 2", "dongbo_check_status{check=\"DB-CERT-001\"} 1",
    "dongbo_check_status{check=\"DB-DISK-001\"} 0", "dongbo_conflicts_open{kind=\"finance\"} 3",
    "dongbo_site_state{state=\"normal\"} 1",
  ] { #expect(page.contains(line + "\n"), "\(line)") }
}

/// `promtool check rules` reads the form; here: no check is without an alert, or has one too many.
@Test func everyCheckHasItsAlert() throws {
  var root = URL(filePath: #filePath)
  for _ in 0..<3 { root.deleteLastPathComponent() }
  let rules = try String(
    contentsOf: root.appending(path: "Config/dongbo-alerts.yml"), encoding: .utf8)
  let pattern = /dongbo_check_status\{check="([^"]+)"\} == [12]\n/
  let alerted = rules.matches(of: pattern).compactMap { CheckID(rawValue: String($0.output.1)) }
  #expect(alerted.count == rules.matches(of: /dongbo_check_status\{/).count)
  #expect(Set(alerted) == Set(CheckID.allCases))
  for id in CheckID.allCases { #expect(rules.contains("do: \"dongbo explain \(id.rawValue)\"")) }
}

@Test(arguments: CheckID.allCases) func explanationsAreWhole(id: CheckID) {
  for language in Language.allCases {
    let text = id.explanation(in: language)
    #expect(text.hasPrefix(id.rawValue) && !text.contains("{"))
  }
}

@Test(
  arguments: [
    (3_221_225_472, .ok), (2_147_483_648, .ok), (2_147_483_647, .warning),
    (1_073_741_824, .warning), (1_073_741_823, .critical),
  ] as [(UInt64, Severity)])
func diskIsJudgedAgainstItsReserve(free: UInt64, expected: Severity) throws {
  var some = try facts()
  some.freeByteCount = free
  #expect(report(some).verdict == expected)
}

/// Not yet well above the reserve again, or not to be measured: still said.
@Test(arguments: [nil, 1_073_741_824, 1 << 40] as [UInt64?])
func aStopForWantOfRoomIsCritical(free: UInt64?) throws {
  var some = try facts()
  some.freeByteCount = free
  some.isStorageFull = true
  let found = report(some).findings.filter { $0.id == .diskLow }
  #expect(found.map(\.severity) == [.critical])
}

@Test(arguments: [(31, Severity.ok), (29, .warning), (7, .warning), (6, .critical), (0, .critical)])
func certificatesAreJudgedByDays(days: Int, expected: Severity) throws {
  var some = try facts()
  some.certificateNotAfter = WallTime(microseconds: now.microseconds + UInt64(days) * day)
  #expect(report(some).verdict == expected)
  #expect(StatusReport.days(until: ago(1), from: now) == -1)
}

@Test(
  arguments: [
    (nil, nil, "NaN"), (5_000, nil, "5"), (5_001, "off by at least 5s, ahead", "5.001"),
    (-1_200_500, "off by at least 20m, behind", "-1200.5"), (0, nil, "0"),
  ] as [(Int?, String?, String)])
func aClockThatIsOffIsSaid(milliseconds: Int?, title: String?, figure: String) throws {
  var peer = try streaming("ca-mau")
  peer.clockOffset = milliseconds.map { ClockOffset(least: .milliseconds($0)) }
  let report = report(try facts([peer]))
  #expect(report.verdict == (title == nil ? .ok : .warning))
  let said = report.findings.first.map { $0.title(in: .en) }
  #expect(title.map { said?.contains($0) == true } ?? (said == nil))
  let registry = MetricRegistry()
  registry.declare(site: "ca-mau")
  let page = String(decoding: registry.render { report.publish(to: $0) }, as: UTF8.self)
  #expect(page.contains("dongbo_peer_clock_offset_seconds{site=\"ca-mau\"} \(figure)\n"))
}

@Test func jsonKeepsItsMembers() throws {
  var peer = PeerStatus(site: try site("ca-mau"), state: .waiting(reason: "a\u{1B}b"))
  peer.lagOut = Lag(entryCount: 5, age: .seconds(7))
  var some = try facts([peer])
  some.conflicts[.finance] = 1
  let json = report(some).json(in: .en).rendered
  for part in [
    #"{"schema":1,"site":"trung-uong","tier":"centre","version":"1.0.0","#,
    #""time":"2026-11-23T14:30:58.000000Z""#, #""uptimeSeconds":1036800,"verdict":"critical""#,
    #""state":"waiting","reason":"a\u001bb","lastProof":null,"lagOut":{"entries":5,"ageSeconds":7},"#
      + #""lagIn":null"#,
    #""conflicts":{"document":0,"directive":0,"finance":1,"registry":0}"#,
    #""id":"DB-CONF-001","severity":"warning","site":"trung-uong""#,
  ] { #expect(json.contains(part), "\(part) in \(json)") }
}

@Test func longNamesDropColumnsNotCharacters() throws {
  let name = String(repeating: "n", count: 32)
  var peer = try streaming(name)
  peer.lagOut = Lag(entryCount: 12_345_678, age: .seconds(80_000))
  peer.lagIn = Lag(entryCount: 999_999, age: .seconds(80_000))
  peer.conflicts[.document] = 999_999
  for language in Language.allCases {
    let text = StatusScreen(report(try facts([peer])), in: language).text(showAll: true)
    let row = try #require(text.split(separator: "\n").first { $0.contains(name) })
    #expect(row.count <= StatusScreen.width && !row.contains(">"))
    #expect(row.contains("12.3M/22h13m") && row.contains("999999/22h13m"))
  }
}

@Test(
  arguments: [
    (0, "0B"), (1023, "1023B"), (1024, "1.0K"), (1_610_612_736, "1.5G"), (21_474_836_480, "20G"),
    (.max, "15E"),
  ] as [(UInt64, String)])
func sizesAreShort(count: UInt64, text: String) { #expect(byteText(count) == text) }

@Test func exitCodesFollowTheVerdict() {
  #expect(Severity.allCases.map { CheckExitCode($0).rawValue } == [0, 1, 2])
  #expect(ExitCode.badConfiguration.rawValue == 78)
}
