import Replication
import Testing

@testable import dongbo_bench

@Suite struct RunTests {
  static let commands: [([String], BenchCommand)] = [
    (["all"], .all(AllRun.Plan(), isJSON: false)),
    (
      ["all", "--changes", "9", "--rounds", "2", "--peers", "f", "--large", "--json"],
      .all(
        AllRun.Plan(
          changeCount: 9, roundCount: 2, peersPath: "f", storeEntryCount: 10_000_000),
        isJSON: true)
    ),
    (["replicate"], .replicate(ReplicateRun.Plan(), isJSON: false)),
    (
      ["replicate", "--json", "--changes", "5", "--seed", "9", "--one-by-one"],
      .replicate(ReplicateRun.Plan(changeCount: 5, seed: 9, isOneByOne: true), isJSON: true)
    ),
    (["signatures"], .signatures(documentCount: 16_000, seed: 1, isJSON: false)),
    (
      ["signatures", "--documents", "3", "--seed", "2", "--json"],
      .signatures(documentCount: 3, seed: 2, isJSON: true)
    ),
    (["fanout"], .fanout(FanoutRun.Plan(), isJSON: false)),
    (
      ["fanout", "--links", "3", "--changes", "4"],
      .fanout(FanoutRun.Plan(linkCount: 3, changeCount: 4), isJSON: false)
    ),
    (
      ["links", "--links", "3", "--seconds", "4"],
      .links(LinksRun.Plan(linkCount: 3, seconds: 4), isJSON: false)
    ),
    (
      ["large", "--entries", "10000000", "--changes", "5"],
      .large(LargeRun.Plan(entryCount: 10_000_000, changeCount: 5), isJSON: false)
    ),
    (["copy"], .copy(byteCount: 1 << 30, seed: 1, isJSON: false)),
    (["latency"], .latency(rate: 200, count: 2_000, seed: 1, isJSON: false)),
    (
      ["latency", "--rate", "10", "--count", "20"],
      .latency(rate: 10, count: 20, seed: 1, isJSON: false)
    ),
    (["files"], .files(FilesRun.Plan(), isJSON: false)),
    (
      ["files", "--size", "64M", "--cuts", "4", "--kills", "0", "--json", "--seed", "2"],
      .files(
        FilesRun.Plan(byteCount: 64 << 20, cutCount: 4, killCount: 0, seed: 2), isJSON: true)
    ),
    (["files", "--size", "700"], .files(FilesRun.Plan(byteCount: 700), isJSON: false)),
    (
      ["load", "--lab", "l", "--ledger", "f", "--rate", "9", "--until", "s"],
      .load(LoadRun.Plan(lab: "l", ledger: "f", rate: 9, stopFile: "s"), isJSON: false)
    ),
    (
      ["check", "--ledger", "f", "--stopped", "--lab", "l", "--json"],
      .check(CheckRun.Plan(lab: "l", ledger: "f", isStopped: true), isJSON: true)
    ),
    (["behind"], .behind(changeCount: 20_000, seed: 1, isJSON: false)),
    (
      ["behind", "--changes", "500000", "--json"],
      .behind(changeCount: 500_000, seed: 1, isJSON: true)
    ),
    (["stages"], .stages(changeCount: 20_000, seed: 1, isJSON: false)),
    (["limits", "--changes", "9"], .limits(changeCount: 9, seed: 1, isJSON: false)),
    (["workload", "--seed", "4"], .workload(changeCount: 200_000, seed: 4)),
    (["--help"], .help),
  ]

