import Glibc

/// What a process has used so far, from proc(5).
struct ProcessUsage: Equatable, Sendable {
  /// User and system.
  let cpuSeconds: Double
  let peakMiB: Double

  static func read(_ process: pid_t) throws(BenchFailure) -> ProcessUsage {
    guard let stat = TextFile.read("/proc/\(process)/stat"),
      let status = TextFile.read("/proc/\(process)/status"),
      let cpu = cpuSeconds(stat: stat, ticksPerSecond: Double(sysconf(CInt(_SC_CLK_TCK)))),
      let peak = peakMiB(status: status)
    else { throw BenchFailure("process \(process) is gone; look at its log") }
    return ProcessUsage(cpuSeconds: cpu, peakMiB: peak)
  }

  /// utime and stime, fields 14 and 15; the name before them may hold spaces and parentheses.
  static func cpuSeconds(stat: String, ticksPerSecond: Double) -> Double? {
    guard let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
    else { return nil }
    return (user + system) / ticksPerSecond
  }

  /// The most memory that was resident at a time.
  static func peakMiB(status: String) -> Double? { mebibytes("VmHWM", in: status) }

  /// What is resident now.
  static func residentMiB(status: String) -> Double? { mebibytes("VmRSS", in: status) }

  /// The kernel gives KiB.
  private static func mebibytes(_ name: String, in status: String) -> Double? {
    let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    guard words.count == 3, words[2] == "kB", let kibibytes = Double(words[1]) else { return nil }
    return kibibytes / 1024
  }
}

/// Small text files, read in one go.
enum TextFile {
  static let maximumByteCount = 1 << 20

  /// nil when it cannot be read or is no small file.
  static func read(_ path: String, limit: Int = maximumByteCount) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
    return nil
  }
}
