import COpenSSL
import Replication

/// An RFC 3161 time-stamp token: proof by a time-stamp authority that a signature existed.
struct TimestampToken {
  /// Largest token that is looked at.
  static let maximumByteCount = 64 * 1024

  private let bytes: [UInt8]

  /// Holds the token to the form and the algorithms of signatures; OpenSSL does the rest.
  init(_ bytes: [UInt8]) throws(SignatureFault) {
    guard bytes.count <= Self.maximumByteCount else { throw .timestampMalformed }
    do {
      let shape = try SignedDataShape(bytes)
      guard shape.contentType == SignatureObject.timestampInfo, shape.hasAttachedContent,
        shape.isVersion3
      else { throw SignatureFault.timestampMalformed }
    } catch SignatureFault.digestSHA1, SignatureFault.digestNotAllowed,
      SignatureFault.signatureAlgorithmNotAllowed, SignatureFault.algorithmsDisagree,
      SignatureFault.pssParameters
    {
      throw .timestampAlgorithm
    } catch { throw .timestampMalformed }
    self.bytes = bytes
  }

  /// The time that the token proves for `value`, the signature itself.
  func verifiedTime(
    over value: [UInt8], in domain: TrustDomain, revocationAt: WallTime
  ) throws(SignatureFault) -> WallTime {
    let token = bytes.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return d2i_PKCS7(nil, &position, buffer.count)
    }
    guard let token else { throw .timestampMalformed }
    defer { PKCS7_free(token) }
    guard let info = PKCS7_to_TS_TST_INFO(token) else { throw .timestampMalformed }
    defer { TS_TST_INFO_free(info) }
    try checkImprint(info)
    guard let seconds = unixSeconds(TS_TST_INFO_get_time(info)), seconds >= 0 else {
      throw .timestampMalformed
    }
    let time = WallTime(microseconds: UInt64(seconds) * 1_000_000)
    let store: Owned
    do {
      store = try domain.store(at: JudgedMoment(time, revocation: revocationAt))
    } catch { throw .unverifiable }
    try verify(token, over: value, in: store.raw)
    return time
  }

  private func checkImprint(_ info: OpaquePointer) throws(SignatureFault) {
    let imprint = TS_TST_INFO_get_msg_imprint(info)
    guard let algorithm = TS_MSG_IMPRINT_get_algo(imprint) else { throw .timestampMalformed }
    let kind = OBJ_obj2nid(algorithm.pointee.algorithm)
    guard [NID_sha256, NID_sha384, NID_sha512].contains(kind) else { throw .timestampAlgorithm }
  }

  private func verify(
    _ token: UnsafeMutablePointer<PKCS7>, over value: [UInt8], in store: OpaquePointer
  ) throws(SignatureFault) {
    guard let context = TS_VERIFY_CTX_new() else { throw .unverifiable }
    defer { TS_VERIFY_CTX_free(context) }  // and what was set into it
    guard X509_STORE_up_ref(store) == 1 else { throw .unverifiable }
    TS_VERIFY_CTX_set_store(context, store)
    TS_VERIFY_CTX_set_flags(context, CInt(TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA))
    ERR_clear_error()
    let status = value.withUnsafeBytes { buffer in
      TS_VERIFY_CTX_set_data(context, BIO_new_mem_buf(buffer.baseAddress, CInt(buffer.count)))
      return TS_RESP_verify_token(context, token)
    }
    guard status == 1 else { throw drainedFault() }
  }

  private func drainedFault() -> SignatureFault {
    var fault = SignatureFault.timestampMalformed
    while case let code = ERR_get_error(), code != 0 {
      guard dongbo_error_library(code) == ERR_LIB_TS else { continue }
      switch dongbo_error_reason(code) {
      case TS_R_MESSAGE_IMPRINT_MISMATCH: fault = .timestampOfOther
      case TS_R_CERTIFICATE_VERIFY_ERROR: fault = .timestampUntrusted
      case TS_R_SIGNATURE_FAILURE: fault = .timestampForged
      default: continue
      }
    }
    return fault
  }
}
