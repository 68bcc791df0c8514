import Operations
import Replication
import Transport

extension CommandRun {
  /// `get KIND RECORD [--as-of DATE] [--files DIR]`
  func get() throws(CommandFailure) -> ExitCode {
    let query = invocation.value(.asOf).map { [HTTPTarget.QueryItem("asOf", $0)] } ?? []
    let response = try client().send(.get, ["records"] + (try record()), query: query)
    switch response.status.code {
    case 200:
      if let directory = invocation.value(.files) {
        return try writeFiles(of: response.body, into: directory)
      }
      terminal.json(response.body)
      return .done
    case 404:
      terminal.note(Problem(response).failure.text(in: language))
      return .failed
    case _: throw Problem(response).failure
    }
  }

  /// `ls KIND`
  func list() throws(CommandFailure) -> ExitCode {
    try pages(
      ["records", try kind()], items: "records",
      heading: ["RECORD", "OWNER", "REVISION", "LANE", "CONFLICTS"],
      row: { ["recordId", "owner", "revision", "lane", "conflicts"].map($0.shown) })
    return .done
  }

  /// `conflicts ls`
  func listConflicts() throws(CommandFailure) -> ExitCode {
    try pages(
      ["conflicts"], items: "conflicts", heading: ["KIND", "RECORD", "OWNER", "CODES"],
      row: { ["kind", "recordId", "owner", "codes"].map($0.shown) })
    return .done
  }

  /// Walks a list from its start to its end, page by page, and prints it: a table a page, or a
  /// line of JSON an item.
  private func pages(
    _ path: [String], items: Text, heading: [String], row: (JSONObject) -> [String]
  ) throws(CommandFailure) {
    let client = try client()
    var after: String?
    repeat {
      var query = [HTTPTarget.QueryItem("limit", "\(Self.pageCount)")]
      if let after { query.append(.init("after", after)) }
      let page = try client.object(path, query: query)
      let found = page.objects(items)
      if invocation.has(.json) {
        for item in found { terminal.line(item.bytes) }
      } else if !found.isEmpty {
        terminal.table(after == nil ? heading : [], found.map(row))
      }
      let next = page["next"]?.text?.string
      // A list that does not move on would never end.
      after = next == after ? nil : next
    } while after != nil
  }

  /// `quarantine ls`
  func listQuarantine() throws(CommandFailure) -> ExitCode {
    let client = try client()
    var skipped = 0
    while true {
      let query = [
        HTTPTarget.QueryItem("skip", "\(skipped)"), .init("limit", "\(Self.pageCount)"),
      ]
      let found = try client.object(["quarantine"], query: query).objects("entries")
      if invocation.has(.json) {
        for item in found { terminal.line(item.bytes) }
      } else if !found.isEmpty {
        terminal.table(
          skipped == 0
            ? ["ORIGIN", "INCARNATION", "SEQUENCE", "KIND", "RECORD", "STATE", "CODE", "TRIES"]
            : [],
          found.map { entry in
            ["origin", "incarnation", "sequence", "kind", "recordId", "state", "code", "attempts"]
              .map { entry.shown($0) }
          })
      }
      skipped += found.count
      if found.count < Self.pageCount { return .done }
    }
  }

  /// `changes [--since TOKEN] [--follow]`: one JSON line a change, each with its token.
  func changes() throws(CommandFailure) -> ExitCode {
    let poll = Duration.seconds(25)
    let client = try client(waiting: poll)
    let follows = invocation.has(.follow)
    var since = invocation.value(.since)
    while true {
      var query = [HTTPTarget.QueryItem("limit", "\(Self.pageCount)")]
      if let since { query.append(.init("since", since)) }
      if follows {
        query.append(.init("feed", "longpoll"))
        query.append(.init("timeoutMs", "\(poll.components.seconds * 1000)"))
      }
      let page = try client.object(["changes"], query: query)
      let found = page.objects("changes")
      for change in found { terminal.line(change.bytes) }
      let next = page["next"]?.text?.string ?? since
      if !follows, found.isEmpty || next == since { return .done }
      since = next
    }
  }

  /// `conflicts show KIND RECORD`: its versions, then those of the records that share its number.
  func showConflict() throws(CommandFailure) -> ExitCode {
    let body = try client().call(.get, ["conflicts"] + (try record()))
    guard !invocation.has(.json), let conflict = (try? JSONValue.parse(body))?.object else {
      terminal.json(body)
      return .done
    }
    for record in [conflict] + conflict.objects("rivals") {
      let name = ["kind", "recordId", "owner", "codes"].map { record.shown($0) }
      terminal.line(visibleText(name.joined(separator: "  ")))
      for version in record.objects("versions") { show(version) }
    }
    let record = invocation.operands.joined(separator: " ")
    terminal.line("→ dongbo conflicts resolve \(record) --keep DIGEST|RECORD --reason TEXT")
    return .done
  }

  private func show(_ version: JSONObject) {
    let written = version["writtenAtMicroseconds"]?.integer.map {
      WallTime(microseconds: UInt64(max($0, 0))).localText
    }
    let facts = ["digest", "origin", "revision"].map { version.shown($0) } + [written ?? "?"]
    terminal.line(visibleText(facts.joined(separator: "  ")))
    terminal.line(JSONLayout.indented(version["body"]?.canonicalBytes ?? []))
    terminal.line("")
  }
}
