import Replication
import Storage

/// A centre, its provinces and the lines between them, in one process, one thread, virtual time.
/// Everything follows from the seed and from what is called: the same calls, the same world.
final class SimulatedWorld {
  static let centre = name("trung-uong")
  static let provinceNames = ["lang-son", "nghe-an", "ca-mau", "hue", "dien-bien", "gia-lai"]
    .map(name)
  /// 2026-03-02T00:00:00Z.
  static let epochMicroseconds: Int64 = 1_772_409_600_000_000

  private(set) var now = Instant(nanoseconds: 0)
  var random: SplitMix64
  private(set) var trace = Trace()
  /// What must not have happened; empty at the end of a good run.
  private(set) var failures: [String] = []
  private(set) var eventCount = 0
  private var queue = EventQueue()

  /// The centre first.
  private(set) var sites: [SimulatedSite] = []
  private var lines: [SiteID: SimulatedLine] = [:]
  /// In the registry from its first revision on; the others wait for `addSite`.
  let firstMembers: [SiteID]
  var members: [SiteID]

  var restoreCount = 0
  var ledger = Ledger()
  var clients = Clients()

  /// - Parameter lateProvinces: how many of the provinces the first registry does not name.
  init(seed: UInt64, provinceCount: Int, lateProvinceCount: Int = 0) {
    precondition((1...Self.provinceNames.count).contains(provinceCount), "\(provinceCount)")
    random = SplitMix64(seed: seed)
    let names = [Self.centre] + Self.provinceNames.prefix(provinceCount)
    firstMembers = Array(names.dropLast(lateProvinceCount))
    members = firstMembers
    for name in names {
      let storeID = Bytes16(high: random.next(), low: random.next())
      sites.append(SimulatedSite(id: name, centre: Self.centre, world: self, storeID: storeID))
      if name != Self.centre { lines[name] = SimulatedLine(province: name, world: self) }
    }
  }

  private static func name(_ text: String) -> SiteID {
    guard let site = SiteID(text) else { preconditionFailure("\(text) is no site") }
    return site
  }

  var centre: SimulatedSite { sites[0] }
  var provinces: [SimulatedSite] { Array(sites.dropFirst()) }

  func site(_ id: SiteID) -> SimulatedSite? { sites.first { $0.id == id } }

  /// - Precondition: `province` is one of this world.
  func line(of province: SiteID) -> SimulatedLine {
    guard let line = lines[province] else { preconditionFailure("no line of \(province)") }
    return line
  }

  func start() {
    for site in sites { site.start() }
  }

  /// Sees to it that the centre's registry names `province`, as often as it takes.
  func addMember(_ province: SiteID) {
    after(.seconds(1)) { [self] in
      guard centre.isUp, !centre.isDiskFull, let state = try? centre.store.siteState(),
        state.lock == nil
      else { return addMember(province) }
      let registry = try? centre.store.registry(state.registry)
      guard registry?.sites[province] == nil else {
        if !members.contains(province) { members.append(province) }
        return
      }
      centre.post(.addSite(province))
      addMember(province)
    }
  }

  // MARK: Time

  func at(_ time: Instant, _ action: @escaping () -> Void) { queue.add(at: time, action) }
  func after(_ wait: Duration, _ action: @escaping () -> Void) { queue.add(at: now + wait, action) }

  /// Lets `duration` pass, with all that happens in it.
  func run(for duration: Duration) {
    let end = now + duration
    while let event = queue.take(until: end) {
      now = event.time
      eventCount += 1
      event.action()
    }
    now = end
  }

  func randomBytes16() -> Bytes16 { Bytes16(high: random.next(), low: random.next()) }

  // MARK: What is seen

  func note(_ text: String) { trace.note(now, text) }

  func listen(_ listener: @escaping (String) -> Void) { trace.listener = listener }

  func fail(_ text: String) {
    note("FAILURE \(text)")
    failures.append(text)
  }

  /// A store in memory fails only where the core broke a rule of its own.
  func attempt(_ what: String, _ body: () throws(StoreError) -> Void) {
    do throws(StoreError) { try body() } catch { fail("\(what): \(error)") }
  }

