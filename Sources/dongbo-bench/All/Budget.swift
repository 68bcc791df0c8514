/// One row of the table of budgets: what is measured, what it is held against, and what it must
/// reach and we want of it.
struct Budget: Equatable, Sendable {
  /// Which way a goal bounds the figure.
  enum Direction: Equatable, Sendable { case atLeast, atMost }

  enum Limit: Equatable, Sendable {
    /// What PostgreSQL's logical replication gave on this machine; without it another limit may
    /// stand in for the ratio, and the goals are not judged.
    case postgreSQL(PeerFigures.Key, instead: NamedSource? = nil)
    case measured(NamedSource)
    /// A number of the table itself.
    case fixed(Double)
  }

  struct NamedSource: Equatable, Sendable {
    let name: String
    let source: Measurements.Source
  }

  enum Goal: Equatable, Sendable {
    /// Of the limit.
    case times(Double)
    case figure(Double)
  }

  let what: String
  let unit: String
  let source: Measurements.Source
  let limit: Limit
  let direction: Direction
  /// All of them; none where the table asks for nothing.
  let must: [Goal]
  let want: [Goal]
  /// What PostgreSQL gave, beside a row whose limit it is not.
  var beside: PeerFigures.Key?

  /// The row as it was measured.
  func row(_ measurements: Measurements, _ peers: PeerFigures?) -> BudgetRow {
    var row = BudgetRow(what: what, unit: unit)
    row.must = BudgetRow.Verdict(goals: text(must))
    row.want = BudgetRow.Verdict(goals: text(want))
    do throws(BenchFailure) {
      let figure = try measurements.median(source)
      row.figure = figure
      try hold(figure, measurements, peers, &row)
    } catch {
      row.failure = error.description
    }
    return row
  }

  private func hold(
    _ figure: Double, _ measurements: Measurements, _ peers: PeerFigures?, _ row: inout BudgetRow
  ) throws(BenchFailure) {
    var isStandIn = false
    switch limit {
    case .fixed(let value): (row.limitName, row.limit) = ("the table", value)
    case .measured(let named):
      row.limitName = named.name
      row.limit = try measurements.median(named.source)
    case .postgreSQL(let key, let instead):
      row.limitName = "PostgreSQL"
      row.postgreSQL = peers?.values[key]
      row.limit = row.postgreSQL
      guard row.postgreSQL == nil else { break }
      isStandIn = true
      guard let instead else { break }
      row.limitName = instead.name
      row.limit = try measurements.median(instead.source)
    }
    if let beside { row.postgreSQL = peers?.values[beside] }
    row.ratio = row.limit.flatMap { $0 > 0 ? figure / $0 : nil }
    let judgedRatio = isStandIn ? nil : row.ratio
    row.must.isReached = isReached(must, figure, judgedRatio)
    row.want.isReached = isReached(want, figure, judgedRatio)
  }

  /// nil when nothing is asked for, or when what is asked for cannot be told.
  func isReached(_ goals: [Goal], _ figure: Double, _ ratio: Double?) -> Bool? {
    var isKnown = !goals.isEmpty
    for goal in goals {
      let (value, bound): (Double?, Double) =
        switch goal {
        case .times(let bound): (ratio, bound)
        case .figure(let bound): (figure, bound)
        }
      guard let value else {
        isKnown = false
        continue
      }
      guard direction == .atLeast ? value >= bound : value <= bound else { return false }
    }
    return isKnown ? true : nil
  }

  private func text(_ goals: [Goal]) -> String {
    let sign = direction == .atLeast ? ">=" : "<="
    return goals.map { goal in
      switch goal {
      case .times(let bound): "\(sign) \(BudgetRow.bound(bound)) x"
      case .figure(let bound): "\(sign) \(BudgetRow.bound(bound))"
      }
    }.joined(separator: ", ")
  }
}
