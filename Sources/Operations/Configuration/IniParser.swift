/// Where a setting was written: file and line, lines from 1; line 0 is the file as a whole.
package struct SourceLine: Hashable, Sendable, CustomStringConvertible {
  package let file: String
  package let line: Int
  /// `file:line`, or the file alone.
  package var description: String { line == 0 ? file : "\(file):\(line)" }

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
}

/// One configuration file as read: its path and its bytes.
package struct ConfigurationText: Equatable, Sendable {
  package let file: String
  package let bytes: [UInt8]

  package init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
  }

  package init(file: String, _ text: String) { self.init(file: file, bytes: Array(text.utf8)) }
}

/// One `Key=Value` line and the section it stands in.
package struct Assignment: Equatable, Sendable {
  package let section: String
  package let key: String
  package let value: String
  package let origin: SourceLine
}

/// A file in systemd's INI syntax: `[Section]`, `Key=Value`, whole-line comments with `#` or `;`,
/// a backslash at the end of a line joins the next one with a blank (comments between are skipped).
/// There are no quotes and no comments behind a value.
package struct IniFile: Equatable, Sendable {
  /// Of a line with all its continuations.
  package static let maximumLineByteCount = 16 * 1024
  package private(set) var assignments: [Assignment] = []
  package private(set) var faults: [ConfigurationFault] = []

  private let file: String
  /// Nil before the first section and in a section whose line could not be read.
  private var section: String?
  private var hasSection = false
  private var sectionLines: [(name: String, line: Int)] = []

  /// Section lines, also of sections without a key: an unknown one is a fault even when empty.
  package var sections: [(name: String, origin: SourceLine)] {
    sectionLines.map { ($0.name, SourceLine(file: file, line: $0.line)) }
  }

  /// Equal in what was read; where it was read is in the assignments.
  package static func == (left: Self, right: Self) -> Bool {
    left.assignments == right.assignments && left.faults == right.faults
  }

  /// Reads all of `text`; what could not be read is in `faults`, the rest in `assignments`.
  package init(_ text: ConfigurationText) {
    file = text.file
    var pending: [UInt8] = []
    var pendingStart = 0
    let lines = text.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let trimmed = Self.trim(line)
      let isContinued = !pending.isEmpty
      if let first = trimmed.first, Self.isCommentMark(first) { continue }
      if !isContinued { pendingStart = index + 1 }
      if trimmed.last == UInt8(ascii: "\\"), index + 1 < lines.count {
        pending += trimmed.dropLast() + [0x20]
        if pending.count > Self.maximumLineByteCount { break }
      } else {
        read(pending + trimmed, at: pendingStart)
        pending = []
      }
    }
    if !pending.isEmpty { read(pending, at: pendingStart) }
  }

  private mutating func read(_ bytes: [UInt8], at line: Int) {
    let bytes = Self.trim(bytes[...])
    guard !bytes.isEmpty else { return }
    guard bytes.count <= Self.maximumLineByteCount else {
      return note(.lineTooLong, line, ["\(Self.maximumLineByteCount)"])
    }
    guard let text = String(validating: bytes, as: UTF8.self),
      !bytes.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
    else { return note(.notText, line, []) }
    if bytes.first == UInt8(ascii: "[") {
      readSection(text, bytes, at: line)
    } else {
      readAssignment(bytes, text, at: line)
    }
  }

  private mutating func readSection(_ text: String, _ bytes: ArraySlice<UInt8>, at line: Int) {
    hasSection = true
    section = nil
    let name = Self.trim(bytes.dropFirst().dropLast())
    guard bytes.last == UInt8(ascii: "]"), !name.isEmpty, !name.contains(UInt8(ascii: "]")) else {
      return note(.badSection, line, [text])
    }
    let decoded = String(decoding: name, as: UTF8.self)
    section = decoded
    sectionLines.append((decoded, line))
  }

  private mutating func readAssignment(_ bytes: ArraySlice<UInt8>, _ text: String, at line: Int) {
    guard hasSection else { return note(.noSection, line, [text]) }
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > bytes.startIndex else {
      return note(.noAssignment, line, [text])
    }
    guard let section else { return }
    assignments.append(
      Assignment(
        section: section,
        key: String(decoding: Self.trim(bytes[..<equals]), as: UTF8.self),
        value: String(decoding: Self.trim(bytes[(equals + 1)...]), as: UTF8.self),
        origin: SourceLine(file: file, line: line)))
  }

  private mutating func note(_ problem: ConfigurationProblem, _ line: Int, _ arguments: [String]) {
    faults.append(
      ConfigurationFault(problem, at: SourceLine(file: file, line: line), arguments))
  }

  private static func isCommentMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";")
  }

  private static func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    let start = bytes.firstIndex { !isBlank($0) } ?? bytes.endIndex
    let end = bytes.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start
    return bytes[start..<end]
  }
}
