import Operations
import Replication
import Transport

extension CommandRun {
  /// `rejoin [--without SITE]... [--json]`: what a recovery has brought so far; with `--without` it
  /// ends without these peers.
  func rejoin() throws(CommandFailure) -> ExitCode {
    var sites: [JSONValue] = []
    for text in invocation.all(.without) {
      sites.append(.string(Text(try site(text).description)))
    }
    let body: JSONObject = ["without": .array(sites)]
    let answer = try client().call(.post, ["rejoin"], body: body.bytes)
    guard !invocation.has(.json), let report = (try? JSONValue.parse(answer))?.object else {
      terminal.json(answer)
      return Self.isLocked(answer) ? .tryAgain : .done
    }
    for line in rejoinLines(report) { terminal.line(visibleText(line)) }
    return Self.isLocked(answer) ? .tryAgain : .done
  }

  /// Still locked: some peer has not confirmed yet.
  private static func isLocked(_ answer: [UInt8]) -> Bool {
    (try? JSONValue.parse(answer))?.object?["locked"] == .bool(true)
  }

  private func say(vi: String, en: String) -> String {
    LocalText(vi: vi, en: en).text(in: language)
  }

  private func rejoinLines(_ report: JSONObject) -> [String] {
    let isLocked = report["locked"] == .bool(true)
    var lines = [
      isLocked
        ? say(
          vi: "điểm đang khóa: \(report.shown("reason"))",
          en: "this site is locked: \(report.shown("reason"))")
        : say(vi: "điểm không bị khóa", en: "this site is not locked")
    ]
    let silent = names(report, "silent")
    let busy = names(report, "unconfirmed").filter { !silent.contains($0) }
    if !busy.isEmpty {
      let sites = busy.joined(separator: ", ")
      lines.append(say(vi: "đang trả lại: \(sites)", en: "still giving back: \(sites)"))
    }
    for site in silent {
      lines.append(
        say(
          vi: "im lặng: \(site); bỏ qua: dongbo rejoin --without \(site)",
          en: "silent: \(site); to go on without it: dongbo rejoin --without \(site)"))
    }
    lines += report.objects("cameBack").map(cameBackLine)
    lines += report.objects("registryAhead").map(registryLine)
    lines += report.objects("missing").map(missingLine)
    lines.append(
      say(
        vi: "mục viết sau mục cuối mà một điểm khác giữ thì không ai biết được",
        en: "what was written after the last entry that a peer holds, nobody can know"))
    return lines
  }

  private func names(_ report: JSONObject, _ key: Text) -> [String] {
    (report[key]?.array ?? []).compactMap { $0.text?.string }
  }

  private func cameBackLine(_ item: JSONObject) -> String {
    let (own, others) = (counts(item["own"]), counts(item["others"]))
    let (site, first, last) = (item.shown("site"), item.shown("first"), item.shown("last"))
    return say(
      vi: "từ \(site): của điểm này \(own); của điểm khác \(others); từ \(first) đến \(last)",
      en: "from \(site): this site's own \(own); of others \(others); from \(first) to \(last)")
  }

  private func registryLine(_ item: JSONObject) -> String {
    let (origin, life) = (item.shown("origin"), item.shown("incarnation"))
    let command = "dongbo quarantine release \(origin) \(life) \(item.shown("sequence"))"
    return say(
      vi: "danh bạ lần \(item.shown("revision")) chờ cho phép, theo thứ tự này: \(command)",
      en: "registry \(item.shown("revision")) waits for your word, in this order: \(command)")
  }

  /// The kinds that have any, with their sum: `12 (document 10, finance 2)`.
  private func counts(_ value: JSONValue?) -> String {
    let kinds = (value?.object?.members ?? []).compactMap { member in
      member.value.integer.flatMap { $0 > 0 ? ("\(member.key)", $0) : nil }
    }
    guard !kinds.isEmpty else { return "0" }
    let parts = kinds.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return "\(kinds.reduce(0) { $0 + $1.1 }) (\(parts))"
  }

  private func missingLine(_ item: JSONObject) -> String {
    let (count, upTo, life) = (
      item.shown("count"), item.shown("upTo"), item.shown("incarnation").prefix(8)
    )
    if item["beginningKnown"] == .bool(true) {
      return say(
        vi: "không điểm nào có: \(count) mục của điểm này, đến số \(upTo), lần chạy \(life)",
        en: "no peer had: \(count) of this site's entries, up to number \(upTo), life \(life)")
    }
    return say(
      vi: "không điểm nào có: ít nhất \(count) mục và phần đầu lần chạy \(life), đến số \(upTo)",
      en: "no peer had: at least \(count) entries, and how life \(life) began, up to \(upTo)")
  }
}
