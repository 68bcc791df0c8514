import Operations
import Replication
import Testing

@testable import Console
@testable import Transport

private let record = "569ec6fc-a81d-574a-9ecd-8e1a5ec71c35"

@Suite struct WriteTests {
  /// Runs `put finance FILE [arguments]` against a site that gives these answers in turn.
  private func put(
    _ lines: [String], _ arguments: [String] = [],
    answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse
  ) throws -> (outcome: Outcome, seen: [String]) {
    let site = try FakeSite(answer: answer)
    defer { site.stop() }
    let file = try site.directory.file("in.jsonl", lines.joined(separator: "\n"))
    let outcome = run(["--config", site.configuration, "put", "finance", file] + arguments)
    return (outcome, site.seen)
  }

  @Test func eachLineIsOneRequestAndOneResult() throws {
    let (outcome, seen) = try put([#"{"a":1}"#, "", #"{"a":2}"#]) { request in
      json("{\"digest\": \"\(request.body.count)\",\n \"state\":\"applied\"}")
    }
    #expect(outcome.exitCode == .done)
    #expect(outcome.lines == Array(repeating: #"{"digest":"7","state":"applied"}"#, count: 2))
    #expect(
      seen == [
        #"POST /api/v1/records/finance {"a":1}"#, #"POST /api/v1/records/finance {"a":2}"#,
      ])
  }

