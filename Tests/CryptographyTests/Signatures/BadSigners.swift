import Foundation
import Replication
import Testing

@testable import Cryptography

/// Forms that are right in themselves and wrong by who made them, when, or over what: rules 3 and 6
/// to 8.
enum BadSigners {
  static let all = signatures + usages + chains + lists + stamps

  static let signatures: [Form] = [
    Form(3, "over other content", .contentMismatch) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("p256-sha256"))
      attempt.content = try corpus["other.content"]
      return attempt
    },
    Form(3, "a wrong digest, signed", .contentMismatch) { corpus in
      try corpus.craftedSigner {
        $0[SignatureObject.messageDigestAttribute] = [DER.octets([UInt8](repeating: 0, count: 32))]
      }
    },
    Form(3, "one bit of the value", .signatureMismatch) { corpus in
      var signature = try corpus.signature("rsa-pkcs1-sha256")
      signature[signature.count - 1] ^= 1
      return signature
    },
    Form(3, "a certificate of the same issuer and serial", .signatureMismatch) { corpus in
      let other = try corpus["swapped.der"]
      return try corpus.crafted { $0.certificates = [other] }
    },
    Form(3, "a certificate of the same issuer, serial and key", .otherCertificateSigned) {
      corpus in
      let other = try corpus["renewed.der"]
      return try corpus.crafted { $0.certificates = [other] }
    },
    Form(6, "negative", .negativeSerial),
  ]

  static let usages: [Form] = [
    Form(6, "authority", .authorityCertificate), Form(6, "nousage", .noKeyUsage),
    Form(6, "encryption", .keyUsageNotSigning), Form(6, "nopurpose", .noExtendedKeyUsage),
    Form(6, "policy", .noExtendedKeyUsage), Form(6, "anypurpose", .anyExtendedKeyUsage),
    Form(6, "server", .serverCertificate), Form(6, "client", .extendedKeyUsageNotSigning),
  ]

  static let chains: [Form] = [
    Form(6, "foreign", .unknownAuthority), Form(6, "pretended", .unknownAuthority),
    Form(6, "broken-chain", .unknownAuthority), Form(6, "self", .selfSigned),
    Form(6, "a certificate changed after it was issued", .certificateForged) { corpus in
      var certificate = try corpus["head.der"]
      certificate[certificate.count - 1] ^= 1
      let signer = try CraftedSigner(
        certificate: certificate, key: corpus.key(), content: corpus["content"])
      return try CraftedSignature(certificates: [certificate], signers: [signer]).bytes()
    },
    Form(8, "expired", .certificateExpired), Form(8, "early", .certificateNotYetValid),
    Form(8, "underold", .authorityExpired), Form(6, "revoked", .certificateRevoked),
    Form(6, "underfallen", .authorityRevoked), Form(6, "unknown", .unknownCriticalExtension),
    Form(6, "constrainedname", .nameConstraint), Form(6, "toodeep", .pathTooLong),
    Form(6, "weak", .weakChain),
    Form(6, "issued by a signer", .invalidAuthority, { try $0.signature("usurped") }),
    Form(6, "a certificate with version 1", .noKeyUsage, { try $0.signature("version1") }),
    Form(6, "noakid", .certificateMalformed),
    Form(8, "revoked before reception, looked at again", .certificateRevoked) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("revoked"))
      attempt.revocationTime = SignatureCorpus.now.plus(days: 1)
      return attempt
    },
  ]

  /// The good signature of the head, under `lists`.
  private static func under(
    _ lists: String?, _ name: String, _ fault: SignatureFault
  ) -> Form {
    Form(6, name, fault) { corpus in
      try Attempt(corpus, corpus.signature("p256-sha256"), trust: corpus.trust(lists: lists))
    }
  }

  static let lists: [Form] = [
    under(nil, "no list", .revocationListMissing),
    under("other.crl", "a list of another issuer", .revocationListOfOtherIssuer),
    under("delta.crl", "a delta list only", .revocationListDelta),
    under("stale.crl", "a list out of force", .revocationListExpired),
    under("next.crl", "a list not in force yet", .revocationListNotYetValid),
    under("authorities.crl", "a list of authorities only", .revocationListUnusable),
    under("strange.crl", "a list with an unknown critical extension", .revocationListUnusable),
    under("pretended.crl", "a list by one who took the issuer's name", .revocationListUnusable),
    Form(6, "a list changed after it was made", .revocationListForged) { corpus in
      var list = try corpus["record.crl.der"]
      list[list.count - 1] ^= 1
      let trust = try RecordTrust(
        anchorPEM: corpus["record.pem"], revocationListPEM: pem(list, "X509 CRL"))
      return try Attempt(corpus, corpus.signature("p256-sha256"), trust: trust)
    },
    Form(4, "revoked, with an old list embedded", .certificateRevoked) { corpus in
      let list = try corpus["stale.crl.der"]
      var crafted = try corpus.crafted("revoked")
      crafted.lists = [list]
      return try Attempt(corpus, crafted.bytes())
    },
    Form(4, "no list but the one embedded", .revocationListMissing) { corpus in
      let list = try corpus["record.crl.der"]
      let signature = try corpus.crafted { $0.lists = [list] }
      return try Attempt(corpus, signature, trust: corpus.trust(lists: nil))
    },
    Form(8, "a list that ran out before it was asked", .revocationListExpired) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("p256-sha256"))
      attempt.revocationTime = SignatureCorpus.now.plus(days: 60)
      return attempt
    },
  ]

  /// The expired certificate's signature with a token made by `make`.
  private static func stamped(
    _ name: String, _ fault: SignatureFault,
    _ make: @escaping @Sendable (SignatureCorpus, _ signature: [UInt8]) throws -> [UInt8]
  ) -> Form {
    Form(8, "time stamp: " + name, fault) { corpus in
      let signature = try corpus.signature("expired")
      var attempt = try Attempt(corpus, signature, trust: corpus.trust(stamps: true))
      attempt.token = try make(corpus, signature)
      return attempt
    }
  }

  static let stamps: [Form] = [
    stamped("text", .timestampMalformed) { _, _ in Array("token".utf8) },
    stamped("a signature instead", .timestampMalformed) { _, signature in signature },
    stamped("too long", .timestampMalformed) { _, _ in
      DER.sequence(DER.octets([UInt8](repeating: 0, count: 70_000)))
    },
    stamped("over another signature", .timestampOfOther) { corpus, _ in
      try corpus.token(over: corpus.signature("p256-sha256"))
    },
    stamped("SHA-1 over the signature", .timestampAlgorithm) { corpus, signature in
      try corpus.token(over: signature, imprint: DER.sha1)
    },
    stamped("SHA-1 in the token", .timestampAlgorithm) { corpus, signature in
      try corpus.token(over: signature) {
        $0.digests = [DER.sha1]
        $0.signers[0].digest = DER.sha1
      }
    },
    stamped("one bit of the value", .timestampForged) { corpus, signature in
      try corpus.token(over: signature) { token in
        token.signers[0].value = try token.signers[0].key.sign([1])
      }
    },
    stamped("by a certificate that may not", .timestampUntrusted) { corpus, signature in
      try corpus.token(over: signature, by: "notstamper")
    },
    stamped("by the record authority's signer", .timestampUntrusted) { corpus, signature in
      try corpus.token(over: signature, by: "lasting")
    },
    stamped("after the certificate's end", .certificateExpired) { corpus, signature in
      try corpus.token(over: signature, at: "20260701000000Z")
    },
    stamped("before the certificate's start", .certificateNotYetValid) { corpus, signature in
      try corpus.token(over: signature, at: "20240701000000Z")
    },
    stamped("after reception", .certificateExpired) { corpus, signature in
      try corpus.token(over: signature, at: "20270701000000Z")
    },
    Form(8, "time stamp: no anchor", .timestampNoAnchor) { corpus in
      let signature = try corpus.signature("expired")
      var attempt = try Attempt(corpus, signature)
      attempt.token = try corpus.token(over: signature)
      return attempt
    },
  ]
}

private func pem(_ encoded: [UInt8], _ label: String) -> [UInt8] {
  let text = Data(encoded).base64EncodedString(options: .lineLength64Characters)
  return Array("-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n".utf8)
}
