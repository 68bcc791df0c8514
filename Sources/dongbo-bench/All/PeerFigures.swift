import Replication

/// What PostgreSQL's logical replication gave on this machine: the file that
/// `Deploy/bench-peers --json FILE` writes. Its numbers are whole, in small units.
struct PeerFigures: Equatable, Sendable {
  enum Key: String, CaseIterable, Sendable {
    case catchUpPerSecond, oneByOnePerSecond, wireBytesPerChange, cpuMilliseconds
    case latencyP50Microseconds, latencyP99Microseconds, receiverKiB

    /// How many of these are one of the unit that rows have: s, ms or MiB.
    fileprivate var perUnit: Double {
      switch self {
      case .catchUpPerSecond, .oneByOnePerSecond, .wireBytesPerChange: 1
      case .cpuMilliseconds, .latencyP50Microseconds, .latencyP99Microseconds: 1_000
      case .receiverKiB: 1_024
      }
    }
  }

  let changeCount: Int
  let values: [Key: Double]

  static func read(_ path: String) throws(BenchFailure) -> PeerFigures {
    guard let text = TextFile.read(path) else { throw BenchFailure("\(path) cannot be read") }
    do throws(BenchFailure) { return try PeerFigures(text) } catch {
      throw BenchFailure("\(path): \(error); write it by Deploy/bench-peers --json")
    }
  }

  init(_ text: String) throws(BenchFailure) {
    guard let object = (try? JSONValue.parse(Array(text.utf8)))?.object,
      let count = object["changes"]?.integer, let found = object["postgresql"]?.object
    else { throw BenchFailure("no changes, or nothing of postgresql") }
    var values: [Key: Double] = [:]
    for key in Key.allCases {
      guard let number = found[Text(key.rawValue)]?.integer, number > 0 else {
        throw BenchFailure("no \(key.rawValue) of postgresql")
      }
      values[key] = Double(number) / key.perUnit
    }
    changeCount = Int(count)
    self.values = values
  }

  init(changeCount: Int, values: [Key: Double]) {
    (self.changeCount, self.values) = (changeCount, values)
  }
}
