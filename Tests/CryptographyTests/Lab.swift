import Replication
import Testing

@testable import Cryptography

/// A link authority with sites, at a fixed time: certificates count from one hour before to one day
/// after ``now``.
struct Lab {
  static let now: Int64 = 1_800_000_000
  static let validity = Validity(notBefore: now - 3_600, notAfter: now + 86_400)

  let authority: CertificateAuthority
  var revocationList: [UInt8]?

  init() throws {
    authority = try CertificateAuthority(
      name: "dongbo link authority", key: .generate(), validity: Self.validity)
  }

  /// What one end brings to a link; tests change a field to make it wrong.
  struct End {
    var certificatePEM: [UInt8]
    var key: SigningKey
    var authorityPEM: [UInt8]
    var revocationList: [UInt8]?
    var profile = LinkProfile()

    func context() throws -> TLSContext {
      try TLSContext(
        chainPEM: certificatePEM, key: key, authorityPEM: authorityPEM,
        revocationListPEM: revocationList, profile: profile)
    }
  }

  func end(_ name: String) throws -> End {
    let key = try SigningKey.generate()
    let site = try #require(SiteID(name))
    let pem = try authority.issue(
      for: site, publicKeyInfo: key.publicKeyInfo, validity: Self.validity)
    return End(
      certificatePEM: pem, key: key, authorityPEM: authority.certificatePEM,
      revocationList: revocationList)
  }

  /// An end with a certificate that no honest authority issues.
  func end(
    uris: [String], usage: String? = "serverAuth,clientAuth", key: SigningKey? = nil,
    validity: Validity = validity, namesAuthorityKey: Bool = true
  ) throws -> End {
    let key = try key ?? SigningKey.generate()
    let contents = LinkCertificate(
      subject: "ha-giang", uris: uris.map { Array($0.utf8) }, extendedKeyUsage: usage,
      namesAuthorityKey: namesAuthorityKey)
    let pem = try authority.issue(contents, publicKey: key.raw, validity: validity)
    return End(certificatePEM: pem, key: key, authorityPEM: authority.certificatePEM)
  }
}

/// Two connections with the network between them, which the test turns.
struct Wire {
  let client: TLSConnection
  let server: TLSConnection
  /// Ciphertext is delivered in pieces of this many bytes.
  var pieceByteCount = 64 * 1024

  init(client: Lab.End, server: Lab.End, at now: Int64 = Lab.now) throws {
    self.client = try TLSConnection(context: client.context(), role: .client, verifyingAt: now)
    self.server = try TLSConnection(context: server.context(), role: .server, verifyingAt: now)
  }

  /// Carries one turn's ciphertext each way.
  /// - Returns: how many bytes moved.
  @discardableResult func turn() -> Int {
    carry(from: client, to: server) + carry(from: server, to: client)
  }

  @discardableResult func carry(from sender: TLSConnection, to receiver: TLSConnection) -> Int {
    let bytes = sender.takeCiphertext()
    for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
      let end = min(start + pieceByteCount, bytes.count)
      receiver.receive(bytes[start..<end])
    }
    return bytes.count
  }

  /// Turns until nothing moves; a handshake takes three turns.
  func settle() {
    for _ in 0..<8 where turn() == 0 { return }
  }

  /// As ``settle()``, and both ends look for what came after the handshake: an alert, say.
  func settleAndRead() {
    settle()
    var ignored: [UInt8] = []
    _ = client.readPlaintext(appendingTo: &ignored, limit: 1)
    _ = server.readPlaintext(appendingTo: &ignored, limit: 1)
  }
}

extension TLSConnection.State {
  var failure: TLSFailure? {
    if case .failed(let failure) = self { failure } else { nil }
  }
  var peer: PeerIdentity? {
    if case .established(let peer) = self { peer } else { nil }
  }
}
