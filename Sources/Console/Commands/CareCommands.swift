import Operations
import Replication
import Transport

/// What administrators look after: quarantine, the way of a change, the registry.
extension CommandRun {
  /// `quarantine show ORIGIN INCARNATION SEQUENCE`: the names as `quarantine ls` shows them.
  func showQuarantined() throws(CommandFailure) -> ExitCode {
    _ = try quarantined()
    terminal.json(try client().call(.get, ["quarantine"] + invocation.operands))
    return .done
  }

  /// `quarantine retry|release ORIGIN INCARNATION SEQUENCE`
  func settleQuarantined(_ verb: String) throws(CommandFailure) -> ExitCode {
    terminal.json(
      try client().call(.post, ["quarantine", verb], body: try quarantined().bytes))
    return .done
  }

  private func quarantined() throws(CommandFailure) -> JSONObject {
    let origin = try site(invocation.operands[0])
    guard let sequence = Int64(invocation.operands[2]), sequence > 0 else {
      throw usageFailure(
        vi: "SEQUENCE phải là số nguyên từ 1", en: "SEQUENCE must be a whole number from 1")
    }
    return [
      "origin": .string(Text(origin.description)),
      "incarnation": .string(Text(invocation.operands[1])), "sequence": .integer(sequence),
    ]
  }

  /// `why KIND RECORD [--json]`: a line for each change, then one for each site it is for.
  func why() throws(CommandFailure) -> ExitCode {
    let body = try client().call(.get, ["records"] + (try record()) + ["why"])
    guard !invocation.has(.json), let answer = (try? JSONValue.parse(body))?.object else {
      terminal.json(body)
      return .done
    }
    let codes = (answer["codes"]?.array ?? []).compactMap(\.text?.string)
    let reasons = codes.isEmpty ? "" : " (\(codes.joined(separator: ", ")))"
    terminal.line(
      visibleText(
        "\(answer.shown("kind")) \(answer.shown("recordId")) owner \(answer.shown("owner")): "
          + "\(answer.shown("state"))\(reasons)"))
    for change in answer.objects("changes") { show(change) }
    return .done
  }

  private func show(_ change: JSONObject) {
    let name = change["type"] == nil ? "" : " \(change.shown("type"))"
    let rows = (change["appended"]?.array ?? []).compactMap(\.integer).map { "\($0)" }
    let verdict = change["verdict"]?.object.map { ", signature \($0.shown("reason"))" } ?? ""
    let via = change["via"]?.text.map { " via \($0)" } ?? ""
    terminal.line(
      visibleText(
        "\(change.shown("operation"))\(name) by \(change.shown("origin")) "
          + "#\(change.shown("sequence"))\(via), row \(rows.joined(separator: ", "))\(verdict)"))
    for hop in change.objects("sites") {
      var line = "  \(hop.shown("site")): \(hop.shown("rule"))"
      if hop["delivery"] != nil { line += ", \(hop.shown("delivery"))" }
      if hop["state"] != nil { line += ", \(hop.shown("state")) \(hop.shown("code"))" }
      terminal.line(visibleText(line))
    }
  }

  /// `registry show`
  func showRegistry() throws(CommandFailure) -> ExitCode {
    terminal.json(try client().call(.get, ["registry"]))
    return .done
  }

  /// `registry set PART FILE`
  func setRegistry() throws(CommandFailure) -> ExitCode {
    let name = invocation.operands[0]
    guard let part = RegistryPart(name: name) else {
      let names = RegistryPart.allCases.map(\.name)
      let nearest = nearestName(to: name, among: names)
      let shown = visibleText(name)
      throw usageFailure(
        vi: "PART '\(shown)' không có; có phải \(nearest)?",
        en: "no part '\(shown)'; did you mean \(nearest)?")
    }
    let body = try readWhole(invocation.operands[1])
    terminal.json(try client().call(.post, ["registry", part.name], body: body))
    return .done
  }

  /// Largest file sent as one request: the bound of a record's body.
  private static var wholeByteLimit: Int { 256 << 10 }

  /// A file that is one JSON value.
  func readWhole(_ path: String) throws(CommandFailure) -> [UInt8] {
    try Files.read(path, limit: Self.wholeByteLimit)
  }
}
