import Foundation

/// One Swift file as the rules look at it: its lines, and the same lines with comments and the text
/// of string literals blanked out, so that a rule about code does not trip over prose.
struct SourceFile: Sendable {
  /// From the package root, as `Sources/Storage/WitnessFile.swift`.
  let path: String
  let lines: [Substring]
  /// Same count as `lines`.
  let code: [Substring]
  private let text: String

  init(path: String, text: String) {
    self.path = path
    self.text = text
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = blankingComments(text).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Whether the text holds `word` anywhere: one fast pass, before a rule looks at lines.
  func mentions(_ word: String) -> Bool {
    text.withCString { strstr($0, word) != nil }
  }

  /// `Storage` of `Sources/Storage/WitnessFile.swift`.
  var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
  var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

  /// Lines of the file, without the empty one behind the last line break.
  var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }
}

/// One place that breaks a rule; prints as compilers do, so that an editor can jump to it.
struct Violation: Hashable, CustomStringConvertible {
  let path: String
  /// From 1; 0 is the file as a whole.
  let line: Int
  let message: String

  init(_ file: SourceFile, _ index: Int?, _ message: String) {
    self.init(path: file.path, line: index.map { $0 + 1 } ?? 0, message: message)
  }

  init(path: String, line: Int = 0, message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  var description: String { "\(path):\(line): \(message)" }
}

/// Comments and the text of string literals become spaces; line breaks and the code inside
/// interpolations stay.
func blankingComments(_ text: String) -> String {
  var scanner = CodeScanner(bytes: Array(text.utf8))
  scanner.code(until: nil)
  return String(decoding: scanner.output, as: UTF8.self)
}

private struct CodeScanner {
  let bytes: [UInt8]
  var index = 0
  var output: [UInt8] = []

  init(bytes: [UInt8]) { self.bytes = bytes }

  private func isNext(_ text: String) -> Bool { bytes[index...].starts(with: text.utf8) }

  private mutating func keep() {
    output.append(bytes[index])
    index += 1
  }

  private mutating func blank(_ count: Int = 1) {
    for _ in 0..<min(count, bytes.count - index) {
      output.append(bytes[index] == UInt8(ascii: "\n") ? bytes[index] : UInt8(ascii: " "))
      index += 1
    }
  }

  /// Code up to the end, or up to the parenthesis that closes an interpolation.
  mutating func code(until closing: UInt8?) {
    var depth = 0
    while index < bytes.count {
      if isNext("//") {
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { blank() }
      } else if isNext("/*") {
        blockComment()
      } else if let hashes = hashesBeforeQuote {
        string(hashCount: hashes)
      } else {
        if bytes[index] == UInt8(ascii: "(") { depth += 1 }
        if bytes[index] == UInt8(ascii: ")") {
          if depth == 0, closing != nil { return keep() }
          depth -= 1
        }
        keep()
      }
    }
  }

  /// Block comments nest.
  private mutating func blockComment() {
    var depth = 0
    repeat {
      if isNext("/*") {
        depth += 1
        blank(2)
      } else if isNext("*/") {
        depth -= 1
        blank(2)
      } else {
        blank()
      }
    } while depth > 0 && index < bytes.count
  }

  /// The number of `#` when a string literal starts here.
  private var hashesBeforeQuote: Int? {
    let hashes = bytes[index...].prefix { $0 == UInt8(ascii: "#") }.count
    let quote = index + hashes
    return quote < bytes.count && bytes[quote] == UInt8(ascii: "\"") ? hashes : nil
  }

  private mutating func string(hashCount: Int) {
    let hashes = String(repeating: "#", count: hashCount)
    blank(hashCount)
    let quotes = isNext("\"\"\"") ? "\"\"\"" : "\""
    blank(quotes.utf8.count)
    while index < bytes.count {
      if isNext(quotes + hashes) { return blank(quotes.utf8.count + hashCount) }
      if isNext("\\" + hashes + "(") {
        blank(2 + hashCount)
        code(until: UInt8(ascii: ")"))
      } else if isNext("\\" + hashes) {
        blank(2 + hashCount)
      } else if quotes == "\"", bytes[index] == UInt8(ascii: "\n") {
        return
      } else {
        blank()
      }
    }
  }
}
