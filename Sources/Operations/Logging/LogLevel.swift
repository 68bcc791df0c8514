/// How much a line of the log matters, from least to most.
package enum LogLevel: Int, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  case debug
  case info
  case notice
  case warning
  case error

  /// - Returns: nil unless `name` is one of ours.
  package init?(name: some StringProtocol) {
    guard let level = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = level
  }

  /// The word in the configuration and in the log.
  package var description: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .notice: "notice"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// syslog's number: what the `<N>` before a line tells the journal.
  package var syslogPriority: Int {
    switch self {
    case .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
