package import Replication

/// Every key of the configuration. What each means stands in `ConfigurationSchema`.
package enum ConfigurationKey: Sendable, CaseIterable {
  case siteID, tier, language, dataDirectory, witnessFile, registrySeed
  case linkListen, centreAddress, centreID, centrePin
  case certificateFile, keyFile, authorityFile, revocationFile, formerKeyFile
  case recordAuthorityFile, recordRevocationFile, timestampAuthorityFile
  case fileGrace, unnamedFileQuota
  case adminSocket, writeGroup, readGroup
  case monitoringListen, allowedHost, silenceWarning, heldWarning, certificateWarning
  case maximumFrame, linkWindowEntries, linkWindowBytes, groupEntries, groupBytes, reserveBytes,
    keepSuperseded
  case readerTime, heartbeat, sessionLife, handshakeTime, maximumLinks
  case reconnectFirst, reconnectLast, maximumAdminConnections
  case logFormat, logLevel
}

/// What the table says about one key.
package struct KeyDefinition: Sendable {
  package let key: ConfigurationKey
  package let section: String
  package let name: String
  package let type: ValueType
  /// As one would write it; nil: no value unless given. Relative paths count from the main file.
  package let defaultText: String?
  /// Repeated lines append and an empty value forgets what came before.
  package let isList: Bool
  package let needsRestart: Bool
  package let doc: LocalText

  /// `Section.Key`: how the key is called where no section stands around it.
  package var fullName: String { "\(section).\(name)" }

  init(
    _ key: ConfigurationKey, _ section: String, _ name: String, _ type: ValueType,
    _ defaultText: String?, isList: Bool = false, restart: Bool, vi: String, en: String
  ) {
    self.key = key
    self.section = section
    self.name = name
    self.type = type
    self.defaultText = defaultText
    self.isList = isList
    self.needsRestart = restart
    self.doc = LocalText(vi: vi, en: en)
  }
}

/// What a value must look like.
package enum ValueType: Equatable, Sendable {
  case site, tier, language, path, address, host, pin, name, logFormat, logLevel
  case size(ClosedRange<UInt64>)
  case duration(ClosedRange<Duration>)
  case count(ClosedRange<Int>)
}

/// The place of a site in the organisation. There is one centre.
package enum SiteTier: String, Sendable, CaseIterable {
  case centre
  case province
}

/// How log lines are written.
package enum LogFormat: String, Sendable, CaseIterable {
  case logfmt
  case json
}

/// A value after reading; its case follows from the key's `ValueType`.
package enum ConfigurationValue: Equatable, Sendable {
  case site(SiteID)
  case tier(SiteTier)
  case language(Language)
  /// A path (absolute by now), a group or a host name.
  case text(String)
  case address(HostPort)
  case pin(KeyPin)
  case size(UInt64)
  case duration(Duration)
  case count(Int)
  case logFormat(LogFormat)
  case logLevel(LogLevel)

  /// The value as one would write it.
  package var text: String {
    switch self {
    case .site(let id): id.description
    case .tier(let tier): tier.rawValue
    case .language(let language): language.rawValue
    case .text(let text): text
    case .address(let address): address.description
    case .pin(let pin): pin.description
    case .size(let count): Units.text(byteCount: count)
    case .duration(let duration): Units.text(duration)
    case .count(let count): "\(count)"
    case .logFormat(let format): format.rawValue
    case .logLevel(let level): level.description
    }
  }
}