  @Test func theMachinesLimitsAreMeasured() throws {
    let figures = try LimitsRun.figures(changeCount: 50, seed: 1)
    let names = [
      "bodyBytesPerChange", "sqliteLogPerSecond", "sqliteOncePerSecond", "syncsPerSecond",
      "compressMBPerSecond", "decompressMBPerSecond", "compressionRatio", "sha256MBPerSecond",
      "tlsBothEndsMBPerSecond",
    ]
    #expect(figures.lines.map(\.key) == names)
    for line in figures.lines { #expect(try #require(Double(line.value)) > 0, "\(line.key)") }
  }

  @Test(arguments: commands) func argumentsAreRead(arguments: [String], command: BenchCommand)
    throws
  {
    #expect(try BenchCommand.parse(arguments) == command)
  }

  @Test(arguments: [
    [], ["other"], ["replicate", "--changes"], ["replicate", "--changes", "0"],
    ["replicate", "--changes", "many"], ["replicate", "--rate", "5"], ["latency", "--rate", "0"],
    ["latency", "--changes", "5"], ["latency", "--speed", "5"], ["latency", "--cuts", "1"],
    ["files", "--size"], ["files", "--size", "0"], ["files", "--size", "G"],
    ["files", "--size", "-1"], ["files", "--size", "5G"],
    ["files", "--size", "9223372036854775807G"], ["files", "--changes", "5"],
    ["load"], ["load", "--lab", "l"], ["check", "--lab", "l", "--ledger"], ["load", "--stopped"],
    ["load", "--lab", "l", "--ledger", "f", "--clients", "257"],
    ["load", "--lab", "l", "--ledger", "f", "--noise", "30721"], ["check", "--provinces"],
    ["check", "--lab", "l", "--ledger", "f", "--until", "s"],
    ["all", "--rounds", "0"], ["all", "--rounds", "101"], ["all", "--entries", "5"],
    ["all", "--peers"], ["replicate", "--large"], ["signatures", "--changes", "5"],
    ["fanout", "--links", "201"], ["links", "--links", "0"], ["links", "--changes", "5"],
    ["large", "--entries", "0"], ["copy", "--size", "0"],
    ["behind", "--rate", "5"], ["behind", "--changes", "0"],
  ])
  func wrongArgumentsAreRefused(arguments: [String]) {
    #expect(throws: BenchFailure.self) { try BenchCommand.parse(arguments) }
  }

  @Test(arguments: [1, 63, 64, 65, 1_000]) func sharesAddUp(count: Int) {
    let shares = Loader.split(count)
    #expect(shares.reduce(0, +) == count)
    #expect(shares.count == min(count, 64) && shares.allSatisfy { $0 > 0 })
  }

  @Test func oneConnectionSendsAllInOrder() {
    let streams = Loader.streams(changeCount: 70, seed: 3, connectionCount: 1)
    #expect(streams.map(\.count) == [70])
    #expect(Set(streams[0]).count == 70)
  }

  /// What a store is filled with after what is there.
  @Test func laterStreamsMeetNoEarlierOnes() {
    let first = Loader.streams(changeCount: 500, seed: 1)
    let later = Loader.streams(changeCount: 500, seed: 2, after: 500)
    let puts = (first + later).flatMap { $0 }.filter {
      $0.operation == .put && $0.record.kind != .directive
    }
    #expect(Set(puts.map(\.record)).count == puts.count)
  }

  @Test func aFileIsCopiedOverTLS() throws {
    let figures = try CopyRun.figures(byteCount: 3 << 20 | 5, seed: 1)
    #expect(figures.number("sizeBytes") == Double(3 << 20 | 5))
    #expect(try #require(figures.number("copyMBPerSecond")) > 0)
  }

  @Test(arguments: [
    ("+DTP:256:verify:ecdsa:1\n+R6:24233:256:1.00\n+F4:3:256:71184.848485:24233.5\n", 24_233.5),
    ("+F4:3:256:71184.8\n", nil), ("+F4:3:256:7:0\n", nil), ("", nil),
  ])
  func verificationsAreReadFromOpenSSLSpeed(text: String, expected: Double?) {
    #expect(OpenSSLSpeed.verificationsPerSecond(in: text) == expected)
  }

  @Test func monitoringPortIsThatOfItsSection() {
    let text = "[Link]\nListen=127.0.0.1:1\n[Monitoring]\nListen=127.0.0.1:9464\n[Log]\n"
    #expect(Laboratory.monitoringPort(in: text) == 9464)
    #expect(Laboratory.monitoringPort(in: "[Link]\nListen=127.0.0.1:1\n") == nil)
  }

  @Test(arguments: [
    ("streaming", #"{"entries":7}"#, Int64(7)), ("catch-up", #"{"entries":0}"#, 0),
    ("waiting", #"{"entries":7}"#, nil), ("streaming", "null", nil),
  ])
  func lagCountsOnlyInASession(state: String, lag: String, expected: Int64?) throws {
    let text = #"{"peers":[{"site":"trung-uong","state":"\#(state)","lagOut":\#(lag)}]}"#
    let status = try #require(try JSONValue.parse(Array(text.utf8)).object)
    #expect(AdminSite.lag(to: Workload.centre, in: status) == expected)
  }

  @Test func changesGoToTheirPaths() throws {
    var workload = Workload(seed: 1)
    let changes = workload.take(2_000)
    let annotation = try #require(changes.first { $0.operation == .annotate })
    let id = annotation.record.id.description
    #expect(AdminSite.path(of: annotation) == ["records", "document", id, "annotations"])
    let withdrawal = try #require(changes.first { $0.operation == .withdraw })
    #expect(AdminSite.path(of: withdrawal).last == "withdrawal")
    #expect(AdminSite.path(of: changes[0]) == ["records", "document"])
  }

  @Test func childProcessesAreAwaited() throws {
    let code = try ChildProcess("/bin/sh", ["-c", "exit 3"], log: "/dev/null").result()
    #expect(code == 3)
    #expect(throws: BenchFailure.self) {
      _ = try ChildProcess("/nonexistent/program", [], log: "/dev/null").result()
    }
  }
}
