/// A decoder that takes bytes from strangers, and what must hold for any bytes. `Deploy/fuzz` lets
/// libFuzzer find the bytes; `FuzzTests` runs the seeds and every input that was once a fault.
struct FuzzTarget: Sendable {
  /// Takes one input; throws ``BrokenProperty`` when something does not hold. May keep what is dear
  /// to make, and belongs to one thread.
  typealias Check = ([UInt8]) throws -> Void

  let name: String
  /// Longest input that libFuzzer makes.
  let maximumByteCount: Int
  let memory: MemoryBound
  let seeds: @Sendable () throws -> [Seed]
  let makeCheck: @Sendable () throws -> Check

  /// In the order of the link: frames first.
  static let all: [FuzzTarget] = [
    frame, message, hello, change, json, compression, httpRequest, httpResponse, configuration,
    signature,
  ]

  static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Where a mutation may begin.
struct Seed: Sendable {
  let name: String
  let bytes: [UInt8]
}

/// What one input may keep in memory at a time: lengths that the input merely claims cost nothing.
struct MemoryBound: Sendable {
  /// Whatever the input is.
  let fixedByteCount: Int
  /// For each byte of the input.
  let factor: Int

  func limit(for inputByteCount: Int) -> Int { fixedByteCount + factor * inputByteCount }
}

/// A property that does not hold.
struct BrokenProperty: Error, CustomStringConvertible {
  let description: String
}

func require(
  _ holds: Bool, _ property: @autoclosure () -> String
) throws(BrokenProperty) {
  guard holds else { throw BrokenProperty(description: property()) }
}

/// Whether `body` throws an error of its own type.
func throwsError<Failure: Error>(_ body: () throws(Failure) -> Void) -> Bool {
  do throws(Failure) { try body() } catch { return true }
  return false
}

/// Chance that the input itself decides, so that each input behaves alike at every run.
struct InputChance {
  private var state: UInt64

  init(_ input: [UInt8]) {
    state = input.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// From 0 up to, not including, `bound`; 0 when that is 0.
  mutating func below(_ bound: Int) -> Int {
    state = (state ^ state >> 29) &* 0x9e37_79b9_7f4a_7c15
    return bound == 0 ? 0 : Int((state >> 33) % UInt64(bound))
  }

  /// `input` in pieces as a network may cut it: single bytes when it is short, else a
  /// few. Some are empty.
  mutating func pieces(of input: [UInt8]) -> [[UInt8]] {
    var cuts = input.count <= 32 ? Array(0...input.count) : [0, input.count]
    for _ in 0..<3 { cuts.append(below(input.count)) }
    cuts.sort()
    return zip(cuts, cuts.dropFirst()).map { Array(input[$0..<$1]) }
  }
}
