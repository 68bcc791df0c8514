/// The effective value of one key and where it was written.
package struct Setting: Equatable, Sendable {
  package let key: ConfigurationKey
  /// Empty when the key has no value; one value unless the key is a list.
  package let values: [ConfigurationValue]
  /// One per value; empty when the values are the default.
  package let origins: [SourceLine]

  /// Whether nobody wrote this key.
  package var isDefault: Bool { origins.isEmpty }
}

/// The effective values of all keys, in the order of the schema.
package struct Settings: Equatable, Sendable {
  package let file: String
  package private(set) var settings: [Setting] = []
  package private(set) var faults: [ConfigurationFault] = []

  /// The setting of `key`; every key of the schema has one.
  package subscript(key: ConfigurationKey) -> Setting {
    guard let setting = settings.first(where: { $0.key == key }) else {
      preconditionFailure("\(key) is not in the schema")
    }
    return setting
  }

  /// Merges `files`, the main one first, and reads every value. All faults are collected; a key
  /// with a bad value keeps its default.
  package init(_ files: [ConfigurationText], mainFile: String) {
    file = mainFile
    var assignments: [[Assignment]] = []
    for text in files {
      let parsed = IniFile(text)
      faults += parsed.faults
      for section in parsed.sections { checkSection(section.name, at: section.origin) }
      assignments.append(parsed.assignments.filter { isKnown($0) })
    }
    let directory = Paths.directory(of: mainFile)
    settings = ConfigurationSchema.definitions.map { definition in
      let perFile = assignments.map { file in
        file.filter { $0.section == definition.section && $0.key == definition.name }
      }
      return setting(definition, perFile, directory: directory)
    }
  }

  private mutating func checkSection(_ name: String, at origin: SourceLine) {
    guard !name.hasPrefix("X-"), !ConfigurationSchema.sections.contains(name) else { return }
    let nearest = nearestName(to: name, among: ConfigurationSchema.sections)
    faults.append(ConfigurationFault(.unknownSection, at: origin, [name, "", "[\(nearest)]"]))
  }

  /// Whether the schema has this key; a key of an unknown section was reported with the section.
  private mutating func isKnown(_ assignment: Assignment) -> Bool {
    guard !assignment.key.hasPrefix("X-"),
      ConfigurationSchema.sections.contains(assignment.section)
    else { return false }
    let here = ConfigurationSchema.definitions.filter { $0.section == assignment.section }
    if here.contains(where: { $0.name == assignment.key }) { return true }
    let elsewhere = ConfigurationSchema.definitions.first { $0.name == assignment.key }
    let hint =
      elsewhere.map { "[\($0.section)] \($0.name)" }
      ?? nearestName(to: assignment.key, among: here.map(\.name))
    faults.append(
      ConfigurationFault(
        .unknownKey, at: assignment.origin, [assignment.key, assignment.section, hint]))
    return false
  }

  private mutating func setting(
    _ definition: KeyDefinition, _ perFile: [[Assignment]], directory: String
  ) -> Setting {
    var effective: [Assignment] = []
    for file in perFile {
      if !definition.isList, file.count > 1 {
        faults.append(
          ConfigurationFault(
            .duplicateKey, at: file[1].origin, [definition.name, "\(file[0].origin.line)"]))
      }
      for assignment in file {
        if assignment.value.isEmpty || !definition.isList { effective = [] }
        if !assignment.value.isEmpty { effective.append(assignment) }
      }
    }
    var values: [ConfigurationValue] = []
    var origins: [SourceLine] = []
    for assignment in effective {
      guard let value = read(assignment, definition, directory: directory) else { continue }
      values.append(value)
      origins.append(assignment.origin)
    }
    if values.isEmpty, let text = definition.defaultText {
      guard let value = try? definition.type.read(text, directory: directory) else {
        preconditionFailure("default \(definition.fullName)=\(text) is not valid")
      }
      values = [value]
    }
    return Setting(key: definition.key, values: values, origins: origins)
  }

  private mutating func read(
    _ assignment: Assignment, _ definition: KeyDefinition, directory: String
  ) -> ConfigurationValue? {
    do throws(ValueFault) {
      return try definition.type.read(assignment.value, directory: directory)
    } catch {
      let problem: ConfigurationProblem
      let details: [String]
      switch error {
      case .malformed(let expected):
        let hasComment = assignment.value.contains(" #") || assignment.value.contains(" ;")
        problem = hasComment ? .trailingComment : .badValue
        details = [expected]
      case .outOfRange(let least, let most):
        problem = .outOfRange
        details = [least, most]
      }
      faults.append(
        ConfigurationFault(
          problem, at: assignment.origin, [definition.name, assignment.value] + details))
      return nil
    }
  }

  /// `config show`: every key with its effective value as a file that reads back to the same
  /// values; with `origin` one `file:line<TAB>Section.Key=value` a line, `default` when unset.
  package func text(origin: Bool) -> String {
    var lines: [String] = []
    let foreign = tier.map(Self.foreignKeys) ?? []
    for definition in ConfigurationSchema.definitions {
      let setting = self[definition.key]
      // The default of a key that may not be written here says nothing, and would not read back.
      let values = foreign.contains(definition.key) ? [] : setting.values
      if !origin, sectionOfLast(lines) != definition.section {
        if !lines.isEmpty { lines.append("") }
        lines.append("[\(definition.section)]")
      }
      if values.isEmpty {
        lines.append(origin ? "default\t\(definition.fullName)=" : "#\(definition.name)=")
      }
      for (index, value) in values.enumerated() {
        let place = setting.isDefault ? "default" : setting.origins[index].description
        lines.append(
          origin
            ? "\(place)\t\(definition.fullName)=\(value.text)" : "\(definition.name)=\(value.text)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func sectionOfLast(_ lines: [String]) -> String? {
    lines.last { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) }
  }
}

/// The one of `names` with the smallest edit distance to `word`, letter case set aside.
package func nearestName(to word: String, among names: [String]) -> String {
  /// A longer word is no misspelling; it bounds the work an evil file can cause.
  let maximumWordByteCount = 64
  let bytes = Array(word.lowercased().utf8.prefix(maximumWordByteCount))
  let ranked = names.map { (editDistance(bytes, Array($0.lowercased().utf8)), $0) }
  return ranked.min { $0.0 < $1.0 }?.1 ?? ""
}

/// Insertions, deletions and replacements that turn one into the other (Levenshtein).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var row = Array(0...right.count)
  for (i, byte) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in right.enumerated() {
      let replaced = diagonal + (byte == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
    }
  }
  return row[right.count]
}
