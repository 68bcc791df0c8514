import Cryptography
package import Operations
package import Replication
import Transport

/// Writes a planned lab to disk: the link authority, and one directory a site with key,
/// certificate, configuration and place for data. Nothing that exists is written over.
package struct LabWriter {
  private let plan: LabPlan
  private let directory: String
  private let language: Language
  private let authority: CertificateAuthority
  private let authorityKey: SigningKey
  private let revocationList: [UInt8]
  private let signers: LabSigners
  private let validity: Validity
  private let codeLists: JSONObject?

  /// Certificates and the revocation list of a lab end after this; a lab is no installation.
  package static let validityDays: Int64 = 365

  /// - Parameter now: wall-clock time; certificates start a day earlier, for clocks that differ.
  package init(
    _ plan: LabPlan, directory: String, language: Language, now: WallTime,
    policy: SignaturePolicy.Mode = .acceptAsReference, codeLists: JSONObject? = nil
  ) throws(CommandFailure) {
    self.plan = plan
    self.directory = directory
    self.language = language
    self.codeLists = codeLists
    let seconds = Int64(now.microseconds / 1_000_000)
    validity = Validity(
      notBefore: seconds - 86_400, notAfter: seconds + Self.validityDays * 86_400)
    do throws(CryptographyError) {
      authorityKey = try SigningKey.generate(.p384)
      authority = try CertificateAuthority(
        name: "dongbo lab link authority", key: authorityKey, validity: validity)
      revocationList = try authority.revocationList(serials: [], number: 1, validity: validity)
    } catch {
      throw failure(error)
    }
    signers = try LabSigners(directory: directory, validity: validity, policy: policy)
  }

  /// - Throws: exit code 1 when the directory holds anything, 64 when a socket path is too long.
  package func write() throws(CommandFailure) {
    try Files.makeDirectory(directory)
    let base = try Files.absolute(directory)
    try checkSocketPaths(base)
    let place = directory + "/authority"
    try Files.makeDirectory(place)
    try Files.create(place + "/link-ca.crt", authority.certificatePEM)
    try Files.create(place + "/link-ca.key", try pem(authorityKey), mode: 0o600)
    try Files.create(place + "/link-ca.crl", revocationList)
    try signers.write(to: place, plan)
    var pins: [KeyPin] = []
    for site in plan.sites { pins.append(try writeIdentity(site)) }
    for site in plan.sites {
      let text = configuration(of: site, centrePin: pins[0])
      try Files.create("\(directory)/\(site.id)/dongbo.conf", Array(text.utf8))
    }
    try Files.create(
      "\(directory)/\(plan.centre.id)/registry.json", registrySeed(pins) + [UInt8(ascii: "\n")])
  }

  private func checkSocketPaths(_ base: String) throws(CommandFailure) {
    for site in plan.sites {
      let path = "\(base)/\(site.id)/admin.sock"
      guard path.utf8.count > SocketAddress.pathByteLimit else { continue }
      let limit = SocketAddress.pathByteLimit
      throw CommandFailure(
        .usage,
        LocalText(
          vi: "\(visibleText(path)) dài hơn \(limit) byte, quá dài cho một ổ cắm",
          en: "\(visibleText(path)) is longer than \(limit) bytes, too long for a socket"),
        hint: LocalText(vi: "Chọn thư mục có tên ngắn hơn.", en: "Choose a shorter directory."))
    }
  }

  /// Key, certificate and what the site needs to judge others. Returns the pin of its key.
  private func writeIdentity(_ site: LabPlan.Site) throws(CommandFailure) -> KeyPin {
    let place = "\(directory)/\(site.id)"
    try Files.makeDirectory(place)
    try Files.makeDirectory(place + "/data")
    let (key, certificate) = try issue(for: site.id)
    try Files.create(place + "/link.key", try pem(key), mode: 0o600)
    try Files.create(place + "/link.crt", certificate)
    try Files.create(place + "/link-ca.crt", authority.certificatePEM)
    try Files.create(place + "/link-ca.crl", revocationList)
    try signers.write(for: site)
    return KeyPin(pin(ofPublicKeyInfo: key.publicKeyInfo))
  }

  private func issue(for site: SiteID) throws(CommandFailure) -> (SigningKey, [UInt8]) {
    do throws(CryptographyError) {
      let key = try SigningKey.generate()
      return (
        key, try authority.issue(for: site, publicKeyInfo: key.publicKeyInfo, validity: validity)
      )
    } catch {
      throw failure(error)
    }
  }

  private func pem(_ key: SigningKey) throws(CommandFailure) -> [UInt8] {
    do throws(CryptographyError) { return try key.pem() } catch { throw failure(error) }
  }

  /// A small reserve and quick reconnects: a lab is watched by somebody who waits.
  private func configuration(of site: LabPlan.Site, centrePin: KeyPin) -> String {
    var identity = """
      [Site]
      Id=\(site.id)
      Tier=\(site.tier.rawValue)
      Language=\(language.rawValue)
      DataDirectory=data
      WitnessFile=witness

      """
    var link = "[Link]\n"
    switch site.tier {
    case .centre:
      identity += "RegistrySeed=registry.json\n"
      link += "Listen=127.0.0.1:\(plan.linkPort)\n"
    case .province:
      link += """
        CentreAddress=127.0.0.1:\(site.relayPort ?? plan.linkPort)
        CentreId=\(plan.centre.id)
        CentrePin=\(centrePin)

        """
    }
    return identity + "\n" + link + """
      CertificateFile=link.crt
      KeyFile=link.key
      AuthorityFile=link-ca.crt
      RevocationFile=link-ca.crl

      [Records]
      AuthorityFile=record-ca.crt
      RevocationFile=record-ca.crl

      [Admin]
      Socket=admin.sock

      [Monitoring]
      Listen=127.0.0.1:\(site.monitoringPort)

      [Limits]
      ReserveBytes=16M
      Heartbeat=5s
      ReconnectFirst=200ms
      ReconnectLast=2s

      """
  }

  /// What the centre signs as registry revision 1.
  private func registrySeed(_ pins: [KeyPin]) -> [UInt8] {
    let sites = zip(plan.sites, pins).map { site, pin in
      JSONValue.object([
        "siteId": .string(Text(site.id.description)), "tier": .string(Text(site.tier.rawValue)),
        "generation": .integer(site.generation), "pins": .array([.string(Text(pin.description))]),
        "ceiling": .string("none"), "name": .string(Text(site.name)),
        "organIds": .array([.string(Text(site.organ))]),
      ])
    }
    let organs = plan.sites.map { site in
      var organ: JSONObject = [
        "organId": .string(Text(site.organ)), "siteId": .string(Text(site.id.description)),
        "organName": .string(Text("Văn phòng \(site.name) (hư cấu)")),
      ]
      if !site.predecessors.isEmpty {
        organ["predecessors"] = .array(site.predecessors.map { .string(Text($0)) })
      }
      return JSONValue.object(organ)
    }
    var seed: JSONObject = [
      "sites": .array(sites), "organs": .array(organs), "signers": signers.list(plan),
      "policy": signers.policyJSON,
    ]
    seed["codeLists"] = codeLists.map { .object($0) }
    return JSONValue.object(seed).canonicalBytes
  }
}

private func failure(_ error: CryptographyError) -> CommandFailure {
  CommandFailure(.failed, error.description, hint: error.hint)
}
