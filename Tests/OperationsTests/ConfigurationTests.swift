import Glibc
import Operations
import Replication
import Testing

private let province = """
  [Site]
  Id=lang-son
  Tier=province
  [Link]
  CentreAddress=10.1.0.5:7443
  CentrePin=sha256:\(String(repeating: "ab", count: 32))
  """

private func load(_ files: String...) throws -> LoadedConfiguration {
  try LoadedConfiguration(
    files.enumerated().map { ConfigurationText(file: $0 == 0 ? "/e/d.conf" : "/e/\($0)", $1) },
    mainFile: "/e/d.conf")
}

/// `file:line problem` of each fault, in order.
private func faults(_ files: String...) -> [String] {
  do throws(ConfigurationError) {
    _ = try LoadedConfiguration(
      files.enumerated().map { ConfigurationText(file: "/e/\($0)", $1) }, mainFile: "/e/0")
    return []
  } catch {
    return error.faults.map { "\($0.origin.file.dropFirst(3)):\($0.origin.line) \($0.problem)" }
  }
}

@Test func aProvinceNeedsFourLinesOnly() throws {
  let configuration = try load(province).configuration
  #expect(configuration.site.id == SiteID("lang-son"))
  #expect(configuration.link.centreID == SiteID("trung-uong"))
  #expect(configuration.link.centreAddresses.map(\.port) == [7443])
  #expect(configuration.link.keyFile == "/e/link.key")
  #expect(configuration.limits.maximumFrameByteCount == 1 << 20)
  #expect(configuration.limits.heartbeat == .seconds(15))
  #expect(configuration.monitoring.listen.description == "127.0.0.1:9464")
  #expect(configuration.link.revocationFile == nil)
}

@Test func listsAppendScalarsReplaceEmptyForgets() throws {
  let dropIn = """
    [Link]
    CentreAddress=10.2.0.5:7443
    [Limits]
    Heartbeat=30s
    """
  let both = try load(province, dropIn)
  #expect(both.configuration.link.centreAddresses.map(\.host) == ["10.1.0.5", "10.2.0.5"])
  #expect(both.configuration.limits.heartbeat == .seconds(30))
  #expect(both.settings[.heartbeat].origins == [SourceLine(file: "/e/1", line: 4)])
  #expect(both.settings[.readerTime].isDefault)
  let reset = "[Link]\nCentreAddress=\nCentreAddress=10.9.0.5:1\n[Limits]\nHeartbeat="
  let third = try load(province, dropIn, reset).configuration
  #expect(third.link.centreAddresses.map(\.host) == ["10.9.0.5"])
  #expect(third.limits.heartbeat == .seconds(15))
}

@Test func commentsContinuationsAndCarriageReturns() throws {
  let text =
    province
    + "\r\n; note\r\n[Monitoring]\r\n  AllowedHost = \\\r\n# between\r\n  a.example \r\n"
    + "[X-Ours]\nAnything=1\n[Site]\nX-Note=here"
  #expect(try load(text).configuration.monitoring.allowedHosts == ["a.example"])
}

@Test func everyFaultIsFoundAtOnceInOrder() {
  let text = """
    Early=1
    [Site]
    Id=Lang-Son
    Teir=province
    [Sit]
    [Limits
    Whatever=1
    [Limits]
    Heartbeat=0s
    Heartbeat=10s
    MaximumFrame=1M # big
    GroupEntries=many
    nothing
    """
  #expect(
    faults(text, "[Log]\nLevel=loud") == [
      "0:0 missing", "0:1 noSection", "0:3 badValue", "0:4 unknownKey", "0:5 unknownSection",
      "0:6 badSection", "0:10 duplicateKey", "0:11 trailingComment", "0:12 badValue",
      "0:13 noAssignment", "1:2 badValue",
    ])
}

@Test(arguments: [
  ("[Limits]\nHeartbeat=0s", "1:2 outOfRange"),
  ("[Limits]\nLinkWindowBytes=512K", "1:2 tooSmallFor"),
  // Less than a session grants by itself.
  ("[Limits]\nLinkWindowEntries=63", "1:2 outOfRange"),
  ("[Limits]\nMaximumFrame=2M", "1:2 outOfRange"),
  ("[Link]\nListen=0.0.0.0:1", "1:2 wrongTier"),
  ("[Link]\nCentreId=lang-son", "1:2 ownCentre"),
  ("[Site]\nWitnessFile=/var/lib/dongbo/../dongbo/w", "1:2 witnessInside"),
  ("[Site]\nDataDirectory=/var/lib/dongbo-witness", "1:2 witnessInside"),
  ("[Link]\nCentrePin=sha256:AB", "1:2 badValue"),
  ("[Site]\nTier=centre", "0:0 missing"),
  // Shown again, it would join the next line.
  ("[Site]\nDataDirectory=/srv\\", "1:2 badValue"),
  ("[Link]\nKeyFile=\(String(repeating: "k", count: 4_094))", "1:2 badValue"),
])
func oneWrongDropInIsOneFault(dropIn: String, expected: String) {
  #expect(faults(province, dropIn).first == expected)
}

