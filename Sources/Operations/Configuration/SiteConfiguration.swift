package import Replication

/// The configuration of one site, read, checked and typed. Paths are absolute.
package struct SiteConfiguration: Equatable, Sendable {
  package let site: Site
  package let link: Link
  package let records: Records
  package let files: Files
  package let admin: Admin
  package let monitoring: Monitoring
  package let limits: Limits
  package let log: Log

  /// [Site]
  package struct Site: Equatable, Sendable {
    package let id: SiteID
    package let tier: SiteTier
    package let language: Language
    package let dataDirectory: String
    package let witnessFile: String
    /// Nil at a province, and at a centre whose first registry names the centre alone.
    package let registrySeed: String?
  }

  /// [Link]
  package struct Link: Equatable, Sendable {
    /// Empty at a province.
    package let listen: [HostPort]
    /// Tried in turn; empty at the centre.
    package let centreAddresses: [HostPort]
    /// At the centre its own id.
    package let centreID: SiteID
    /// Never nil at a province.
    package let centrePin: KeyPin?
    package let certificateFile: String
    package let keyFile: String
    package let authorityFile: String
    package let revocationFile: String?
    /// Link keys this site had before, while peers may still quote checkpoints tagged under them.
    package let formerKeyFiles: [String]
  }

  /// [Records]
  package struct Records: Equatable, Sendable {
    /// nil: this site verifies no signatures.
    package let authorityFile: String?
    package let revocationFile: String?
    package let timestampAuthorityFile: String?
  }

  /// [Files]
  package struct Files: Equatable, Sendable {
    /// How long a file is kept that no living record names.
    package let grace: Duration
    /// Bytes of complete and incomplete files that no record names, all together.
    package let unnamedByteCount: UInt64
  }

  /// [Admin]
  package struct Admin: Equatable, Sendable {
    package let socket: String
    package let writeGroup: String
    package let readGroup: String
  }

  /// [Monitoring]
  package struct Monitoring: Equatable, Sendable {
    package let listen: HostPort
    package let allowedHosts: [String]
    package let thresholds: Thresholds
  }

  /// From when on the status screen asks for attention.
  package struct Thresholds: Equatable, Sendable {
    package let silence: Duration
    package let held: Duration
    package let certificate: Duration

    package init(silence: Duration, held: Duration, certificate: Duration) {
      self.silence = silence
      self.held = held
      self.certificate = certificate
    }
  }

  /// [Limits]
  package struct Limits: Equatable, Sendable {
    package let maximumFrameByteCount: Int
    package let linkWindowEntryCount: Int
    package let linkWindowByteCount: Int
    package let groupEntryCount: Int
    package let groupByteCount: Int
    package let reserveByteCount: UInt64
    /// How long a superseded body stays readable.
    package let keepSuperseded: Duration
    package let readerTime: Duration
    package let heartbeat: Duration
    package let sessionLife: Duration
    package let handshakeTime: Duration
    package let maximumLinkCount: Int
    package let reconnectFirst: Duration
    package let reconnectLast: Duration
    package let maximumAdminConnectionCount: Int
  }

  /// [Log]
  package struct Log: Equatable, Sendable {
    package let format: LogFormat
    package let level: LogLevel
  }
}

/// A configuration together with where each of its values was written.
package struct LoadedConfiguration: Equatable, Sendable {
  package let configuration: SiteConfiguration
  package let settings: Settings

  /// Reads `texts`: the main file, then its drop-ins in the order they apply.
  ///
  /// - Throws: every fault of all files at once.
  package init(_ texts: [ConfigurationText], mainFile: String) throws(ConfigurationError) {
    let settings = Settings(texts, mainFile: mainFile)
    let faults = settings.faults + settings.crossFaults()
    guard faults.isEmpty, let configuration = SiteConfiguration(settings) else {
      throw ConfigurationError(faults: sorted(faults, by: texts.map(\.file)))
    }
    self.settings = settings
    self.configuration = configuration
  }

  /// Reads `path` and `path.d/*.conf`, and looks whether others may read the private key.
  ///
  /// - Throws: every fault of all files at once.
  package static func load(_ path: String) throws(ConfigurationError) -> LoadedConfiguration {
    let path = absolutePath(path)
    let loaded = try LoadedConfiguration(try readConfigurationFiles(path), mainFile: path)
    let place = loaded.settings[.keyFile].origins.first ?? SourceLine(file: path, line: 0)
    if let fault = exposureFault(of: loaded.configuration.link.keyFile, at: place) {
      throw ConfigurationError(faults: [fault])
    }
    return loaded
  }
}

