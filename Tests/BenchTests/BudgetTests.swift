import Replication
import Testing

@testable import dongbo_bench

@Suite struct BudgetTests {
  private static let rate = Measurements.Source(.replicate, "rate")
  private static let stand = Budget.NamedSource(name: "SQLite", source: .init(.limits, "rows"))

  private static func budget(
    _ limit: Budget.Limit, _ direction: Budget.Direction = .atLeast, must: [Budget.Goal],
    want: [Budget.Goal] = []
  ) -> Budget {
    Budget(
      what: "row", unit: "changes/s", source: rate, limit: limit, direction: direction,
      must: must, want: want)
  }

  private static func measured(_ rates: Double..., rows: Double? = nil) -> Measurements {
    var measurements = Measurements()
    for rate in rates { measurements.add(figures("rate", rate), of: .replicate) }
    if let rows { measurements.add(figures("rows", rows), of: .limits) }
    return measurements
  }

  private static func figures(_ key: String, _ value: Double) -> Figures {
    var figures = Figures()
    figures.add(key, value, decimals: 3)
    return figures
  }

  private static let peers = PeerFigures(
    changeCount: 10, values: [.catchUpPerSecond: 50, .receiverKiB: 700])

  // MARK: Medians

  @Test func aFigureIsTheMedianOfTheRounds() throws {
    let measurements = Self.measured(30, 10, 20)
    #expect(try measurements.median(Self.rate) == 20)
  }

  @Test func figuresOfOneRoundAreAddedUp() throws {
    var measurements = Measurements()
    var figures = Self.figures("a", 1.5)
    figures.add(Self.figures("b", 2))
    measurements.add(figures, of: .replicate)
    #expect(try measurements.median(.init(.replicate, "a", "b")) == 3.5)
    #expect(throws: BenchFailure("replicate gave no c")) {
      try measurements.median(.init(.replicate, "a", "c"))
    }
    #expect(throws: BenchFailure("limits was not run")) {
      try measurements.median(.init(.limits, "a"))
    }
  }

  @Test func aPartThatFailedOnceHasNoMedian() {
    var measurements = Self.measured(30, 10)
    measurements.fail(BenchFailure("disk full"), of: .replicate)
    #expect(throws: BenchFailure("disk full")) { try measurements.median(Self.rate) }
  }

  // MARK: Judgement

  static let verdicts: [(Budget.Direction, [Budget.Goal], Double, Double?, Bool?)] = [
    (.atLeast, [.times(1.2)], 60, 1.2, true), (.atLeast, [.times(1.2)], 60, 1.19, false),
    (.atMost, [.times(0.3)], 60, 0.3, true), (.atMost, [.times(0.3)], 60, 0.31, false),
    (.atLeast, [.figure(60)], 60, nil, true), (.atLeast, [.figure(60)], 59, nil, false),
    (.atMost, [.figure(60)], 60, nil, true), (.atMost, [.figure(60)], 61, nil, false),
    (.atLeast, [], 60, 1, nil), (.atLeast, [.times(1)], 60, nil, nil),
    (.atLeast, [.times(2), .figure(50)], 60, 2, true),
    (.atLeast, [.times(2), .figure(70)], 60, 2, false),
    (.atLeast, [.times(2), .figure(50)], 60, nil, nil),
    (.atLeast, [.times(2), .figure(70)], 60, nil, false),
  ]

  @Test(arguments: verdicts)
  func goalsAreReachedAllTogether(
    direction: Budget.Direction, goals: [Budget.Goal], figure: Double, ratio: Double?,
    expected: Bool?
  ) {
    let budget = Self.budget(.fixed(1), direction, must: goals)
    #expect(budget.isReached(goals, figure, ratio) == expected)
  }

  @Test func aRateIsHeldAgainstPostgreSQL() {
    let budget = Self.budget(
      .postgreSQL(.catchUpPerSecond, instead: Self.stand), must: [.times(1.2)], want: [.times(2)])
    let row = budget.row(Self.measured(75, rows: 150), Self.peers)
    #expect(row.limitName == "PostgreSQL" && row.limit == 50 && row.postgreSQL == 50)
    #expect(row.ratio == 1.5 && row.must.isReached == true && row.want.isReached == false)
    #expect(row.failure == nil)
  }

  @Test func withoutPeersAnotherLimitStandsInAndNothingIsJudged() {
    let budget = Self.budget(
      .postgreSQL(.catchUpPerSecond, instead: Self.stand), must: [.times(0.1)])
    let row = budget.row(Self.measured(75, rows: 150), nil)
    #expect(row.limitName == "SQLite" && row.limit == 150 && row.ratio == 0.5)
    #expect(row.postgreSQL == nil && row.must.isReached == nil && row.failure == nil)
    let alone = Self.budget(.postgreSQL(.wireBytesPerChange), must: [.times(1)])
      .row(Self.measured(75), nil)
    #expect(alone.limit == nil && alone.ratio == nil && alone.must.isReached == nil)
    #expect(alone.figure == 75 && alone.failure == nil)
  }

  @Test func whatIsMissingIsSaid() {
    var measurements = Self.measured(75)
    let measured = Self.budget(.measured(Self.stand), must: [.times(1)])
    let unlimited = measured.row(measurements, nil)
    #expect(unlimited.figure == 75 && unlimited.failure == "limits was not run")
    measurements.fail(BenchFailure("the digests differ"), of: .replicate)
    let failed = measured.row(measurements, nil)
    #expect(failed.figure == nil && failed.failure == "the digests differ")
    #expect(failed.must.isReached == nil && failed.must.goals == ">= 1 x")
  }

  @Test func peersStandBesideARowWithItsOwnLimit() {
    var budget = Self.budget(.fixed(96), .atMost, must: [.figure(96)])
    budget.beside = .receiverKiB
    let row = budget.row(Self.measured(48), Self.peers)
    #expect(row.limit == 96 && row.ratio == 0.5 && row.postgreSQL == 700)
    #expect(row.limitName == "the table" && row.must.isReached == true)
  }

  // MARK: The table

  @Test func everyPartHasARow() {
    let budgets = BudgetTable.budgets(AllRun.Plan())
    #expect(budgets.count == 18)
    let limits = budgets.compactMap { budget -> Part? in
      if case .measured(let named) = budget.limit { named.source.part } else { nil }
    }
    #expect(Set(budgets.map(\.source.part) + limits) == Set(Part.allCases))
  }

  @Test func rowsNameTheirSizes() {
    let plan = AllRun.Plan(changeCount: 7_000, storeEntryCount: 10_000_000)
    let names = BudgetTable.budgets(plan).map(\.what)
    #expect(names.contains("catch-up of 7000 changes committed one by one"))
    #expect(names.contains("store of 10000000 entries: start"))
    #expect(names.contains("catch-up of 560 documents, 2 signatures required"))
    #expect(
      BudgetTable.budgets(AllRun.Plan()).map(\.what).contains("store of 500000 entries: start"))
  }
}
