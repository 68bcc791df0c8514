@testable import Replication

extension FuzzTarget {
  /// JSON as records use it, canonical or not.
  static let json = FuzzTarget(
    name: "json", maximumByteCount: 4_096,
    memory: MemoryBound(fixedByteCount: 64 << 10, factor: 256),
    seeds: {
      var seeds = try SeedFiles.corpus("json")
      for name in ["documents", "directives", "finance"] {
        let lines = try SeedFiles.lines("Tests/ReplicationTests/Samples/\(name).jsonl")
        for (index, line) in lines.enumerated() {
          seeds.append(Seed(name: "\(name)-\(index)", bytes: line))
        }
      }
      return seeds
    },
    makeCheck: { { input in try JSONChecks.check(input) } })
}

enum JSONChecks {
  static func check(_ input: [UInt8]) throws {
    let canonical = result { () throws(JSONError) in try JSONValue.parseCanonical(input) }
    let relaxed = result { () throws(JSONError) in try JSONValue.parse(input) }
    if case .success(let value) = canonical {
      try require(value.canonicalBytes == input, "canonical bytes are not written as they came")
      try require(relaxed == canonical, "canonical bytes read otherwise when anything is let in")
    }
    switch relaxed {
    case .success(let value): try checkValue(value, of: input)
    case .failure(let error):
      try require((0...input.count).contains(error.offset), "\(error) of \(input.count) bytes")
      try require(error.description.utf8.count < 200, "\(error)")
    }
    var chance = InputChance(input)
    try checkStart(Array(input.prefix(chance.below(input.count + 1))), of: relaxed)
  }

  private static func checkValue(_ value: JSONValue, of input: [UInt8]) throws {
    let bytes = value.canonicalBytes
    try require(bytes.count <= input.count, "the canonical form is longer")
    try require(
      result { () throws(JSONError) in try JSONValue.parseCanonical(bytes) } == .success(value),
      "the canonical form is another value, or none")
    guard let members = value.object?.members, let object = value.object else { return }
    for member in members {
      try require(object[member.key] == member.value, "\(member.key) is not found")
    }
    for (left, right) in zip(members, members.dropFirst()) {
      try require(left.key.compareAsKey(with: right.key) == .before, "\(left.key) out of order")
      try require(right.key.compareAsKey(with: left.key) == .after, "order is not antisymmetric")
    }
  }

  /// What is wrong already stays wrong, whatever follows. A character or an escape that is cut off
  /// is wrong only for want of more.
  private static func checkStart(
    _ start: [UInt8], of whole: Result<JSONValue, JSONError>
  ) throws {
    do throws(JSONError) { _ = try JSONValue.parse(start) } catch {
      switch error.reason {
      case .unexpectedEnd, .invalidUTF8, .loneSurrogate: return
      default: try require((try? whole.get()) == nil, "\(error), and more bytes put it right")
      }
    }
  }

  private static func result(
    _ body: () throws(JSONError) -> JSONValue
  ) -> Result<JSONValue, JSONError> {
    do throws(JSONError) { return .success(try body()) } catch { return .failure(error) }
  }
}
