import Foundation
import Replication
import Testing

@testable import Cryptography

/// Every form that must be refused, with its reason: rules 1 to 5 and 9, what the bytes say.
enum BadForms {
  static let all = encoding + structure + attributes + algorithms + BadSigners.all

  /// Reasons that several forms share, for a person would do the same.
  static let shared: [SignatureFault: String] = [
    .tooLarge: "too many bytes are too many, whatever they are",
    .truncated: "a file is cut at its end or in the middle",
    .malformed: "no CMS at all: fetch the right file",
    .notDER: "three ways to break the one canonical form",
    .severalSigners: "the second signer is never looked at, trusted or not",
    .noKeyUsage: "left out, or in a version that cannot say it",
    .noExtendedKeyUsage: "none at all, or a policy that is not on the list",
    .otherCertificateSigned: "the wrong one named, or another with the same name and key",
    .timestampUntrusted: "a certificate that may not, or of another authority",
    .certificateNotYetValid: "at reception, or when the time stamp was made",
    .revocationListExpired: "at reception, or when revocation is asked again",
    .signerCertificateAbsent: "none, or none of exactly this name",
    .digestNotAllowed: "MD5 and SHA-224 are equally off the list",
    .pssParameters: "parameters of PSS that a signing program must mend",
    .rsaKeyTooShort: "512 and 1024 bits",
    .wrongVersion: "of the message and of the signer",
    .unknownAuthority: "an authority we do not trust, whatever it calls itself, or the way to it",
    .contentMismatch: "other content and a wrong digest that was signed look the same",
    .revocationListUnusable: "a list that says too little or too much",
    .timestampMalformed: "no token",
    .certificateExpired: "a time stamp from after the end of the certificate proves nothing",
    .timestampAlgorithm: "SHA-1, over the signature or inside the token",
    .signatureMismatch: "another key made it: after a swap, or after a change",
    .certificateRevoked: "a list that the signer brings along changes nothing",
    .revocationListMissing: "nor does it stand for the one we lack",
  ]

