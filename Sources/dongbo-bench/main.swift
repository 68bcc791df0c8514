import Glibc

func run(_ command: BenchCommand) throws(BenchFailure) -> CInt {
  switch command {
  case .all(let plan, let isJSON):
    let rows = try AllRun.rows(plan)
    Terminal.out(isJSON ? BudgetRow.json(rows) : BudgetRow.text(rows))
    return rows.allSatisfy { $0.failure == nil } ? 0 : 1
  case .replicate(let plan, let isJSON): show(try ReplicateRun.figures(plan), isJSON)
  case .latency(let rate, let count, let seed, let isJSON):
    show(try LatencyRun.figures(rate: rate, count: count, seed: seed), isJSON)
  case .signatures(let documentCount, let seed, let isJSON):
    show(try SignaturesRun.figures(documentCount: documentCount, seed: seed), isJSON)
  case .fanout(let plan, let isJSON): show(try FanoutRun.figures(plan), isJSON)
  case .links(let plan, let isJSON): show(try LinksRun.figures(plan), isJSON)
  case .large(let plan, let isJSON): show(try LargeRun.figures(plan), isJSON)
  case .copy(let byteCount, let seed, let isJSON):
    show(try CopyRun.figures(byteCount: byteCount, seed: seed), isJSON)
  case .files(let plan, let isJSON): return show(try FilesRun.run(plan), isJSON)
  case .load(let plan, let isJSON): show(try LoadRun.run(plan), isJSON)
  case .check(let plan, let isJSON): return show(try CheckRun.run(plan), isJSON)
  case .behind(let changeCount, let seed, let isJSON):
    show(try BehindRun.figures(changeCount: changeCount, seed: seed), isJSON)
  case .stages(let changeCount, let seed, let isJSON):
    show(try StagesRun.figures(changeCount: changeCount, seed: seed), isJSON)
  case .limits(let changeCount, let seed, let isJSON):
    show(try LimitsRun.figures(changeCount: changeCount, seed: seed), isJSON)
  case .workload(let changeCount, let seed):
    WorkloadRows.write(changeCount: changeCount, seed: seed)
  case .help: Terminal.out(BenchCommand.usage)
  }
  return 0
}

func show(_ figures: Figures, _ isJSON: Bool) {
  Terminal.out(isJSON ? figures.json : figures.text)
}

/// - Returns: 1 when something failed that must hold.
func show(_ result: (figures: Figures, failures: [String]), _ isJSON: Bool) -> CInt {
  show(result.figures, isJSON)
  for failure in result.failures { Terminal.note("dongbo-bench: \(failure)") }
  return result.failures.isEmpty ? 0 : 1
}

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
    return try run(command)
  } catch {
    Terminal.note("dongbo-bench: \(error)")
    return 1
  }
}

exit(run())
