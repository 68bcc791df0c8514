import Replication

/// Typed views of settings. A key whose schema type differs from what is asked is our bug and
/// traps: the schema and these calls are both ours, and the test of the samples walks all of them.
extension Settings {
  func site(_ key: ConfigurationKey) -> SiteID? {
    guard let value = self[key].values.first else { return nil }
    guard case .site(let id) = value else { preconditionFailure("\(key) is no site: \(value)") }
    return id
  }

  var tier: SiteTier? {
    guard let value = self[.tier].values.first else { return nil }
    guard case .tier(let tier) = value else { preconditionFailure("Tier is \(value)") }
    return tier
  }

  var language: Language {
    guard case .language(let language) = only(.language) else {
      preconditionFailure("Language is \(only(.language))")
    }
    return language
  }

  var logFormat: LogFormat {
    guard case .logFormat(let format) = only(.logFormat) else {
      preconditionFailure("Format is \(only(.logFormat))")
    }
    return format
  }

  var logLevel: LogLevel {
    guard case .logLevel(let level) = only(.logLevel) else {
      preconditionFailure("Level is \(only(.logLevel))")
    }
    return level
  }

  func pin(_ key: ConfigurationKey) -> KeyPin? {
    guard let value = self[key].values.first else { return nil }
    guard case .pin(let pin) = value else { preconditionFailure("\(key) is no pin: \(value)") }
    return pin
  }

  func addresses(_ key: ConfigurationKey) -> [HostPort] {
    self[key].values.map { value in
      guard case .address(let address) = value else {
        preconditionFailure("\(key) is no address: \(value)")
      }
      return address
    }
  }

  func texts(_ key: ConfigurationKey) -> [String] {
    self[key].values.map { value in
      guard case .text(let text) = value else { preconditionFailure("\(key) is no text: \(value)") }
      return text
    }
  }

  func optionalText(_ key: ConfigurationKey) -> String? { texts(key).first }

  func text(_ key: ConfigurationKey) -> String {
    guard let text = optionalText(key) else { preconditionFailure("\(key) has no default") }
    return text
  }

  func size(_ key: ConfigurationKey) -> UInt64 {
    guard case .size(let count) = only(key) else { preconditionFailure("\(key) is no size") }
    return count
  }

  func duration(_ key: ConfigurationKey) -> Duration {
    guard case .duration(let duration) = only(key) else {
      preconditionFailure("\(key) is no duration")
    }
    return duration
  }

  func count(_ key: ConfigurationKey) -> Int {
    guard case .count(let count) = only(key) else { preconditionFailure("\(key) is no count") }
    return count
  }

  private func only(_ key: ConfigurationKey) -> ConfigurationValue {
    guard let value = self[key].values.first else { preconditionFailure("\(key) has no default") }
    return value
  }
}
