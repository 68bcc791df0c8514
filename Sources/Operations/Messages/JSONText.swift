/// JSON that we write ourselves: reports, problems, log lines. Members keep their order.
package indirect enum JSONOutput: Equatable, Sendable {
  case null
  case flag(Bool)
  case integer(Int64)
  case text(String)
  case list([JSONOutput])
  case object([(String, JSONOutput)])

  /// Null when there is no value.
  package static func optional(_ value: Int64?) -> JSONOutput {
    value.map { .integer($0) } ?? .null
  }
  package static func optional(_ value: String?) -> JSONOutput { value.map { .text($0) } ?? .null }

  package static func == (left: Self, right: Self) -> Bool { left.rendered == right.rendered }

  /// One line without blanks.
  package var rendered: String {
    var out = ""
    write(to: &out)
    return out
  }

  private func write(to out: inout String) {
    switch self {
    case .null: out += "null"
    case .flag(let flag): out += flag ? "true" : "false"
    case .integer(let value): out += "\(value)"
    case .text(let text): out += quotedJSON(text)
    case .list(let items):
      out += "["
      for (index, item) in items.enumerated() {
        if index > 0 { out += "," }
        item.write(to: &out)
      }
      out += "]"
    case .object(let members):
      out += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { out += "," }
        out += quotedJSON(member.0) + ":"
        member.1.write(to: &out)
      }
      out += "}"
    }
  }
}

/// `text` as a JSON string. Hidden characters (`isHidden`) are escaped, so that a terminal that
/// shows the JSON is not steered by it.
package func quotedJSON(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case _ where isHidden(scalar):
      for unit in String(scalar).utf16 {
        let hex = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      }
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
