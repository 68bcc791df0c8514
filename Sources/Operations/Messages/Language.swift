/// A language people read: Vietnamese or English. Keys, ids and metric names are never translated.
package enum Language: String, Sendable, CaseIterable {
  case vi
  case en

  /// The language of one command: `--lang`, then `LC_ALL`, `LC_MESSAGES`, `LANG`, then the
  /// configuration. A locale that names neither language (`C`, `POSIX`, `fr_FR`) decides nothing.
  package static func choose(
    flag: String?, environment: (String) -> String?, configured: Language?
  ) -> Language {
    if let flag, let language = Language(locale: flag) { return language }
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
      if let locale = environment(name), let language = Language(locale: locale) { return language }
    }
    return configured ?? .vi
  }

  /// - Returns: nil unless `locale` starts with the code of a language we speak: `vi`,
  ///   `vi_VN.UTF-8`.
  package init?(locale: String) {
    let code = locale.utf8.prefix { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
      .prefix { $0 != UInt8(ascii: ".") }
    guard let language = Language(rawValue: String(decoding: code, as: UTF8.self).lowercased())
    else { return nil }
    self = language
  }
}

/// One text in both languages. Placeholders are `{0}` to `{9}`, the same ones in each.
package struct LocalText: Hashable, Sendable {
  package let vi: String
  package let en: String

  package init(vi: String, en: String) {
    self.vi = vi
    self.en = en
  }

  /// The text in `language`, each `{n}` replaced by `arguments[n]`; one without argument stays.
  package func text(in language: Language, _ arguments: [String] = []) -> String {
    let template = language == .vi ? vi : en
    guard !arguments.isEmpty else { return template }
    var result: [UInt8] = []
    var rest = Array(template.utf8)[...]
    while let byte = rest.first {
      if let index = Self.placeholder(rest), index < arguments.count {
        result += arguments[index].utf8
        rest = rest.dropFirst(3)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The placeholder that `bytes` begins with: `{`, one digit, `}`.
  private static func placeholder(_ bytes: ArraySlice<UInt8>) -> Int? {
    let head = Array(bytes.prefix(3))
    guard head.count == 3, head[0] == UInt8(ascii: "{"), head[2] == UInt8(ascii: "}"),
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(head[1])
    else { return nil }
    return Int(head[1] - UInt8(ascii: "0"))
  }

  /// Placeholders in the order of their numbers, for the test that both languages have the same.
  package static func placeholders(of text: String) -> Set<Int> {
    var found: Set<Int> = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      if let index = placeholder(rest) { found.insert(index) }
      rest = rest.dropFirst()
    }
    return found
  }
}
