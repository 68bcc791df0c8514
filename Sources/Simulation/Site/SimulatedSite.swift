import Cryptography
import Replication
import SimulatedDisk
import Storage

/// How a process ends before it wanted to.
enum KillStep: Hashable, Sendable, CaseIterable {
  /// Jobs wait; none has begun.
  case jobsWaiting
  /// The group is written, its sync has not returned.
  case syncing
  /// The group is durable, nobody has been told.
  case durable
  /// Everybody has been told.
  case answered
}

/// One site at run time: the single-threaded mirror of the daemon around the very same core. What
/// it keeps over a kill is `store` and `witness`; everything else belongs to one life of its
/// process.
final class SimulatedSite {
  /// The witness file: written off the commit path, at most this much behind, never ahead.
  static let witnessLag: Duration = .seconds(1)

  let id: SiteID
  let centre: SiteID
  let key: SimulatedKey
  unowned let world: SimulatedWorld

  // MARK: What a disk keeps
  var store: any SimulatedStore
  /// Under `store`; nil: it is in memory.
  var disk: StoreDisk?
  var witness: WitnessFinding = .absent

  // MARK: Environment
  var clock = SimulatedClock()
  var isDiskFull = false {
    didSet { if isDiskFull != oldValue { diskChanged() } }
  }
  /// Kills the process when so many groups have reached the step.
  var plannedKill: (step: KillStep, groupCount: Int)?
  /// The sync of the next group fails; whether it took all the same nobody knows.
  var plannedSyncFailure: (isTaken: Bool, isPowerLoss: Bool)?
  /// The next group meets it.
  var plannedDiskFault: PlannedDiskFault?
  /// Its supervisor starts it again so long after its process ended; nil: somebody else does.
  var restartsAfter: Duration?

  // MARK: One life
  /// Counts starts: what was planned in an earlier life does not happen.
  private(set) var life = 0
  private(set) var isUp = false
  var incarnation = Incarnation(Bytes16(high: 0, low: 0))
  private(set) var nonce = Bytes16(high: 0, low: 0)
  /// The incarnation while no row of this life is durable.
  var unopened: Incarnation?
  var wakes = WakeWatch(wall: WallTime(microseconds: 0), monotonic: Instant(nanoseconds: 0))
  var jobs: [WriterJob] = []
  /// Writes of sessions that need a rotten entry, until it is repaired.
  var waiting = WaitingWrites<WriterJob>()
  /// Something was repaired since they wait.
  var isReleased = false
  /// Rotten entries that are being fetched, with what has come of each.
  var repairs: [Digest: Repair] = [:]
  var isSyncing = false
  private var isGroupPlanned = false
  var isWitnessDue = false
  /// In the order in which they began.
  private(set) var linksInOrder: [SimulatedLink] = []
  var directory = SessionDirectory()
  /// As measured at each peer's last HELLO.
  var clockOffsets: [SiteID: ClockOffset] = [:]
  var backoff = Backoff()
  private var lastSession: UInt64 = 0

  init(id: SiteID, centre: SiteID, world: SimulatedWorld, storeID: Bytes16) {
    self.id = id
    self.centre = centre
    self.world = world
    key = SimulatedKey(of: id)
    store = MemoryStore(storeID: storeID, site: id)
    if world.isOnDisk { mount(FaultyDisk(), storeID: storeID) }
  }

  var isCentre: Bool { id == centre }

  var wallTime: WallTime { clock.shown(at: world.now) }

  func note(_ text: @autoclosure () -> String) { world.note("\(id) \(text())") }

  // MARK: Links

  func link(_ number: SessionNumber) -> SimulatedLink? {
    linksInOrder.last { $0.number == number }
  }

  func add(_ link: SimulatedLink) { linksInOrder.append(link) }

  func remove(_ link: SimulatedLink) { linksInOrder.removeAll { $0 === link } }

  func forgetLinks() { linksInOrder = [] }

  /// Runs `action` later, if this life lasts so long.
  func after(_ wait: Duration, _ action: @escaping () -> Void) {
    let planned = life
    world.after(wait) { [self] in
      if isUp && life == planned { action() }
    }
  }

  // MARK: Start and end

  func start() {
    precondition(!isUp, "\(id) is up already")
    life += 1
    isUp = true
    nonce = world.randomBytes16()
    incarnation = Incarnation(world.randomBytes16())
    unopened = incarnation
    wakes = WakeWatch(wall: clock.set(at: world.now), monotonic: world.now)
    backoff = Backoff()
    note("starts as \(incarnation)")
    if world.limits.hasShortHistories { shortenHistories() }
    judgeWitness()
    if isCentre {
      post(.bootstrap)
    } else {
      dial()
    }
  }

