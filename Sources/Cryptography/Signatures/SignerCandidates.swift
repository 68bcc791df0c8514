import COpenSSL

/// The certificates among which the signer's is looked for.
struct SignerCandidates: ~Copyable {
  /// A stack with its certificates; nil when the signature embeds none.
  let embedded: OpaquePointer?
  /// nil: any embedded certificate may be the signer's.
  let roster: OpaquePointer?
  private let info: OpaquePointer?

  init(of message: OpaquePointer, roster: [[UInt8]]) throws(SignatureFault) {
    embedded = CMS_get1_certs(message)
    info = OpaquePointer(OPENSSL_sk_value(CMS_get0_SignerInfos(message), 0))
    self.roster = roster.isEmpty ? nil : certificateStack(roster)
    ERR_clear_error()
  }

  deinit {
    freeCertificates(embedded)
    freeCertificates(roster)
  }

  /// The one certificate that the signer's identifier names, by issuer and serial or by key id.
  func signer() throws(SignatureFault) -> OpaquePointer {
    let fitting = matches(in: embedded)
    guard let roster else {
      guard let first = fitting.first else { throw .signerCertificateAbsent }
      guard fitting.count == 1 else { throw .ambiguousSignerCertificate }
      return first
    }
    guard let known = matches(in: roster).first else { throw .signerNotOnRoster }
    for other in fitting where X509_cmp(other, known) != 0 { throw .signerNotOnRoster }
    return known
  }

  private func matches(in stack: OpaquePointer?) -> [OpaquePointer] {
    guard let stack else { return [] }
    return (0..<OPENSSL_sk_num(stack)).compactMap { index in
      guard let raw = OPENSSL_sk_value(stack, index).map({ OpaquePointer($0) }) else { return nil }
      return CMS_SignerInfo_cert_cmp(info, raw) == 0 ? raw : nil
    }
  }
}

/// A new stack of those of `encoded` that are certificates.
func certificateStack(_ encoded: [[UInt8]]) -> OpaquePointer? {
  let stack = OPENSSL_sk_new_null()
  for bytes in encoded {
    let certificate = bytes.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return d2i_X509(nil, &position, buffer.count)
    }
    guard let certificate else { continue }
    if OPENSSL_sk_push(stack, UnsafeRawPointer(certificate)) <= 0 { X509_free(certificate) }
  }
  return stack
}

func freeCertificates(_ stack: OpaquePointer?) {
  guard let stack else { return }
  OPENSSL_sk_pop_free(stack) { X509_free(OpaquePointer($0)) }
}