  static let encoding: [Form] = [
    Form(1, "empty", .empty, { _ in [] }),
    Form(1, "longer than 256 KiB", .tooLarge) {
      try $0.signature("p256-sha256") + [UInt8](repeating: 0, count: 256 * 1024)
    },
    Form(1, "10 MB of certificates", .tooLarge) { corpus in
      let one = try corpus["accountant.der"]
      let many = (0..<10_000_000 / one.count).flatMap { _ in one }
      return try corpus.crafted { $0.certificates = [many] }
    },
    Form(1, "cut", .truncated, { try $0.signature("p256-sha256").dropLast() }),
    Form(1, "cut in half", .truncated) {
      let whole = try $0.signature("p256-sha256")
      return Array(whole.prefix(whole.count / 2))
    },
    Form(1, "a byte too many", .trailingBytes, { try $0.signature("p256-sha256") + [0] }),
    Form(1, "text", .malformed, { _ in Array("-----BEGIN CMS-----".utf8) }),
    Form(1, "DER of something else", .malformed, { _ in DER.sequence(DER.integer(1)) }),
    Form(1, "indefinite", .indefiniteLength),
    Form(1, "a length in too many bytes", .notDER) {
      let whole = try $0.signature("p256-sha256")
      let body = whole.dropFirst(4)
      return [0x30, 0x83, 0, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    },
    Form(1, "a string in pieces", .notDER) { corpus in
      try corpus.craftedSigner {
        $0[SignatureObject.messageDigestAttribute] = [DER.element(0x24, DER.octets([1, 2]))]
      }
    },
    Form(1, "a set out of order", .notDER) { corpus in
      let signature = try corpus.crafted { crafted in
        crafted.certificates.append(try corpus["record.der"])
      }
      return try reversed(signature, try corpus["head.der"], try corpus["record.der"])
    },
    Form(1, "10,000 levels deep", .nestedTooDeep) { _ in
      (0..<10_000).reduce([DERElement.sequence, 0]) { inner, _ in
        [DERElement.sequence] + DER.length(inner.count) + inner
      }
    },
    Form(1, "100,000 elements", .tooManyElements) { _ in
      DER.sequence((0..<100_000).flatMap { _ in DER.null })
    },
  ]

  static let structure: [Form] = [
    Form(2, "enveloped", .notSignedData),
    Form(2, "version 1", .wrongVersion) { corpus in try corpus.crafted { $0.version = 1 } },
    Form(2, "signer's version 3 with issuer and serial", .wrongVersion) { corpus in
      try corpus.craftedSigner { $0.version = 3 }
    },
    Form(2, "nobody signed", .noSigner) { corpus in try corpus.crafted { $0.signers = [] } },
    Form(2, "both-signers", .severalSigners), Form(2, "foreign-second", .severalSigners),
    Form(2, "1,000 signers", .tooManySigners) { corpus in
      try corpus.crafted { crafted in
        var small = crafted.signers[0]
        small.identifier = [0x80, 1, 1]
        small.attributes = nil
        small.value = [1]
        crafted.signers = Array(repeating: small, count: 1_000)
      }
    },
    Form(2, "17 certificates", .tooManyCertificates) { corpus in
      try corpus.crafted {
        $0.certificates = Array(repeating: $0.certificates[0], count: 17)
      }
    },
    Form(2, "an attribute certificate", .otherCertificateForm) { corpus in
      try corpus.crafted { $0.certificates.append(DER.element(0xA2, DER.integer(1))) }
    },
    Form(2, "two digests announced", .severalDigestAlgorithms) { corpus in
      try corpus.crafted { $0.digests.append(DER.sha384) }
    },
    Form(2, "another digest announced", .digestAlgorithmsDisagree) { corpus in
      try corpus.crafted { $0.digests = [DER.sha384] }
    },
    Form(3, "id-data", .wrongContentType),
    Form(9, "attached", .attachedContent),
    Form(4, "no certificate and no roster", .signerCertificateAbsent) {
      try $0.signature("no-certificate")
    },
    // OpenSSL takes the two names as one.
    Form(4, "the issuer's name in other letters", .signerCertificateAbsent) { corpus in
      try corpus.craftedSigner { signer in
        let name = try #require(signer.identifier.firstRange(of: Array("record".utf8)))
        signer.identifier[name.lowerBound] = UInt8(ascii: "R")
      }
    },
    Form(4, "a certificate that the roster does not have", .signerNotOnRoster) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("p256-sha256"))
      attempt.roster = [try corpus["accountant.der"]]
      return attempt
    },
    Form(4, "two certificates of one issuer and serial", .ambiguousSignerCertificate) { corpus in
      let other = try corpus["swapped.der"]
      return try corpus.crafted { $0.certificates.append(other) }
    },
    Form(4, "stray", .strayCertificate),
  ]

  static let attributes: [Form] = [
    Form(3, "no-attributes", .noSignedAttributes),
    Form(3, "attributes passed off as content", .strippedAttributes) { corpus in
      var crafted = try corpus.crafted()
      let attributes = crafted.signers[0].attributes?.map(\.bytes) ?? []
      crafted.signers[0].attributes = nil
      crafted.signers[0].content = DER.set(attributes)
      var attempt = try Attempt(corpus, crafted.bytes())
      attempt.content = DER.set(attributes)
      return attempt
    },
    Form(3, "an attribute twice", .duplicateAttribute) { corpus in
      try corpus.craftedSigner { signer in
        guard let first = signer.attributes?.first else { return }
        signer.attributes?.append(first)
      }
    },
    Form(3, "no content type", .noContentType) { corpus in
      try corpus.craftedSigner { $0[SignatureObject.contentTypeAttribute] = nil }
    },
    Form(3, "another content type signed", .contentTypesDisagree) { corpus in
      let other = DER.identifier(SignatureObject.timestampInfo)
      return try corpus.craftedSigner { $0[SignatureObject.contentTypeAttribute] = [other] }
    },
    Form(3, "two content types", .severalAttributeValues) { corpus in
      let both = [SignatureObject.manifest, SignatureObject.timestampInfo].map(DER.identifier)
      return try corpus.craftedSigner { $0[SignatureObject.contentTypeAttribute] = both }
    },
    Form(3, "no message digest", .noMessageDigest) { corpus in
      try corpus.craftedSigner { $0[SignatureObject.messageDigestAttribute] = nil }
    },
    Form(3, "two message digests", .severalMessageDigests) { corpus in
      try corpus.craftedSigner {
        let other = DER.octets([UInt8](repeating: 0, count: 32))
        $0[SignatureObject.messageDigestAttribute]?.append(other)
      }
    },
    Form(3, "a short message digest", .messageDigestLength) { corpus in
      try corpus.craftedSigner {
        $0[SignatureObject.messageDigestAttribute] = [DER.octets([UInt8](repeating: 0, count: 20))]
      }
    },
    Form(3, "no-ess", .noSigningCertificate),
    Form(3, "the certificate named by SHA-1", .signingCertificateV1) { corpus in
      try corpus.craftedSigner {
        $0[SignatureObject.signingCertificateV1] = $0[SignatureObject.signingCertificateV2]
        $0[SignatureObject.signingCertificateV2] = nil
      }
    },
    Form(3, "another certificate named", .otherCertificateSigned) { corpus in
      let naming = CraftedSigner.naming(try corpus["accountant.der"])
      return try corpus.craftedSigner { $0[SignatureObject.signingCertificateV2] = [naming] }
    },
    Form(3, "an unsigned remark", .unsignedAttributes) { corpus in
      let remark = CraftedSigner.Attribute(
        kind: ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 6), values: [DER.null])
      return try corpus.craftedSigner { $0.unsigned = [remark] }
    },
  ]

  static let algorithms: [Form] = [
    Form(5, "md-sha1", .digestSHA1), Form(5, "md-md5", .digestNotAllowed),
    Form(5, "md-sha224", .digestNotAllowed), Form(5, "pss-mgf-sha1", .pssParameters),
    Form(5, "pss-short-salt", .pssParameters), Form(5, "rsa512", .rsaKeyTooShort),
    Form(5, "rsa1024", .rsaKeyTooShort), Form(5, "p521", .curveNotAllowed),
    Form(5, "Ed25519", .signatureAlgorithmNotAllowed) { corpus in
      try corpus.craftedSigner { $0.scheme = DER.ed25519 }
    },
    Form(5, "ECDSA with another digest", .algorithmsDisagree) { corpus in
      try corpus.craftedSigner { $0.scheme = DER.ecdsaSHA384 }
    },
    Form(5, "a key that is neither", .keyNotAllowed) { try $0.crafted("ed25519").bytes() },
    Form(5, "RSA of 16,384 bits", .rsaKeyTooLong) { corpus in
      let certificate = try longKeyCertificate()
      let signer = try CraftedSigner(
        certificate: certificate, key: corpus.key(), content: corpus["content"])
      return try CraftedSignature(certificates: [certificate], signers: [signer]).bytes()
    },
  ]
}

/// The same bytes with two neighbours in the other order.
private func reversed(
  _ bytes: [UInt8], _ first: [UInt8], _ second: [UInt8]
) throws -> [UInt8] {
  for (left, right) in [(first, second), (second, first)] {
    guard let range = bytes.firstRange(of: left + right) else { continue }
    return Array(bytes[..<range.lowerBound]) + right + left + bytes[range.upperBound...]
  }
  throw SignatureFault.unverifiable
}

/// A certificate for a public key that takes long to use; nobody has the private one.
private func longKeyCertificate() throws -> [UInt8] {
  let modulus = [0, 0xC0] + [UInt8](repeating: 0x55, count: 16_384 / 8 - 1)
  let number = DER.sequence(DER.element(DERElement.integer, modulus), DER.integer(1, 0, 1))
  let info = DER.sequence(DER.rsaEncryption, DER.element(0x03, [0], number))
  let authority = try CertificateAuthority(
    name: "any", key: .generate(), validity: Lab.validity)
  let key = try SigningKey(adopting: #require(publicKey(info)), requiringAllowedCurve: false)
  let pem = try authority.issue(
    LinkCertificate(subject: "long", uris: []), publicKey: key.raw, validity: Lab.validity)
  let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
  return Array(try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
}
