import Replication

/// Rules that look at more than one key.
extension Settings {
  /// Faults of keys that are missing, belong to the other tier or contradict each other. A key
  /// that was written but could not be read is not called missing too.
  func crossFaults() -> [ConfigurationFault] {
    var faults = missing(.siteID, example: "lang-son") + missing(.tier, example: "province")
    if let tier { faults += tierFaults(tier) }
    let (witness, data) = (text(.witnessFile), text(.dataDirectory))
    if Paths.isInside(witness, data) {
      faults.append(fault(.witnessInside, at: [.witnessFile, .dataDirectory], [witness, data]))
    }
    for (larger, smaller) in Self.orders where isBelow(larger, smaller) {
      let names = [larger, smaller].map { ConfigurationSchema.definition(of: $0).name }
      let values = [larger, smaller].map { self[$0].values.first?.text ?? "" }
      faults.append(
        fault(
          .tooSmallFor, at: [larger, smaller], [names[0], values[0], names[1], values[1]]))
    }
    return faults
  }

  /// Pairs whose first must not be below the second.
  private static let orders: [(ConfigurationKey, ConfigurationKey)] = [
    (.linkWindowBytes, .maximumFrame), (.groupBytes, .maximumFrame),
    (.reconnectLast, .reconnectFirst), (.sessionLife, .heartbeat),
  ]

  private func isBelow(_ larger: ConfigurationKey, _ smaller: ConfigurationKey) -> Bool {
    switch (self[larger].values.first, self[smaller].values.first) {
    case (.size(let left)?, .size(let right)?): left < right
    case (.duration(let left)?, .duration(let right)?): left < right
    case let pair: preconditionFailure("\(larger) and \(smaller) do not compare: \(pair)")
    }
  }

  private func tierFaults(_ tier: SiteTier) -> [ConfigurationFault] {
    switch tier {
    case .centre:
      return missing(.linkListen, example: "0.0.0.0:7443") + foreign(to: tier)
    case .province:
      var faults = missing(.centreAddress, example: "10.1.0.5:7443")
      faults += missing(.centrePin, example: KeyPin.prefix + "<64 hex>")
      faults += foreign(to: tier)
      if let own = site(.siteID), let centre = site(.centreID), own == centre {
        faults.append(fault(.ownCentre, at: [.centreID, .siteID], [centre.description]))
      }
      return faults
    }
  }

  private func missing(_ key: ConfigurationKey, example: String) -> [ConfigurationFault] {
    let definition = ConfigurationSchema.definition(of: key)
    let wasRefused = faults.contains {
      $0.arguments.first == definition.name
        && [.badValue, .outOfRange, .trailingComment].contains($0.problem)
    }
    guard self[key].values.isEmpty, !wasRefused else { return [] }
    let whole = SourceLine(file: file, line: 0)
    let arguments = [definition.name, definition.section, example]
    return [ConfigurationFault(.missing, at: whole, arguments)]
  }

  /// Keys that say nothing at a site of `tier`, and may not be written there.
  static func foreignKeys(to tier: SiteTier) -> [ConfigurationKey] {
    switch tier {
    case .centre: [.centreAddress, .centreID]
    case .province: [.linkListen, .registrySeed]
    }
  }

  private func foreign(to tier: SiteTier) -> [ConfigurationFault] {
    Self.foreignKeys(to: tier).filter { !self[$0].isDefault }.map { key in
      let name = ConfigurationSchema.definition(of: key).name
      return fault(.wrongTier, at: [key], [name, tier.rawValue])
    }
  }

  /// A fault at the first of `keys` that was written down, else at the file as a whole.
  private func fault(
    _ problem: ConfigurationProblem, at keys: [ConfigurationKey], _ arguments: [String]
  ) -> ConfigurationFault {
    let written = keys.lazy.compactMap { self[$0].origins.first }.first
    return ConfigurationFault(problem, at: written ?? SourceLine(file: file, line: 0), arguments)
  }
}
