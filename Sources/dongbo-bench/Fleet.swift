import Replication

/// A centre and many provinces, every daemon running here. Confined to one thread.
final class Fleet {
  let lab: Laboratory
  let centre: RunningSite
  /// The centre's offices and those of the provinces, as its registry has them.
  let directory: LabDirectory
  private var provinces: [RunningSite] = []

  /// An installation's heartbeat. All dial from one address, where the centre lets few be unknown
  /// to it at a time, so those that it turns away dial again before long.
  private static let limits = ["Heartbeat=15s", "ReconnectFirst=100ms", "ReconnectLast=2s"]
  /// More changes than any start brings, for the patience of a wait: 100 daemons on 2 cores take a
  /// minute.
  private static let patience = 100_000

  /// The centre runs when this returns, and nobody else.
  init(provinceCount: Int) throws(BenchFailure) {
    let provinces = try (1...provinceCount).map { number throws(BenchFailure) in
      try Self.province(number)
    }
    lab = try Laboratory.create(Laboratory.Plan(provinces: provinces, limits: Self.limits))
    Terminal.note("lab: \(lab.directory)")
    directory = try LabDirectory(lab.sites)
    centre = RunningSite(try lab.start(lab.centre))
    try lab.waitUntilReady(lab.centre)
  }

  /// Starts all provinces and waits until each streams and has what the centre has for it.
  func startProvinces() throws(BenchFailure) {
    for site in lab.provinces { provinces.append(RunningSite(try lab.start(site))) }
    try waitUntilAllHaveAll()
    for site in lab.provinces { try lab.waitUntilReady(site) }
  }

  /// Until every province has acknowledged everything that the centre has for it.
  func waitUntilAllHaveAll() throws(BenchFailure) {
    let admin = lab.centre.admin
    try Laboratory.wait("not every link is up; see \(lab.centre.log)", changes: Self.patience) {
      admin.caughtUpPeerCount() == lab.provinces.count
    }
  }

  /// The provinces are killed, for nothing of them is looked at afterwards; the centre must end in
  /// order.
  func end() throws(BenchFailure) {
    provinces = []
    try centre.stop()
    try lab.remove()
  }

  private static func province(_ number: Int) throws(BenchFailure) -> SiteID {
    guard let site = SiteID("tinh-\(number)") else {
      throw BenchFailure("tinh-\(number) is no site id")
    }
    return site
  }
}

/// A daemon in a list, where a ``ChildProcess`` itself cannot stand. It is killed when this goes.
final class RunningSite {
  let id: CInt
  private var process: ChildProcess?

  init(_ process: consuming ChildProcess) {
    id = process.id
    self.process = consume process
  }

  func stop() throws(BenchFailure) { try process.take()?.stop() }
}
