import Replication

@testable import Cryptography

extension FuzzTarget {
  /// The CMS of a record signature: our reader at every input, OpenSSL behind it at some.
  static let signature = FuzzTarget(
    name: "signature", maximumByteCount: 8_192,
    // OpenSSL's own structures are many times what they are read from.
    memory: MemoryBound(fixedByteCount: 1 << 20, factor: 512),
    seeds: { try SeedFiles.corpus("signature") },
    makeCheck: {
      let checks = try SignatureChecks()
      return { input in try checks.check(input) }
    })
}

/// Against the authority of `Tests/Corpora/signature-trust`: public parts only, the keys are gone.
struct SignatureChecks {
  /// One input in so many is verified, as that takes a hundred times as long as reading it.
  private static let verifyRate = 64
  private static let now = WallTime(microseconds: 1_800_000_000_000_000)

  private let verifier: CMSVerifier
  private let content: [UInt8]
  private let roster: [[UInt8]]
  private let good: [[UInt8]]
  private let stamped: [UInt8]

  init() throws {
    let folder = "Tests/Corpora/signature-trust/"
    verifier = CMSVerifier(
      trust: try RecordTrust(
        anchorPEM: SeedFiles.bytes(folder + "anchors.pem"),
        revocationListPEM: SeedFiles.bytes(folder + "lists.pem"),
        timestampAnchorPEM: SeedFiles.bytes(folder + "stamps.pem")))
    content = try SeedFiles.bytes(folder + "content")
    roster = try ["head.hex", "deputy.hex", "rsa.hex", "lasting.hex"].map {
      try SeedFiles.bytes(folder + $0)
    }
    let corpus = try SeedFiles.corpus("signature")
    good = corpus.filter { $0.name.hasPrefix("good-") }.map(\.bytes)
    stamped = corpus.first { $0.name == "good-lasting.hex" }?.bytes ?? []
    try require(!good.isEmpty && !stamped.isEmpty, "no good signature in the corpus")
  }

  func check(_ input: [UInt8]) throws {
    let isDER = !throwsError { () throws(SignatureFault) in try DERWalk.check(input) }
    let shape = Result { () throws(SignatureFault) in try SignedDataShape(input) }
    try require(isDER || (try? shape.get()) == nil, "a shape in what is no DER")
    if case .success(let shape) = shape {
      let sizes = shape.certificates.reduce(0) { $0 + $1.count }
      try require(sizes <= input.count, "\(sizes) bytes of certificates in \(input.count)")
      _ = shape.signer.fault(over: content)
    }
    // Bytes that no walk has passed: the reader throws and never traps.
    var reader = DERReader(rest: input[...])
    while (try? reader.next()) != nil {}

    let isGood = good.contains(input)
    var chance = InputChance(input)
    guard isGood || chance.below(Self.verifyRate) == 0 else { return }
    let verdict = verify(input)
    try require(!isGood || (try? verdict.get()) != nil, "a good signature is refused")
    if case .success = verdict {
      try require(throwsError { _ = try verify(input, over: content + [0]).get() }, "any content")
    }
    // As the token of a good one.
    _ = verify(stamped, token: input)
  }

  private func verify(
    _ signature: [UInt8], over content: [UInt8]? = nil, token: [UInt8]? = nil
  ) -> Result<VerifiedSigner, SignatureFault> {
    verifier.verify(
      signature: signature, content: content ?? self.content, at: Self.now, timestamp: token,
      roster: roster)
  }
}

extension SignerShape {
  /// What the rules of attributes say; a good one has none.
  fileprivate func fault(over content: [UInt8]) -> SignatureFault? {
    do throws(SignatureFault) {
      try checkAttributes(contentType: SignatureObject.manifest, content: content)
      _ = try namedCertificate()
      return nil
    } catch { return error }
  }
}
