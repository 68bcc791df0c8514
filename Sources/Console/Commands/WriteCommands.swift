import Operations
import Replication
import Transport

extension CommandRun {
  /// `put KIND [FILE|-]`
  func put() throws(CommandFailure) -> ExitCode {
    let kind = try kind()
    let hasFiles = invocation.has(.file)
    let written =
      hasFiles
      ? try writeWithFiles(.put, to: ["records", kind], from: 1)
      : try writeLines(to: ["records", kind], from: 1)
    guard written == .done else { return written }
    try appendSignatures(of: kind)
    return written
  }

  /// `append KIND RECORD [FILE|-]`
  func append() throws(CommandFailure) -> ExitCode {
    let path = ["records"] + (try record()) + ["events"]
    return invocation.has(.file)
      ? try writeWithFiles(.append, to: path, from: 2) : try writeLines(to: path, from: 2)
  }

  /// `annotate KIND RECORD [FILE|-]`
  func annotate() throws(CommandFailure) -> ExitCode {
    try writeLines(to: ["records"] + (try record()) + ["annotations"], from: 2)
  }

  /// `withdraw KIND RECORD --revision N`
  func withdraw() throws(CommandFailure) -> ExitCode {
    guard let revision = try number(.revision) else { throw missing(.revision) }
    var body: JSONObject = ["revision": .integer(revision)]
    body["reason"] = invocation.value(.reason).map { .string(Text($0)) }
    return try writeOne(to: ["records"] + (try record()) + ["withdrawal"], body)
  }

  /// `conflicts resolve KIND RECORD --keep ...`, or `--adjust FILE`: the record keeps the number,
  /// and the adjustment voucher in FILE corrects the other one first.
  func resolveConflict() throws(CommandFailure) -> ExitCode {
    var kept = invocation.value(.keep)
    if let path = invocation.value(.adjust) {
      guard kept == nil else {
        throw usageFailure(
          vi: "chỉ dùng một trong --keep và --adjust", en: "either --keep or --adjust, not both")
      }
      let adjustment = try readWhole(path)
      terminal.json(try client().call(.post, ["records", try kind()], body: adjustment))
      kept = try record().last
    }
    guard let kept else { throw missing(.keep) }
    var body: JSONObject = ["keep": .string(Text(kept))]
    body["reason"] = invocation.value(.reason).map { .string(Text($0)) }
    return try writeOne(to: ["conflicts"] + (try record()) + ["decision"], body)
  }

  /// Sends one record or event and prints its result.
  func writeOne(to path: [String], _ body: JSONObject) throws(CommandFailure) -> ExitCode {
    let wait = try waiting()
    let response = try client(waiting: wait.time).send(
      .post, path, query: wait.query, body: body.bytes)
    guard response.status.code == 200 else { throw Problem(response).failure }
    terminal.json(response.body)
    var tally = WriteTally()
    noteCentre(response.body, &tally, line: nil)
    return tally.exitCode
  }

  /// Sends each input line to `path` and prints one result line for each, in order.
  private func writeLines(
    to path: [String], from operand: Int
  ) throws(CommandFailure) -> ExitCode {
    let wait = try waiting()
    let client = try client(waiting: wait.time)
    let operands = invocation.operands
    let reader = try LineReader(operands.count > operand ? operands[operand] : nil)
    var progress = Progress(
      at: MonotonicClock.now(), isTerminal: terminal.isErrorTerminal,
      totalByteCount: reader.totalByteCount)
    var tally = WriteTally()
    while let line = try reader.next() {
      try write(line, to: path, wait.query, client, &tally)
      let shown = progress.step(
        at: MonotonicClock.now(), itemCount: tally.itemCount, byteCount: reader.consumedByteCount)
      if let shown { terminal.note(shown) }
    }
    let last = progress.end(
      at: MonotonicClock.now(), itemCount: tally.itemCount, byteCount: reader.consumedByteCount)
    if let last { terminal.note(last) }
    noteEnd(tally)
    return tally.exitCode
  }

