import CFuzzer
import Glibc

/// `DONGBO_FUZZ_TARGET=NAME dongbo-fuzz [options of libFuzzer]`; `dongbo-fuzz --targets` names the
/// targets, `--seeds FOLDER` writes the seeds of NAME there. A target in the environment, because
/// libFuzzer starts itself again with arguments of its own. `main` is libFuzzer's: it calls this
/// before its loop.
@_cdecl("LLVMFuzzerInitialize") func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  let words = (1..<max(1, Int(count.pointee))).map { String(cString: arguments.pointee[$0]) }
  FuzzRun.start(words)
  return 0
}

/// libFuzzer's loop.
@_cdecl("LLVMFuzzerTestOneInput") func take(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  FuzzRun.input(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}

enum FuzzRun {
  /// The one thread of libFuzzer: filled before its loop and only read in it.
  nonisolated(unsafe) private static var check: FuzzTarget.Check = { _ in }
  nonisolated(unsafe) private static var memory = MemoryBound(fixedByteCount: 0, factor: 0)
  nonisolated(unsafe) private static var watchesMemory = false

  static func start(_ words: [String]) {
    if words.first == "--targets" {
      for target in FuzzTarget.all { print(target.name, target.maximumByteCount) }
      exit(0)
    }
    guard let name = getenv("DONGBO_FUZZ_TARGET").map({ String(cString: $0) }),
      let target = FuzzTarget.named(name)
    else { fail("DONGBO_FUZZ_TARGET must name one of: \(FuzzTarget.all.map(\.name))") }
    do {
      if words.count == 2, words[0] == "--seeds" {
        write(try target.seeds(), to: words[1])
        exit(0)
      }
      try prepare(target)
    } catch { fail("\(error)") }
  }

  private static func prepare(_ target: FuzzTarget) throws {
    check = try target.makeCheck()
    memory = target.memory
    // What is made at the first use is no cost of an input.
    for seed in try target.seeds() { input(seed.bytes) }
    watchesMemory = MemoryWatch.install()
    guard watchesMemory else { fail("the runtime does not let memory be watched") }
  }

  /// Checks one input. It runs again while it keeps memory: a cache fills, a leak goes on.
  static func input(_ bytes: [UInt8]) {
    var kept = run(bytes)
    var runCount = 1
    while watchesMemory, kept > 0 {
      guard runCount < runCountOfLeak else {
        crash("\(bytes.count) bytes leak \(kept) bytes of memory each time")
      }
      kept = run(bytes)
      runCount += 1
    }
  }

  /// More than any cache behind a decoder holds: the longest is OpenSSL's queue of 16 errors.
  private static let runCountOfLeak = 32

  /// Bytes of memory that one run keeps.
  private static func run(_ bytes: [UInt8]) -> Int {
    MemoryWatch.start()
    do { try check(bytes) } catch { crash("\(error)") }
    let (kept, peak) = (MemoryWatch.alive, MemoryWatch.most)
    let limit = memory.limit(for: bytes.count)
    if watchesMemory, peak > limit {
      crash("\(bytes.count) bytes cost \(peak) bytes of memory, limit \(limit)")
    }
    return withExtendedLifetime(bytes) { kept }
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

/// Bytes alive now and at most, against those at the start of an input. The hooks run inside malloc
/// and free: they only count.
private enum MemoryWatch {
  /// The one thread of libFuzzer.
  nonisolated(unsafe) private(set) static var alive = 0
  nonisolated(unsafe) private(set) static var most = 0

  static func start() { (alive, most) = (0, 0) }

  /// From then on every block counts. False when the runtime takes no hooks.
  static func install() -> Bool {
    start()
    return __sanitizer_install_malloc_and_free_hooks(
      { _, count in
        MemoryWatch.alive += count
        MemoryWatch.most = max(MemoryWatch.most, MemoryWatch.alive)
      },
      { block in MemoryWatch.alive -= __sanitizer_get_allocated_size(block) }) != 0
  }
}
