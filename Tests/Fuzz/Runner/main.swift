import CFuzzer
import Glibc

/// `DONGBO_FUZZ_TARGET=NAME dongbo-fuzz [options of libFuzzer]`; `dongbo-fuzz --targets` names the
/// targets, `--seeds FOLDER` writes the seeds of NAME there. A target in the environment, because
/// libFuzzer starts itself again with arguments of its own.
enum FuzzRun {
  /// The one thread of libFuzzer: filled before its loop and only read in it.
  nonisolated(unsafe) static var check: FuzzTarget.Check = { _ in }
  nonisolated(unsafe) static var memory = MemoryBound(fixedByteCount: 0, factor: 0)
  nonisolated(unsafe) static var watchesMemory = false

  static func input(_ bytes: [UInt8]) {
    dongbo_memory_start()
    do { try check(bytes) } catch { preconditionFailure("broken property: \(error)") }
    let peak = Int(dongbo_memory_peak())
    let limit = memory.limit(for: bytes.count)
    precondition(
      !watchesMemory || peak <= limit,
      "broken property: \(bytes.count) bytes cost \(peak) bytes of memory, limit \(limit)")
  }
}

func fail(_ text: String) -> Never {
  fputs("dongbo-fuzz: \(text)\n", stderr)
  exit(2)
}

/// Writes each seed under its name.
func write(_ seeds: [Seed], to folder: String) {
  for seed in seeds {
    guard let file = fopen("\(folder)/\(seed.name)", "w") else { fail("\(folder): errno \(errno)") }
    let count = fwrite(seed.bytes, 1, seed.bytes.count, file)
    guard fclose(file) == 0, count == seed.bytes.count else { fail("\(folder): errno \(errno)") }
  }
}

if CommandLine.arguments.dropFirst().first == "--targets" {
  for target in FuzzTarget.all { print(target.name, target.maximumByteCount) }
  exit(0)
}
guard let name = getenv("DONGBO_FUZZ_TARGET").map({ String(cString: $0) }),
  let target = FuzzTarget.named(name)
else { fail("DONGBO_FUZZ_TARGET must name one of: \(FuzzTarget.all.map(\.name))") }
do {
  if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--seeds" {
    write(try target.seeds(), to: CommandLine.arguments[2])
    exit(0)
  }
  FuzzRun.check = try target.makeCheck()
  FuzzRun.memory = target.memory
  // What is made at the first use is no cost of an input.
  for seed in try target.seeds() { FuzzRun.input(seed.bytes) }
  FuzzRun.watchesMemory = dongbo_memory_watch() != 0
} catch { fail("\(error)") }
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
let status = LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
  FuzzRun.input(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
exit(status)
