import Replication
import Testing

@testable import Cryptography

/// Every form that must be accepted.
enum GoodForms {
  static let all: [Form] = files + special + stamped

  static let files: [Form] = [
    Form(5, "rsa-pkcs1-sha256", nil), Form(5, "rsa-pkcs1-sha384", nil),
    Form(5, "rsa-pkcs1-sha512", nil), Form(5, "rsa-pss-sha256", nil),
    Form(5, "rsa-pss-sha384", nil), Form(5, "rsa-pss-sha512", nil),
    Form(5, "p256-sha256", nil), Form(5, "p256-sha512", nil), Form(5, "p384-sha384", nil),
    Form(5, "p384-sha256", nil), Form(2, "key-id", nil), Form(6, "chain", nil),
    Form(6, "anchor-too", nil),
    // The second role of a record is a second signature.
    Form(2, "accountant", nil),
  ]

  static let special: [Form] = [
    Form(2, "written part by part", nil, { try $0.crafted().bytes() }),
    Form(4, "an embedded old list is kept and ignored", nil) { corpus in
      let list = try corpus["stale.crl.der"]
      return try corpus.crafted { $0.lists = [list] }
    },
    Form(4, "certificate from the roster, none embedded", nil) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("no-certificate"))
      attempt.roster = [try corpus["accountant.der"], try corpus["head.der"]]
      return attempt
    },
    Form(6, "a policy on the list instead of extended key usage", nil) { corpus in
      let trust = try corpus.trust(policies: [[2, 16, 704, 1, 1]])
      return try Attempt(corpus, corpus.signature("policy"), trust: trust)
    },
    Form(8, "looked at again after a newer list", nil) { corpus in
      var attempt = try Attempt(
        corpus, corpus.signature("p256-sha256"), trust: corpus.trust(lists: "next.crl"))
      attempt.revocationTime = SignatureCorpus.now.plus(days: 30)
      return attempt
    },
    Form(8, "revoked after reception", nil) { corpus in
      var attempt = try Attempt(corpus, corpus.signature("later"))
      attempt.revocationTime = SignatureCorpus.now.plus(days: 10)
      return attempt
    },
  ]

  static let stamped: [Form] = [
    Form(8, "expired since, with a time stamp from before", nil) { corpus in
      let signature = try corpus.signature("expired")
      var attempt = try Attempt(corpus, signature, trust: corpus.trust(stamps: true))
      attempt.token = try corpus.token(over: signature)
      return attempt
    },
    Form(8, "expired since, with a time stamp in the signature", nil) { corpus in
      var crafted = try corpus.crafted("expired")
      crafted.signers[0].value = try crafted.signers[0].key.sign(
        DER.set(crafted.signers[0].attributes?.map(\.bytes) ?? []))
      let token = try corpus.token(over: crafted.bytes())
      crafted.signers[0].unsigned = [
        CraftedSigner.Attribute(kind: SignatureObject.timestampAttribute, values: [token])
      ]
      return try Attempt(corpus, crafted.bytes(), trust: corpus.trust(stamps: true))
    },
    Form(8, "a token of openssl ts", nil) { corpus in
      let text = String(decoding: try corpus["stamp.time"].dropLast(), as: UTF8.self)
      let made = try #require(UInt64(text))
      let trust = try RecordTrust(
        anchorPEM: corpus["record.pem"], revocationListPEM: corpus["lasting.crl"],
        timestampAnchorPEM: corpus["tsa.pem"])
      var attempt = try Attempt(corpus, corpus.signature("lasting"), trust: trust)
      attempt.token = try corpus["stamp.token"]
      attempt.time = WallTime(microseconds: made * 1_000_000).plus(days: 1)
      return attempt
    },
  ]
}
