import Replication

/// What a script says that cannot be read, with its line.
struct ScriptError: Error, CustomStringConvertible {
  let description: String
}

/// The words of one command behind its verb. Some stand by their place, others behind a word that
/// names them: `by lang-son`, `amount 1000`.
struct Words {
  let all: [String]

  var isEmpty: Bool { all.isEmpty }

  func at(_ index: Int) throws -> String {
    guard all.indices.contains(index) else { throw ScriptError(description: "a word is missing") }
    return all[index]
  }

  func has(_ word: String) -> Bool { all.contains(word) }

  /// The word behind `name`; nil when `name` does not stand there.
  func after(_ name: String) -> String? {
    guard let index = all.firstIndex(of: name), all.indices.contains(index + 1) else { return nil }
    return all[index + 1]
  }

  func needed(after name: String) throws -> String {
    guard let word = after(name) else { throw ScriptError(description: "`\(name)` is missing") }
    return word
  }

  /// Everything behind `name`, as it stands.
  func rest(after name: String) -> String? {
    guard let index = all.firstIndex(of: name) else { return nil }
    return all.suffix(from: index + 1).joined(separator: " ")
  }

  /// Words of the form `name=value`, by name.
  var fields: [(name: String, value: String)] {
    all.compactMap { word in
      guard let equals = word.firstIndex(of: "=") else { return nil }
      return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
  }

  func amount(after name: String) throws -> Int64 {
    guard let number = Int64(try needed(after: name)) else {
      throw ScriptError(description: "`\(name)` is no number")
    }
    return number
  }
}
