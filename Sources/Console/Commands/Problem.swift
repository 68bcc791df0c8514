import Operations
import Replication
import Transport

/// A refusal of the daemon (RFC 9457), as far as a command needs it.
struct Problem: Hashable, Sendable {
  let status: Int
  /// A stable word: `used-before`, `not-owner`.
  let code: String
  let title: String
  let detail: String?
  /// What helps, commands that can be pasted first.
  let actions: [String]

  /// Reads an answer that is no success; one without a problem body keeps its status.
  init(_ response: HTTPResponse) {
    let value = try? JSONValue.parse(response.body)
    let object = value?.object ?? JSONObject()
    status = response.status.code
    code = object["code"]?.text?.string ?? "http-\(response.status.code)"
    title = object["title"]?.text?.string ?? "HTTP \(response.status.code)"
    detail = object["detail"]?.text?.string
    let advice = object["do"]
    actions = (advice?.array ?? advice.map { [$0] } ?? []).compactMap(\.text?.string)
  }

  /// A fault found on this side, in the same form.
  init(status: Int, code: String, title: String) {
    self.status = status
    self.code = code
    self.title = title
    detail = nil
    actions = []
  }

  /// Not the daemon's judgement of a record but of the moment or the asker, where there is one.
  var exitCode: ExitCode {
    switch (status, code) {
    case (403, "not-permitted"): .notAllowed
    case (408, _), (429, _), (503, _), (507, _): .tryAgain
    case _: .failed
    }
  }

  var failure: CommandFailure { failure(exitCode) }

  func failure(_ exitCode: ExitCode) -> CommandFailure {
    let message = [title, detail].compactMap { $0 }.joined(separator: ": ")
    let safe = visibleText("\(message) [\(code)]")
    let hint = actions.map(visibleText).joined(separator: "\n  ")
    return CommandFailure(
      exitCode, LocalText(vi: safe, en: safe),
      hint: hint.isEmpty ? nil : LocalText(vi: hint, en: hint))
  }

  /// One JSON line for the result of input line `line`.
  func result(line: Int) -> [UInt8] {
    var object: JSONObject = [
      "line": .integer(Int64(line)), "status": .integer(Int64(status)),
      "code": .string(Text(code)), "title": .string(Text(title)),
    ]
    object["detail"] = detail.map { .string(Text($0)) }
    if !actions.isEmpty { object["do"] = .array(actions.map { .string(Text($0)) }) }
    return JSONValue.object(object).canonicalBytes
  }
}
