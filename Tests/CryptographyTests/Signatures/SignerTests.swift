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

  @Test func signerTakesOnlyWhatCanBeAccepted() throws {
    let office = try Office()
    let other = try SigningKey.generate()
    #expect(throws: CryptographyError.keyMismatch) {
      _ = try RecordSigner(keyPEM: other.pem(), certificatePEM: office.certificate)
    }
    let corpus = try SignatureCorpus.shared.get()
    for name in ["p521", "ed25519", "rsa1024"] {
      #expect(throws: CryptographyError.unsupportedKey) {
        _ = try RecordSigner(keyPEM: corpus[name + ".key"], certificatePEM: corpus[name + ".pem"])
      }
      let key = try SigningKey(
        adopting: readPrivateKey(pem: corpus[name + ".key"]), requiringAllowedCurve: false)
      #expect(throws: CryptographyError.unsupportedKey) {
        _ = try office.authority.issue(
          for: Self.person, publicKeyInfo: key.publicKeyInfo, validity: Lab.validity)
      }
    }
    #expect(throws: CryptographyError.unreadable("certificate")) {
      _ = try RecordSigner(keyPEM: other.pem(), certificatePEM: [])
    }
    #expect(throws: CryptographyError.invalidRequest("a name of 0 bytes")) {
      let nobody = RecordAuthority.Person(name: "a", organ: "", title: "b")
      _ = try office.authority.issue(
        for: nobody, publicKeyInfo: other.publicKeyInfo, validity: Lab.validity)
    }
  }

  @Test func signerEmbedsItsChain() throws {
    let corpus = try SignatureCorpus.shared.get()
    let signer = try RecordSigner(
      keyPEM: corpus["ec.key"], certificatePEM: corpus["deputy.pem"],
      chainPEM: corpus["inter.pem"])
    let content = try corpus["content"]
    let signature = try signer.sign(content, at: SignatureCorpus.now)
    let verdict = CMSVerifier(trust: try corpus.trust())
      .verify(signature: signature, content: content, at: SignatureCorpus.now)
    #expect(try verdict.get().chain.count == 3)
    #expect(try verdict.get().revocationLists.map(\.issuer).count == 2)
  }

  @Test func revokedSignerIsRefusedOnceTheListSaysSo() throws {
    let office = try Office()
    let signature = try office.signer.sign([1], at: Self.now)
    let serial = try CertificateInfo(pem: office.certificate).serial
    let verifier = CMSVerifier(trust: try office.trust(revoked: [serial]))
    let verdict = verifier.verify(signature: signature, content: [1], at: Self.now)
    #expect(verdict == .failure(.certificateRevoked))
  }

  /// Trust in links is no trust in records, and the other way round: neither anchor is the other's.
  @Test func linkAuthorityIsNoRecordAuthority() throws {
    let office = try Office()
    let signature = try office.signer.sign([1], at: Self.now)
    let link = try CertificateAuthority(
      name: "link authority", key: .generate(), validity: Lab.validity)
    let trust = try RecordTrust(
      anchorPEM: link.certificatePEM,
      revocationListPEM: link.revocationList(serials: [], number: 1, validity: Lab.validity))
    let verdict = CMSVerifier(trust: trust)
      .verify(signature: signature, content: [1], at: Self.now)
    #expect(verdict == .failure(.unknownAuthority))
  }

  @Test func newestListOfAnIssuerCountsAndTellsItsState() throws {
    let office = try Office()
    let serial = try CertificateInfo(pem: office.certificate).serial
    let older = try office.authority.revocationList(
      serials: [], number: 7,
      validity: Validity(notBefore: Lab.now - 7_200, notAfter: Lab.now + 86_400))
    let newer = try office.authority.revocationList(
      serials: [serial], number: 300, validity: Lab.validity)
    let signature = try office.signer.sign([1], at: Self.now)
    for file in [older + newer, newer + older] {
      let trust = try RecordTrust(
        anchorPEM: office.authority.certificatePEM, revocationListPEM: file)
      #expect(trust.revocationLists.map(\.number) == [[1, 44]])
      #expect(trust.revocationLists.map(\.validity) == [Lab.validity])
      #expect(trust.revocationLists.map(\.issuer) == ["CN=record authority"])
      let verdict = CMSVerifier(trust: trust)
        .verify(signature: signature, content: [1], at: Self.now)
      #expect(verdict == .failure(.certificateRevoked))
    }
  }

  @Test func trustNamesWhatIsWrongWithItsFiles() throws {
    let office = try Office()
    let anchor = office.authority.certificatePEM
    #expect(throws: CryptographyError.unreadable("record authority certificate")) {
      _ = try RecordTrust(anchorPEM: [], revocationListPEM: nil)
    }
    #expect(throws: CryptographyError.unreadable("revocation list")) {
      _ = try RecordTrust(anchorPEM: anchor, revocationListPEM: anchor)
    }
    #expect(throws: CryptographyError.tooManyCertificates(limit: 64)) {
      let many = (0..<65).flatMap { _ in anchor }
      _ = try RecordTrust(anchorPEM: many, revocationListPEM: nil)
    }
    #expect(throws: CryptographyError.self) {
      _ = try RecordTrust(anchorPEM: anchor, revocationListPEM: nil, acceptedPolicies: [[9, 9]])
    }
  }
}
