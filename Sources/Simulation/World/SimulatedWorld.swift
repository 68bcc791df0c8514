import Replication
import Storage

/// A centre, its provinces and the lines between them, in one process, one thread, virtual time.
/// Everything follows from the seed and from what is called: the same calls, the same world.
final class SimulatedWorld {
  /// 2026-03-02T00:00:00Z.
  static let epochMicroseconds: Int64 = 1_772_409_600_000_000

  private(set) var now = Instant(nanoseconds: 0)
  var random: SplitMix64
  /// Every limit of the product that a seed may draw.
  var limits = SimulatedLimits()
  private(set) var trace = Trace()
  /// What must not have happened; empty at the end of a good run.
  private(set) var failures: [String] = []
  private(set) var eventCount = 0
  /// A world that needs more is going round in circles.
  static let maximumEventCount = 20_000_000
  private(set) var injected = Tally<Fault>()
  private(set) var symptoms = Tally<Symptom>()
  private(set) var diskMishaps = Tally<DiskMishap>()
  private var queue = EventQueue()

  /// The centre first.
  private(set) var sites: [SimulatedSite] = []
  private var sitesByID: [SiteID: SimulatedSite] = [:]
  private var lines: [SiteID: SimulatedLine] = [:]
  /// Copies of machines that run beside the machine they were copied from.
  var clones: [SimulatedSite] = []
  /// In the registry from its first revision on; the others wait for `addSite`.
  let firstMembers: [SiteID]
  var members: [SiteID]

  /// Stores are the product's own, each on a disk that fails; else they are in memory.
  let isOnDisk: Bool
  var restoreCount = 0
  /// Was copied, and may come back as it was: its owner's revisions are written more often from
  /// then on, before and after, so that one number is given twice.
  var copiedSite: SiteID?
  /// No mishap begins any more.
  var isAtPeace = false
  var ledger = Ledger()
  var clients = Clients()

  /// - Parameter lateProvinceCount: how many of the provinces the first registry does not name.
  init(seed: UInt64, provinceCount: Int, lateProvinceCount: Int = 0, isOnDisk: Bool = false) {
    precondition(SiteNames.provinceCounts.contains(provinceCount), "\(provinceCount)")
    self.isOnDisk = isOnDisk
    random = SplitMix64(seed: seed)
    let names = [SiteNames.centre] + SiteNames.provinces(provinceCount)
    firstMembers = Array(names.dropLast(lateProvinceCount))
    members = firstMembers
    for name in names {
      let storeID = Bytes16(high: random.next(), low: random.next())
      let site = SimulatedSite(id: name, centre: SiteNames.centre, world: self, storeID: storeID)
      sites.append(site)
      sitesByID[name] = site
      if name != SiteNames.centre { lines[name] = SimulatedLine(province: name, world: self) }
    }
  }

  var centre: SimulatedSite { sites[0] }
  var provinces: [SimulatedSite] { Array(sites.dropFirst()) }
  /// Every store that may hold what another lost.
  var stores: [any SimulatedStore] { (sites + clones).map(\.store) }

  func site(_ id: SiteID) -> SimulatedSite? { sitesByID[id] }

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
      guard eventCount < Self.maximumEventCount else { return fail("O7: going round in circles") }
      trace.mix(now.nanoseconds)
      event.action()
    }
    now = end
  }

  /// Nothing happens any more. What is planned holds the world, and sessions hold their sites: a
  /// process that runs thousands of worlds must be rid of each.
  func end() {
    queue = EventQueue()
    for site in sites + clones { site.forgetLinks() }
  }

  func randomBytes16() -> Bytes16 { Bytes16(high: random.next(), low: random.next()) }

  func randomPart(of duration: Duration) -> Duration {
    .microseconds(random.below(Int(duration / .microseconds(1)) + 1))
  }

  // MARK: What is seen

  /// Texts are made for those who listen only; the hash takes its share from ``mix(_:)``.
  func note(_ text: @autoclosure () -> String) {
    if trace.isListening { trace.note(now, text()) }
  }

  func mix(_ value: UInt64) { trace.mix(value) }

  func listen(_ listener: @escaping (String) -> Void) { trace.listener = listener }

  func fail(_ text: String) {
    note("FAILURE \(text)")
    failures.append(text)
  }

  func inject(_ fault: Fault) { injected.add(fault) }

  func count(_ symptom: Symptom) { symptoms.add(symptom) }

  func count(_ mishap: DiskMishap, _ times: Int = 1) {
    for _ in 0..<times { diskMishaps.add(mishap) }
  }

  /// A store in memory fails only where the core broke a rule of its own, or where a fault let an
  /// entry of `site` rot: that one is repaired.
  func attempt(
    _ what: String, at site: SimulatedSite? = nil, _ body: () throws(StoreError) -> Void
  ) {
    do throws(StoreError) { try body() } catch {
      guard case .rotten(let digest) = error, let site else {
        return fail("\(what): \(error)")
      }
      site.foundRotten(digest)
    }
  }
}