  /// The first thing after a start, before anything is written.
  private func judgeWitness() {
    world.attempt("witness of \(id)") { () throws(StoreError) in
      try disk?.writer.begin()
      var transaction = store
      var reconciler = try makeReconciler(transaction)
      try reconciler.judgeWitness(witness, sealing: key, in: &transaction)
      try reconciler.log.finish(in: &transaction)
      try disk?.writer.commit()
      store = transaction
      if let reason = reconciler.log.state.lock {
        note("is locked: \(reason)")
        world.count(.locked)
      }
    }
  }

  /// Law 2 and the resume point make any old checkpoint do, so the newest alone must.
  private func shortenHistories() {
    world.attempt("histories of \(id)") { () throws(StoreError) in
      for peer in try store.peers() {
        var state = try store.peer(peer)
        for lane in Lane.allCases {
          guard let newest = state.received[lane]?.newest else { continue }
          state.received[lane]?.reset(to: .start)
          state.received[lane]?.advance(to: newest)
        }
        try store.setPeer(state, of: peer)
      }
    }
  }

  /// - Parameter time: when the transaction began; nil: now.
  func makeReconciler(
    _ transaction: any SimulatedStore, at time: WallTime? = nil
  ) throws(StoreError) -> Reconciler {
    let hashing = OpenSSLHash()
    let log = SiteLog(
      state: try transaction.siteState(), unopened: unopened, hashing: hashing,
      now: time ?? wallTime)
    var reconciler = Reconciler(
      site: id, centre: centre, configuredPins: [SimulatedKey(of: centre).pin], log: log,
      hashing: hashing, signatures: SimulatedSignatures())
    reconciler.limits = world.limits.reconciler
    return reconciler
  }

  /// The process is gone in this instant; whatever was not durable with it.
  /// - Parameters:
  ///   - silently: the machine lost power: nobody hears that its connections ended.
  ///   - mark: see ``losePower(since:resumed:)``.
  func kill(
    silently: Bool = false, since mark: SimulatedWorld.Mark? = nil, resumed: Set<SiteID> = []
  ) {
    guard isUp else { return }
    note("killed\(silently ? " silently" : "")")
    world.count(.processEnd)
    isUp = false
    plannedKill = nil
    plannedSyncFailure = nil
    plannedDiskFault = nil
    losePower(since: mark, resumed: resumed)
    for link in linksInOrder {
      link.isOver = true
      link.connection.breakDown(silently: silently)
    }
    linksInOrder = []
    directory = SessionDirectory()
    jobs = []
    waiting = WaitingWrites()
    repairs = [:]
    isSyncing = false
    isGroupPlanned = false
    isWitnessDue = false
    world.killed(self)
    if let wait = restartsAfter {
      restartsAfter = nil
      let ended = life
      world.after(wait) { [self] in if !isUp && life == ended { start() } }
    }
  }

  /// - Returns: whether the process was killed here.
  func reached(_ step: KillStep) -> Bool {
    guard let plan = plannedKill, plan.step == step else { return false }
    plannedKill = (step, plan.groupCount - 1)
    guard plan.groupCount <= 1 else { return false }
    kill()
    return true
  }

  func nextSession() -> SessionNumber {
    lastSession += 1
    return SessionNumber(lastSession)
  }

  // MARK: Jobs

  /// Whatever is asked of a process that is not there is not heard.
  func post(_ job: WriterJob) {
    guard isUp else { return }
    jobs.append(job)
    planGroup()
  }

  /// In a moment, so that what arrives together is written together.
  func planGroup() {
    guard !isGroupPlanned else { return }
    isGroupPlanned = true
    after(.zero) { [self] in
      isGroupPlanned = false
      startGroup()
    }
  }

  // MARK: Disk

  private func diskChanged() {
    note(isDiskFull ? "disk is full" : "disk has room")
    if isDiskFull { world.count(.storageFull) }
    guard isUp else { return }
    for link in linksInOrder { link.advance(.storageFullChanged(isDiskFull)) }
    if !isDiskFull { startGroup() }
  }

  /// Sealed, as sessions quote it.
  func seal(_ end: LogEnd) -> Checkpoint {
    Checkpoint(
      of: id, incarnation: end.incarnation, lsn: end.lsn, head: end.head, sealing: key)
  }

  /// Written a while after a commit, saying what is durable by then.
  func planWitness() {
    guard !isWitnessDue else { return }
    isWitnessDue = true
    let wait = world.random.milliseconds(1...Int(Self.witnessLag / .milliseconds(1)))
    after(wait) { [self] in
      isWitnessDue = false
      world.attempt("witness of \(id)") { () throws(StoreError) in
        let state = try store.siteState()
        witness = .found(storeID: state.storeID, seal(state.end))
      }
    }
  }
}
