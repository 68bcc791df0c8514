/// What may not stand in the sources, and what must.
enum WordingRules {
  struct Ban: Sendable {
    let word: String
    let instead: String
  }

  /// Banned in code; comments and texts may speak of them.
  static let bannedCode: [Ban] = [
    Ban(word: "print(", instead: "write through Logger or Terminal"),
    Ban(word: "debugPrint(", instead: "write through Logger or Terminal"),
    Ban(word: "dump(", instead: "write through Logger or Terminal"),
    Ban(word: "try!", instead: "throw a typed error"),
    Ban(word: "as!", instead: "make the type say it"),
    Ban(word: "fatalError(", instead: "precondition with the values"),
    Ban(word: "public ", instead: "package is the widest access: we ship no library"),
    Ban(word: "FoundationNetworking", instead: "Transport has the HTTP we need"),
  ]

  /// Banned everywhere: an unfinished thing is an issue, not a comment.
  static let bannedText = ["FIXME", "TODO", "XXX", "HACK"]

  static func check(_ file: SourceFile) -> [Violation] {
    var found: [Violation] = []
    for ban in bannedCode where file.mentions(ban.word) {
      for (index, line) in file.code.enumerated() where containsWord(ban.word, in: line) {
        found.append(Violation(file, index, "\(ban.word) is banned: \(ban.instead)"))
      }
    }
    for word in bannedText where file.mentions(word) {
      for (index, line) in file.lines.enumerated() where containsWord(word, in: line) {
        found.append(Violation(file, index, "\(word) is banned: do it or open an issue"))
      }
    }
    return found
  }

  /// `word` with no letter or digit before it and, when it ends in a letter, none behind.
  static func containsWord(_ word: String, in line: Substring) -> Bool {
    line.ranges(of: word).contains { range in
      let before =
        range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
      let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
      let endsInLetter = word.last?.isLetter == true
      return !isNameCharacter(before) && !(endsInLetter && isNameCharacter(after))
    }
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  /// An escape from the compiler's isolation names its lock or its thread within four lines above.
  static func checkEscapes(_ file: SourceFile) -> [Violation] {
    guard file.mentions("@unchecked") || file.mentions("nonisolated(") else { return [] }
    return file.code.enumerated().compactMap { index, line in
      guard line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else {
        return nil
      }
      let near = file.lines[max(0, index - 4)...index]
      guard !near.contains(where: { $0.contains("//") }) else { return nil }
      return Violation(file, index, "say which lock or thread confines this")
    }
  }

  /// Types, functions, subscripts, and initialisers that throw have a doc comment when the whole
  /// package sees them. Exceptions, for there is nothing to add to what is said elsewhere:
  /// operators; what a protocol asks for, ours (`fulfilled`) or the standard library's; the two
  /// halves of a byte form, which the type describes; further overloads right below the first.
  static func checkComments(_ file: SourceFile, fulfilled: Set<Substring>) -> [Violation] {
    let elsewhere = fulfilled.union(standardMembers)
    return file.code.indices.compactMap { index in
      guard let declared = declaration(file.code, index), !elsewhere.contains(declared.name)
      else { return nil }
      guard !isCommented(file, index), !isOverload(file, index, of: declared.name) else {
        return nil
      }
      return Violation(file, index, "a package declaration without a doc comment")
    }
  }

  /// Members of Hashable and Sequence, and a byte form's `encode(to:)`.
  private static let standardMembers: Set<Substring> = ["hash", "makeIterator", "next", "encode"]

  /// Names of the functions that protocols of ours ask for; their comments stand there.
  static func requirements(_ files: [SourceFile]) -> Set<Substring> {
    var names: Set<Substring> = []
    for file in files {
      var isInside = false
      for line in file.code {
        if line.contains(/^(?:package |internal )?protocol\s/) { isInside = true }
        if line.hasPrefix("}") { isInside = false }
        guard isInside, let match = line.firstMatch(of: /\bfunc (\w+)/) else { continue }
        names.insert(match.1)
      }
    }
    return names
  }

  private static func isCommented(_ file: SourceFile, _ index: Int) -> Bool {
    var above = index - 1
    while above >= 0, file.code[above].contains(/^\s*@\w+(?:\([^)]*\))?\s*$/) { above -= 1 }
    return above >= 0 && file.lines[above].contains(/^\s*(?:\/\/\/|\*\/)/)
  }

  /// Whether the declaration right above, at most a short body away, has the same name.
  private static func isOverload(
    _ file: SourceFile, _ index: Int, of name: Substring
  ) -> Bool {
    for above in stride(from: index - 1, through: max(0, index - 6), by: -1) {
      if file.lines[above].isEmpty { return false }
      if declaration(file.code, above)?.name == name { return true }
    }
    return false
  }

  /// What a line declares for the package, when that needs words.
  private static func declaration(
    _ code: [Substring], _ index: Int
  ) -> (word: Substring, name: Substring)? {
    let line = code[index]
    guard line.contains("package ") else { return nil }
    let pattern =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*package\s+(?:[a-z]+(?:\(\w+\))?\s+)*?(struct|enum|class|actor|protocol|typealias|func|init|subscript)\b\s*([^\s(<:]*)/
    guard let match = line.firstMatch(of: pattern.wordBoundaryKind(.simple)) else { return nil }
    switch match.1 {
    case "func":
      let isOperator = match.2.first.map { !$0.isLetter && $0 != "_" && $0 != "`" } ?? true
      return isOperator ? nil : (match.1, match.2)
    case "init":
      return throwsErrors(code, index) && !line.contains("init(from ") ? (match.1, "init") : nil
    default: return (match.1, match.2.isEmpty ? match.1 : match.2)
    }
  }

  /// Whether the initialiser that starts here throws; signatures have at most a dozen lines.
  private static func throwsErrors(_ code: [Substring], _ start: Int) -> Bool {
    for line in code[start...].prefix(12) {
      if containsWord("throws", in: line) { return true }
      if line.contains("{") { return false }
    }
    return false
  }
}

/// Markdown has one title.
enum MarkdownRules {
  static func check(path: String, text: String) -> [Violation] {
    var isFenced = false
    var titleCount = 0
    for line in text.split(separator: "\n") {
      if line.hasPrefix("```") { isFenced.toggle() }
      if !isFenced, line.hasPrefix("# ") { titleCount += 1 }
    }
    guard titleCount != 1 else { return [] }
    return [Violation(path: path, message: "\(titleCount) titles, not one")]
  }
}
