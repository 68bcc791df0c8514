import COpenSSL
import Replication

/// The way from a signer's certificate to an anchor, verified.
struct SignerChain {
  /// DER of each certificate, the signer's first, the anchor last.
  let certificates: [[UInt8]]
  let revocationLists: [RevocationListState]

  /// - Parameters:
  ///   - store: made by `domain` for `moment`.
  ///   - others: a stack of certificates that may stand between; believed nothing. May be nil.
  /// - Throws: the first fault of the chain, by a case of its own.
  init(
    of leaf: OpaquePointer, others: OpaquePointer?, store: OpaquePointer, domain: TrustDomain,
    moment: JudgedMoment
  ) throws(SignatureFault) {
    defer { ERR_clear_error() }
    guard let verification = X509_STORE_CTX_new() else { throw .unverifiable }
    defer { X509_STORE_CTX_free(verification) }
    guard X509_STORE_CTX_init(verification, store, leaf, others) == 1,
      X509_STORE_CTX_set_default(verification, "smime_sign") == 1
    else { throw .unverifiable }
    guard X509_verify_cert(verification) == 1 else {
      throw SignatureFault(verification: verification, lists: domain.lists)
    }
    let stack = X509_STORE_CTX_get0_chain(verification)
    var certificates: [[UInt8]] = []
    var states: [RevocationListState] = []
    let count = OPENSSL_sk_num(stack)
    for index in 0..<count {
      guard let raw = OPENSSL_sk_value(stack, index).map({ OpaquePointer($0) }),
        let encoded = try? derBytes({ i2d_X509(raw, $0) })
      else { throw .unverifiable }
      certificates.append(encoded)
      guard index < count - 1, domain.requiresLists else { continue }
      states.append(try Self.list(for: raw, domain, moment))
    }
    self.certificates = certificates
    revocationLists = states
  }

  /// The list that stood for the issuer of `certificate`. OpenSSL judged it at the moment itself;
  /// it must also be in force when revocation is asked about.
  private static func list(
    for certificate: OpaquePointer, _ domain: TrustDomain, _ moment: JudgedMoment
  ) throws(SignatureFault) -> RevocationListState {
    guard let issuer = issuerDER(certificate) else { throw .unverifiable }
    let states = domain.lists.filter { $0.issuer == issuer && !$0.state.isDelta }.map(\.state)
    let current = states.filter { $0.validity.notAfter >= moment.revocationSeconds }
    guard let newest = current.max(by: { $0.validity.notBefore < $1.validity.notBefore }) else {
      throw .revocationListExpired
    }
    return newest
  }
}

private func issuerDER(_ certificate: OpaquePointer?) -> [UInt8]? {
  guard let certificate else { return nil }
  return try? derBytes { i2d_X509_NAME(X509_get_issuer_name(certificate), $0) }
}

extension SignatureFault {
  /// From a chain verification that failed.
  init(verification: OpaquePointer, lists: [TrustDomain.List]) {
    let isSigner = X509_STORE_CTX_get_error_depth(verification) == 0
    let result = X509_STORE_CTX_get_error(verification)
    let issuer = issuerDER(X509_STORE_CTX_get_current_cert(verification))
    self =
      Self.ofCertificate(result, isSigner: isSigner)
      ?? Self.ofList(result, issuer: issuer, lists: lists) ?? .unverifiable
  }

  private static func ofCertificate(_ result: CInt, isSigner: Bool) -> SignatureFault? {
    switch result {
    case X509_V_ERR_CERT_HAS_EXPIRED: isSigner ? .certificateExpired : .authorityExpired
    case X509_V_ERR_CERT_NOT_YET_VALID: isSigner ? .certificateNotYetValid : .authorityExpired
    case X509_V_ERR_CERT_REVOKED: isSigner ? .certificateRevoked : .authorityRevoked
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_REJECTED:
      .unknownAuthority
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .selfSigned
    case X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
      .certificateForged
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: .unknownCriticalExtension
    case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION,
      X509_V_ERR_SUBTREE_MINMAX, X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
      X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
      .nameConstraint
    case X509_V_ERR_CERT_CHAIN_TOO_LONG, X509_V_ERR_PATH_LENGTH_EXCEEDED: .pathTooLong
    case X509_V_ERR_INVALID_CA, X509_V_ERR_INVALID_NON_CA, X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      .invalidAuthority
    case X509_V_ERR_INVALID_PURPOSE: isSigner ? .extendedKeyUsageNotSigning : .invalidAuthority
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
      .weakChain
    case X509_V_ERR_INVALID_EXTENSION, X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY,
      X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH,
      // What X509_V_FLAG_X509_STRICT finds, and a curve that is spelled out.
      X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA...X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
      .certificateMalformed
    default: nil
    }
  }

  private static func ofList(
    _ result: CInt, issuer: [UInt8]?, lists: [TrustDomain.List]
  ) -> SignatureFault? {
    switch result {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      if lists.isEmpty { return .revocationListMissing }
      let ofIssuer = lists.filter { $0.issuer == issuer }
      if ofIssuer.isEmpty { return .revocationListOfOtherIssuer }
      return ofIssuer.allSatisfy(\.state.isDelta) ? .revocationListDelta : .revocationListUnusable
    case X509_V_ERR_CRL_HAS_EXPIRED: return .revocationListExpired
    case X509_V_ERR_CRL_NOT_YET_VALID: return .revocationListNotYetValid
    case X509_V_ERR_CRL_SIGNATURE_FAILURE: return .revocationListForged
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
      X509_V_ERR_DIFFERENT_CRL_SCOPE, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,
      X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return .revocationListUnusable
    default: return nil
    }
  }
}
