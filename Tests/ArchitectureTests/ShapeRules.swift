/// Sizes: a file, a function and a line fit on what one reads at a time.
enum ShapeRules {
  static let maximumLineCount = 400
  static let maximumMainLineCount = 150
  static let maximumFunctionLineCount = 70
  static let maximumColumnCount = 100
  static let maximumFileByteCount = 256 * 1024

  /// Tables that are read by looking up, not from top to bottom. None yet.
  static let longTables: Set<String> = []

  static func checkFile(_ file: SourceFile) -> [Violation] {
    guard !longTables.contains(file.path) else { return [] }
    let limit = file.name == "main.swift" ? maximumMainLineCount : maximumLineCount
    guard file.lineCount > limit else { return [] }
    return [Violation(file, nil, "\(file.lineCount) lines, at most \(limit)")]
  }

  /// Characters, not bytes: Vietnamese takes up to three bytes a letter.
  static func checkColumns(_ file: SourceFile) -> [Violation] {
    file.lines.enumerated().compactMap { index, line in
      // Bytes are never fewer than characters.
      guard line.utf8.count > maximumColumnCount, line.count > maximumColumnCount else {
        return nil
      }
      return Violation(file, index, "\(line.count) columns, at most \(maximumColumnCount)")
    }
  }

  static func checkFunctions(_ file: SourceFile) -> [Violation] {
    functions(of: file).compactMap { function in
      let count = function.count
      guard count > maximumFunctionLineCount else { return nil }
      return Violation(
        file, function.lowerBound, "function of \(count) lines, at most \(maximumFunctionLineCount)"
      )
    }
  }

  /// Lines of each function, initialiser and subscript with a body, from its name to its last brace.
  static func functions(of file: SourceFile) -> [ClosedRange<Int>] {
    file.code.indices.compactMap { start in
      guard Declaration.isCallable(file.code[start]) else { return nil }
      return lastLine(of: file.code, from: start).map { start...$0 }
    }
  }

  /// The line of the brace that closes the first one opened outside parentheses; nil without a body.
  private static func lastLine(of code: [Substring], from start: Int) -> Int? {
    var parentheses = 0
    var braces = 0
    for index in start..<code.count {
      if index > start, braces == 0, parentheses == 0, Declaration.starts(code[index]) {
        return nil
      }
      for byte in code[index].utf8 {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
        case UInt8(ascii: "{") where parentheses == 0 || braces > 0: braces += 1
        case UInt8(ascii: "}") where parentheses == 0 || braces > 0:
          braces -= 1
          // The end of a protocol, or of the body.
          if braces <= 0 { return braces == 0 ? index : nil }
        default: break
        }
      }
    }
    return nil
  }
}

/// What a line of code declares.
enum Declaration {
  static func isCallable(_ line: Substring) -> Bool {
    guard line.contains("func ") || line.contains("init") || line.contains("subscript") else {
      return false
    }
    let pattern =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:[a-z]+(?:\(\w+\))?\s+)*?(?:func\s|init[?!]?\s*[(<]|subscript\s*[(<])/
    return line.firstMatch(of: pattern) != nil
  }

  /// A new declaration: what stands before it had no body.
  static func starts(_ line: Substring) -> Bool {
    line.contains(
      /^\s*(?:@|(?:package|private|fileprivate|internal|static|mutating|func|var|let|init|case|struct|enum|class|protocol|extension|associatedtype)\b)/
    )
  }
}
