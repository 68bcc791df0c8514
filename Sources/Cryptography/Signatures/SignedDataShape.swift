/// A CMS SignedData with one signer, read by our own bounded reader. OpenSSL verifies it; every
/// rule about its form is judged here, on the bytes, before that.
struct SignedDataShape {
  /// Certificates that one signature may carry.
  static let maximumCertificateCount = 16
  /// Beyond this number of signers the input is no mistake of a signing program.
  static let maximumSignerCount = 8

  /// What RFC 5652 demands of content that is not id-data, and of ours therefore.
  let isVersion3: Bool
  let contentType: ObjectIdentifier
  let hasAttachedContent: Bool
  /// DER of each embedded certificate.
  let certificates: [ArraySlice<UInt8>]
  let signer: SignerShape
  /// From the version to the last embedded list: all that stands before the signer.
  private let head: ArraySlice<UInt8>

  /// nil when the signature is like no other, as far as we can tell.
  var form: SignatureForm? { SignatureForm(head: head, signer: signer) }

  /// Rules 1 (form), 2 and 5 of the acceptance rules.
  init(_ bytes: [UInt8]) throws(SignatureFault) {
    try DERWalk.check(bytes)
    var outer = try Self.contentInfo(bytes)
    let body = try outer.next(DERElement.sequence)
    try outer.end()
    var reader = body.reader
    isVersion3 = Array(try reader.next(DERElement.integer).contents) == [3]
    let digests = try reader.next(DERElement.set).elements()
    var content = try reader.next(DERElement.sequence).reader
    contentType = ObjectIdentifier(try content.next(DERElement.objectIdentifier).contents)
    hasAttachedContent = try content.optional(DERElement.context(0)) != nil
    try content.end()
    certificates = try Self.certificates(reader.optional(DERElement.context(0)))
    // Embedded revocation lists are evidence of the signer's, never ours to use.
    _ = try reader.optional(DERElement.context(1))
    head = bytes[body.contents.startIndex..<reader.rest.startIndex]
    let signers = try reader.next(DERElement.set).elements()
    try reader.end()
    guard let only = signers.first else { throw .noSigner }
    guard signers.count == 1 else {
      throw signers.count <= Self.maximumSignerCount ? .severalSigners : .tooManySigners
    }
    guard let digest = digests.first, digests.count == 1 else {
      throw .severalDigestAlgorithms
    }
    signer = try SignerShape(only)
    guard try SignatureDigest(algorithm: digest) == signer.digest else {
      throw .digestAlgorithmsDisagree
    }
  }

  /// The inside of the `[0]` of a ContentInfo that says SignedData.
  private static func contentInfo(_ bytes: [UInt8]) throws(SignatureFault) -> DERReader {
    var top = DERReader(rest: bytes[...])
    var reader = try top.next(DERElement.sequence).reader
    let kind = ObjectIdentifier(try reader.next(DERElement.objectIdentifier).contents)
    guard kind == SignatureObject.signedData else { throw .notSignedData }
    let content = try reader.next(DERElement.context(0))
    try reader.end()
    return content.reader
  }

  private static func certificates(
    _ set: DERElement?
  ) throws(SignatureFault) -> [ArraySlice<UInt8>] {
    guard let set else { return [] }
    let elements = try set.elements()
    guard elements.count <= maximumCertificateCount else { throw .tooManyCertificates }
    for element in elements {
      guard element.tag == DERElement.sequence else { throw .otherCertificateForm }
      guard try !hasNegativeSerial(element) else { throw .negativeSerial }
    }
    return elements.map(\.whole)
  }

  private static func hasNegativeSerial(_ certificate: DERElement) throws(SignatureFault) -> Bool {
    var outer = certificate.reader
    var reader = try outer.next(DERElement.sequence).reader
    _ = try reader.optional(DERElement.context(0))
    let serial = try reader.next(DERElement.integer).contents
    return serial.first ?? 0x80 >= 0x80
  }
}

/// The one SignerInfo.
struct SignerShape {
  struct Attribute {
    let kind: ObjectIdentifier
    let values: [DERElement]
  }

  /// Issuer and serial as the signer names his certificate; nil when he does by key id.
  let issuerAndSerial: [UInt8]?
  let digest: SignatureDigest
  let scheme: SignatureScheme
  /// nil when the signer has none.
  let attributes: [Attribute]?
  let value: [UInt8]
  /// From the version to the signature algorithm: all that stands before the value.
  let fixed: ArraySlice<UInt8>
  /// The salt of RSASSA-PSS; nil for every other scheme.
  let saltByteCount: Int?
  /// The signed attributes as they stand, under their context tag.
  private let attributeSet: ArraySlice<UInt8>?
  /// The RFC 3161 token a CAdES-T signature carries in itself, DER.
  let embeddedToken: [UInt8]?

