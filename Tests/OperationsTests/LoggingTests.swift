import Glibc
import Operations
import Replication
import Synchronization
import Testing

/// A logger over a clock that the test moves, and the lines it wrote.
private final class Recorder: Sendable {
  private let state = Mutex((seconds: UInt64(0), lines: [String]()))

  func logger(
    _ format: LogFormat = .logfmt, _ level: LogLevel = .info, prefix: Bool = false
  ) -> Logger {
    Logger(
      format: format, level: level, hasPriorityPrefix: prefix,
      clock: {
        let seconds = self.state.withLock { $0.seconds }
        return (
          wall: WallTime(microseconds: seconds * 1_000_000),
          monotonic: Instant(nanoseconds: seconds * 1_000_000_000)
        )
      },
      sink: { line in
        self.state.withLock { $0.lines.append(String(decoding: line, as: UTF8.self)) }
      })
  }

  func advance(_ seconds: UInt64) { state.withLock { $0.seconds += seconds } }
  var lines: [String] { state.withLock { $0.lines } }
}

@Test func linesAreStructured() {
  let recorder = Recorder()
  recorder.logger(prefix: true).log(
    .warning, "link.refused",
    ["site": "ca-mau", "tries": 18, "wait": .of(.milliseconds(1500)), "why": "no route", "e": ""])
  recorder.logger(.json).log(.error, "store.full", ["free": 0, "ok": .flag(false)])
  #expect(
    recorder.lines == [
      "<4>time=1970-01-01T00:00:00.000000Z level=warning event=link.refused site=ca-mau tries=18 "
        + "wait=1.5 why=\"no route\" e=\"\"\n",
      "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"error\",\"event\":\"store.full\","
        + "\"free\":0,\"ok\":false}\n",
    ])
}

@Test(arguments: [
  ("a\nb", "\"a\\nb\""), ("\u{1B}[2J", "\"\\u001b[2J\""), ("x\u{202E}y", "\"x\\u202ey\""),
  ("a=b", "\"a=b\""), ("Cà-Mau", "Cà-Mau"), ("q\"q", "\"q\\\"q\""), ("\u{85}", "\"\\u0085\""),
])
func valuesCannotForgeLines(value: String, shown: String) {
  let recorder = Recorder()
  recorder.logger().log(.info, "e", ["v": .text(value)])
  #expect(recorder.lines.first?.hasSuffix(" v=\(shown)\n") == true, "\(recorder.lines)")
}

@Test func levelsFilter() {
  let recorder = Recorder()
  let logger = recorder.logger(.logfmt, .warning)
  logger.log(.notice, "quiet")
  logger.log(.error, "loud")
  logger.configure(format: .logfmt, level: .debug)
  logger.log(.debug, "now")
  #expect(recorder.lines.count == 2)
}

@Test func repeatsAreCountedNotWritten() {
  let recorder = Recorder()
  let logger = recorder.logger()
  for _ in 0..<10 { logger.log(.info, "same", ["a": 1]) }
  logger.log(.info, "same", ["a": 2])
  #expect(recorder.lines.count == 2)
  recorder.advance(60)
  logger.log(.info, "same", ["a": 1])
  #expect(recorder.lines.last?.hasSuffix("a=1 repeated=9\n") == true)
  logger.log(.info, "same", ["a": 1])
  logger.flushRepeats()
  #expect(recorder.lines.count == 3)
  logger.flushRepeats(everything: true)
  #expect(recorder.lines.last?.hasSuffix("a=1 repeated=1\n") == true)
  #expect(recorder.lines.count == 4)
}

@Test func memoryOfRepeatsIsBoundedAndLosesNoCount() {
  let recorder = Recorder()
  let logger = recorder.logger()
  logger.log(.info, "first")
  logger.log(.info, "first")
  for number in 0..<Logger.maximumRemembered { logger.log(.info, "e", ["n": .of(number)]) }
  #expect(recorder.lines.count { $0.contains("event=first repeated=1") } == 1)
  #expect(recorder.lines.count == 2 + Logger.maximumRemembered)
}

@Test func longValuesAreCutBetweenCharacters() {
  let recorder = Recorder()
  recorder.logger().log(.info, "e", ["v": .text("a" + String(repeating: "ế", count: 400))])
  let line = recorder.lines[0]
  #expect(line.hasSuffix("ế...\n") && line.utf8.count < 600 && !line.contains("\u{FFFD}"))
}

@Test func notificationsReachTheSocket() throws {
  var template = Array("/tmp/dongbo-notify-XXXXXX".utf8CString)
  let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
  for name in [directory + "/socket", "@dongbo-test-\(getpid())"] {
    let receiver = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
    defer { close(receiver) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(receiver, $0, socklen_t(2 + bytes.count))
      }
    }
    try #require(bound == 0)
    let notifier = ServiceNotifier(processID: 7) {
      ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"][$0]
    }
    #expect(notifier.watchdogInterval == .seconds(30))
    #expect(notifier.send(.ready, .status("2/2 đồng bộ\nREADY=0")))
    var buffer = [UInt8](repeating: 0, count: 200)
    let count = recv(receiver, &buffer, buffer.count, 0)
    #expect(
      String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        == "READY=1\nSTATUS=2/2 đồng bộ\\u{a}READY=0")
  }
}

@Test func withoutServiceManagerNothingIsSent() {
  #expect(!ServiceNotifier { _ in nil }.send(.ready))
  #expect(!ServiceNotifier { _ in "relative" }.isEnabled)
  #expect(!ServiceNotifier { _ in "/" + String(repeating: "a", count: 200) }.isEnabled)
  let other = ServiceNotifier(processID: 7) { ["WATCHDOG_USEC": "1", "WATCHDOG_PID": "8"][$0] }
  #expect(other.watchdogInterval == nil)
  #expect(
    ServiceState.reloading(monotonicMicroseconds: 5).text == "RELOADING=1\nMONOTONIC_USEC=5")
}
