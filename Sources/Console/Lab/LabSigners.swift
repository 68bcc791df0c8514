import Cryptography
import Operations
import Replication

/// Signers of a lab: a record authority apart from the link's, and for each site a key and a
/// certificate for each role. Real ones come from the offices' authority.
final class LabSigners {
  static let roles = ["person", "organ", "accountant", "head"]

  private let directory: String
  private let validity: Validity
  private let policy: SignaturePolicy.Mode
  private let authority: RecordAuthority
  private let authorityKey: SigningKey
  private let revocationList: [UInt8]
  /// SHA-256 of the certificates, by site and role.
  private var certificates: [SiteID: [String: Digest]] = [:]

  init(
    directory: String, validity: Validity, policy: SignaturePolicy.Mode
  ) throws(CommandFailure) {
    self.directory = directory
    self.validity = validity
    self.policy = policy
    do throws(CryptographyError) {
      authorityKey = try SigningKey.generate(.p384)
      authority = try RecordAuthority(
        name: "dongbo lab record authority", key: authorityKey, validity: validity)
      revocationList = try authority.revocationList(serials: [], number: 1, validity: validity)
    } catch {
      throw Self.failure(error)
    }
  }

  /// The authority's own files.
  func write(to place: String, _ plan: LabPlan) throws(CommandFailure) {
    try Files.create(place + "/record-ca.crt", authority.certificatePEM)
    try Files.create(place + "/record-ca.key", try pem(authorityKey), mode: 0o600)
    try Files.create(place + "/record-ca.crl", revocationList)
  }

  /// What the site verifies by, and what its offices sign with.
  func write(for site: LabPlan.Site) throws(CommandFailure) {
    let place = "\(directory)/\(site.id)"
    try Files.create(place + "/record-ca.crt", authority.certificatePEM)
    try Files.create(place + "/record-ca.crl", revocationList)
    try Files.makeDirectory(place + "/signers")
    for role in Self.roles {
      let (key, certificate) = try issue(
        RecordAuthority.Person(name: role, organ: site.organ, title: role))
      try Files.create("\(place)/signers/\(role).key", try pem(key), mode: 0o600)
      try Files.create("\(place)/signers/\(role).crt", certificate)
      do throws(CryptographyError) {
        certificates[site.id, default: [:]][role] = try CertificateInfo(pem: certificate).digest
      } catch {
        throw Self.failure(error)
      }
    }
  }

  /// Who may sign what, for the registry: every role of a site for its own organ.
  func list(_ plan: LabPlan) -> JSONValue {
    var signers: [JSONValue] = []
    for site in plan.sites {
      for role in Self.roles {
        guard let certificate = certificates[site.id]?[role] else { continue }
        signers.append(
          .object([
            "certificate": .string(Text("sha256:\(certificate)")),
            "organId": .string(Text(site.organ)),
            "kinds": .array(["document", "directive", "finance"].map { .string($0) }),
            "roles": .array([.string(Text(role))]),
          ]))
      }
    }
    return .array(signers)
  }

  var policyJSON: JSONValue {
    let mode: JSONValue = .object(["mode": .string(Text(policy.rawValue))])
    return .object([
      "signatures": .object(["document": mode, "directive": mode, "finance": mode])
    ])
  }

  private func issue(_ person: RecordAuthority.Person) throws(CommandFailure) -> (
    SigningKey, [UInt8]
  ) {
    do throws(CryptographyError) {
      let key = try SigningKey.generate()
      let certificate = try authority.issue(
        for: person, publicKeyInfo: key.publicKeyInfo, validity: validity)
      return (key, certificate)
    } catch {
      throw Self.failure(error)
    }
  }

  private func pem(_ key: SigningKey) throws(CommandFailure) -> [UInt8] {
    do throws(CryptographyError) { return try key.pem() } catch { throw Self.failure(error) }
  }

  private static func failure(_ error: CryptographyError) -> CommandFailure {
    CommandFailure(.failed, error.description, hint: error.hint)
  }
}
