import Cryptography
import Operations
import Replication
import Transport

extension CommandRun {
  /// `status [SITE] [--json] [--all]`: the daemon draws the screen, so every reader sees the same
  /// one.
  func status() throws(CommandFailure) -> ExitCode {
    var query = [
      HTTPTarget.QueryItem("format", invocation.has(.json) ? "json" : "text"),
      .init("lang", language.rawValue),
    ]
    if invocation.has(.all) { query.append(.init("all", "1")) }
    if let peer = invocation.operands.first {
      query.append(.init("site", try site(peer).description))
    }
    let body = try client().call(.get, ["status"], query: query)
    if invocation.has(.json) {
      terminal.json(body)
    } else {
      let text = String(decoding: body, as: UTF8.self)
      terminal.data(text.hasSuffix("\n") ? text : text + "\n")
    }
    return .done
  }

  /// `digest [--peer SITE]`
  func digest() throws(CommandFailure) -> ExitCode {
    var query: [HTTPTarget.QueryItem] = []
    if let peer = invocation.value(.peer) {
      query.append(.init("peer", try site(peer).description))
    }
    let answer = try client().object(["digest"], query: query)
    for member in answer["kinds"]?.object?.members ?? [] {
      terminal.line("\(member.key) \(member.value.text?.string ?? "?")")
    }
    terminal.line("total \(answer.shown("total"))")
    return .done
  }

  /// `reload`: all faults of the new configuration when the daemon keeps the old one.
  func reload() throws(CommandFailure) -> ExitCode {
    let response = try client().send(.post, ["reload"])
    switch response.status.code {
    case 200: return .done
    case 422: throw Problem(response).failure(.badConfiguration)
    case _: throw Problem(response).failure
    }
  }

  /// `explain ID`: from this program's own text, so it answers with the daemon down.
  func explain() throws(CommandFailure) -> ExitCode {
    let typed = invocation.operands[0].uppercased()
    guard let check = CheckID(rawValue: typed) else {
      let nearest = nearestName(to: typed, among: CheckID.allCases.map(\.rawValue))
      let shown = visibleText(typed)
      throw usageFailure(
        vi: "không có mã '\(shown)'; có phải \(nearest)?",
        en: "no id '\(shown)'; did you mean \(nearest)?")
    }
    terminal.line(check.explanation(in: language))
    return .done
  }

  /// `version`: this program's, then the daemon's when it answers.
  func version() throws(CommandFailure) -> ExitCode {
    terminal.line("dongbo \(DongboVersion.text)")
    if let client = try? client(), let answer = try? client.object(["version"]) {
      terminal.line(visibleText("\(answer.shown("name")) \(answer.shown("version"))"))
    }
    return .done
  }

  /// `site ls`
  func listSites() throws(CommandFailure) -> ExitCode {
    let body = try client().call(.get, ["registry"])
    if invocation.has(.json) {
      terminal.json(body)
      return .done
    }
    guard let registry = (try? JSONValue.parse(body))?.object else {
      terminal.json(body)
      return .done
    }
    terminal.table(
      ["SITE", "TIER", "GENERATION", "CEILING", "ORGANS", "PINS"],
      registry.objects("sites").map { site in
        ["siteId", "tier", "generation", "ceiling", "organIds", "pins"].map { site.shown($0) }
      })
    terminal.line("registry \(registry.shown("revision"))")
    return .done
  }

  /// `site add SITE --certificate FILE | --pin PIN`
  func addSite() throws(CommandFailure) -> ExitCode {
    let id = try site(invocation.operands[0])
    let tier = invocation.value(.tier) ?? "province"
    guard SiteTier(rawValue: tier) != nil else {
      throw usageFailure(
        vi: "--tier \(visibleText(tier)): centre hoặc province",
        en: "--tier \(visibleText(tier)): centre or province")
    }
    var body: JSONObject = [
      "siteId": .string(Text(id.description)), "tier": .string(Text(tier)),
      "pins": .array(try pins(of: id).map { .string(Text($0.description)) }),
      "generation": .integer(try number(.generation) ?? 1),
    ]
    body["name"] = invocation.value(.name).map { .string(Text($0)) }
    let organs = invocation.all(.organ).map { JSONValue.string(Text($0)) }
    if !organs.isEmpty { body["organIds"] = .array(organs) }
    terminal.json(try client().call(.post, ["registry", "sites"], body: body.bytes))
    return .done
  }

  private func pins(of site: SiteID) throws(CommandFailure) -> [KeyPin] {
    var pins: [KeyPin] = []
    if let path = invocation.value(.certificate) {
      let certificate = try readCertificate(path)
      guard certificate.site == site else {
        throw CommandFailure(
          .failed,
          LocalText(
            vi: "\(visibleText(path)) không phải chứng thư của \(site)",
            en: "\(visibleText(path)) is not a certificate of \(site)"),
          hint: LocalText(vi: "dongbo cert show FILE", en: "dongbo cert show FILE"))
      }
      pins.append(KeyPin(certificate.pin))
    }
    for text in invocation.all(.pin) {
      guard let pin = KeyPin(text) else {
        throw usageFailure(
          vi: "--pin \(visibleText(text)): cần sha256: và 64 chữ số hex",
          en: "--pin \(visibleText(text)): sha256: and 64 hex digits are needed")
      }
      pins.append(pin)
    }
    guard !pins.isEmpty else {
      throw usageFailure(
        vi: "thiếu --certificate FILE hoặc --pin", en: "--certificate FILE or --pin is missing",
        CommandTable.specification(of: .siteAdd))
    }
    return pins
  }
}
