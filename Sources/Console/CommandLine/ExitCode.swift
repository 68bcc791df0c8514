/// What a command ends with. The numbers are a promise to scripts; the last seven are sysexits(3).
package enum ExitCode: Int32, Hashable, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  /// Some of several things failed, or the centre keeps what it did not apply.
  case partly = 2
  case usage = 64
  case badInput = 65
  case unreachable = 69
  case tryAgain = 75
  case notAllowed = 77
  case badConfiguration = 78
}
