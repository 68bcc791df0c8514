import Replication
import Testing

@testable import Cryptography

/// Every reason for which a link must be refused, each under its own name.
@Suite struct RefusalTests {
  static let good = "urn:dongbo:site:ha-giang"

  /// A case of the table: how the client is made wrong, and what the server says to it.
  struct Refusal: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let failure: TLSFailure
    let alert: UInt8?
    let client: @Sendable (Lab) throws -> Lab.End

    init(
      _ name: String, _ failure: TLSFailure, alert: UInt8?,
      _ client: @escaping @Sendable (Lab) throws -> Lab.End
    ) {
      (testDescription, self.failure, self.alert, self.client) = (name, failure, alert, client)
    }
  }

  static let refusals: [Refusal] = [
    Refusal("no certificate", .noCertificate, alert: 116) { lab in
      var end = try lab.end("ha-giang")
      end.profile.presentsCertificate = false
      return end
    },
    Refusal("other authority of the same name", .unknownAuthority, alert: 48) { lab in
      var end = try Lab().end("ha-giang")
      end.authorityPEM = lab.authority.certificatePEM
      return end
    },
    Refusal("expired", .expired, alert: 45) { lab in
      try lab.end(
        uris: [good], validity: Validity(notBefore: Lab.now - 60, notAfter: Lab.now - 1))
    },
    Refusal("not yet valid", .notYetValid, alert: 42) { lab in
      try lab.end(
        uris: [good], validity: Validity(notBefore: Lab.now + 1, notAfter: Lab.now + 60))
    },
    Refusal("for servers only", .wrongPurpose, alert: 43) { lab in
      try lab.end(uris: [good], usage: "serverAuth")
    },
    Refusal("no extended key usage", .wrongPurpose, alert: 43) { lab in
      try lab.end(uris: [good], usage: nil)
    },
    Refusal("not strict", .other(code: 85, text: "Missing Authority Key Identifier"), alert: 46) {
      lab in
      try lab.end(uris: [good], namesAuthorityKey: false)
    },
    Refusal("two URIs", .badIdentity, alert: 40) { lab in
      try lab.end(uris: [good, "urn:dongbo:site:dien-bien"])
    },
    Refusal("upper case", .badIdentity, alert: 40) { lab in
      try lab.end(uris: ["urn:dongbo:site:Ha-Giang"])
    },
    Refusal("prefix in another case", .badIdentity, alert: 40) { lab in
      try lab.end(uris: ["URN:dongbo:site:ha-giang"])
    },
    Refusal("NUL in the URI", .badIdentity, alert: 40) { lab in
      try lab.end(uris: ["urn:dongbo:site:ha-giang\0.example"])
    },
    Refusal("no site", .badIdentity, alert: 40) { lab in
      try lab.end(uris: ["urn:dongbo:site:"])
    },
    Refusal("other ALPN", .wrongApplicationProtocol, alert: 120) { lab in
      var end = try lab.end("ha-giang")
      end.profile.applicationProtocol = Array("http/1.1".utf8)
      return end
    },
    Refusal("no ALPN", .noApplicationProtocol, alert: nil) { lab in
      var end = try lab.end("ha-giang")
      end.profile.applicationProtocol = nil
      return end
    },
    Refusal("TLS 1.2", .protocolVersion, alert: 70) { lab in
      var end = try lab.end("ha-giang")
      end.profile.version = 0x0303
      return end
    },
    Refusal("RSA-2048", .weakKey, alert: 42) { lab in
      let key = try SigningKey(
        adopting: generateRaw(algorithm: "RSA", group: nil), requiringAllowedCurve: false)
      var end = try lab.end(uris: [good], key: key)
      end.profile.securityLevel = 2
      return end
    },
  ]

  @Test(arguments: refusals) func serverRefusesByName(refusal: Refusal) throws {
    let lab = try Lab()
    let wire = try Wire(client: refusal.client(lab), server: lab.end("trung-uong"))
    wire.settleAndRead()
    #expect(wire.server.state.failure == refusal.failure)
    if let alert = refusal.alert {
      #expect(wire.client.state.failure == .peerRefused(alert: alert))
    }
    let text = Array("after".utf8)
    #expect(wire.server.write(text.span) == 0)
    #expect(wire.server.reverify(at: Lab.now, against: try lab.end("x").context()) != nil)
  }

  @Test(arguments: refusals.filter { [.expired, .badIdentity].contains($0.failure) })
  func clientRefusesTheSame(refusal: Refusal) throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: refusal.client(lab))
    wire.settleAndRead()
    #expect(wire.client.state.failure == refusal.failure)
    #expect(wire.server.state.failure == .peerRefused(alert: try #require(refusal.alert)))
  }

  @Test func algorithmsOutsideTheProfileAreRefused() throws {
    let lab = try Lab()
    var (suite, group) = (try lab.end("ha-giang"), try lab.end("ha-giang"))
    suite.profile.cipherSuites = "TLS_AES_128_GCM_SHA256"
    group.profile.groups = "P-521"
    for client in [suite, group] {
      let wire = try Wire(client: client, server: lab.end("trung-uong"))
      wire.settle()
      #expect(wire.server.state.failure?.reason == "tls-other")
    }
  }

  @Test func clientRefusesServerWithoutALPN() throws {
    let lab = try Lab()
    var server = try lab.end("trung-uong")
    server.profile.applicationProtocol = nil
    let wire = try Wire(client: lab.end("ha-giang"), server: server)
    wire.settle()
    #expect(wire.client.state.failure == .noApplicationProtocol)
  }

  @Test func revocationListDecides() throws {
    var lab = try Lab()
    let client = try lab.end("ha-giang")
    let serial = try CertificateInfo(pem: client.certificatePEM).serial
    let expired = Validity(notBefore: Lab.now - 60, notAfter: Lab.now - 1)
    let cases: [(serials: [[UInt8]], Validity, TLSFailure?)] = [
      ([], Lab.validity, nil), ([[1, 2, 3]], Lab.validity, nil),
      ([[1], serial], Lab.validity, .revoked), ([], expired, .revocationListExpired),
    ]
    for (serials, validity, failure) in cases {
      lab.revocationList = try lab.authority.revocationList(
        serials: serials, number: 1, validity: validity)
      let wire = try Wire(client: client, server: lab.end("trung-uong"))
      wire.settle()
      #expect(wire.server.state.failure == failure)
      #expect((wire.server.state.peer == nil) == (failure != nil))
    }
    lab.revocationList = try Lab().authority.revocationList(
      serials: [], number: 1, validity: Lab.validity)
    let wire = try Wire(client: client, server: lab.end("trung-uong"))
    wire.settle()
    #expect(wire.server.state.failure == .revocationListMissing)
  }

  @Test func reasonsAreDistinct() {
    let reasons = Self.refusals.map(\.failure.reason)
    #expect(Set(reasons).count == Set(Self.refusals.map(\.failure)).count)
  }
}
