/// An error answer of the HTTP interfaces, as RFC 9457 has it, with two members of ours.
package struct ProblemDetails: Equatable, Sendable {
  /// Of the response.
  package static let contentType = "application/problem+json"

  package let status: Int
  /// Stable, for programs: `disk-full`, `revision-exists`. Also the end of `type`.
  package let code: String
  package let title: LocalText
  /// What is wrong with this request, in no particular language; empty when the title says it.
  package let detail: String
  /// What the caller can do, commands that can be pasted first.
  package let actions: [LocalText]

  package init(
    status: Int, code: String, title: LocalText, detail: String = "", actions: [LocalText] = []
  ) {
    precondition((400...599).contains(status), "a problem with status \(status)")
    self.status = status
    self.code = code
    self.title = title
    self.detail = detail
    self.actions = actions
  }

  /// The body. `type` is a name, not an address: the network is closed.
  package func json(in language: Language) -> JSONOutput {
    var members: [(String, JSONOutput)] = [
      ("type", .text("urn:dongbo:problem:\(code)")),
      ("title", .text(title.text(in: language))),
      ("status", .integer(Int64(status))),
      ("code", .text(code)),
    ]
    if !detail.isEmpty { members.append(("detail", .text(detail))) }
    if !actions.isEmpty {
      members.append(("do", .list(actions.map { .text($0.text(in: language)) })))
    }
    return .object(members)
  }
}
