/// One run of `dongbo-bench all` in each round; each is a command of its own too.
enum Part: String, CaseIterable, Sendable {
  case replicate, oneByOne, limits, latency, signatures, fanout, links, large, files, copy
}

/// What the parts gave, round by round.
struct Measurements: Equatable, Sendable {
  private var rounds: [Part: [Figures]] = [:]
  private(set) var failures: [Part: BenchFailure] = [:]

  mutating func add(_ figures: Figures, of part: Part) { rounds[part, default: []].append(figures) }

  /// A part that failed once has no figures any more: what it gave before is no median of all.
  mutating func fail(_ failure: BenchFailure, of part: Part) {
    failures[part] = failure
    rounds[part] = nil
  }

  /// The median over the rounds of the sum of so many figures.
  /// - Throws: why there is none.
  func median(_ source: Source) throws(BenchFailure) -> Double {
    if let failure = failures[source.part] { throw failure }
    var sums: [Double] = []
    for figures in rounds[source.part] ?? [] {
      var sum = 0.0
      for key in source.keys {
        guard let number = figures.number(key) else {
          throw BenchFailure("\(source.part.rawValue) gave no \(key)")
        }
        sum += number
      }
      sums.append(sum)
    }
    guard let median = Statistics.median(sums) else {
      throw BenchFailure("\(source.part.rawValue) was not run")
    }
    return median
  }

  /// Figures of one part that are added up.
  struct Source: Equatable, Sendable {
    let part: Part
    let keys: [String]

    init(_ part: Part, _ keys: String...) { (self.part, self.keys) = (part, keys) }
  }
}
