import Glibc
import Simulation

/// What a person needs to look into a seed that failed.
struct Explanation {
  /// Failed seeds that are looked into; the others are named only.
  static let maximumCount = 5
  private static let eventCount = 40

  let report: SeedReport

  init(_ report: SeedReport) { self.report = report }

  func show() {
    say("\nseed \(report.run.seed) of commit \(Self.commit)")
    for failure in report.failures.prefix(10) { say("  \(failure)") }
    let smallest = Shrinking.smallest(of: report.run) { run in
      Child.run(ownProgram, run.arguments + ["--json"]) { _ in } != 0
    }
    let events = lastEvents(of: smallest)
    say("last events of the sites concerned, made as small as it fails:")
    for event in events { say("  \(event)") }
    say("replay: \(smallest.command)")
  }

  /// Up to the first failure, or the trap.
  private func lastEvents(of run: SeedRun) -> [String] {
    var events: [String] = []
    var isOver = false
    _ = Child.run(ownProgram, run.arguments + ["--verbose"]) { line in
      guard !isOver else { return }
      events.append(line)
      isOver = line.contains("FAILURE")
      if events.count > 100 * Self.eventCount { events.removeFirst(50 * Self.eventCount) }
    }
    let names = run.siteNames.filter { name in
      isOver && events.last?.contains(name) == true
    }
    let concerned = events.filter { event in
      names.isEmpty || names.contains { event.contains($0) }
    }
    return Array(concerned.suffix(Self.eventCount))
  }

  /// The environment may say it, as where there is no repository; else git does, of the directory
  /// this was started in.
  private static let commit: String = {
    if let given = getenv("DONGBO_COMMIT") { return String(cString: given) }
    var answer = "unknown (set DONGBO_COMMIT)"
    _ = Child.run("git", ["describe", "--always", "--dirty"]) { answer = $0 }
    return answer
  }()
}