@Test func unknownKeysNameTheNearest() throws {
  do throws(ConfigurationError) {
    let text = ConfigurationText(file: "/e/d", province + "\n[Limits]\nHartbeat=1s\nLevel=info")
    _ = try LoadedConfiguration([text], mainFile: "/e/d")
    Issue.record("accepted")
  } catch {
    #expect(
      error.text(in: .en) == """
        /e/d:8: [Limits] has no key Hartbeat. Did you mean Heartbeat? Private names start with X-.
        /e/d:9: [Limits] has no key Level. Did you mean [Log] Level? Private names start with X-.
        """)
    #expect(error.text(in: .vi).contains("Có phải bạn muốn viết Heartbeat?"))
  }
}

@Test func faultsAreSafeToPrint() {
  let text = ConfigurationText(file: "/e/d", "[Site]\nId=a\u{202E}b\u{1B}[2J\nTier=x\u{2066}")
  do throws(ConfigurationError) {
    _ = try LoadedConfiguration([text], mainFile: "/e/d")
  } catch {
    #expect(!error.text(in: .vi).unicodeScalars.contains { $0 != "\n" && isHidden($0) })
    #expect(error.text(in: .en).contains("x\\u{2066}"))
  }
}

@Test func bytesThatAreNoTextAreAFault() {
  for bytes: [UInt8] in [[0xFF], [0x41, 0x00], Array(repeating: 0x41, count: 20_000)] {
    #expect(IniFile(ConfigurationText(file: "f", bytes: bytes)).faults.count == 1)
  }
  var random = SystemRandomNumberGenerator()
  for _ in 0..<500 {
    let count = Int.random(in: 0..<200, using: &random)
    let alphabet = Array("[]=#;\\\n\r aZ-.\u{0}ế".utf8)
    let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
    _ = Settings([ConfigurationText(file: "f", bytes: bytes)], mainFile: "f")
  }
}

@Test func shownConfigurationReadsBackTheSame() throws {
  let first = try load(province, "[Limits]\nReserveBytes=1536M\nSessionLife=1h 30m")
  let shown = first.settings.text(origin: false)
  #expect(try load(shown).configuration == first.configuration)
  let origins = first.settings.text(origin: true)
  #expect(origins.contains("/e/1:2\tLimits.ReserveBytes=1536M\n"))
  #expect(origins.contains("default\tLimits.Heartbeat=15s\n"))
  #expect(origins.contains("/e/1:3\tLimits.SessionLife=90m\n"))
}

/// A centre's too, where a default of the provinces' may not be written.
@Test func aCentresShownConfigurationReadsBackTheSame() throws {
  let centre = "[Site]\nId=trung-uong\nTier=centre\n[Link]\nListen=0.0.0.0:7443"
  let first = try load(centre)
  let shown = first.settings.text(origin: false)
  #expect(shown.contains("\n#CentreId=\n"))
  #expect(try load(shown).configuration == first.configuration)
}

@Test func reloadComparesValuesNotSpellings() throws {
  let old = try load(province, "[Limits]\nHeartbeat=60s").settings
  #expect(
    ReloadDifference(from: old, to: try load(province, "[Limits]\nHeartbeat=1m").settings)
      .changes.isEmpty)
  let new = try load(province, "[Limits]\nHeartbeat=5s\n[Site]\nDataDirectory=/srv/d").settings
  let difference = ReloadDifference(from: old, to: new)
  #expect(difference.restartKeys == ["Site.DataDirectory"])
  #expect(
    difference.text(in: .en)
      == "Site.DataDirectory: /var/lib/dongbo -> /srv/d (needs a restart)\n"
      + "Limits.Heartbeat: 1m -> 5s\n")
}

