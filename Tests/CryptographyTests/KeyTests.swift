import Replication
import Testing

@testable import Cryptography

@Suite struct KeyTests {
  /// A public key on P-256 that spells the curve out instead of naming it: openssl ec
  /// -param_enc explicit.
  static let explicitCurve = """
    3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffff\
    ff00000001000000000000000000000000ffffffffffffffffffffffff305b0420ffffffff000000\
    01000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd5576\
    9886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f\
    7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342\
    e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000\
    ffffffffffffffffbce6faada7179e84f3b9cac2fc6325510201010342000404b4e654f26f9324e5\
    e8087b8f05b7ecf4e1a9beb464a3dc7a2c6135bdf5dee234dc35b967500844fa2bcbc2d4dcca0fbe\
    273ec784ec1e75e44f5663e89981cf
    """

  @Test func digestIsThatOfTheStandardHoweverTheBytesAreCut() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let hash = OpenSSLHash()
    #expect(hash.digest(Array("abc".utf8)).description == expected)
    #expect(hash.digest([], Array("a".utf8), Array("bc".utf8)).description == expected)
    #expect(
      hash.digest().description
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func threadsDoNotMixTheirDigests() async {
    let expected = (0..<64).map { OpenSSLHash().digest([UInt8](repeating: $0, count: 1_000)) }
    await withTaskGroup(of: Bool.self) { group in
      for number in UInt8(0)..<64 {
        group.addTask {
          (0..<200).allSatisfy { _ in
            OpenSSLHash().digest([UInt8](repeating: number, count: 1_000)) == expected[Int(number)]
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test func onlyKeysOfTheNamedCurvesAreTaken() throws {
    let authority = try CertificateAuthority(
      name: "authority", key: .generate(), validity: Validity(notBefore: 0, notAfter: 1))
    for (algorithm, group) in [("RSA", nil), ("ED25519", nil), ("EC", "secp521r1")] {
      let foreign = try SigningKey(
        adopting: generateRaw(algorithm: algorithm, group: group), requiringAllowedCurve: false)
      #expect(throws: CryptographyError.unsupportedKey) {
        _ = try SigningKey(pem: foreign.pem())
      }
      #expect(throws: CryptographyError.unsupportedKey) {
        _ = try authority.issue(
          for: #require(SiteID("x")), publicKeyInfo: foreign.publicKeyInfo,
          validity: Validity(notBefore: 0, notAfter: 1))
      }
      guard algorithm != "ED25519" else { continue }  // signs no SHA-256
      let signature = try foreign.sign([1, 2, 3])
      #expect(!verifySignature(signature, over: [1, 2, 3], publicKeyInfo: foreign.publicKeyInfo))
    }
  }

  @Test func curveThatIsSpelledOutIsRefused() throws {
    let authority = try CertificateAuthority(
      name: "authority", key: .generate(), validity: Validity(notBefore: 0, notAfter: 1))
    let foreign = try #require(hexBytes(Self.explicitCurve))
    // The bytes are a key that OpenSSL can read; `SigningKey` frees it.
    _ = try SigningKey(
      adopting: #require(publicKey(foreign)), requiringAllowedCurve: false)
    #expect(throws: CryptographyError.unsupportedKey) {
      _ = try authority.issue(
        for: #require(SiteID("x")), publicKeyInfo: foreign,
        validity: Validity(notBefore: 0, notAfter: 1))
    }
  }

  @Test func authoritySurvivesItsFilesAndRefusesNonsense() throws {
    let key = try SigningKey.generate()
    let validity = Validity(notBefore: 0, notAfter: 4_000_000_000)
    let authority = try CertificateAuthority(name: "authority", key: key, validity: validity)
    let again = try CertificateAuthority(certificatePEM: authority.certificatePEM, key: key)
    #expect(again.certificatePEM == authority.certificatePEM)
    #expect(throws: CryptographyError.keyMismatch) {
      _ = try CertificateAuthority(certificatePEM: authority.certificatePEM, key: .generate())
    }
    #expect(throws: CryptographyError.self) {
      _ = try CertificateAuthority(
        name: "authority", key: key, validity: Validity(notBefore: 2, notAfter: 1))
    }
    #expect(throws: CryptographyError.self) {
      _ = try CertificateAuthority(
        name: "authority", key: key, validity: Validity(notBefore: 0, notAfter: .max))
    }
  }

