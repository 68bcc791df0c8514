import Glibc

/// What the kernel says about this process, from /proc.
package struct ProcessFigures: Equatable, Sendable {
  package let cpuSeconds: Double
  package let residentByteCount: Double
  package let openDescriptorCount: Double
  package let maximumDescriptorCount: Double
  /// Seconds since 1970.
  package let startTime: Double

  /// - Returns: nil where /proc does not answer; the metrics then keep what they had.
  package static func read() -> ProcessFigures? {
    guard let stat = smallFile("/proc/self/stat"), let system = smallFile("/proc/stat"),
      let bootTime = bootTime(system), let descriptors = openDescriptors()
    else { return nil }
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return ProcessFigures(
      stat: stat, bootTime: bootTime, ticksPerSecond: Double(sysconf(CInt(_SC_CLK_TCK))),
      pageByteCount: Double(sysconf(CInt(_SC_PAGESIZE))), openDescriptors: descriptors,
      maximumDescriptors: Double(limit.rlim_cur))
  }

  /// Reads one line of proc(5) `stat`; the name in parentheses may itself hold any character.
  init?(
    stat: String, bootTime: Double, ticksPerSecond: Double, pageByteCount: Double,
    openDescriptors: Double, maximumDescriptors: Double
  ) {
    guard let end = stat.lastIndex(of: ")") else { return nil }
    // Field 3 (state) is the first one behind the name.
    let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
    guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
      let start = Double(fields[19]), let pages = Double(fields[21]), ticksPerSecond > 0
    else { return nil }
    cpuSeconds = (user + system) / ticksPerSecond
    residentByteCount = pages * pageByteCount
    openDescriptorCount = openDescriptors
    maximumDescriptorCount = maximumDescriptors
    startTime = bootTime + start / ticksPerSecond
  }

  /// Sets the `process_*` series.
  package func publish(to registry: MetricRegistry) {
    registry.series(.processCPU).set(total: cpuSeconds)
    registry.series(.processResident).set(residentByteCount)
    registry.series(.processDescriptors).set(openDescriptorCount)
    registry.series(.processMaximumDescriptors).set(maximumDescriptorCount)
    registry.series(.processStart).set(startTime)
  }

  private static func bootTime(_ stat: String) -> Double? {
    stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
      .flatMap { Double($0.dropFirst(6)) }
  }

  private static func openDescriptors() -> Double? {
    guard let stream = opendir("/proc/self/fd") else { return nil }
    defer { closedir(stream) }
    // ".", ".." and the stream itself are no descriptors of ours.
    var count = -3
    while readdir(stream) != nil { count += 1 }
    return Double(count)
  }

  private static func smallFile(_ path: String) -> String? {
    /// /proc/stat has a line per CPU and one with all interrupts.
    let maximumByteCount = 1 << 20
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while bytes.count < maximumByteCount {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
