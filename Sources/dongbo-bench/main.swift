import Glibc

/// 0 done, 1 no figures, 64 wrong usage; as `dongbo` does.
func run() -> CInt {
  let command: BenchCommand
  do throws(BenchFailure) {
    command = try BenchCommand.parse(Array(CommandLine.arguments.dropFirst()))
  } catch {
    Terminal.note("dongbo-bench: \(error)")
    return 64
  }
  do throws(BenchFailure) {
    switch command {
    case .replicate(let changeCount, let seed, let isJSON):
      let figures = try ReplicateRun.figures(changeCount: changeCount, seed: seed)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .latency(let rate, let count, let seed, let isJSON):
      let figures = try LatencyRun.figures(rate: rate, count: count, seed: seed)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .files(let plan, let isJSON):
      let (figures, failures) = try FilesRun.run(plan)
      Terminal.out(isJSON ? figures.json : figures.text)
      for failure in failures { Terminal.note("dongbo-bench: \(failure)") }
      return failures.isEmpty ? 0 : 1
    case .load(let plan, let isJSON):
      let figures = try LoadRun.run(plan)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .check(let plan, let isJSON):
      let (figures, failures) = try CheckRun.run(plan)
      Terminal.out(isJSON ? figures.json : figures.text)
      for failure in failures { Terminal.note("dongbo-bench: \(failure)") }
      return failures.isEmpty ? 0 : 1
    case .behind(let changeCount, let seed, let isJSON):
      let figures = try BehindRun.figures(changeCount: changeCount, seed: seed)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .stages(let changeCount, let seed, let isJSON):
      let figures = try StagesRun.figures(changeCount: changeCount, seed: seed)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .limits(let changeCount, let seed, let isJSON):
      let figures = try LimitsRun.figures(changeCount: changeCount, seed: seed)
      Terminal.out(isJSON ? figures.json : figures.text)
    case .workload(let changeCount, let seed):
      WorkloadRows.write(changeCount: changeCount, seed: seed)
    case .help: Terminal.out(BenchCommand.usage)
    }
    return 0
  } catch {
    Terminal.note("dongbo-bench: \(error)")
    return 1
  }
}

exit(run())
