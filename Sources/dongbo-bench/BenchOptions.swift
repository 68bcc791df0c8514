/// The words behind a command; each is taken once by the command that knows it.
struct BenchOptions {
  private let name: String
  private var numbers: [String: Int] = [:]
  private var paths: [String: String] = [:]
  private var flags: Set<String> = []

  init(_ words: ArraySlice<String>, of name: String) throws(BenchFailure) {
    self.name = name
    var rest = words
    while let option = rest.popFirst() {
      switch option {
      case "--json", "--stopped", "--provinces", "--one-by-one", "--large": flags.insert(option)
      case "--lab", "--ledger", "--until", "--peers":
        guard let path = rest.popFirst() else { throw BenchFailure("\(option) needs a path") }
        paths[option] = path
      case "--changes", "--rate", "--count", "--seed", "--cuts", "--kills", "--clients",
        "--seconds", "--noise", "--rounds", "--documents", "--links", "--entries":
        guard let text = rest.popFirst(), let number = Int(text), number >= 0 else {
          throw BenchFailure("\(option) needs a number")
        }
        numbers[option] = number
      case "--size":
        guard let text = rest.popFirst(), let byteCount = Self.size(text) else {
          throw BenchFailure("\(option) needs a number of bytes, as 64M or 1G")
        }
        numbers[option] = byteCount
      default: throw BenchFailure("unknown option \(option)\n\n\(BenchCommand.usage)")
      }
    }
  }

  mutating func number(
    _ option: String, default ordinary: Int, in range: ClosedRange<Int>
  ) throws(BenchFailure) -> Int {
    let number = numbers.removeValue(forKey: option) ?? ordinary
    guard range.contains(number) else {
      throw BenchFailure("\(option) \(number) is not in \(range.lowerBound)...\(range.upperBound)")
    }
    return number
  }

  mutating func seed() throws(BenchFailure) -> UInt64 {
    UInt64(try number("--seed", default: 1, in: 0...Int.max))
  }

  mutating func flag(_ option: String) -> Bool { flags.remove(option) != nil }

  mutating func optionalPath(_ option: String) -> String? { paths.removeValue(forKey: option) }

  mutating func path(_ option: String) throws(BenchFailure) -> String {
    guard let path = optionalPath(option) else { throw BenchFailure("\(name) needs \(option)") }
    return path
  }

  /// - Throws: when the command knows one of the words not.
  func finish() throws(BenchFailure) {
    let unknown = (Array(numbers.keys) + Array(paths.keys) + Array(flags)).sorted()
    guard unknown.isEmpty else {
      throw BenchFailure("\(name) knows no \(unknown.joined(separator: ", "))")
    }
  }

  /// Bytes, with K, M or G for a power of 1024.
  private static func size(_ text: String) -> Int? {
    let shift = ["K": 10, "M": 20, "G": 30][text.suffix(1)] ?? 0
    let digits = shift == 0 ? text[...] : text.dropLast()
    guard let number = Int(digits), number >= 0, number <= Int.max >> shift else { return nil }
    return number << shift
  }
}
