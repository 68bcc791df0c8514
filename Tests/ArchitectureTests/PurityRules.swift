/// `Replication` is a function of its arguments: no clock, no chance, no thread of its own, and no
/// order or identity taken from Swift's `String` (design.md sections 3 and 5).
enum PurityRules {
  struct Ban: Sendable {
    /// Cheap test before the pattern.
    let word: String
    let pattern: @Sendable (Substring) -> Bool
    let reason: String
  }

  /// `\b` as everybody means it: Unicode's own rule sees no boundary in `Int.random`.
  private static func matches<Output>(_ line: Substring, _ pattern: Regex<Output>) -> Bool {
    line.contains(pattern.wordBoundaryKind(.simple))
  }

  static let bans: [Ban] = [
    Ban(word: "async", pattern: { matches($0, /\basync\b/) }, reason: "async: the core is plain"),
    Ban(word: "await", pattern: { matches($0, /\bawait\b/) }, reason: "await: the core is plain"),
    Ban(word: "Task", pattern: { matches($0, /\bTask\b/) }, reason: "Task: the core is plain"),
    Ban(
      word: "actor", pattern: { matches($0, /\bactor\s+\w/) }, reason: "actor: the core is plain"),
    Ban(
      word: "Date(", pattern: { matches($0, /\bDate\(/) }, reason: "a clock; time is an argument"),
    Ban(
      word: "Clock", pattern: { matches($0, /\b(?:Continuous|Suspending)Clock\b/) },
      reason: "a clock; time is an argument"),
    Ban(
      word: "clock", pattern: { matches($0, /\b(?:clock_gettime|gettimeofday|clock)\(/) },
      reason: "a clock; time is an argument"),
    Ban(
      word: "SystemRandomNumberGenerator", pattern: { _ in true },
      reason: "randomness; a generator is an argument"),
    Ban(
      word: "random", pattern: { matches($0, /\brandom(?:Element)?\((?!.*using:)/) },
      reason: "randomness without using:"),
    Ban(
      word: "shuffle", pattern: { matches($0, /\bshuffled?\((?!.*using:)/) },
      reason: "randomness without using:"),
    Ban(
      word: "hashValue", pattern: { matches($0, /\bhashValue\b/) },
      reason: "hashValue differs from process to process"),
    Ban(
      word: "String", pattern: { matches($0, /\[(?:String|Substring|Character)\s*:/) },
      reason: "String as a dictionary key; use Text or another byte type"),
    Ban(
      word: "String",
      pattern: { matches($0, /\b(?:Set|Dictionary)<(?:String|Substring|Character)\b/) },
      reason: "String as an element of a set; use Text or another byte type"),
    Ban(
      word: "description",
      pattern: {
        matches($0, /\b(?:sorted|sort|min|max)\b.*\.(?:description|string)\s*[<>]/)
      },
      reason: "String as a sort key; use Text or another byte type"),
  ]

  static func check(_ file: SourceFile) -> [Violation] {
    bans.filter { file.mentions($0.word) }.flatMap { ban in
      file.code.enumerated()
        .filter { $0.element.contains(ban.word) && ban.pattern($0.element) }
        .map { Violation(file, $0.offset, ban.reason) }
    }
  }
}
