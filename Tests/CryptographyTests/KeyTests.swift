import Cryptography
import Replication
import Testing

@Suite struct KeyTests {
  @Test func digestIsThatOfTheStandardHoweverTheBytesAreCut() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let hash = OpenSSLHash()
    #expect(hash.digest(Array("abc".utf8)).description == expected)
    #expect(hash.digest([], Array("a".utf8), Array("bc".utf8)).description == expected)
    var stream = SHA256Stream()
    stream.update("ab".utf8)
    stream.update([UInt8(ascii: "c")])
    #expect(stream.finish().description == expected)
    #expect(
      hash.digest().description
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
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
  }
}
