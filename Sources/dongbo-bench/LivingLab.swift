import Glibc

/// A lab whose line is cut and whose daemons are killed while it runs. Confined to one thread.
final class LivingLab {
  let lab: Laboratory
  let memory = MemoryWatch()
  private var province: ChildProcess?
  private var centre: ChildProcess?
  private var relay: ChildProcess?
  private var isWatched = false

  /// Starts everything and waits until the sites have met.
  init(_ lab: Laboratory) throws(BenchFailure) {
    self.lab = lab
    if lab.isRelayed { relay = try lab.startRelay() }
    for end in LabEnd.allCases.reversed() { try start(end) }
    try lab.waitUntilAcknowledged()
  }

  /// Notes what is idle; from here on memory is watched.
  func beginWatching() throws(BenchFailure) {
    isWatched = true
    for end in LabEnd.allCases { try memory.begin(end, processID(end)) }
  }

  /// The daemon answers when this returns.
  func start(_ end: LabEnd) throws(BenchFailure) {
    let site = lab.site(end)
    switch end {
    case .province: province = try lab.start(site)
    case .centre: centre = try lab.start(site)
    }
    if isWatched { memory.follow(end, processID(end)) }
    try lab.waitUntilReady(site)
  }

  func kill(_ end: LabEnd) {
    memory.leave(end)
    take(end)?.kill9()
  }

  /// Both ends lose their connection, and what the relay held is lost.
  func cut() { relay.take()?.kill9() }

  func heal() throws(BenchFailure) { relay = try lab.startRelay() }

  /// An orderly end.
  func stop() throws(BenchFailure) {
    cut()
    for end in LabEnd.allCases {
      memory.leave(end)
      try take(end)?.stop()
    }
  }

  /// What both daemons have used since they were started.
  func cpuSeconds() throws(BenchFailure) -> Double {
    var sum = 0.0
    for end in LabEnd.allCases { sum += try ProcessUsage.read(processID(end)).cpuSeconds }
    return sum
  }

  func page(_ end: LabEnd) throws(BenchFailure) -> MetricsPage {
    try MetricsPage.read(port: lab.site(end).monitoringPort)
  }

  private func take(_ end: LabEnd) -> ChildProcess? {
    switch end {
    case .province: province.take()
    case .centre: centre.take()
    }
  }

  private func processID(_ end: LabEnd) -> pid_t {
    let id =
      switch end {
      case .province: province?.id
      case .centre: centre?.id
      }
    guard let id else { preconditionFailure("the \(end) does not run") }
    return id
  }
}

extension Laboratory {
  func site(_ end: LabEnd) -> Site { end == .province ? province : centre }
}
