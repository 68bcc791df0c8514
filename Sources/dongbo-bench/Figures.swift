import Glibc

/// Named results in the order they are shown.
struct Figures: Equatable, Sendable {
  private(set) var lines: [(key: String, value: String)] = []

  /// Shows `value` under `key` with so many decimals.
  mutating func add(_ key: String, _ value: Double, decimals: Int) {
    lines.append((key, Statistics.fixed(value, decimals)))
  }

  mutating func add(_ key: String, count: Int) { lines.append((key, String(count))) }

  /// - Parameter word: one of ours, or the digits of a digest: nothing in it needs an escape.
  mutating func add(_ key: String, word: String) { lines.append((key, "\"\(word)\"")) }

  /// The number under `key`, as it is shown.
  func number(_ key: String) -> Double? {
    lines.first { $0.key == key }.flatMap { Double($0.value) }
  }

  /// The figures of `other` behind these.
  mutating func add(_ other: Figures) { lines += other.lines }

  /// One object; the keys are ours and need no escapes.
  var json: String {
    "{" + lines.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}\n"
  }

  var text: String {
    let width = lines.map(\.key.count).max() ?? 0
    return lines.map { key, value in
      key + String(repeating: " ", count: width - key.count + 2) + value + "\n"
    }.joined()
  }

  static func == (left: Figures, right: Figures) -> Bool { left.json == right.json }
}

/// The one place that writes to the terminal.
enum Terminal {
  static func out(_ text: String) { write(text, to: STDOUT_FILENO) }
  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// A reader that went away is not told again.
  private static func write(_ text: String, to descriptor: CInt) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