@Test(arguments: ["centre", "province"])
func samplesParseAndNameEveryKey(tier: String) throws {
  let folder = Paths.directory(of: Paths.resolve("../..", against: #filePath))
  let path = folder + "/Config/dongbo-\(tier).conf"
  let loaded = try LoadedConfiguration.load(path)
  #expect(loaded.configuration.site.tier.rawValue == tier)
  let text = String(decoding: try readConfigurationFiles(path)[0].bytes, as: UTF8.self)
  let lines = text.split(separator: "\n")
  for definition in ConfigurationSchema.definitions {
    let section = lines.drop { $0 != "[\(definition.section)]" }.dropFirst()
      .prefix { !$0.hasPrefix("[") }
    let shown = section.first {
      $0.hasPrefix("\(definition.name)=") || $0.hasPrefix("#\(definition.name)=")
    }
    #expect(shown != nil, "\(definition.fullName) is missing in \(path)")
    if let shown, shown.hasPrefix("#"), let value = definition.defaultText {
      #expect(shown == "#\(definition.name)=\(value)", "comment and default differ")
    }
  }
}

@Test(arguments: ["centre", "province"])
func commentedSampleValuesWouldBeTaken(tier: String) throws {
  let folder = Paths.directory(of: Paths.resolve("../..", against: #filePath))
  let text = String(
    decoding: try readConfigurationFiles(folder + "/Config/dongbo-\(tier).conf")[0].bytes,
    as: UTF8.self)
  let names = ConfigurationSchema.definitions.map { "#\($0.name)=" }
  let uncommented = text.split(separator: "\n").map { line in
    names.contains { line.hasPrefix($0) } ? line.dropFirst() : line
  }
  let file = ConfigurationText(file: "f", uncommented.joined(separator: "\n"))
  #expect(Settings([file], mainFile: "/f").faults == [])
}

@Test func schemaDefinesEveryKeyOnce() {
  #expect(ConfigurationSchema.definitions.map(\.key).count == ConfigurationKey.allCases.count)
  #expect(
    Set(ConfigurationSchema.definitions.map(\.fullName)).count == ConfigurationKey.allCases.count)
  #expect(Set(ConfigurationSchema.definitions.map(\.key)) == Set(ConfigurationKey.allCases))
}

@Test func filesAreReadWithTheirDropInsInOrder() throws {
  var template = Array("/tmp/dongbo-conf-XXXXXX".utf8CString)
  let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
  let main = directory + "/dongbo.conf"
  #expect(mkdir(main + ".d", 0o700) == 0)
  for (name, text) in [
    ("", "main"), (".d/70-b.conf", "b"), (".d/60-a.conf", "a"), (".d/.hidden.conf", "h"),
    (".d/80.conf~", "backup"),
  ] {
    let file = try #require(fopen(main + name, "w"))
    fputs(text, file)
    fclose(file)
  }
  let read = try readConfigurationFiles(main).map { String(decoding: $0.bytes, as: UTF8.self) }
  #expect(read == ["main", "a", "b"])
  #expect(throws: ConfigurationError.self) { try readConfigurationFiles(directory + "/none") }
  #expect(throws: ConfigurationError.self) { try readConfigurationFiles(directory) }
}

@Test func aKeyOpenToOthersIsRefused() throws {
  var template = Array("/tmp/dongbo-conf-XXXXXX".utf8CString)
  let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
  for (name, text) in [("d.conf", province), ("link.key", "secret")] {
    let file = try #require(fopen(directory + "/" + name, "w"))
    fputs(text, file)
    fclose(file)
  }
  for (mode, isTaken) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
    #expect(chmod(directory + "/link.key", mode_t(mode)) == 0)
    do throws(ConfigurationError) {
      _ = try LoadedConfiguration.load(directory + "/d.conf")
      #expect(isTaken, "mode \(mode)")
    } catch {
      #expect(!isTaken && error.text(in: .en).hasSuffix("chmod 0640 \(directory)/link.key"))
    }
  }
}

@Test func unitsReadAndWrite() {
  for (text, count): (String, UInt64?) in [
    ("0", 0), ("512", 512), ("8K", 8192), ("1G", 1 << 30), ("16777216T", nil), ("1g", nil),
    ("-1", nil), ("", nil), ("K", nil), ("1KB", nil), ("18446744073709551616", nil),
  ] { #expect(Units.byteCount(text) == count, "\(text)") }
  for (text, duration): (String, Duration?) in [
    ("15", .seconds(15)), ("500ms", .milliseconds(500)), ("1h 30m", .seconds(5400)),
    ("1h30min", .seconds(5400)), ("1d", .seconds(86_400)), ("", nil), ("h", nil), ("1y", nil),
    ("-1s", nil), ("1 s", nil), ("99999999999999999d", nil), ("40000d", nil),
  ] { #expect(Units.duration(text) == duration, "\(text)") }
  for duration: Duration in [.zero, .milliseconds(1), .seconds(90), .seconds(7200), .days(3)] {
    #expect(Units.duration(Units.text(duration)) == duration)
  }
  for count: UInt64 in [0, 1, 1024, 1536 << 20, .max] {
    #expect(Units.byteCount(Units.text(byteCount: count)) == count)
  }
}

@Test(
  arguments: [
    ("10.1.0.5:7443", "10.1.0.5:7443"), ("[2001:db8::5]:1", "[2001:db8::5]:1"),
    ("host.example:65535", "host.example:65535"), ("host", nil), ("host:0", nil), (":1", nil),
    ("h:65536", nil), ("h:+1", nil), ("a b:1", nil), ("[abc]:1", nil), ("2001:db8::5:1", nil),
  ] as [(String, String?)])
func addresses(text: String, expected: String?) {
  #expect(HostPort(text)?.description == expected)
}
