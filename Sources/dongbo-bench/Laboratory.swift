import Glibc
import Replication

/// A centre and provinces on loopback, made by `dongbo lab create`, with the daemons beside us.
/// Lies below /var/tmp: /tmp may be memory, where a sync costs nothing.
struct Laboratory: Sendable {
  struct Site: Sendable {
    let configuration: String
    let socket: String
    let log: String
    let monitoringPort: UInt16
    /// The daemon's store of files.
    let files: String

    var admin: AdminSite { AdminSite(socket: socket) }
  }

  /// What `dongbo lab create` is asked for.
  struct Plan: Sendable {
    var provinces = [Workload.owner]
    /// A relay carries the line of the first province, which ``startRelay()`` starts.
    var isRelayed = false
    var signatures = SignaturePolicy.Mode.acceptAsReference
    /// The pause between two attempts to connect is no part of what is measured.
    var limits = ["ReconnectFirst=10ms", "ReconnectLast=1s"]
  }

  let directory: String
  let provinces: [Site]
  /// Receives.
  let centre: Site
  let isRelayed: Bool
  private let programs: String

  /// Sends; the only one, where one link is measured.
  var province: Site { provinces[0] }

  /// Waits poll every 5 ms, this often.
  private static let pollCount = 6_000
  /// Changes for which one more poll is allowed: 1,000 a second at the slowest.
  private static let changesPerPoll = 5

  static func create(_ plan: Plan = Plan()) throws(BenchFailure) -> Laboratory {
    let programs = try programDirectory()
    let directory = try newDirectory()
    let lab = directory + "/lab"
    let names = plan.provinces.map(\.description)
    let arguments =
      ["lab", "create", lab, "--provinces", names.joined(separator: ",")]
      + (plan.isRelayed ? ["--relay", names[0]] : []) + ["--signatures", plan.signatures.rawValue]
    let log = directory + "/create.log"
    let code = try ChildProcess(programs + "/dongbo", arguments, log: log).result()
    guard code == 0 else { throw BenchFailure("dongbo lab create ended with \(code); see \(log)") }
    var provinces: [Site] = []
    for id in plan.provinces { provinces.append(try site(id, in: lab, plan.limits)) }
    return Laboratory(
      directory: directory, provinces: provinces,
      centre: try site(Workload.centre, in: lab, plan.limits), isRelayed: plan.isRelayed,
      programs: programs)
  }

  /// Where the sites lie.
  var sites: String { directory + "/lab" }

  func start(_ site: Site) throws(BenchFailure) -> ChildProcess {
    try ChildProcess(programs + "/dongbod", ["--config", site.configuration], log: site.log)
  }

  /// The line: it is cut when this ends.
  func startRelay() throws(BenchFailure) -> ChildProcess {
    try ChildProcess(
      programs + "/dongbo", ["lab", "relay", sites, Workload.owner.description],
      log: directory + "/relay.log")
  }

  /// Lets the province learn the registry, without which it takes no writes; both are down again
  /// afterwards.
  func introduce() throws(BenchFailure) {
    let receiver = try start(centre)
    let sender = try start(province)
    try waitUntilReady(province)
    try sender.stop()
    try receiver.stop()
  }

  /// Until the site's admin API answers and knows a registry.
  func waitUntilReady(_ site: Site) throws(BenchFailure) {
    let admin = site.admin
    try Self.wait("no registry; see \(site.log)") { admin.registryRevision() > 0 }
  }

  /// Until the centre has acknowledged everything, durable there.
  /// - Parameter changes: how many must pass first.
  func waitUntilAcknowledged(changes: Int = 0) throws(BenchFailure) {
    let admin = province.admin
    try Self.wait("the centre does not catch up; see \(centre.log)", changes: changes) {
      admin.lag(to: Workload.centre) == 0
    }
  }

  /// Fails when the sites do not hold the same entries.
  /// - Returns: how many they hold.
  @discardableResult func compareDigests() throws(BenchFailure) -> Int {
    let sent = try province.admin.digest(with: Workload.centre)
    let received = try centre.admin.digest(with: Workload.owner)
    guard sent == received else { throw BenchFailure("the digests differ; see \(directory)") }
    return received.entryCount
  }

  /// Deletes everything; what failed is kept to be looked at.
  func remove() throws(BenchFailure) { try Self.remove(directory) }

  static func remove(_ directory: String) throws(BenchFailure) {
    let remover = try ChildProcess("/bin/rm", ["-rf", directory], log: "/dev/null")
    guard remover.result() == 0 else { throw BenchFailure("cannot delete \(directory)") }
  }

  /// - Parameter changes: how many must pass first.
  static func wait(
    _ failure: String, changes: Int = 0, until isDone: () throws(BenchFailure) -> Bool
  ) throws(BenchFailure) {
    for _ in 0..<pollCount + changes / changesPerPoll {
      if try isDone() { return }
      usleep(5_000)
    }
    throw BenchFailure(failure)
  }

  // MARK: Places

  private static func site(
    _ id: SiteID, in lab: String, _ limits: [String]
  ) throws(BenchFailure) -> Site {
    let place = "\(lab)/\(id)"
    let configuration = place + "/dongbo.conf"
    guard let text = TextFile.read(configuration), let port = monitoringPort(in: text) else {
      throw BenchFailure("\(configuration) names no monitoring port")
    }
    try addLimits(limits, place)
    return Site(
      configuration: configuration, socket: place + "/admin.sock", log: place + "/dongbod.log",
      monitoringPort: port, files: place + "/data/files")
  }

  /// The port of `Listen=` in the section `[Monitoring]`.
  static func monitoringPort(in configuration: String) -> UInt16? {
    var section: Substring = ""
    for line in configuration.split(separator: "\n") {
      if line.hasPrefix("[") { section = line }
      guard section == "[Monitoring]", line.hasPrefix("Listen=") else { continue }
      return line.split(separator: ":").last.flatMap { UInt16($0) }
    }
    return nil
  }

  private static func addLimits(_ limits: [String], _ place: String) throws(BenchFailure) {
    let folder = place + "/dongbo.conf.d"
    let path = folder + "/bench.conf"
    guard mkdir(folder, 0o700) == 0, let file = fopen(path, "we") else {
      throw BenchFailure("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    fputs("[Limits]\n" + limits.map { $0 + "\n" }.joined(), file)
    guard fclose(file) == 0 else { throw BenchFailure("cannot write \(path)") }
  }

  /// One more line of `[Limits]`, in force from the site's next start on.
  func addLimit(_ line: String, to site: Site) throws(BenchFailure) {
    let path = site.configuration + ".d/bench.conf"
    guard let file = fopen(path, "ae") else {
      throw BenchFailure("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    fputs(line + "\n", file)
    guard fclose(file) == 0 else { throw BenchFailure("cannot write \(path)") }
  }

  static func newDirectory() throws(BenchFailure) -> String {
    var template = Array("/var/tmp/dongbo-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw BenchFailure("/var/tmp: \(String(cString: strerror(errno)))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Where this program lies, and the others with it.
  private static func programDirectory() throws(BenchFailure) -> String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count)
    guard count > 0, let slash = path[..<count].lastIndex(of: CChar(UInt8(ascii: "/"))) else {
      throw BenchFailure("/proc/self/exe cannot be read")
    }
    return String(decoding: path[..<slash].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
