@testable import Cryptography

/// Writes DER, for the forms that no program will make.
enum DER {
  static func element(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
    let contents = parts.flatMap { $0 }
    return [tag] + length(contents.count) + contents
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] {
    element(DERElement.sequence, parts.flatMap { $0 })
  }

  /// A SET OF in the order that DER demands.
  static func set(_ elements: [[UInt8]], tag: UInt8 = DERElement.set) -> [UInt8] {
    element(tag, elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 })
  }

  static func integer(_ number: UInt8...) -> [UInt8] { element(DERElement.integer, number) }
  static func octets(_ bytes: [UInt8]) -> [UInt8] { element(DERElement.octetString, bytes) }
  static let null: [UInt8] = [DERElement.null, 0]

  static func identifier(_ identifier: ObjectIdentifier) -> [UInt8] {
    element(DERElement.objectIdentifier, Array(identifier.contents))
  }

  static func length(_ count: Int) -> [UInt8] {
    guard count >= 0x80 else { return [UInt8(count)] }
    var digits: [UInt8] = []
    var rest = count
    while rest > 0 {
      digits.insert(UInt8(rest & 0xFF), at: 0)
      rest >>= 8
    }
    return [0x80 | UInt8(digits.count)] + digits
  }

  static let sha256 = sequence(identifier(ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1)))
  static let sha384 = sequence(identifier(ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2)))
  static let sha1 = sequence(identifier(SignatureObject.sha1), null)
  static let ecdsaSHA256 = sequence(identifier(ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2)))
  static let ecdsaSHA384 = sequence(identifier(ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3)))
  static let ed25519 = sequence(identifier(ObjectIdentifier(1, 3, 101, 112)))
  static let rsaEncryption = sequence(identifier(SignatureObject.rsaEncryption), null)
}

/// A SignedData of which every part can be made wrong before it is signed.
struct CraftedSignature {
  var kind = SignatureObject.signedData
  var version: UInt8 = 3
  var digests = [DER.sha256]
  var contentType = SignatureObject.manifest
  var attached: [UInt8]?
  var certificates: [[UInt8]]
  var lists: [[UInt8]] = []
  var signers: [CraftedSigner]

  func bytes() throws -> [UInt8] {
    let content = attached.map { DER.element(0xA0, DER.octets($0)) } ?? []
    let infos = try signers.map { try $0.bytes() }
    let data = DER.sequence(
      DER.integer(version), DER.set(digests),
      DER.sequence(DER.identifier(contentType), content),
      certificates.isEmpty ? [] : DER.set(certificates, tag: 0xA0),
      lists.isEmpty ? [] : DER.set(lists, tag: 0xA1), DER.set(infos))
    return DER.sequence(DER.identifier(kind), DER.element(0xA0, data))
  }
}

/// One SignerInfo in the making.
struct CraftedSigner {
  struct Attribute {
    var kind: ObjectIdentifier
    var values: [[UInt8]]

    var bytes: [UInt8] { DER.sequence(DER.identifier(kind), DER.set(values)) }
  }

  var version: UInt8 = 1
  var identifier: [UInt8]
  let key: SigningKey
  var digest = DER.sha256
  var scheme = DER.ecdsaSHA256
  /// nil: the signature is over `content` itself.
  var attributes: [Attribute]?
  var content: [UInt8]
  var value: [UInt8]?
  var unsigned: [Attribute] = []

  /// A right one over `content`.
  init(
    certificate: [UInt8], key: SigningKey, content: [UInt8],
    contentType: ObjectIdentifier = SignatureObject.manifest
  ) throws {
    identifier = try issuerAndSerial(certificate)
    self.key = key
    self.content = content
    attributes = [
      Attribute(
        kind: SignatureObject.contentTypeAttribute, values: [DER.identifier(contentType)]),
      Attribute(
        kind: SignatureObject.messageDigestAttribute,
        values: [DER.octets(SignatureDigest.sha256.digest(content))]),
      Attribute(
        kind: SignatureObject.signingCertificateV2, values: [Self.naming(certificate)]),
    ]
  }

  /// The ESS attribute's value for `certificate`.
  static func naming(_ certificate: [UInt8]) -> [UInt8] {
    let digest = SignatureDigest.sha256.digest(certificate)
    return DER.sequence(DER.sequence(DER.sequence(DER.octets(digest))))
  }

  subscript(_ kind: ObjectIdentifier) -> [[UInt8]]? {
    get { attributes?.first { $0.kind == kind }?.values }
    set {
      attributes?.removeAll { $0.kind == kind }
      if let newValue { attributes?.append(Attribute(kind: kind, values: newValue)) }
    }
  }

  func bytes() throws -> [UInt8] {
    let encoded = attributes?.map(\.bytes)
    let signed = encoded.map { DER.set($0) } ?? content
    let value = try value ?? key.sign(signed)
    return DER.sequence(
      DER.integer(version), identifier, digest, encoded.map { DER.set($0, tag: 0xA0) } ?? [],
      scheme, DER.octets(value),
      unsigned.isEmpty ? [] : DER.set(unsigned.map(\.bytes), tag: 0xA1))
  }
}

private func issuerAndSerial(_ certificate: [UInt8]) throws -> [UInt8] {
  var outer = DERReader(rest: certificate[...])
  var inner = try outer.next(DERElement.sequence).reader
  var reader = try inner.next(DERElement.sequence).reader
  _ = try reader.optional(DERElement.context(0))
  let serial = try reader.next(DERElement.integer).whole
  _ = try reader.next(DERElement.sequence)
  return DER.sequence(Array(try reader.next(DERElement.sequence).whole), Array(serial))
}
