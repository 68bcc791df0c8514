import Glibc
import Replication

@testable import Transport

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

/// A clock that stands until it is told to move.
final class TestClock {
  var now = Instant(nanoseconds: 1_000_000_000)
  func advance(_ duration: Duration) { now = now + duration }
}

/// A directory of its own for sockets, removed at the end with what is in it.
final class TemporaryDirectory {
  let path: String
  init() {
    var template = Array("/tmp/dongbo-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "mkdtemp: errno \(errno)")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
  func file(_ name: String) -> String { "\(path)/\(name)" }
  deinit {
    for name in ["s", "t"] { unlink(file(name)) }
    rmdir(path)
  }
}

/// Passes of a loop until `isDone`, at most `passLimit`: a test that waits in vain fails, it does
/// not hang. Each pass waits at most 50 ms for the kernel.
func drive(_ loop: EventLoop, passLimit: Int = 400, until isDone: () -> Bool) throws {
  for _ in 0..<passLimit where !isDone() { try loop.runOnce(atMost: .milliseconds(50)) }
}
