import Foundation
import Replication
import Testing

@testable import Cryptography

/// What `Tests/Corpora/signatures/make.sh` makes, in memory; the folder with the keys is gone.
struct SignatureCorpus: Sendable {
  /// 2027-01-15T08:00:00Z, within all that is right.
  static let now = WallTime(microseconds: 1_800_000_000_000_000)

  static let shared = Result { try SignatureCorpus() }

  private let files: [String: [UInt8]]

  private init() throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Corpora/signatures/make.sh").standardizedFileURL
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dongbo-signatures-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = [script.path, folder.path]
    try shell.run()
    shell.waitUntilExit()
    try #require(shell.terminationStatus == 0, "make.sh failed; run it by hand into a folder")
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      files[name] = Array(try Data(contentsOf: folder.appending(path: name)))
    }
    self.files = files
  }

  subscript(_ name: String) -> [UInt8] {
    get throws { try #require(files[name], "make.sh makes no \(name)") }
  }

  func signature(_ name: String) throws -> [UInt8] { try self[name + ".p7s"] }

  func key(_ name: String = "ec") throws -> SigningKey { try SigningKey(pem: self[name + ".key"]) }

  /// Trust in the record authority with these lists and, when asked, the time-stamp authority.
  func trust(
    lists: String? = "all.crl", stamps: Bool = false, policies: [[UInt64]] = []
  ) throws -> RecordTrust {
    try RecordTrust(
      anchorPEM: self["record.pem"], revocationListPEM: lists.map { try self[$0] },
      timestampAnchorPEM: stamps ? self["tsa.pem"] : nil, acceptedPolicies: policies)
  }

  /// A right signature of `name`, part by part.
  func crafted(_ name: String = "head", key: String = "ec") throws -> CraftedSignature {
    let certificate = try self[name + ".der"]
    let signer = try CraftedSigner(
      certificate: certificate, key: self.key(key), content: self["content"])
    return CraftedSignature(certificates: [certificate], signers: [signer])
  }

  /// A right signature of the head, with one thing changed before it is signed.
  func crafted(_ change: (inout CraftedSignature) throws -> Void) throws -> [UInt8] {
    var signature = try crafted()
    try change(&signature)
    return try signature.bytes()
  }

  /// As above, where the one thing is the signer's.
  func craftedSigner(_ change: (inout CraftedSigner) throws -> Void) throws -> [UInt8] {
    try crafted { try change(&$0.signers[0]) }
  }

  /// A time-stamp token over the value of `signature`.
  func token(
    over signature: [UInt8], at time: String = "20260301000000Z", by name: String = "stamper",
    imprint: [UInt8] = DER.sha256, _ change: (inout CraftedSignature) throws -> Void = { _ in }
  ) throws -> [UInt8] {
    let value = try SignedDataShape(signature).signer.value
    let info = DER.sequence(
      DER.integer(1), DER.identifier(ObjectIdentifier(2, 16, 704, 9, 1)),
      DER.sequence(imprint, DER.octets(SignatureDigest.sha256.digest(value))), DER.integer(1),
      DER.element(DERElement.generalizedTime, Array(time.utf8)))
    let certificate = try self[name + ".der"]
    let signer = try CraftedSigner(
      certificate: certificate, key: key(), content: info,
      contentType: SignatureObject.timestampInfo)
    var token = CraftedSignature(
      contentType: SignatureObject.timestampInfo, attached: info, certificates: [certificate],
      signers: [signer])
    try change(&token)
    return try token.bytes()
  }
}

/// One call of the verifier.
struct Attempt {
  var signature: [UInt8]
  var content: [UInt8]
  var trust: RecordTrust
  var time = SignatureCorpus.now
  var revocationTime: WallTime?
  var token: [UInt8]?
  var roster: [[UInt8]] = []

  init(_ corpus: SignatureCorpus, _ signature: [UInt8], trust: RecordTrust? = nil) throws {
    self.signature = signature
    content = try corpus["content"]
    self.trust = try trust ?? corpus.trust()
  }

  var verdict: Result<VerifiedSigner, SignatureFault> {
    CMSVerifier(trust: trust).verify(
      signature: signature, content: content, at: time, revocationAt: revocationTime,
      timestamp: token, roster: roster)
  }
}

/// A form that must be accepted, or refused for the reason named.
struct Form: CustomTestStringConvertible, Sendable {
  let name: String
  /// Of the ten acceptance rules.
  let rule: Int
  /// nil: accepted.
  let fault: SignatureFault?
  let make: @Sendable (SignatureCorpus) throws -> Attempt

  var testDescription: String { name }

  /// Refused, however it is made.
  init(
    _ rule: Int, _ name: String, _ fault: SignatureFault?,
    make: @escaping @Sendable (SignatureCorpus) throws -> Attempt
  ) {
    self.rule = rule
    self.name = name
    self.fault = fault
    self.make = make
  }

  /// Refused under the trust that accepts the good ones.
  init(
    _ rule: Int, _ name: String, _ fault: SignatureFault?,
    _ signature: @escaping @Sendable (SignatureCorpus) throws -> [UInt8]
  ) {
    self.init(rule, name, fault, make: { try Attempt($0, signature($0)) })
  }

  /// A file of make.sh.
  init(_ rule: Int, _ file: String, _ fault: SignatureFault?) {
    self.init(rule, file, fault, { try $0.signature(file) })
  }
}

extension WallTime {
  /// `days` days later.
  func plus(days: UInt64) -> WallTime {
    WallTime(microseconds: microseconds + days * 86_400_000_000)
  }
}
