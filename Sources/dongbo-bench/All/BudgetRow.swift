import Replication

/// A row of the table as it was measured. What is nil is not known.
struct BudgetRow: Equatable, Sendable {
  struct Verdict: Equatable, Sendable {
    /// What is asked for; empty for nothing.
    let goals: String
    var isReached: Bool?
  }

  let what: String
  let unit: String
  var figure: Double?
  var limitName = ""
  var limit: Double?
  var ratio: Double?
  var must = Verdict(goals: "")
  var want = Verdict(goals: "")
  var postgreSQL: Double?
  /// Why the figure, or what it is held against, is not there.
  var failure: String?

  init(what: String, unit: String) { (self.what, self.unit) = (what, unit) }

  // MARK: JSON

  /// One object. Keys and digits are ours; texts are escaped as in a record.
  var json: String {
    let fields: [(String, String)] = [
      ("what", Self.quoted(what)), ("unit", Self.quoted(unit)), ("figure", Self.number(figure)),
      ("limitName", limitName.isEmpty ? "null" : Self.quoted(limitName)),
      ("limit", Self.number(limit)), ("ratio", Self.number(ratio)),
      ("must", Self.quoted(must.goals)), ("mustReached", Self.word(must.isReached)),
      ("want", Self.quoted(want.goals)), ("wantReached", Self.word(want.isReached)),
      ("postgresql", Self.number(postgreSQL)),
      ("failure", failure.map(Self.quoted) ?? "null"),
    ]
    return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
  }

  static func json(_ rows: [BudgetRow]) -> String {
    "[" + rows.map(\.json).joined(separator: ",\n ") + "]\n"
  }

  private static func quoted(_ text: String) -> String {
    String(decoding: JSONValue.text(text).canonicalBytes, as: UTF8.self)
  }

  private static func number(_ value: Double?) -> String {
    value.map { Statistics.fixed($0, 3) } ?? "null"
  }

  private static func word(_ value: Bool?) -> String {
    value.map { $0 ? "true" : "false" } ?? "null"
  }

  // MARK: Terminal

  /// A table with one line a row; failures stand below it, each in a sentence.
  static func text(_ rows: [BudgetRow]) -> String {
    let head = ["", "figure", "", "limit", "", "ratio", "must", "", "want", ""]
    let lines = [head] + rows.map(\.cells)
    let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    let table = lines.map { cells in
      let padded = cells.enumerated().map { column, cell in
        let room = String(repeating: " ", count: widths[column] - cell.count)
        return numberColumns.contains(column) ? room + cell : cell + room
      }
      return trimmed(padded.joined(separator: "  ")) + "\n"
    }
    let failures = rows.compactMap { row in
      row.failure.map { "failed: \(row.what): \($0)\n" }
    }
    return table.joined() + failures.joined()
  }

  private static let numberColumns: Set<Int> = [1, 3, 5]

  private var cells: [String] {
    [
      what, figure.map(Self.shown) ?? "failed", unit, limit.map(Self.shown) ?? "-", limitName,
      ratio.map { Statistics.fixed($0, 2) } ?? "-", must.goals, Self.answer(must), want.goals,
      Self.answer(want),
    ]
  }

  private static func answer(_ verdict: Verdict) -> String {
    verdict.goals.isEmpty ? "" : verdict.isReached.map { $0 ? "yes" : "no" } ?? "?"
  }

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// As the table of budgets writes its numbers: 1.2, 0.95, 20000.
  static func bound(_ value: Double) -> String {
    guard value != value.rounded() else { return shown(value) }
    return String(shown(value).reversed().drop { $0 == "0" }.reversed())
  }

  /// With as many digits as one reads: three behind the point of a small number, none of a large.
  static func shown(_ value: Double) -> String {
    if value.magnitude >= 1_000 || value == value.rounded() { return String(Int(value.rounded())) }
    return Statistics.fixed(value, value.magnitude >= 10 ? 1 : value.magnitude >= 1 ? 2 : 3)
  }
}