  // MARK: Draining

  /// Runs until nothing is on its way, at most `limit` of virtual time.
  /// - Returns: false when something still is (O7).
  func drain(within limit: Duration = .seconds(1_200)) -> Bool {
    let end = now + limit
    while now < end {
      run(for: .milliseconds(250))
      if unrest() == nil { return true }
    }
    fail("O7: not at rest after \(limit): \(unrest() ?? "now it is")")
    return false
  }

  /// What keeps the world from being at rest; nil when nothing does.
  func unrest() -> String? {
    if let request = clients.pending.keys.min() { return "request \(request) is unanswered" }
    for site in sites where members.contains(site.id) {
      guard site.isUp else { return "\(site.id) is down" }
      guard site.jobs.isEmpty, !site.isSyncing else { return "\(site.id) writes" }
      if let lock = try? site.store.siteState().lock { return "\(site.id) is locked: \(lock)" }
    }
    for province in provinces where members.contains(province.id) {
      if let cause = unrest(from: province, to: centre) ?? unrest(from: centre, to: province) {
        return cause
      }
    }
    return nil
  }

  private func unrest(from sender: SimulatedSite, to receiver: SimulatedSite) -> String? {
    guard let link = sender.linksInOrder.last(where: { $0.peer == receiver.id }),
      let progress = link.session.progress
    else { return "\(sender.id) has no session with \(receiver.id)" }
    guard let end = try? sender.store.logEnd().lsn,
      let outcomesEnd = try? sender.store.outcomesEnd(for: receiver.id),
      let taken = try? receiver.store.peer(sender.id).outcomesTaken
    else { return "\(sender.id) cannot be read" }
    for lane in Lane.allCases where progress.acknowledged[lane] != end {
      return "\(receiver.id) has \(lane) \(progress.acknowledged[lane]) of \(end) of \(sender.id)"
    }
    return taken == outcomesEnd
      ? nil : "\(receiver.id) has outcomes \(taken) of \(outcomesEnd) of \(sender.id)"
  }

  // MARK: Watching (O2, O6, O8)

  /// Stands in every secret text that the workload tries to write.
  static let canary = Array("CHIM-HOANG-YEN-MAT".utf8)

  func watchWire(_ bytes: [UInt8]) {
    if Self.hasCanary(bytes) { fail("O8: a secret is on the wire") }
  }

  /// Every byte sent passes here, so it skips ahead (Horspool's search).
  static func hasCanary(_ bytes: [UInt8]) -> Bool {
    let canary = canary
    let steps = canarySteps
    var end = canary.count
    while end <= bytes.count {
      let last = bytes[end - 1]
      if last == canary[canary.count - 1],
        bytes[end - canary.count..<end].elementsEqual(canary)
      {
        return true
      }
      end += steps[Int(last)]
    }
    return false
  }

  /// How far the canary may move on when its last letter stands over a byte of this value.
  private static let canarySteps: [Int] = {
    var steps = [Int](repeating: canary.count, count: 256)
    for (index, letter) in canary.dropLast().enumerated() {
      steps[Int(letter)] = canary.count - 1 - index
    }
    return steps
  }()

  func watchCommit(
    from before: MemoryStore, to after: MemoryStore, by site: SimulatedSite,
    _ resumedPeers: Set<SiteID>
  ) throws(StoreError) {
    var lsn = try before.logEnd().lsn
    let end = try after.logEnd().lsn
    while lsn < end {
      lsn = lsn.next
      guard let row = try after.row(at: lsn) else { return fail("\(site.id) has no row \(lsn)") }
      if let known = ledger.digests.updateValue(row.digest, forKey: row.entry),
        known != row.digest
      {
        fail("O2: \(row.entry) has two digests")
      }
    }
    for peer in try before.peers() where !resumedPeers.contains(peer) {
      for lane in Lane.allCases {
        let had = try before.peer(peer).received[lane]?.newest.lsn ?? .start
        let has = try after.peer(peer).received[lane]?.newest.lsn ?? .start
        if has < had { fail("O6: \(site.id) goes back from \(had) to \(has) of \(peer)") }
      }
    }
  }
}
