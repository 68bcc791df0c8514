/// The object identifiers that signatures are made of.
enum SignatureObject {
  /// The content type of a Dongbo manifest, under the arc 2.25, where any UUID is a registered
  /// number without asking anyone (ITU-T X.667): a02fe11f-75e0-409b-9dfc-246e88915e88, drawn at
  /// random once. A type of our own means that a signature made for anything else, a mail or a PDF
  /// (id-data), can never be presented as one over a record.
  static let manifest = ObjectIdentifier(2, 25, 212_925_083_312_652_386_765_965_215_577_180_036_744)
  static let manifestText = "2.25.212925083312652386765965215577180036744"

  static let signedData = ObjectIdentifier(1, 2, 840, 113_549, 1, 7, 2)
  static let timestampInfo = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 16, 1, 4)

  static let contentTypeAttribute = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 3)
  static let messageDigestAttribute = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 4)
  static let signingTimeAttribute = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 5)
  static let signingCertificateV1 = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 16, 2, 12)
  static let signingCertificateV2 = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 16, 2, 47)
  static let timestampAttribute = ObjectIdentifier(1, 2, 840, 113_549, 1, 9, 16, 2, 14)

  static let sha1 = ObjectIdentifier(1, 3, 14, 3, 2, 26)
  static let mgf1 = ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 8)
  static let rsaEncryption = ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 1)
  static let pss = ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 10)
}

/// A digest that a signature may use; nothing else is on the list.
package enum SignatureDigest: String, CaseIterable, Sendable {
  case sha256 = "SHA-256"
  case sha384 = "SHA-384"
  case sha512 = "SHA-512"

  package var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  private var identifier: ObjectIdentifier {
    let last: UInt128 =
      switch self {
      case .sha256: 1
      case .sha384: 2
      case .sha512: 3
      }
    return ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, last)
  }

  private static let byIdentifier = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.identifier, $0) })

  init?(_ identifier: ObjectIdentifier) {
    guard let found = Self.byIdentifier[identifier] else { return nil }
    self = found
  }

  /// From an AlgorithmIdentifier whose parameters are absent or NULL.
  init(algorithm: DERElement) throws(SignatureFault) {
    let (identifier, parameters) = try parts(of: algorithm)
    guard let digest = SignatureDigest(identifier) else {
      throw identifier == SignatureObject.sha1 ? .digestSHA1 : .digestNotAllowed
    }
    guard isAbsentOrNull(parameters) else { throw .malformed }
    self = digest
  }
}

/// A way to sign that is on the list.
package enum SignatureScheme: String, CaseIterable, Sendable {
  case rsaPKCS1 = "RSA PKCS #1 v1.5"
  case rsaPSS = "RSA-PSS"
  case ecdsa = "ECDSA"

  private static let withDigest: [ObjectIdentifier: (SignatureScheme, SignatureDigest)] = [
    ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 11): (.rsaPKCS1, .sha256),
    ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 12): (.rsaPKCS1, .sha384),
    ObjectIdentifier(1, 2, 840, 113_549, 1, 1, 13): (.rsaPKCS1, .sha512),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2): (.ecdsa, .sha256),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3): (.ecdsa, .sha384),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 4): (.ecdsa, .sha512),
  ]

  /// From a signer's signatureAlgorithm, which must agree with its digest.
  init(algorithm: DERElement, digest: SignatureDigest) throws(SignatureFault) {
    let (identifier, parameters) = try parts(of: algorithm)
    if identifier == SignatureObject.pss {
      guard let parameters else { throw .pssParameters }
      try checkPSS(parameters, digest)
      self = .rsaPSS
    } else if identifier == SignatureObject.rsaEncryption {
      guard isAbsentOrNull(parameters) else { throw .malformed }
      self = .rsaPKCS1
    } else {
      guard let (scheme, itsDigest) = Self.withDigest[identifier] else {
        throw .signatureAlgorithmNotAllowed
      }
      guard itsDigest == digest else { throw .algorithmsDisagree }
      guard scheme == .ecdsa ? parameters == nil : isAbsentOrNull(parameters) else {
        throw .malformed
      }
      self = scheme
    }
  }

  /// Of an AlgorithmIdentifier of RSASSA-PSS that was taken.
  static func saltByteCount(
    _ algorithm: DERElement, _ digest: SignatureDigest
  ) throws(SignatureFault) -> Int {
    guard let parameters = try parts(of: algorithm).1 else { throw .pssParameters }
    return try checkPSS(parameters, digest)
  }
}

/// Both hashes of RSASSA-PSS must be the signer's digest, written out, and the salt no shorter than
/// that: the defaults of the form are SHA-1.
/// - Returns: the salt's number of bytes.
@discardableResult private func checkPSS(
  _ parameters: DERElement, _ digest: SignatureDigest
) throws(SignatureFault) -> Int {
  guard parameters.tag == DERElement.sequence else { throw .pssParameters }
  var reader = parameters.reader
  guard let hash = try reader.optional(DERElement.context(0)),
    let mask = try reader.optional(DERElement.context(1)),
    let salt = try reader.optional(DERElement.context(2)), reader.isAtEnd
  else { throw .pssParameters }
  var hashReader = hash.reader
  var maskReader = mask.reader
  var saltReader = salt.reader
  let (maskKind, maskHash) = try parts(of: maskReader.next(DERElement.sequence))
  let length = try saltReader.next(DERElement.integer).contents
  let saltByteCount = length.prefix(2).reduce(0) { $0 << 8 | Int($1) }
  guard try SignatureDigest(algorithm: hashReader.next(DERElement.sequence)) == digest,
    maskKind == SignatureObject.mgf1, let maskHash,
    try SignatureDigest(algorithm: maskHash) == digest, (1...2).contains(length.count),
    saltByteCount >= digest.byteCount, length.first ?? 0x80 < 0x80
  else { throw .pssParameters }
  try hashReader.end()
  try maskReader.end()
  try saltReader.end()
  return saltByteCount
}

/// Object identifier and parameters of an AlgorithmIdentifier.
private func parts(
  of algorithm: DERElement
) throws(SignatureFault) -> (ObjectIdentifier, DERElement?) {
  guard algorithm.tag == DERElement.sequence else { throw .malformed }
  var reader = algorithm.reader
  let identifier = ObjectIdentifier(try reader.next(DERElement.objectIdentifier).contents)
  let parameters = reader.isAtEnd ? nil : try reader.next()
  try reader.end()
  return (identifier, parameters)
}

private func isAbsentOrNull(_ parameters: DERElement?) -> Bool {
  guard let parameters else { return true }
  return parameters.tag == DERElement.null && parameters.contents.isEmpty
}