  @Test(arguments: SigningKey.Curve.allCases)
  func signatureHoldsForItsBytesAndItsKeyOnly(curve: SigningKey.Curve) throws {
    let key = try SigningKey.generate(curve)
    let message = Array("công văn".utf8)
    let signature = try key.sign(message)
    #expect(verifySignature(signature, over: message, publicKeyInfo: key.publicKeyInfo))
    #expect(!verifySignature(signature, over: message + [0], publicKeyInfo: key.publicKeyInfo))
    #expect(!verifySignature(signature + [0], over: message, publicKeyInfo: key.publicKeyInfo))
    #expect(!verifySignature([], over: message, publicKeyInfo: key.publicKeyInfo))
    #expect(!verifySignature(signature, over: message, publicKeyInfo: key.publicKeyInfo + [0]))
    let other = try SigningKey.generate(curve)
    #expect(!verifySignature(signature, over: message, publicKeyInfo: other.publicKeyInfo))
  }

  @Test func keySurvivesItsFile() throws {
    let key = try SigningKey.generate(.p384)
    let again = try SigningKey(pem: key.pem())
    #expect(again.publicKeyInfo == key.publicKeyInfo)
    #expect(throws: CryptographyError.unreadable("private key")) {
      _ = try SigningKey(pem: Array("-----BEGIN nothing".utf8))
    }
    #expect(throws: CryptographyError.unreadable("private key")) { _ = try SigningKey(pem: []) }
  }

  @Test func pinIsTheDigestOfThePublicKeyInfo() throws {
    let key = try SigningKey.generate()
    #expect(pin(ofPublicKeyInfo: key.publicKeyInfo) == OpenSSLHash().digest(key.publicKeyInfo))
  }

  @Test func checkpointTagBelongsToTheKeyNotToItsFile() throws {
    let key = try SigningKey.generate()
    let checkpoint = Array("incarnation lsn head".utf8)
    let tag = try CheckpointKey(derivingFrom: key).tag(checkpoint)
    #expect(try CheckpointKey(derivingFrom: SigningKey(pem: key.pem())).tag(checkpoint) == tag)
    #expect(try CheckpointKey(derivingFrom: key).tag(checkpoint + [0]) != tag)
    #expect(try CheckpointKey(derivingFrom: .generate()).tag(checkpoint) != tag)

    // A replaced link key takes the tags of the former one, and makes none under it.
    let next = try CheckpointKey(derivingFrom: .generate())
    #expect(!next.isTag(tag, of: checkpoint))
    let accepting = try next.accepting(former: [key])
    #expect(accepting.isTag(tag, of: checkpoint))
    #expect(!accepting.isTag(tag, of: checkpoint + [0]))
    #expect(accepting.tag(checkpoint) == next.tag(checkpoint))
  }

  /// What peers hold must stay worth something to later programs: computed by Python's `hmac`.
  @Test func aTagIsTheSameForEver() throws {
    let pem = """
      -----BEGIN PRIVATE KEY-----
      MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjTUZ5SFVZhLGyHbC
      kLfSIRj02FfaUkfgHKxHjIgs/xWhRANCAAT7eoHovaERYUoctkO5ydxqjCDi4Qdj
      k+id4FBfWq3NQdFMAjDc40SCFZRIvpvQKwfnG4cp1HQA6AxOhyG078yj
      -----END PRIVATE KEY-----

      """
    let key = try CheckpointKey(derivingFrom: SigningKey(pem: Array(pem.utf8)))
    let tag = Bytes16(high: 0x24d2_15ba_7da6_a8e9, low: 0x2ba6_ddf9_158b_fed0)
    #expect(key.tag(Array(0..<60)) == tag)
    #expect(key.tag(Array(0..<60)) == tag)
  }
}
