import Glibc
import Replication

extension Logger {
  /// The daemon's logger: lines to standard error, `<N>` before them when that is the journal.
  package static func standardError(format: LogFormat, level: LogLevel) -> Logger {
    Logger(
      format: format, level: level, hasPriorityPrefix: isJournal(descriptor: 2),
      clock: { (wall: systemWallTime(), monotonic: systemInstant()) },
      sink: { writeAll($0, to: 2) })
  }
}

/// Whether `descriptor` is the stream that `JOURNAL_STREAM` names (`device:inode`), and not a
/// terminal or file that the service was redirected to.
private func isJournal(descriptor: CInt) -> Bool {
  guard let named = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { return false }
  return named == "\(status.st_dev):\(status.st_ino)"
}

/// A log line that cannot be written is given up: nothing is left to say so.
private func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}

private func systemWallTime() -> WallTime {
  let (seconds, nanoseconds) = read(CLOCK_REALTIME)
  return WallTime(microseconds: seconds * 1_000_000 + nanoseconds / 1000)
}

private func systemInstant() -> Instant {
  let (seconds, nanoseconds) = read(CLOCK_MONOTONIC)
  return Instant(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
}

private func read(_ clock: clockid_t) -> (UInt64, UInt64) {
  var time = timespec()
  clock_gettime(clock, &time)
  return (UInt64(max(0, time.tv_sec)), UInt64(max(0, time.tv_nsec)))
}
