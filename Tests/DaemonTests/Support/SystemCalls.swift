import Glibc
import Testing

/// strace beside a running site: the order of its durable and network calls, as the kernel saw it.
final class SystemCalls {
  /// One line of the trace: a call begins, ends, or both.
  struct Line {
    let text: String
    /// False for the second half of a call that another thread's line interrupted.
    let begins: Bool
    let ends: Bool

    func isOf(_ names: [String], on place: String) -> Bool {
      names.contains { text.contains("\($0)(") || text.contains("<... \($0) resumed") }
        && text.contains(place)
    }
  }

  static var isAvailable: Bool { access("/usr/bin/strace", X_OK) == 0 }

  private let file: String
  private let tracer: SiteProcess

  /// Follows every thread of `pid` from now on, by the names of the files and sockets it uses.
  /// - Parameter extra: further words, as `-e inject=`.
  init(of pid: pid_t, in directory: String, calls: String, extra: [String] = []) throws {
    let file = "\(directory)/calls"
    self.file = file
    let log = "\(directory)/strace.log"
    tracer = try SiteProcess(
      path: "/usr/bin/strace",
      ["-f", "-y", "-s", "64", "-e", "trace=\(calls)", "-o", file, "-p", "\(pid)"] + extra,
      log: log)
    try eventually("strace follows") {
      ((try? Disk.text(log)) ?? "").contains("attached")
    }
  }

  /// Ends the tracing; the site goes on.
  func stop() throws -> [Line] {
    tracer.send(SIGTERM)
    try eventually("strace ends") { !tracer.isRunning }
    var open: [Substring: String] = [:]
    return try Disk.text(file).split(separator: "\n").map { text in
      let thread = text.prefix { $0 != " " }
      if text.hasSuffix("<unfinished ...>") {
        open[thread] = String(text)
        return Line(text: String(text), begins: true, ends: false)
      }
      guard text.contains(" resumed>") else {
        return Line(text: String(text), begins: true, ends: true)
      }
      // The first half names the file.
      return Line(text: "\(open[thread] ?? "") \(text)", begins: false, ends: true)
    }
  }
}

extension [SystemCalls.Line] {
  /// The first line after `start` in which one of the calls ends.
  func end(of names: String..., on place: String, after start: Int = -1) -> Int? {
    indices.first { $0 > start && self[$0].ends && self[$0].isOf(names, on: place) }
  }

  /// The first line after `start` in which one of the calls begins.
  func start(of names: String..., on place: String, after start: Int = -1) -> Int? {
    indices.first { $0 > start && self[$0].begins && self[$0].isOf(names, on: place) }
  }
}
