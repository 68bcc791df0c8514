import Glibc
import Operations

/// Where a command writes: data to stdout, messages to stderr. Confined to one thread.
final class Terminal {
  let language: Language
  let isOutputTerminal: Bool
  let isErrorTerminal: Bool
  private let writeOutput: ([UInt8]) -> Void
  private let writeError: ([UInt8]) -> Void

  /// Tests collect what is written.
  init(
    language: Language, isOutputTerminal: Bool = false, isErrorTerminal: Bool = false,
    output: @escaping ([UInt8]) -> Void, error: @escaping ([UInt8]) -> Void
  ) {
    self.language = language
    self.isOutputTerminal = isOutputTerminal
    self.isErrorTerminal = isErrorTerminal
    writeOutput = output
    writeError = error
  }

  /// The process's own stdout and stderr.
  static func standard(_ language: Language) -> Terminal {
    Terminal(
      language: language, isOutputTerminal: isatty(STDOUT_FILENO) == 1,
      isErrorTerminal: isatty(STDERR_FILENO) == 1,
      output: { writeAll($0, to: STDOUT_FILENO) }, error: { writeAll($0, to: STDERR_FILENO) })
  }

  /// Data, with a line end after it.
  func line(_ bytes: [UInt8]) { writeOutput(bytes + [UInt8(ascii: "\n")]) }
  func line(_ text: String) { line(Array(text.utf8)) }
  /// Data as it is.
  func data(_ text: String) { writeOutput(Array(text.utf8)) }
  /// A message for the person at the screen.
  func note(_ text: String) { writeError(Array(text.utf8)) }
  func note(_ text: LocalText) { note(text.text(in: language) + "\n") }

  /// JSON: laid out for the eye on a terminal, one line as it came for a program.
  func json(_ bytes: [UInt8]) {
    line(isOutputTerminal ? JSONLayout.indented(bytes) : JSONLayout.compact(bytes))
  }

  /// Rows under a heading (empty: none), columns padded to their widest cell. Cells may come from
  /// anywhere. All rows have as many cells.
  func table(_ heading: [String], _ rows: [[String]]) {
    let cells = ((heading.isEmpty ? [] : [heading]) + rows).map { $0.map(visibleText) }
    let widths = (cells.first ?? []).indices.map { column in
      cells.map { $0[column].count }.max() ?? 0
    }
    for row in cells {
      var text = ""
      for (column, cell) in row.enumerated() {
        let isLast = column == row.count - 1
        text +=
          cell + (isLast ? "" : String(repeating: " ", count: widths[column] - cell.count + 2))
      }
      line(text)
    }
  }
}

/// A reader that went away ends the process by SIGPIPE; any other failure leaves nobody to tell.
private func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return }
    rest.removeFirst(count)
  }
}
