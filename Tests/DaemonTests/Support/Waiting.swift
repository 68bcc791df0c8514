import Glibc
import Testing

/// Asks again and again until `condition` holds: the only way these tests wait for a process.
/// Bounded by a number of questions, not by a clock; between two of them poll(2) rests for 20 ms.
func eventually(
  _ what: String, questions: Int = 3_000, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () throws -> Bool
) throws {
  for _ in 0..<questions {
    if try condition() { return }
    rest()
  }
  try #require(Bool(false), "never: \(what)", sourceLocation: sourceLocation)
}

/// A short rest before a client dials a site again that is down.
func rest() { _ = poll(nil, 0, 20) }