  init(_ element: DERElement) throws(SignatureFault) {
    guard element.tag == DERElement.sequence else { throw .malformed }
    var reader = element.reader
    let version = Array(try reader.next(DERElement.integer).contents)
    let identifier = try reader.next()
    switch identifier.tag {
    case DERElement.sequence:
      guard version == [1] else { throw .wrongVersion }
      issuerAndSerial = Array(identifier.contents)
    case 0x80:
      guard version == [3] else { throw .wrongVersion }
      issuerAndSerial = nil
    default: throw .malformed
    }
    digest = try SignatureDigest(algorithm: reader.next())
    let set = try reader.optional(DERElement.context(0))
    attributeSet = set?.whole
    attributes = try set.map { set throws(SignatureFault) in try Self.attributes(set) }
    let algorithm = try reader.next()
    scheme = try SignatureScheme(algorithm: algorithm, digest: digest)
    saltByteCount = scheme == .rsaPSS ? try SignatureScheme.saltByteCount(algorithm, digest) : nil
    fixed = element.contents[element.contents.startIndex..<reader.rest.startIndex]
    value = Array(try reader.next(DERElement.octetString).contents)
    embeddedToken = try Self.token(reader.optional(DERElement.context(1)))
    try reader.end()
  }

  /// What the value is a signature over: the attributes as a SET (RFC 5652 section 5.4).
  var signedBytes: [UInt8]? {
    attributeSet.map { set in
      var bytes = Array(set)
      bytes[0] = DERElement.set
      return bytes
    }
  }

  /// The digest of the content that the signer signed.
  var messageDigest: ArraySlice<UInt8>? {
    let kind = SignatureObject.messageDigestAttribute
    return attributes?.first { $0.kind == kind }?.values.first?.contents
  }

  /// Rule 3: what the signer signed names our content type, its digest and his certificate, once.
  func checkAttributes(
    contentType: ObjectIdentifier, content: [UInt8]
  ) throws(SignatureFault) {
    guard let attributes else {
      // A signature over attributes is also one over their bytes as content without attributes.
      throw content.first == DERElement.set && isDER(content)
        ? .strippedAttributes : .noSignedAttributes
    }
    guard !Self.hasRepeats(attributes) else { throw .duplicateAttribute }
    let named = try value(of: SignatureObject.contentTypeAttribute, ifMissing: .noContentType)
    guard named.tag == DERElement.objectIdentifier,
      ObjectIdentifier(named.contents) == contentType
    else { throw .contentTypesDisagree }
    let digestValue = try value(
      of: SignatureObject.messageDigestAttribute, ifMissing: .noMessageDigest,
      ifSeveral: .severalMessageDigests)
    guard digestValue.tag == DERElement.octetString,
      digestValue.contents.count == digest.byteCount
    else { throw .messageDigestLength }
    let isFirstVersion = attributes.contains { $0.kind == SignatureObject.signingCertificateV1 }
    _ = try value(
      of: SignatureObject.signingCertificateV2,
      ifMissing: isFirstVersion ? .signingCertificateV1 : .noSigningCertificate)
  }

  /// Attributes that are held against each other; a signer has some five, a flood is hashed.
  private static let pairedAttributeCount = 16

  private static func hasRepeats(_ attributes: [Attribute]) -> Bool {
    guard attributes.count <= pairedAttributeCount else {
      return Set(attributes.map(\.kind)).count < attributes.count
    }
    return attributes.indices.contains { index in
      attributes[..<index].contains { $0.kind == attributes[index].kind }
    }
  }

  /// The single value of an attribute.
  func value(
    of kind: ObjectIdentifier, ifMissing missing: SignatureFault,
    ifSeveral several: SignatureFault = .severalAttributeValues
  ) throws(SignatureFault) -> DERElement {
    guard let attribute = attributes?.first(where: { $0.kind == kind }) else { throw missing }
    guard let value = attribute.values.first, attribute.values.count == 1 else { throw several }
    return value
  }

  /// Digest of the signer's certificate as the ESS attribute names it, with the digest's kind.
  func namedCertificate() throws(SignatureFault) -> (SignatureDigest, ArraySlice<UInt8>) {
    let attribute = try value(
      of: SignatureObject.signingCertificateV2, ifMissing: .noSigningCertificate)
    var outer = attribute.reader
    var list = try outer.next(DERElement.sequence).reader
    var first = try list.next(DERElement.sequence).reader
    let algorithm = try first.optional(DERElement.sequence)
    let digest = try algorithm.map { value throws(SignatureFault) in
      try SignatureDigest(algorithm: value)
    }
    return (digest ?? .sha256, try first.next(DERElement.octetString).contents)
  }

  private static func attributes(_ set: DERElement) throws(SignatureFault) -> [Attribute] {
    var found: [Attribute] = []
    for element in try set.elements() {
      guard element.tag == DERElement.sequence else { throw .malformed }
      var reader = element.reader
      let kind = ObjectIdentifier(try reader.next(DERElement.objectIdentifier).contents)
      found.append(Attribute(kind: kind, values: try reader.next(DERElement.set).elements()))
      try reader.end()
    }
    return found
  }

  /// Nothing protects unsigned attributes, so only the one that proves itself may stand there.
  private static func token(_ set: DERElement?) throws(SignatureFault) -> [UInt8]? {
    guard let set else { return nil }
    let attributes = try attributes(set)
    guard let only = attributes.first, attributes.count == 1,
      only.kind == SignatureObject.timestampAttribute, only.values.count == 1
    else { throw .unsignedAttributes }
    return only.values.first.map { Array($0.whole) }
  }
}

private func isDER(_ content: [UInt8]) -> Bool {
  var reader = DERReader(rest: content[...])
  guard let set = try? reader.next(), reader.isAtEnd else { return false }
  return (try? set.elements()) != nil
}
