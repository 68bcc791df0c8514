import Replication

/// All of a signature but what is new in each: SHA-256 of its bytes without its leaves.
///
/// The leaves are the message digest, the signing time, the signature value and a time-stamp token.
/// Certificates, lists, algorithms, object identifiers, every other attribute and the order of all
/// are inside. Our reader has found the lengths around a leaf to be the shortest and right, and
/// OpenSSL reads a leaf as so many bytes; so of two signatures of one form it reads the second as
/// it read the first, and what is said of the form, its certificates and its signer's key is said
/// of both. A leaf is judged each time.
struct SignatureForm: Hashable, Sendable {
  private let digest: Digest

  /// - Parameters:
  ///   - head: the SignedData before its signers.
  ///   - signer: what may stand behind the value and is no SEQUENCE is no leaf: nil then.
  init?(head: ArraySlice<UInt8>, signer: SignerShape) {
    guard signer.embeddedToken?.first ?? DERElement.sequence == DERElement.sequence else {
      return nil
    }
    var fixed = Array(signer.fixed)
    for leaf in signer.attributeLeaves {
      let start = leaf.startIndex - signer.fixed.startIndex
      for index in start..<start + leaf.count { fixed[index] = 0 }
    }
    // With its length, the first part ends where it does.
    let length = withUnsafeBytes(of: UInt64(head.count).bigEndian) { Array($0) }
    digest = OpenSSLHash().digest(length, Array(head), fixed)
  }
}

extension SignerShape {
  /// Contents of the attributes that are other bytes in each signature, where they have one value
  /// of the type they should have. Nothing stands in them that OpenSSL reads when it decodes them.
  fileprivate var attributeLeaves: [ArraySlice<UInt8>] {
    (attributes ?? []).compactMap { attribute in
      guard let value = attribute.values.first, attribute.values.count == 1 else { return nil }
      switch (attribute.kind, value.tag) {
      case (SignatureObject.messageDigestAttribute, DERElement.octetString),
        (SignatureObject.signingTimeAttribute, DERElement.utcTime),
        (SignatureObject.signingTimeAttribute, DERElement.generalizedTime):
        return value.contents
      default: return nil
      }
    }
  }
}
