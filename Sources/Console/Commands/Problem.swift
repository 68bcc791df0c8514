import Replication
package import Transport

/// A refusal of the daemon (RFC 9457), as far as a command needs it.
package struct Problem: Hashable, Sendable {
  package let status: Int
  /// A stable word: `used-before`, `not-owner`.
  package let code: String
  package let title: String
  package let detail: String?
  /// The command that helps.
  package let advice: String?

  /// Reads an answer that is no success; one without a problem body keeps its status.
  package init(_ response: HTTPResponse) {
    let value = try? JSONValue.parse(response.body)
    let object = value?.object ?? JSONObject()
    status = response.status.code
    code = object["code"]?.text?.string ?? "http-\(response.status.code)"
    title = object["title"]?.text?.string ?? "HTTP \(response.status.code)"
    detail = object["detail"]?.text?.string
    advice = object["do"]?.text?.string
  }

  /// A fault found on this side, in the same form.
  package init(status: Int, code: String, title: String) {
    self.status = status
    self.code = code
    self.title = title
    detail = nil
    advice = nil
  }

  /// Not the daemon's judgement of a record but of the moment or the asker, where there is one.
  package var exitCode: ExitCode {
    switch (status, code) {
    case (403, "not-allowed"): .notAllowed
    case (408, _), (429, _), (503, _), (507, _): .tryAgain
    case _: .failed
    }
  }

  package var failure: CommandFailure { failure(exitCode) }

  package func failure(_ exitCode: ExitCode) -> CommandFailure {
    CommandFailure(
      exitCode, [title, detail].compactMap { $0 }.joined(separator: ": ") + " [\(code)]",
      hint: advice)
  }

  /// One JSON line for the result of input line `line`.
  package func result(line: Int) -> [UInt8] {
    var object: JSONObject = [
      "line": .integer(Int64(line)), "status": .integer(Int64(status)),
      "code": .string(Text(code)), "title": .string(Text(title)),
    ]
    object["detail"] = detail.map { .string(Text($0)) }
    object["do"] = advice.map { .string(Text($0)) }
    return JSONValue.object(object).canonicalBytes
  }
}
