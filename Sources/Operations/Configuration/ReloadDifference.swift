/// What a reload would change. Values are compared, not spellings: `60s` and `1m` are the same.
package struct ReloadDifference: Equatable, Sendable {
  /// One key whose value differs; values as one would write them, none when unset.
  package struct Change: Equatable, Sendable {
    package let key: ConfigurationKey
    package let fullName: String
    package let before: [String]
    package let after: [String]
    package let needsRestart: Bool
  }

  /// In the order of the schema.
  package let changes: [Change]

  package init(from old: Settings, to new: Settings) {
    changes = ConfigurationSchema.definitions.compactMap { definition in
      let (before, after) = (old[definition.key].values, new[definition.key].values)
      guard before != after else { return nil }
      return Change(
        key: definition.key, fullName: definition.fullName, before: before.map(\.text),
        after: after.map(\.text), needsRestart: definition.needsRestart)
    }
  }

  /// Keys that keep their old value until the daemon is started again.
  package var restartKeys: [String] { changes.filter(\.needsRestart).map(\.fullName) }

  /// One line a change: `Section.Key: before -> after`, marked when it takes a restart.
  package func text(in language: Language) -> String {
    let mark = LocalText(vi: " (cần khởi động lại)", en: " (needs a restart)").text(in: language)
    let none = LocalText(vi: "không có gì thay đổi", en: "nothing changes").text(in: language)
    guard !changes.isEmpty else { return none + "\n" }
    return changes.map { change in
      let values = [change.before, change.after].map { values in
        values.isEmpty ? "-" : values.joined(separator: " ")
      }
      let suffix = change.needsRestart ? mark : ""
      return "\(change.fullName): \(values[0]) -> \(values[1])\(suffix)\n"
    }.joined()
  }
}
