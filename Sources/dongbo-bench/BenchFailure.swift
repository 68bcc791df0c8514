/// Why a run gave no figures, in a sentence for whoever started it.
struct BenchFailure: Error, Equatable, Sendable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
