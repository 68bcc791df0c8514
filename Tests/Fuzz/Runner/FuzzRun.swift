import CFuzzer
import Glibc

/// `DONGBO_FUZZ_TARGET=NAME dongbo-fuzz [options of libFuzzer]`; `dongbo-fuzz --targets` names the
/// targets, `--seeds FOLDER` writes the seeds of NAME there. A target in the environment, because
/// libFuzzer starts itself again with arguments of its own.
@main enum FuzzRun {
  /// The one thread of libFuzzer: filled before its loop and only read in it.
  nonisolated(unsafe) private static var check: FuzzTarget.Check = { _ in }
  nonisolated(unsafe) private static var memory = MemoryBound(fixedByteCount: 0, factor: 0)
  nonisolated(unsafe) private static var watchesMemory = false

  static func main() {
    if CommandLine.arguments.dropFirst().first == "--targets" {
      for target in FuzzTarget.all { print(target.name, target.maximumByteCount) }
      return
    }
    guard let name = getenv("DONGBO_FUZZ_TARGET").map({ String(cString: $0) }),
      let target = FuzzTarget.named(name)
    else { fail("DONGBO_FUZZ_TARGET must name one of: \(FuzzTarget.all.map(\.name))") }
    do {
      if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--seeds" {
        return write(try target.seeds(), to: CommandLine.arguments[2])
      }
      try prepare(target)
    } catch { fail("\(error)") }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
        FuzzRun.input(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      })
  }

  private static func prepare(_ target: FuzzTarget) throws {
    check = try target.makeCheck()
    memory = target.memory
    // What is made at the first use is no cost of an input.
    for seed in try target.seeds() { input(seed.bytes) }
    watchesMemory = dongbo_memory_watch() != 0
    guard watchesMemory else { fail("the runtime does not let memory be watched") }
  }

  private static func input(_ bytes: [UInt8]) {
    dongbo_memory_start()
    do { try check(bytes) } catch { crash("\(error)") }
    let peak = Int(dongbo_memory_peak())
    let limit = memory.limit(for: bytes.count)
    guard watchesMemory, peak > limit else { return }
    crash("\(bytes.count) bytes cost \(peak) bytes of memory, limit \(limit)")
  }

  /// A crash is what libFuzzer understands.
  private static func crash(_ property: String) -> Never {
    say("broken property: \(property)")
    abort()
  }

  /// Writes each seed under its name.
  private static func write(_ seeds: [Seed], to folder: String) {
    for seed in seeds {
      guard let file = fopen("\(folder)/\(seed.name)", "w") else { fail("\(folder): \(errno)") }
      let count = fwrite(seed.bytes, 1, seed.bytes.count, file)
      guard fclose(file) == 0, count == seed.bytes.count else { fail("\(folder): \(errno)") }
    }
  }

  private static func fail(_ text: String) -> Never {
    say("dongbo-fuzz: \(text)")
    exit(2)
  }

  private static func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }
}
