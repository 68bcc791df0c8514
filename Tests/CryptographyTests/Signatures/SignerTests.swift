import Replication
import Testing

@testable import Cryptography

/// Our own signer and authority against our own verifier.
@Suite struct SignerTests {
  static let now = WallTime(microseconds: UInt64(Lab.now) * 1_000_000)
  static let person = RecordAuthority.Person(
    name: "Nguyễn Thị Én", organ: "Văn phòng Tỉnh ủy", title: "Chánh Văn phòng")

  static let keys: [(String, String?, Bool, SignatureScheme)] = [
    ("EC", "prime256v1", false, .ecdsa), ("EC", "secp384r1", false, .ecdsa),
    ("RSA", nil, false, .rsaPKCS1), ("RSA", nil, true, .rsaPSS),
  ]

  struct Office {
    let authority: RecordAuthority
    let certificate: [UInt8]
    let signer: RecordSigner

    init(_ algorithm: String = "EC", _ group: String? = "prime256v1") throws {
      authority = try RecordAuthority(
        name: "record authority", key: .generate(), validity: Lab.validity)
      let key = try SigningKey(
        adopting: generateRaw(algorithm: algorithm, group: group), requiringAllowedCurve: false)
      certificate = try authority.issue(
        for: person, publicKeyInfo: key.publicKeyInfo, validity: Lab.validity)
      signer = try RecordSigner(keyPEM: key.pem(), certificatePEM: certificate)
    }

    func trust(revoked: [[UInt8]] = []) throws -> RecordTrust {
      let list = try authority.revocationList(
        serials: revoked, number: 7, validity: Lab.validity)
      return try RecordTrust(anchorPEM: authority.certificatePEM, revocationListPEM: list)
    }
  }

  @Test(arguments: keys)
  func ownSignatureVerifiesAndSaysWhoMadeIt(
    algorithm: String, group: String?, isPSS: Bool, scheme: SignatureScheme
  ) throws {
    let office = try Office(algorithm, group)
    let content = Array("{\"body\":\"…\"}".utf8)
    let signature = try office.signer.sign(content, at: Self.now, usingPSS: isPSS)
    let verifier = CMSVerifier(trust: try office.trust())
    let signer = try verifier.verify(signature: signature, content: content, at: Self.now).get()
    let info = try CertificateInfo(pem: office.certificate)
    #expect(signer.serial == info.serial)
    #expect(signer.publicKey == info.pin)
    #expect(signer.validity == info.validity)
    #expect(signer.subject.contains("CN=Nguyễn Thị Én"))
    #expect(signer.subject.contains("O=Văn phòng Tỉnh ủy"))
    #expect(signer.issuer == "CN=record authority")
    #expect((signer.digest, signer.scheme) == (.sha256, scheme))
    #expect(signer.signingTime == Self.now)
    #expect(signer.time == .reception(Self.now))
    #expect(signer.chain.count == 2 && signer.chain.first == signer.certificate)
    #expect(signer.revocationLists.map(\.number) == [[7]])
    #expect(signer.revocationLists.map(\.validity) == [Lab.validity])
  }
}