  private func write(
    _ line: LineReader.Line, to path: [String], _ query: [HTTPTarget.QueryItem],
    _ client: AdminClient, _ tally: inout WriteTally
  ) throws(CommandFailure) {
    switch line {
    case .tooLong(let number):
      let title = "line of more than \(LineReader.lineByteLimit) bytes"
      let problem = Problem(status: 413, code: "too-large", title: title)
      terminal.line(problem.result(line: number))
      tally.failed(.failed)
    case .bytes(let bytes, let number):
      let response = try answer(to: bytes, number, path, query, client)
      guard response.status.code == 200 else {
        let problem = Problem(response)
        terminal.line(problem.result(line: number))
        tally.failed(problem.exitCode)
        return
      }
      terminal.line(JSONLayout.compact(response.body))
      noteCentre(response.body, &tally, line: number)
    }
  }

  /// The answer to one line. Without any, the work ends there, and whoever reads must know where.
  private func answer(
    to bytes: [UInt8], _ number: Int, _ path: [String], _ query: [HTTPTarget.QueryItem],
    _ client: AdminClient
  ) throws(CommandFailure) -> HTTPResponse {
    do throws(CommandFailure) {
      return try client.send(.post, path, query: query, body: bytes)
    } catch {
      terminal.note(
        LocalText(
          vi: "dongbo: dừng ở dòng \(number); chạy lại cả tệp là an toàn",
          en: "dongbo: stopped at line \(number); to run the whole input again is safe"))
      throw error
    }
  }

  private func noteCentre(_ body: [UInt8], _ tally: inout WriteTally, line: Int?) {
    let result = (try? JSONValue.parse(body))?.object
    // Asked to wait and told nothing: then nothing is known.
    let centre = invocation.has(.wait) ? result?["centre"]?.object ?? JSONObject() : nil
    let place = line.map { "\($0): " } ?? ""
    if let count = result?["filesPending"]?.integer {
      terminal.note(
        LocalText(
          vi: "dongbo: \(place)\(count) tệp chưa có ở đây; đưa vào bằng dongbo file put PATH",
          en: "dongbo: \(place)\(count) files are not here yet; bring them: dongbo file put PATH"))
    }
    guard let kept = tally.done(centre: centre) else { return }
    let shown = visibleText(kept)
    terminal.note(
      LocalText(
        vi: "dongbo: \(place)trung ương đã giữ nhưng chưa áp dụng: \(shown)",
        en: "dongbo: \(place)kept at the centre, not applied: \(shown)"))
  }

  private func noteEnd(_ tally: WriteTally) {
    if tally.failedCount > 0 {
      let (failed, all) = (tally.failedCount, tally.itemCount)
      terminal.note(
        LocalText(
          vi: "dongbo: \(failed) trên \(all) dòng không ghi được",
          en: "dongbo: \(failed) of \(all) lines were not written"))
    }
    if tally.isUnconfirmed {
      terminal.note(
        LocalText(
          vi: "dongbo: đã bền vững ở đây; trung ương chưa xác nhận",
          en: "dongbo: durable here; the centre has not confirmed yet"))
    }
  }

  /// What `--wait centre --timeout TIME` asks of the daemon.
  private func waiting() throws(CommandFailure) -> (
    time: Duration, query: [HTTPTarget.QueryItem]
  ) {
    guard let place = invocation.value(.wait) else { return (.zero, []) }
    guard place == "centre" else {
      let typed = visibleText(place)
      throw usageFailure(
        vi: "--wait '\(typed)': chỉ có centre", en: "--wait '\(typed)': only centre is known")
    }
    let text = invocation.value(.timeout) ?? "30s"
    guard let time = Units.duration(text) else {
      let typed = visibleText(text)
      throw usageFailure(
        vi: "--timeout '\(typed)': ví dụ 500ms, 30s, 5m",
        en: "--timeout '\(typed)': write it like 500ms, 30s, 5m")
    }
    let milliseconds = Int(time / .milliseconds(1))
    return (
      time,
      [HTTPTarget.QueryItem("wait", "centre"), .init("timeoutMs", "\(milliseconds)")]
    )
  }
}
