import Replication
import Testing
import Transport

@testable import Cryptography

extension DaemonTests {
  /// Who may not link: each is refused under its own reason, which the operator finds in the log
  /// and monitoring in a counter.
  @Suite struct IdentityTests {
    struct Refusal: CustomTestStringConvertible, Sendable {
      let testDescription: String
      let reason: String
      let make: @Sendable (Lab) throws -> LinkIdentity

      init(
        _ name: String, _ reason: String, _ make: @escaping @Sendable (Lab) throws -> LinkIdentity
      ) {
        (testDescription, self.reason, self.make) = (name, reason, make)
      }
    }

    /// Refused by TLS, before a byte of ours.
    static let inTLS: [Refusal] = [
      Refusal("TLS 1.2", "tls-protocol-version") { lab in
        var identity = try LinkIdentity(of: "lang-son", in: lab)
        identity.profile.version = 0x0303
        return identity
      },
      Refusal("no certificate", "tls-no-certificate") { lab in
        var identity = try LinkIdentity(of: "lang-son", in: lab)
        identity.profile.presentsCertificate = false
        return identity
      },
      Refusal("other authority", "tls-unknown-authority") { lab in
        let other = try CertificateAuthority(
          name: "dongbo lab link authority", key: .generate(), validity: .ofATest)
        return try LinkIdentity(issuedFor: "lang-son", in: lab, by: other)
      },
      Refusal("expired", "tls-certificate-expired") { lab in
        try LinkIdentity(issuedFor: "lang-son", in: lab, validity: .around(seconds: -7_200))
      },
      Refusal("wrong ALPN", "tls-wrong-alpn") { lab in
        var identity = try LinkIdentity(of: "lang-son", in: lab)
        identity.profile.applicationProtocol = Array("http/1.1".utf8)
        return identity
      },
      Refusal("no ALPN", "tls-no-alpn") { lab in
        var identity = try LinkIdentity(of: "lang-son", in: lab)
        identity.profile.applicationProtocol = nil
        return identity
      },
    ]

    /// Good certificates of the wrong sites or keys: refused with a REFUSE.
    static let byRegistry: [Refusal] = [
      Refusal("unknown site", "unknown-site") { lab in
        try LinkIdentity(issuedFor: "ca-mau", in: lab)
      },
      Refusal("unregistered key", "wrong-pin") { lab in
        try LinkIdentity(issuedFor: "lang-son", in: lab)
      },
    ]

    @Test func wrongIdentitiesAreRefusedByName() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.start(Lab.centre)
      try eventually("the centre has a registry") {
        try lab.api(Lab.centre).get("registry").integer("revision") == 1
      }
      for refusal in Self.inTLS {
        let client = try LinkClient(try refusal.make(lab), as: "lang-son", in: lab)
        #expect(try client.receive() == nil, "\(refusal.testDescription)")
        try expect(refusal.reason, refusal.reason, "link.tls-refused", lab)
      }
      for refusal in Self.byRegistry {
        let client = try LinkClient(try refusal.make(lab), as: "lang-son", in: lab)
        #expect(try client.refusal()?.description == refusal.reason)
        try expect(refusal.reason, "hello-\(refusal.reason)", "link.refused", lab)
      }
      // Nothing of it harms the site whose name was used.
      try lab.start("lang-son", "nghe-an")
      try lab.awaitEqual()
    }

    @Test func aHelloThatDoesNotFitItsCertificateIsRefused() throws {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.start(Lab.centre)
      try eventually("the centre has a registry") {
        try lab.api(Lab.centre).get("registry").integer("revision") == 1
      }
      let identity = try LinkIdentity(of: "lang-son", in: lab)
      let foreign = try LinkClient(identity, as: "lang-son", in: lab)
      var hello = foreign.hello()
      hello.site = try #require(SiteID("nghe-an"))
      try foreign.send(.hello(hello))
      #expect(try foreign.refusal() == .wrongIdentity)
      try expect("wrong-identity", "hello-wrong-identity", "link.refused", lab)

      let future = try LinkClient(identity, as: "lang-son", in: lab)
      hello = future.hello()
      (hello.protocolMinimum, hello.protocolMaximum) = (7, 9)
      try future.send(.hello(hello))
      #expect(try future.refusal() == .unsupportedVersion)
      try expect("unsupported-version", "hello-unsupported-version", "link.refused", lab)
    }

    /// A session does not outlive the certificate it began with (reliability.md section 1, finding
    /// 7). Every minute would do; a reload looks at once. Kills: a link that is kept.
    @Test func aLinkEndsWithItsCertificate() throws {
      let lab = try Lab("lang-son")
      let now = Int64(WallClock.now().microseconds / 1_000_000)
      try LinkIdentity.renew(
        "lang-son", in: lab, validity: Validity(notBefore: now - 1_800, notAfter: now + 10))
      try lab.start(Lab.centre, "lang-son")
      try lab.awaitEqual()
      // Nobody dials again while the session lasts, so it is the session that is refused.
      try eventually("the link ends", questions: 1_500) {
        _ = try lab.api(Lab.centre).post("reload", JSONObject())
        return lab.logs(Lab.centre, "event=link.tls-refused", "reason=tls-certificate-expired")
      }
      #expect(lab.logs(Lab.centre, "event=link.down"))
    }

    /// The province's operator reads why, as soon as the centre says it.
    @Test func aRefusedSiteKnowsWhy() throws {
      let lab = try Lab("lang-son")
      let stranger = try LinkIdentity(issuedFor: "lang-son", in: lab)
      try Disk.write("\(lab.path)/lang-son/link.key", stranger.key.pem())
      try Disk.write("\(lab.path)/lang-son/link.crt", stranger.certificatePEM)
      try lab.start(Lab.centre, "lang-son")
      try eventually("lang-son shows the refusal") {
        try lab.api("lang-son").peer(Lab.centre)?.text("reason")?.hasPrefix("wrong-pin") == true
      }
      #expect(lab.logs("lang-son", "event=link.down", "wrong-pin"))
    }

    private func expect(
      _ reason: String, _ counter: String, _ event: String, _ lab: Lab,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try eventually("\(event) \(reason)", questions: 100, sourceLocation: sourceLocation) {
        lab.logs(Lab.centre, "event=\(event)", "reason=\(reason)")
      }
      #expect(
        try lab.refusedConnections(Lab.centre, counter) == 1, "\(counter)",
        sourceLocation: sourceLocation)
    }
  }
}
