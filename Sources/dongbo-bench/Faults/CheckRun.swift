import Cryptography
import Glibc
import Replication
import Storage
import Transport

/// Whether everything that was answered with OK is at every site that may have it, once: what the
/// sites say while they run, and what their stores hold once they have stopped.
enum CheckRun {
  struct Plan: Equatable, Sendable {
    var lab: String
    var ledger: String
    /// The daemons have ended, and their stores are read.
    var isStopped = false
    /// How long the sites may take until both ends of each link are equal.
    var seconds = 60
  }

  /// So many findings are told; the figures count them all.
  private static let toldCount = 20

  static func run(_ plan: Plan) throws(BenchFailure) -> (figures: Figures, failures: [String]) {
    let lab = try LabDirectory(plan.lab)
    let ledger = try ChangeLedger.read(plan.ledger)
    guard ledger.acknowledgedCount > 0 else {
      throw BenchFailure("\(plan.ledger) has no OK: nothing would be checked")
    }
    var findings = Findings(ledger)
    var figures = Figures()
    figures.add("ok", count: ledger.acknowledgedCount)
    figures.add("open", count: ledger.attempts.count - ledger.acknowledgedCount)
    if plan.isStopped {
      var rowCount = 0
      for office in lab.offices { rowCount += try readStore(office.site, in: lab, &findings) }
      figures.add("rows", count: rowCount)
    } else {
      for province in lab.provinces {
        try waitUntilEqual(province.site, in: lab, seconds: plan.seconds, &findings)
      }
      for office in lab.offices { try ask(office.site, in: lab, &findings) }
    }
    for (name, list) in findings.lists { figures.add(name, count: list.count) }
    return (figures, findings.lists.flatMap { $0.list.prefix(toldCount) })
  }

  // MARK: Running sites

  private static func waitUntilEqual(
    _ province: SiteID, in lab: LabDirectory, seconds: Int, _ findings: inout Findings
  ) throws(BenchFailure) {
    let end = MonotonicClock.now() + .seconds(seconds)
    let (here, there) = (lab.admin(Workload.centre), lab.admin(province))
    repeat {
      if let centre = try? here.digest(with: province),
        let own = try? there.digest(with: Workload.centre), centre == own
      {
        return
      }
      usleep(100_000)
    } while MonotonicClock.now() < end
    findings.unequal.append("\(Workload.centre) and \(province) differ after \(seconds) s")
  }

  private static func ask(
    _ site: SiteID, in lab: LabDirectory, _ findings: inout Findings
  ) throws(BenchFailure) {
    let admin = lab.admin(site)
    findings.take(feed: try admin.wholeFeed(), of: site)
    for (path, key) in [("conflicts", "conflicts"), ("quarantine", "entries")] {
      let response = try admin.send(.get, [path])
      guard let list = AdminSite.object(response)?[Text(key)]?.array else {
        throw AdminSite.unexpected(response, [path])
      }
      for item in list {
        let text = String(decoding: item.canonicalBytes, as: UTF8.self)
        findings.waiting.append("\(path) at \(site): \(text)")
      }
    }
  }

  // MARK: Stores

  /// Goes through the whole log: no row missing, every head that of its rows, no identity with two
  /// digests, every run of a site whole.
  /// - Returns: how many rows there are.
  private static func readStore(
    _ site: SiteID, in lab: LabDirectory, _ findings: inout Findings
  ) throws(BenchFailure) -> Int {
    let rows: StoreRows
    do {
      let store = try OpenedStore.open(
        lab.dataDirectory(site), site: site, hashing: OpenSSLHash(),
        makeStoreID: { Bytes16(high: 0, low: 0) })
      let reader = try store.makeReader(timeBox: .seconds(3_600))
      rows = try reader.inSnapshot { reader throws(StoreError) in
        try StoreRows(of: site, in: reader)
      }
    } catch {
      throw BenchFailure("\(lab.dataDirectory(site)): \(error)")
    }
    findings.take(rows, of: site)
    return rows.count
  }
}

/// What a log holds, row by row.
struct StoreRows {
  private(set) var count = 0
  private(set) var digests: [String: String] = [:]
  private(set) var faults: [String] = []