/// In the order an administrator would walk through the files.
private func sorted(_ faults: [ConfigurationFault], by files: [String]) -> [ConfigurationFault] {
  let place: (ConfigurationFault) -> (Int, Int) = { fault in
    (files.firstIndex(of: fault.origin.file) ?? files.count, fault.origin.line)
  }
  return faults.enumerated().sorted { left, right in
    let (a, b) = (place(left.element), place(right.element))
    return a == b ? left.offset < right.offset : a < b
  }.map(\.element)
}

extension SiteConfiguration {
  /// - Returns: nil when the id, the tier or the centre's pin is missing: `crossFaults` says so.
  init?(_ settings: Settings) {
    guard let id = settings.site(.siteID), let tier = settings.tier,
      let centreID = tier == .centre ? id : settings.site(.centreID)
    else { return nil }
    site = Site(
      id: id, tier: tier, language: settings.language,
      dataDirectory: settings.text(.dataDirectory), witnessFile: settings.text(.witnessFile),
      registrySeed: settings.optionalText(.registrySeed))
    link = Link(
      listen: settings.addresses(.linkListen),
      centreAddresses: settings.addresses(.centreAddress),
      centreID: centreID, centrePin: settings.pin(.centrePin),
      certificateFile: settings.text(.certificateFile), keyFile: settings.text(.keyFile),
      authorityFile: settings.text(.authorityFile),
      revocationFile: settings.optionalText(.revocationFile),
      formerKeyFiles: settings.texts(.formerKeyFile))
    records = Records(
      authorityFile: settings.optionalText(.recordAuthorityFile),
      revocationFile: settings.optionalText(.recordRevocationFile),
      timestampAuthorityFile: settings.optionalText(.timestampAuthorityFile))
    files = Files(
      grace: settings.duration(.fileGrace), unnamedByteCount: settings.size(.unnamedFileQuota))
    admin = Admin(
      socket: settings.text(.adminSocket), writeGroup: settings.text(.writeGroup),
      readGroup: settings.text(.readGroup))
    monitoring = Monitoring(
      listen: settings.addresses(.monitoringListen)[0],
      allowedHosts: settings.texts(.allowedHost),
      thresholds: Thresholds(
        silence: settings.duration(.silenceWarning), held: settings.duration(.heldWarning),
        certificate: settings.duration(.certificateWarning)))
    limits = Limits(settings)
    log = Log(format: settings.logFormat, level: settings.logLevel)
  }
}

extension SiteConfiguration.Limits {
  init(_ settings: Settings) {
    maximumFrameByteCount = Int(settings.size(.maximumFrame))
    linkWindowEntryCount = settings.count(.linkWindowEntries)
    linkWindowByteCount = Int(settings.size(.linkWindowBytes))
    groupEntryCount = settings.count(.groupEntries)
    groupByteCount = Int(settings.size(.groupBytes))
    reserveByteCount = settings.size(.reserveBytes)
    keepSuperseded = settings.duration(.keepSuperseded)
    readerTime = settings.duration(.readerTime)
    heartbeat = settings.duration(.heartbeat)
    sessionLife = settings.duration(.sessionLife)
    handshakeTime = settings.duration(.handshakeTime)
    maximumLinkCount = settings.count(.maximumLinks)
    reconnectFirst = settings.duration(.reconnectFirst)
    reconnectLast = settings.duration(.reconnectLast)
    maximumAdminConnectionCount = settings.count(.maximumAdminConnections)
  }
}
