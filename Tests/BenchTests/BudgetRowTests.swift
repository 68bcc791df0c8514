import Replication
import Testing

@testable import dongbo_bench

@Suite struct BudgetRowTests {
  private static let reached: BudgetRow = {
    var row = BudgetRow(what: "catch-up", unit: "changes/s")
    (row.figure, row.limit, row.limitName) = (75_000.4, 50_000, "PostgreSQL")
    (row.ratio, row.postgreSQL) = (1.5, 50_000)
    row.must = BudgetRow.Verdict(goals: ">= 1.2 x", isReached: true)
    row.want = BudgetRow.Verdict(goals: ">= 2 x", isReached: false)
    return row
  }()

  private static let failed: BudgetRow = {
    var row = BudgetRow(what: "start", unit: "s")
    row.must = BudgetRow.Verdict(goals: "<= 5")
    row.failure = "it said \"no\"\n"
    return row
  }()

  @Test func aRowIsAnObject() {
    #expect(
      Self.reached.json == """
        {"what":"catch-up","unit":"changes/s","figure":75000.400,"limitName":"PostgreSQL",\
        "limit":50000.000,"ratio":1.500,"must":">= 1.2 x","mustReached":true,"want":">= 2 x",\
        "wantReached":false,"postgresql":50000.000,"failure":null}
        """)
    #expect(
      Self.failed.json == """
        {"what":"start","unit":"s","figure":null,"limitName":null,"limit":null,"ratio":null,\
        "must":"<= 5","mustReached":null,"want":"","wantReached":null,"postgresql":null,\
        "failure":"it said \\"no\\"\\n"}
        """)
  }

  @Test func rowsAreAnArray() {
    let json = BudgetRow.json([Self.reached, Self.failed])
    #expect(json == "[\(Self.reached.json),\n \(Self.failed.json)]\n")
    #expect(BudgetRow.json([]) == "[]\n")
  }

  @Test func theTableHasALineARow() {
    #expect(
      BudgetRow.text([Self.reached, Self.failed]) == """
                  figure             limit              ratio  must           want
        catch-up   75000  changes/s  50000  PostgreSQL   1.50  >= 1.2 x  yes  >= 2 x  no
        start     failed  s              -                  -  <= 5      ?
        failed: start: it said "no"


        """)
  }

  @Test(arguments: [
    (75_000.4, "75000"), (250, "250"), (999.96, "1000.0"), (36.54, "36.5"), (1.2, "1.20"),
    (0.0412, "0.041"), (5, "5"), (0, "0"),
  ])
  func numbersHaveAsManyDigitsAsOneReads(value: Double, text: String) {
    #expect(BudgetRow.shown(value) == text)
  }

  @Test(arguments: [
    (1.2, "1.2"), (0.95, "0.95"), (0.5, "0.5"), (20_000, "20000"), (250, "250"), (100.5, "100.5"),
  ])
  func boundsAreWrittenAsInTheTable(value: Double, text: String) {
    #expect(BudgetRow.bound(value) == text)
  }

  // MARK: Peers

  private static let file = """
    {"changes":200,"rounds":3,"dongbo":{"catchUpPerSecond":9},
     "postgresql":{"catchUpPerSecond":77000,"oneByOnePerSecond":33000,"wireBytesPerChange":736,
     "cpuMilliseconds":3800,"latencyP50Microseconds":820,"latencyP99Microseconds":2400,
     "receiverKiB":2048}}
    """

  @Test func peersAreReadInTheUnitsOfTheRows() throws {
    let peers = try PeerFigures(Self.file)
    #expect(peers.changeCount == 200)
    #expect(
      peers.values == [
        .catchUpPerSecond: 77_000, .oneByOnePerSecond: 33_000, .wireBytesPerChange: 736,
        .cpuMilliseconds: 3.8, .latencyP50Microseconds: 0.82, .latencyP99Microseconds: 2.4,
        .receiverKiB: 2,
      ])
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"changes":1}"#, #"{"changes":1,"postgresql":{"catchUpPerSecond":1}}"#,
    file.replacing("77000", with: "0"), file.replacing("820", with: "0.82"),
  ])
  func otherFilesAreRefused(text: String) {
    #expect(throws: BenchFailure.self) { try PeerFigures(text) }
  }
}
