/// What a command ends with. New codes may come: an unknown one means failure.
package enum ExitCode: Int32, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  /// Some sites or records failed; they are listed.
  case partlyDone = 2
  case usage = 64
  case notReachable = 69
  case tryAgain = 75
  case notAllowed = 77
  /// With it systemd does not start the daemon again (`RestartPreventExitStatus=78`).
  case badConfiguration = 78
}

/// What `dongbo check` ends with: the interface of Nagios plug-ins.
package enum CheckExitCode: Int32, Sendable, CaseIterable {
  case ok = 0
  case warning = 1
  case critical = 2
  case unknown = 3

  /// The code of a verdict; `unknown` is for when there is none.
  package init(_ severity: Severity) {
    switch severity {
    case .ok: self = .ok
    case .warning: self = .warning
    case .critical: self = .critical
    }
  }
}