  init(of site: SiteID, in reader: SQLiteReader) throws(StoreError) {
    let end = try reader.logEnd()
    var head = LogEnd.start.head
    var sequences: [SiteID: [UInt64]] = [:]
    for lsn in stride(from: UInt64(1), through: end.lsn.value, by: 1) {
      guard let row = try reader.row(at: LSN(lsn)) else {
        faults.append("\(site): no row \(lsn) of \(end.lsn)")
        return
      }
      count += 1
      let next = OpenSSLHash().digest(head.bytes, row.digest.bytes)
      if row.head != next {
        faults.append("\(site): the head of row \(lsn) is not that of its rows")
      }
      head = row.head
      let (name, digest) = ("\(row.entry)", "\(row.digest)")
      guard let earlier = digests.updateValue(digest, forKey: name) else {
        sequences[row.entry.origin, default: []].append(row.entry.sequence.value)
        continue
      }
      if earlier != digest { faults.append("\(site): \(name) is used twice") }
    }
    // The centre is entitled to everything, a province to all of its own.
    for (origin, values) in sequences where site == Workload.centre || origin == site {
      faults += Self.gaps(in: values).map { "\(site): \(origin) has \($0)" }
    }
  }

  /// What is not there once of 1, 2, 3 ...: a sequence runs on through the incarnations of its
  /// origin, and no kill makes a site forget one.
  static func gaps(in sequences: [UInt64]) -> [String] {
    var gaps: [String] = []
    var last: UInt64 = 0
    for value in sequences.sorted() {
      if value == last { gaps.append("\(value) twice") }
      if value > last + 1 { gaps.append("nothing from \(last + 1) to \(value - 1)") }
      last = value
    }
    return gaps
  }
}

/// What does not hold.
struct Findings {
  private let ledger: ChangeLedger
  var lost: [String] = []
  var doubled: [String] = []
  /// Nobody sent it, or it is where it may not be.
  var strange: [String] = []
  var unequal: [String] = []
  var waiting: [String] = []
  var broken: [String] = []

  init(_ ledger: ChangeLedger) {
    self.ledger = ledger
    broken = ledger.contradictions
  }

  var lists: [(name: String, list: [String])] {
    [
      ("lost", lost), ("doubled", doubled), ("strange", strange), ("unequal", unequal),
      ("waiting", waiting), ("broken", broken),
    ]
  }

  /// - Parameter feed: how often each change stands in it.
  mutating func take(feed: [ChangeLedger.Change: Int], of site: SiteID) {
    for (change, attempt) in ledger.attempts
    where attempt.place != nil && attempt.isEntitled(site) && feed[change] == nil {
      lost.append("\(change) at \(site)")
    }
    for (change, count) in feed {
      if count != 1 { doubled.append("\(change) at \(site), \(count) times") }
      if ledger.attempts[change]?.isEntitled(site) != true {
        strange.append("\(change) at \(site)")
      }
    }
  }

  mutating func take(_ rows: StoreRows, of site: SiteID) {
    broken += rows.faults
    for (change, attempt) in ledger.attempts {
      guard let place = attempt.place, attempt.isEntitled(site) else { continue }
      if rows.digests[place.identity] != place.digest { lost.append("\(change) at \(site)") }
    }
  }
}

extension AdminSite {
  /// How often each change stands in the site's feed, but for what sites write by themselves:
  /// registries and receipts.
  func wholeFeed() throws(BenchFailure) -> [ChangeLedger.Change: Int] {
    var counts: [ChangeLedger.Change: Int] = [:]
    var token: String?
    while true {
      var query = [HTTPTarget.QueryItem("limit", "1000")]
      if let token { query.append(HTTPTarget.QueryItem("since", token)) }
      let response = try send(.get, ["changes"], query: query)
      guard let page = Self.object(response), let changes = page["changes"]?.array else {
        throw Self.unexpected(response, ["changes"])
      }
      if changes.isEmpty { return counts }
      for change in changes.compactMap(\.object)
      where change["kind"] != .text("registry") && change["operation"] != .text("append") {
        if let name = ChangeLedger.Change(feed: change) { counts[name, default: 0] += 1 }
      }
      token = page["next"]?.text?.string
    }
  }
}
