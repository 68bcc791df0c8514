/// What `openssl speed` says this machine verifies, on one thread.
enum OpenSSLSpeed {
  private static let program = "/usr/bin/openssl"
  private static let arguments = ["speed", "-seconds", "3", "-mr", "ecdsap256"]

  /// ECDSA over P-256, the key of links and of a lab's signers.
  static func verificationsPerSecond() throws(BenchFailure) -> Double {
    let directory = try Laboratory.newDirectory()
    let log = directory + "/speed"
    let code = try ChildProcess(program, arguments, log: log).result()
    guard code == 0, let text = TextFile.read(log), let rate = verificationsPerSecond(in: text)
    else { throw BenchFailure("openssl speed ended with \(code); see \(log)") }
    try Laboratory.remove(directory)
    return rate
  }

  /// Of the line `+F4:index:bits:signatures a second:verifications a second`.
  static func verificationsPerSecond(in text: String) -> Double? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("+F4:") }
    let fields = line?.split(separator: ":") ?? []
    guard fields.count == 5, let rate = Double(fields[4]), rate > 0 else { return nil }
    return rate
  }
}