  @Test(arguments: [
    (["ok", "409 used-before", "ok"], ExitCode.partlyDone),
    (["409 used-before", "400 json-invalid"], .failed),
    (["403 not-owner"], .failed),
    (["403 not-permitted"], .notAllowed),
    (["503 no-registry"], .tryAgain),
    (["507 storage-full", "503 locked"], .tryAgain),
    (["507 storage-full", "409 used-before"], .failed),
    (["ok"], .done),
  ])
  func refusalsBecomeLinesAndExitCodes(answers: [String], exitCode: ExitCode) throws {
    let (outcome, _) = try put(answers) { request in
      let parts = String(decoding: request.body, as: UTF8.self).split(separator: " ")
      guard let status = Int(parts[0]) else { return json(#"{"state":"applied"}"#) }
      return problem(status, String(parts[1]))
    }
    #expect(outcome.exitCode == exitCode)
    #expect(outcome.lines.count == answers.count)
    for (index, answer) in answers.enumerated() where answer != "ok" {
      let parts = answer.split(separator: " ")
      #expect(
        outcome.lines[index]
          == #"{"code":"\#(parts[1])","line":\#(index + 1),"status":\#(parts[0]),"title":"no"}"#)
    }
  }

  @Test(arguments: [
    (#"{"state":"applied","code":"none"}"#, ExitCode.done, ""),
    (#"{"state":"held","code":"missing-reference"}"#, .partlyDone, "held (missing-reference)"),
    (#"{"state":"conflict","code":"number-used"}"#, .partlyDone, "conflict (number-used)"),
    (#"{"state":"refused","code":"ceiling"}"#, .partlyDone, "refused (ceiling)"),
    (#"{"state":"unknown","code":"none"}"#, .tryAgain, "durable here"),
    (#"null"#, .tryAgain, "durable here"),
  ])
  func waitingForTheCentreGivesItsAnswer(centre: String, exitCode: ExitCode, note: String) throws {
    let (outcome, seen) = try put(["{}"], ["--wait", "centre", "--timeout", "1500ms"]) { _ in
      json(#"{"state":"applied","centre":\#(centre)}"#)
    }
    #expect(outcome.exitCode == exitCode)
    #expect(outcome.error.contains(note))
    #expect(seen == ["POST /api/v1/records/finance?wait=centre&timeoutMs=1500 {}"])
  }

  @Test func aFailureWeighsMoreThanTheCentre() {
    var tally = WriteTally()
    _ = tally.done(centre: ["state": .string("unknown")])
    _ = tally.done(centre: ["state": .string("held")])
    #expect(tally.exitCode == .tryAgain)
    tally.failed(.tryAgain)
    #expect(tally.exitCode == .partlyDone)
  }

  @Test func aLineTooLongIsSkippedAndNumbered() throws {
    let long = String(repeating: "x", count: LineReader.lineByteLimit + 1)
    let (outcome, seen) = try put(["{}", long, "{}"]) { _ in json("{}") }
    #expect(outcome.exitCode == .partlyDone)
    #expect(seen.count == 2)
    #expect(outcome.lines[1].contains(#""code":"too-large","line":2"#))
  }

  @Test func eventsGoToTheirRecord() throws {
    let site = try FakeSite { _ in json("{}") }
    defer { site.stop() }
    let file = try site.directory.file("in", "{}")
    #expect(site.run("append", "document", record, file).exitCode == .done)
    #expect(site.run("annotate", "document", record, file).exitCode == .done)
    let withdrawn = site.run(
      "withdraw", "directive", record, "--revision", "2", "--reason", "nhầm")
    #expect(withdrawn.exitCode == .done)
    let decided = site.run("conflicts", "resolve", "finance", record, "--keep", record)
    #expect(decided.exitCode == .done)
    #expect(
      site.seen == [
        "POST /api/v1/records/document/\(record)/events {}",
        "POST /api/v1/records/document/\(record)/annotations {}",
        #"POST /api/v1/records/directive/\#(record)/withdrawal {"reason":"nhầm","revision":2}"#,
        #"POST /api/v1/conflicts/finance/\#(record)/decision {"keep":"\#(record)"}"#,
      ])
  }

  @Test func careGoesToItsRoutes() throws {
    let site = try FakeSite { _ in json("{}") }
    defer { site.stop() }
    let file = try site.directory.file("in", "{}")
    let entry = ["lang-son", "000102030405060708090a0b0c0d0e0f", "7"]
    #expect(site.run("quarantine", "show", entry[0], entry[1], entry[2]).exitCode == .done)
    #expect(site.run("quarantine", "release", entry[0], entry[1], entry[2]).exitCode == .done)
    #expect(site.run("why", "finance", record, "--json").exitCode == .done)
    #expect(site.run("registry", "set", "code-lists", file).exitCode == .done)
    #expect(site.run("registry", "set", "code-list", file).exitCode == .usage)
    let adjusted = site.run("conflicts", "resolve", "finance", record, "--adjust", file)
    #expect(adjusted.exitCode == .done)
    let both = site.run(
      "conflicts", "resolve", "finance", record, "--adjust", file, "--keep", record)
    #expect(both.exitCode == .usage)
    let name = #""incarnation":"\#(entry[1])","origin":"lang-son","sequence":7"#
    #expect(
      site.seen == [
        "GET /api/v1/quarantine/lang-son/\(entry[1])/7 ",
        "POST /api/v1/quarantine/release {\(name)}",
        "GET /api/v1/records/finance/\(record)/why ",
        "POST /api/v1/registry/code-lists {}",
        "POST /api/v1/records/finance {}",
        #"POST /api/v1/conflicts/finance/\#(record)/decision {"keep":"\#(record)"}"#,
      ])
  }

  @Test func nobodyAtTheSocketIs69() throws {
    let site = try FakeSite()
    let stopped = run([
      "--config", site.configuration, "put", "finance", try site.directory.file("in", "\n{}"),
    ])
    #expect(stopped.exitCode == .notReachable)
    #expect(stopped.error.contains("stopped at line 2"))
    let outcome = site.run("status")
    #expect(outcome.exitCode == .notReachable)
    #expect(outcome.error.contains(site.directory.path + "/admin.sock"))
  }
}

@Suite struct ReadTests {
  @Test func getSaysWhenThisSiteDoesNotHoldIt() throws {
    let site = try FakeSite { request in
      request.target.value(of: "asOf") == nil ? problem(404, "not-here") : json(#"{"b":1,"a":2}"#)
    }
    defer { site.stop() }
    let missing = site.run("get", "document", record)
    #expect(missing.exitCode == .failed)
    #expect(missing.output.isEmpty)
    let found = site.run("get", "document", record, "--as-of", "2026-05-20")
    #expect(found.exitCode == .done)
    #expect(found.output == "{\"b\":1,\"a\":2}\n")
    #expect(site.seen.last == "GET /api/v1/records/document/\(record)?asOf=2026-05-20 ")
  }

  @Test func listsWalkEveryPage() throws {
    let site = try FakeSite { request in
      request.target.value(of: "after") == nil
        ? json(
          #"{"records":[{"recordId":"r1","owner":"o","revision":1,"lane":"normal","conflicts":[]}],"next":"r1"}"#
        )
        : json(
          #"{"records":[{"recordId":"r2","owner":"o","revision":2,"lane":"urgent","conflicts":["x"]}],"next":null}"#
        )
    }
    defer { site.stop() }
    #expect(
      site.run("ls", "finance").lines == [
        "RECORD  OWNER  REVISION  LANE    CONFLICTS", "r1      o      1         normal  ",
        "r2  o  2  urgent  x",
      ])
    #expect(site.run("ls", "finance", "--json").lines.count == 2)
    #expect(site.seen.contains("GET /api/v1/records/finance?limit=200&after=r1 "))
  }

  @Test func changesEndWhereTheLogEnds() throws {
    let site = try FakeSite { request in
      request.target.value(of: "since") == "t2"
        ? json(#"{"changes":[],"next":"t2"}"#)
        : json(#"{"changes":[{"token":"t1"},{"token":"t2"}],"next":"t2"}"#)
    }
    defer { site.stop() }
    #expect(site.run("changes").lines == [#"{"token":"t1"}"#, #"{"token":"t2"}"#])
    #expect(site.run("changes", "--since", "t2").lines == [])
  }

  @Test func digestsStandALineAKind() throws {
    let site = try FakeSite { _ in
      json(#"{"kinds":{"document":"aa","finance":"bb"},"total":"cc","entries":3}"#)
    }
    defer { site.stop() }
    let outcome = site.run("digest", "--peer", "trung-uong")
    #expect(outcome.lines == ["document aa", "finance bb", "total cc"])
    #expect(site.seen == ["GET /api/v1/digest?peer=trung-uong "])
  }

  @Test func statusIsTheDaemonsOwnText() throws {
    let site = try FakeSite { request in
      HTTPResponse(.ok, contentType: "text/plain", body: Array("OK 3 sites".utf8))
    }
    defer { site.stop() }
    #expect(site.run("status", "--all").output == "OK 3 sites\n")
    #expect(site.run("status", "nghe-an").exitCode == .done)
    #expect(
      site.seen == [
        "GET /api/v1/status?format=text&lang=en&all=1 ",
        "GET /api/v1/status?format=text&lang=en&site=nghe-an ",
      ])
  }

  @Test func reloadTellsTheFaults() throws {
    let site = try FakeSite { _ in problem(422, "configuration") }
    defer { site.stop() }
    #expect(site.run("reload").exitCode == .badConfiguration)
  }

  @Test func aConflictIsShownWithItsVersions() throws {
    let site = try FakeSite { _ in
      json(
        #"{"kind":"finance","recordId":"r","owner":"o","codes":["fork"],"versions":"#
          + #"[{"digest":"d1","origin":"o","revision":1,"writtenAtMicroseconds":0,"body":{"a":1}}],"#
          + #""rivals":[{"kind":"finance","recordId":"r2","owner":"o","codes":[],"versions":"#
          + #"[{"digest":"d2","origin":"o","revision":1,"body":{"a":2}}]}]}"#)
    }
    defer { site.stop() }
    let text = site.run("conflicts", "show", "finance", record).output
    for part in [
      "finance  r  o  fork\nd1  o  1  01/01/1970 07:00\n{\n  \"a\": 1\n}\n",
      "finance  r2  o  \nd2  o  1  ?\n{\n  \"a\": 2\n}\n",
    ] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test func somethingElseAtTheSocketIsNamed() throws {
    let site = try FakeSite { _ in json("hello") }
    defer { site.stop() }
    #expect(site.run("digest").exitCode == .notReachable)
  }
}
