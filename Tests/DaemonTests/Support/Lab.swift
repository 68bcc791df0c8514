import Console
import Glibc
import Operations
import Replication
import Testing
import Transport

/// A centre and some provinces in a directory of their own, as `dongbo lab create` makes them.
/// Everything of it is gone with the value; the processes too.
final class Lab {
  static let centre = "trung-uong"
  let path: String
  let provinces: [String]
  private let monitoringPorts: [String: UInt16]
  private var processes: [String: SiteProcess] = [:]
  /// By province: what carries its line to the centre.
  private var relays: [String: SiteProcess] = [:]

  /// - Parameter relayed: provinces whose line can be cut; it is whole at first.
  init(_ provinces: String..., relayed: [String] = []) throws {
    self.provinces = provinces
    path = try Disk.makeTemporary()
    let plan = try LabPlan(
      centre: try #require(SiteID(Self.centre)),
      provinces: try provinces.map { try #require(SiteID($0)) },
      relayed: try relayed.map { try #require(SiteID($0)) })
    monitoringPorts = Dictionary(
      uniqueKeysWithValues: plan.sites.map { ("\($0.id)", $0.monitoringPort) })
    try LabWriter(plan, directory: path, language: .en, now: WallClock.now()).write()
    for site in sites {
      // Reconnects within a test's patience; dead sessions are found by it too.
      try edit(site, "Heartbeat=5s", to: "Heartbeat=1s")
      try edit(site, "ReconnectLast=2s", to: "ReconnectLast=1s")
    }
    for province in relayed { try heal(province) }
  }

  deinit {
    for process in Array(processes.values) + Array(relays.values) { process.killNow() }
    try? Disk.remove(path)
  }

  var sites: [String] { [Self.centre] + provinces }

  func configuration(of site: String) throws -> SiteConfiguration {
    try LoadedConfiguration.load("\(path)/\(site)/dongbo.conf").configuration
  }

  /// Changes one piece of a site's configuration file.
  func edit(_ site: String, _ old: String, to new: String) throws {
    let file = "\(path)/\(site)/dongbo.conf"
    let text = try Disk.text(file)
    try #require(text.contains(old), "\(old)")
    try Disk.write(file, text.replacing(old, with: new))
  }

  /// A copy of a stopped site's whole directory, with ports of its own.
  func addTwin(of site: String, named twin: String) throws {
    let place = "\(path)/\(twin)"
    try #require(mkdir(place, 0o700) == 0, "\(place)")
    let files = [
      "dongbo.conf", "link.key", "link.crt", "link-ca.crt", "link-ca.crl", "witness",
      "record-ca.crt", "record-ca.crl",
    ]
    for name in files {
      try Disk.write("\(place)/\(name)", Disk.read("\(path)/\(site)/\(name)"))
    }
    #expect(chmod("\(place)/link.key", 0o600) == 0)
    try Disk.copy("\(path)/\(site)/data", to: "\(place)/data")
    let old = try configuration(of: site).monitoring.listen
    let fresh = try LabPlan(
      centre: try #require(SiteID("a")), provinces: [try #require(SiteID("b"))], relayed: [])
    try edit(
      twin, "Listen=\(old)", to: "Listen=\(old.host):\(fresh.centre.monitoringPort)")
  }

  // MARK: Processes

  /// Starts a process whose end or readiness the caller awaits.
  @discardableResult func spawn(
    _ site: String, environment: [String] = []
  ) throws -> SiteProcess {
    let process = try SiteProcess(
      configuration: "\(path)/\(site)/dongbo.conf", log: logPath(site), environment: environment)
    processes[site] = process
    return process
  }

  /// Starts sites and waits until each answers on its admin socket.
  func start(_ sites: String...) throws {
    for site in sites { try spawn(site) }
    for site in sites { try awaitReady(site) }
  }

  /// Starts all and waits until every province has the registry and shows its centre's digest.
  func startAll() throws {
    for site in sites { try spawn(site) }
    for site in sites { try awaitReady(site) }
    try awaitEqual()
  }

  /// Starts a site whose data lie on a file system of `megabytes`, new and empty.
  /// - Returns: where the test reaches that file system.
  func start(_ site: String, onSmallDiskOf megabytes: Int) throws -> String {
    let data = try configuration(of: site).site.dataDirectory
    let process = try SiteProcess(
      configuration: "\(path)/\(site)/dongbo.conf", log: logPath(site), onSmallDisk: data,
      megabytes: megabytes)
    processes[site] = process
    try awaitReady(site)
    return "/proc/\(process.pid)/root\(data)"
  }

  func awaitReady(_ site: String) throws {
    let process = try #require(processes[site])
    try eventually("\(site) answers") {
      guard process.isRunning else {
        try #require(Bool(false), "\(site) ended: \(log(site).suffix(2_000))")
        return false
      }
      return (try? api(site).get("version").status) == 200
    }
  }

  func process(_ site: String) throws -> SiteProcess { try #require(processes[site]) }

  func kill9(_ site: String) throws { try process(site).killNow() }

  /// SIGTERM.
  /// - Returns: the exit code.
  @discardableResult func stop(_ site: String) throws -> CInt {
    let process = try process(site)
    process.send(SIGTERM)
    return try process.exitCode()
  }

  // MARK: Lines

  /// Ends the relay before the province: both ends lose their connection, and dialling fails.
  func cut(_ province: String) throws {
    try #require(relays[province], "\(province) has no relay").killNow()
  }

  /// Starts the relay; the province finds it when it dials next.
  func heal(_ province: String) throws {
    relays[province] = try SiteProcess(
      "dongbo", ["lab", "relay", path, province], log: logPath("\(province)-relay"))
  }

  // MARK: What sites say

  func api(_ site: String) -> SiteAPI { SiteAPI(socket: socket(of: site)) }

  func socket(of site: String) -> String { "\(path)/\(site)/admin.sock" }

  /// Waits until these provinces, or all, hold a registry and both ends of each link agree.
  func awaitEqual(_ some: [String]? = nil) throws {
    for province in some ?? provinces {
      try eventually("\(province) and the centre agree") {
        let here = api(province)
        let revision = (try? here.get("registry"))?.integer("revision") ?? 0
        guard revision > 0, let own = here.digest(with: Self.centre) else { return false }
        return own == api(Self.centre).digest(with: province)
      }
    }
  }

  func logPath(_ site: String) -> String { "\(path)/\(site).log" }

  func log(_ site: String) -> String { (try? Disk.text(logPath(site))) ?? "" }

  /// Whether a line of the site's log has all these pieces.
  func logs(_ site: String, _ pieces: String...) -> Bool {
    log(site).split(separator: "\n").contains { line in
      pieces.allSatisfy { line.contains($0) }
    }
  }

  /// Whether `text` stands in the site's log or in any file of its data directory.
  func keeps(_ text: String, at site: String) throws -> Bool {
    let data = "\(path)/\(site)/data"
    let files = try Disk.files(below: data) + [logPath(site)]
    return try files.contains { file in
      try Disk.read(file).firstRange(of: Array(text.utf8)) != nil
    }
  }

  /// The value of a sample on the site's metrics page, 0 when it is not there.
  func metric(_ site: String, _ sample: String) throws -> Double {
    let page = try monitoring(site, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for line in page.split(whereSeparator: \.isNewline) where line.hasPrefix(sample + " ") {
      return try #require(Double(line.dropFirst(sample.count + 1)))
    }
    return 0
  }

  func refusedConnections(_ site: String, _ reason: String) throws -> Double {
    try metric(site, "dongbo_refused_connections_total{reason=\"\(reason)\"}")
  }

  func refusedEntries(_ site: String, _ reason: String) throws -> Double {
    try metric(site, "dongbo_refused_entries_total{reason=\"\(reason)\"}")
  }

  /// Sends bytes to the monitoring port and returns what comes until an answer is complete.
  func monitoring(_ site: String, _ request: String) throws -> String {
    let port = try #require(monitoringPorts[site])
    let address = try #require(SocketAddress(numeric: "127.0.0.1", port: port))
    return try RawSocket(address).exchange(Array(request.utf8))
  }
}
