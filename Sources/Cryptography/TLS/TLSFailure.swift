import COpenSSL

/// Why a TLS session was refused or ended. Each cause has its own case and token, so that an
/// operator reads which certificate to mend and monitoring counts causes apart.
package enum TLSFailure: Error, Hashable, CustomStringConvertible {
  /// The peer presented no certificate.
  case noCertificate
  /// The peer's certificate does not come from our link authority.
  case unknownAuthority
  case expired
  case notYetValid
  case revoked
  /// Revocation is checked, and there is no list for the issuer.
  case revocationListMissing
  /// The list's nextUpdate has passed: nobody can say who is revoked.
  case revocationListExpired
  /// The certificate may not be used for this end of a link.
  case wrongPurpose
  /// The certificate does not name exactly one site.
  case badIdentity
  /// The peer offered only other application protocols than `dongbo/1`.
  case wrongApplicationProtocol
  /// The peer speaks of no application protocol at all.
  case noApplicationProtocol
  /// The peer does not offer TLS 1.3.
  case protocolVersion
  /// The connection ended without close_notify: what came last may be cut.
  case truncated
  /// The peer's key or a signature in its chain is below 128 bits of security.
  case weakKey
  /// More than ``TLSConnection/maximumHandshakeByteCount`` before the handshake was complete.
  case handshakeTooLong
  /// The peer refused us with this alert (RFC 8446 section 6).
  case peerRefused(alert: UInt8)
  /// Anything else, with OpenSSL's code and words.
  case other(code: UInt, text: String)

  /// Short and stable, for logs and as a metric label.
  package var reason: String {
    switch self {
    case .noCertificate: "tls-no-certificate"
    case .unknownAuthority: "tls-unknown-authority"
    case .expired: "tls-certificate-expired"
    case .notYetValid: "tls-certificate-not-yet-valid"
    case .revoked: "tls-certificate-revoked"
    case .revocationListMissing: "tls-crl-missing"
    case .revocationListExpired: "tls-crl-expired"
    case .wrongPurpose: "tls-wrong-purpose"
    case .badIdentity: "tls-bad-identity"
    case .wrongApplicationProtocol: "tls-wrong-alpn"
    case .noApplicationProtocol: "tls-no-alpn"
    case .protocolVersion: "tls-protocol-version"
    case .truncated: "tls-truncated"
    case .weakKey: "tls-weak-key"
    case .handshakeTooLong: "tls-handshake-too-long"
    case .peerRefused: "tls-peer-refused"
    case .other: "tls-other"
    }
  }

  package var description: String {
    switch self {
    case .noCertificate: "the peer presented no certificate"
    case .unknownAuthority: "the peer's certificate is not from our link authority"
    case .expired: "the peer's certificate has expired"
    case .notYetValid: "the peer's certificate is not valid yet; check both clocks"
    case .revoked: "the peer's certificate is revoked"
    case .revocationListMissing: "no revocation list of the link authority is installed"
    case .revocationListExpired: "the revocation list is past its next update; install a new one"
    case .wrongPurpose: "the peer's certificate lacks the key usages of a link"
    case .badIdentity: "the peer's certificate does not name exactly one urn:dongbo:site:ID"
    case .wrongApplicationProtocol: "the peer offers other protocols than dongbo/1"
    case .noApplicationProtocol: "the peer negotiates no application protocol"
    case .protocolVersion: "the peer does not offer TLS 1.3"
    case .truncated: "the connection ended without close_notify"
    case .weakKey: "a key or signature in the peer's chain is too weak"
    case .handshakeTooLong: "the peer sent too much before the handshake was complete"
    case .peerRefused(let alert): "the peer refused us: \(alertName(alert)) (alert \(alert))"
    case .other(let code, let text): "TLS error \(code): \(text)"
    }
  }

  /// From the result of a chain verification; nil when that was good.
  init?(verifyResult: Int) {
    switch CInt(truncatingIfNeeded: verifyResult) {
    case X509_V_OK: return nil
    case X509_V_ERR_CERT_HAS_EXPIRED: self = .expired
    case X509_V_ERR_CERT_NOT_YET_VALID: self = .notYetValid
    case X509_V_ERR_CERT_REVOKED: self = .revoked
    case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
      self = .revocationListMissing
    case X509_V_ERR_CRL_HAS_EXPIRED: self = .revocationListExpired
    case X509_V_ERR_INVALID_PURPOSE: self = .wrongPurpose
    case X509_V_ERR_APPLICATION_VERIFICATION: self = .badIdentity
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
      self = .weakKey
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
      X509_V_ERR_CERT_SIGNATURE_FAILURE:
      self = .unknownAuthority
    default:
      self = .other(
        code: UInt(bitPattern: verifyResult),
        text: String(cString: X509_verify_cert_error_string(verifyResult)))
    }
  }

  /// From the oldest entry of the error queue, which this empties; an empty queue with a failed
  /// call means that the bytes ended.
  static func drained(verifyResult: Int) -> TLSFailure {
    let code = ERR_peek_error()
    let text = drainErrors()
    guard code != 0 else { return .truncated }
    guard dongbo_error_library(code) == ERR_LIB_SSL else { return .other(code: code, text: text) }
    let reason = dongbo_error_reason(code)
    switch reason {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TLSFailure(verifyResult: verifyResult) ?? .other(code: code, text: text)
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
    case SSL_R_NO_APPLICATION_PROTOCOL: return .wrongApplicationProtocol
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION: return .protocolVersion
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .truncated
    case SSL_AD_REASON_OFFSET...SSL_AD_REASON_OFFSET + CInt(UInt8.max):
      return .peerRefused(alert: UInt8(reason - SSL_AD_REASON_OFFSET))
    default: return .other(code: code, text: text)
    }
  }
}

private func alertName(_ alert: UInt8) -> String {
  String(cString: SSL_alert_desc_string_long(CInt(alert)))
}
