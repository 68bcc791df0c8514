import Glibc
import Simulation

// Worlds are single-threaded and know nothing of each other, so that seeds are shared out among
// processes: a seed that traps takes one process with it, and the others go on.

/// One process of several: a line for each of its seeds, as soon as it is done.
func work(_ options: Options) {
  for seed in stride(
    from: options.seeds.lowerBound, through: options.seeds.upperBound, by: Int(options.stride))
  {
    say(options.run(of: seed).runChecked().json)
  }
}

/// Shares the seeds out, prints each in order, explains those that failed, then sums up.
/// - Returns: whether every seed is good.
func superviseWorkers(_ options: Options) -> Bool {
  var supervisor = Supervisor(options)
  supervisor.run()
  return supervisor.finish()
}

private struct Supervisor {
  private struct Worker {
    let child: Child
    /// The seed it is at.
    var seed: UInt64
  }

  private let options: Options
  private let began = time(nil)
  private var workers: [CInt: Worker] = [:]
  /// Done, and not printed yet: an earlier one is under way.
  private var waiting: [UInt64: SeedReport] = [:]
  private var next: UInt64
  private var totals = SeedTotals()
  private var failed: [SeedReport] = []

  init(_ options: Options) {
    self.options = options
    next = options.seeds.lowerBound
  }

  private var workerCount: UInt64 {
    min(UInt64(max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))), UInt64(options.seeds.count))
  }

  mutating func run() {
    for index in 0..<workerCount { start(at: options.seeds.lowerBound + index) }
    while !workers.isEmpty {
      var polled = workers.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
      for entry in polled where entry.revents != 0 { read(entry.fd) }
    }
  }

  private mutating func start(at seed: UInt64) {
    guard seed <= options.seeds.upperBound else { return }
    let words = ["--worker", "\(workerCount)", "--seeds", "\(seed)..\(options.seeds.upperBound)"]
    guard let child = Child(ownProgram, words + options.shared) else {
      say("a worker does not start: \(String(cString: strerror(errno)))", to: STDERR_FILENO)
      exit(1)
    }
    workers[child.output] = Worker(child: child, seed: seed)
  }

  private mutating func read(_ output: CInt) {
    guard let worker = workers[output] else { return }
    if let lines = worker.child.read() {
      for line in lines {
        guard let report = SeedReport(json: line) else { continue }
        let next = report.run.seed + workerCount
        workers[output]?.seed = next
        take(report)
      }
      return
    }
    workers[output] = nil
    let code = worker.child.end()
    guard worker.seed <= options.seeds.upperBound else { return }
    // It died of a seed: the next one goes to another process.
    take(SeedReport(options.run(of: worker.seed), trappedWith: code))
    start(at: worker.seed + workerCount)
  }

  private mutating func take(_ report: SeedReport) {
    waiting[report.run.seed] = report
    while let report = waiting.removeValue(forKey: next) {
      next += 1
      totals.add(report)
      if !report.isGood { failed.append(report) }
      say(options.isJSON ? report.json : report.summary)
    }
  }

  func finish() -> Bool {
    let seconds = Int(time(nil) - began)
    if options.isJSON {
      say(totals.json(seconds: seconds))
    } else {
      for report in failed.prefix(Explanation.maximumCount) { Explanation(report).show() }
      say(totals.summary(seconds: seconds))
    }
    return failed.isEmpty
  }
}
