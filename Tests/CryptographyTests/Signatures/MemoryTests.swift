import Replication
import Testing

@testable import Cryptography

/// What is remembered about signers changes no verdict: each is held against that of a verifier
/// that was made for it alone.
@Suite struct MemoryTests {
  /// Under each of these lists, the signatures are asked at all moments.
  static let lists: [String?] = ["all.crl", "next.crl", "stale.crl", nil]
  static let names = [
    "p256-sha256", "chain", "anchor-too", "key-id", "rsa-pss-sha256", "rsa-pkcs1-sha384",
    "p384-sha384", "revoked", "later", "expired", "early", "underfallen", "underold", "foreign",
    "lasting", "broken-chain", "stray", "toodeep", "weak", "usurped", "md-sha1",
  ]
  /// Begin and end of certificates and lists of the corpus, and when it revokes: in seconds.
  static let points: [UInt64] = [
    1_735_689_600, 1_767_225_600, 1_780_272_000, 1_798_761_600, 1_799_539_200, 1_800_403_200,
    1_801_440_000, 1_803_859_200, 1_811_808_000, 1_830_297_600,
  ]
  static let moments = points.flatMap { point in
    [point - 1, point, point + 1].map { WallTime(microseconds: $0 * 1_000_000) }
  }

  private let corpus: SignatureCorpus

  init() throws { corpus = try SignatureCorpus.shared.get() }

  private func verifier(_ trust: RecordTrust) -> CMSVerifier { CMSVerifier(trust: trust) }

  /// The verdict of `verifier` must be that of a fresh one.
  @discardableResult private func compare(
    _ verifier: CMSVerifier, _ signature: [UInt8], at time: WallTime = SignatureCorpus.now,
    revocationAt: WallTime? = nil, content: [UInt8]? = nil, _ name: String = ""
  ) throws -> Result<VerifiedSigner, SignatureFault> {
    let content = try content ?? corpus["content"]
    let found = verifier.verify(
      signature: signature, content: content, at: time, revocationAt: revocationAt)
    let fresh = CMSVerifier(trust: verifier.trust).verify(
      signature: signature, content: content, at: time, revocationAt: revocationAt)
    #expect(found == fresh, "\(name) at \(time), lists at \(revocationAt ?? time)")
    return found
  }

  private func fault(_ verdict: Result<VerifiedSigner, SignatureFault>) -> SignatureFault? {
    if case .failure(let fault) = verdict { fault } else { nil }
  }

  /// Kills: a class without one of its points; the moment of the lists left out; a verdict that is
  /// kept for a form whatever the moment; a trust's memory used under another.
  @Test(arguments: UInt64(0)..<8) func verdictsAreTheSameInAnyOrder(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let verifiers = try Self.lists.map { verifier(try corpus.trust(lists: $0)) }
    for _ in 0..<250 {
      let verifier = try #require(verifiers.randomElement(using: &random))
      let name = try #require(Self.names.randomElement(using: &random))
      let time = try #require(Self.moments.randomElement(using: &random))
      let later = try #require(Self.moments.randomElement(using: &random))
      try compare(
        verifier, try corpus.signature(name), at: time,
        revocationAt: Bool.random(using: &random) ? max(time, later) : nil, name)
    }
    #expect(verifiers.allSatisfy { $0.memory.formCount > 0 })
  }

  /// Asked at each moment, later ones first, and then earlier ones again. Kills: a point that falls
  /// into the class before or behind it.
  @Test func validityIsAskedAtEachMoment() throws {
    let verifier = verifier(try corpus.trust(lists: "lasting.crl"))
    let signature = try corpus.signature("expired")
    let (start, end) = (Self.moments[1], Self.moments[7])
    for time in Self.moments.reversed() + Self.moments {
      let expected: SignatureFault? =
        time < start ? .certificateNotYetValid : time < end ? nil : .certificateExpired
      #expect(fault(try compare(verifier, signature, at: time)) == expected)
    }
  }

  /// Kills: a bound of classes that is not kept, or that is so narrow that nothing is.
  @Test func classesBeyondTheBoundAreJudgedAgain() throws {
    let verifier = verifier(try corpus.trust())
    let signature = try corpus.signature("p256-sha256")
    let form = try #require(try SignedDataShape(signature).form)
    let last = try #require(Self.moments.last)
    var counts: [Int] = []
    for time in Self.moments {
      for revocationTime in [time, last] {
        try compare(verifier, signature, at: time, revocationAt: revocationTime)
        counts.append(try #require(verifier.memory[form]).classCount)
      }
    }
    #expect(counts.max() == KnownForm.maximumClassCount)
    #expect(zip(counts, counts.dropFirst()).contains { $1 < $0 })
  }

  /// The list revokes "later" on 20 January: what was received before stands when it is looked at
  /// again, what came at that moment or after it does not. Kills: revocation dates left out of the
  /// points; a present moment taken for a past one.
  @Test func revocationCountsFromItsMoment() throws {
    let verifier = verifier(try corpus.trust())
    let signature = try corpus.signature("later")
    let revoked = WallTime(microseconds: Self.points[5] * 1_000_000)
    let before = WallTime(microseconds: revoked.microseconds - 1_000_000)
    let asked = revoked.plus(days: 5)
    for _ in 0..<2 {
      #expect(fault(try compare(verifier, signature, at: before, revocationAt: asked)) == nil)
      for time in [revoked, revoked.plus(days: 1)] {
        let verdict = try compare(verifier, signature, at: time, revocationAt: asked)
        #expect(fault(verdict) == .certificateRevoked)
      }
      // As of now, and not as of a moment that has passed, though no date lies between the two.
      #expect(fault(try compare(verifier, signature, at: before)) == .certificateRevoked)
      let earlier = WallTime(microseconds: before.microseconds - 1_000_000)
      #expect(fault(try compare(verifier, signature, at: earlier)) == .certificateRevoked)
      #expect(fault(try compare(verifier, signature, at: earlier, revocationAt: before)) == nil)
      // The list has run out when it is asked.
      let tooLate = try compare(
        verifier, signature, at: before, revocationAt: revoked.plus(days: 20))
      #expect(fault(tooLate) == .revocationListExpired)
    }
  }

  /// Kills: a form without its certificates.
  @Test func anotherChainOfOneSignerIsAnotherForm() throws {
    let verifier = verifier(try corpus.trust())
    let isolated = try corpus.signature("broken-chain")
    let whole = try corpus.signature("chain")
    for _ in 0..<2 {
      #expect(fault(try compare(verifier, isolated)) == .unknownAuthority)
      #expect(fault(try compare(verifier, whole)) == nil)
    }
    #expect(verifier.memory.formCount == 2)
  }

  /// Signatures of one signer over anything, at any time, are of one form, whatever the length of
  /// their value. Kills: lengths or leaves that get into the form.
  @Test func signaturesOfOneSignerAreOfOneForm() throws {
    let office = try SignerTests.Office()
    let verifier = verifier(try office.trust())
    for number in UInt8(0)..<30 {
      let time = WallTime(
        microseconds: SignerTests.now.microseconds + UInt64(number) * 1_000_000)
      let signature = try office.signer.sign([number], at: time)
      let signer = try compare(verifier, signature, at: time, content: [number]).get()
      #expect((signer.signingTime, signer.time) == (time, .reception(time)))
    }
    #expect(verifier.memory.formCount == 1)
  }

  /// Kills: the value, the content or a byte of the form not looked at once the form is known.
  @Test(arguments: ["p256-sha256", "rsa-pss-sha256"])
  func eachByteIsJudgedThoughTheFormIsKnown(name: String) throws {
    let verifier = verifier(try corpus.trust())
    var signature = try corpus.signature(name)
    #expect(fault(try compare(verifier, signature)) == nil)
    for index in signature.indices {
      signature[index] ^= 1
      #expect(fault(try compare(verifier, signature, "byte \(index)")) != nil)
      signature[index] ^= 1
    }
    let other = try compare(verifier, signature, content: corpus["other.content"])
    #expect(fault(other) == .contentMismatch)
  }

  /// A token says by which time this signature is judged, not every one of the form. Kills: the
  /// judged time kept with the form; the time of reception asked for in its place.
  @Test func aTokenCountsForItsSignatureOnly() throws {
    let trust = try corpus.trust(stamps: true)
    let verifier = verifier(trust)
    var crafted = try corpus.crafted("expired")
    let attributes = DER.set(crafted.signers[0].attributes?.map(\.bytes) ?? [])
    crafted.signers[0].value = try crafted.signers[0].key.sign(attributes)
    #expect(fault(try compare(verifier, crafted.bytes())) == .certificateExpired)
    let times = ["20260301000000Z", "20260701000000Z", "20240701000000Z", "20260302000000Z"]
    let faults: [SignatureFault?] = [nil, .certificateExpired, .certificateNotYetValid, nil]
    for (time, expected) in zip(times, faults) {
      crafted.signers[0].unsigned = []
      let token = try corpus.token(over: crafted.bytes(), at: time)
      crafted.signers[0].unsigned = [
        CraftedSigner.Attribute(kind: SignatureObject.timestampAttribute, values: [token])
      ]
      #expect(fault(try compare(verifier, crafted.bytes(), time)) == expected)
    }
    #expect(verifier.memory.formCount == 1)
  }

  /// Kills: a bound that is not kept; a form that comes back with another's verdict.
  @Test func formsBeyondTheBoundAreJudgedAgain() throws {
    let trust = try corpus.trust()
    let verifier = CMSVerifier(trust: trust, memory: SignatureMemory(limit: 2))
    for _ in 0..<3 {
      for name in ["p256-sha256", "revoked", "chain", "underfallen", "p384-sha384"] {
        try compare(verifier, corpus.signature(name), name)
        #expect((1...2).contains(verifier.memory.formCount))
      }
    }
  }

  /// A reload brings another verifier; nothing goes over from the one before.
  @Test func otherListsJudgeAnew() throws {
    let office = try SignerTests.Office()
    let signature = try office.signer.sign([1], at: SignerTests.now)
    let serial = try CertificateInfo(pem: office.certificate).serial
    for revoked in [[], [serial], []] {
      let verifier = verifier(try office.trust(revoked: revoked))
      for _ in 0..<2 {
        let verdict = try compare(verifier, signature, at: SignerTests.now, content: [1])
        #expect(fault(verdict) == (revoked.isEmpty ? nil : .certificateRevoked))
      }
    }
  }

  /// A moment before, on and behind each point, and past or present, are classes of their own.
  /// Kills: `>` for `>=` in the place of a moment.
  @Test func classesTellApartWhatAComparisonCan() {
    let points = TurningPoints([10, 20, 20])
    func momentClass(_ time: UInt64, _ revocation: UInt64) -> MomentClass {
      points.momentClass(
        of: JudgedMoment(
          WallTime(microseconds: time * 1_000_000),
          revocation: WallTime(microseconds: revocation * 1_000_000)))
    }
    let seconds: [UInt64] = [9, 10, 11, 20, 21]
    var classes: [MomentClass] = []
    for time in seconds {
      for revocation in seconds where revocation >= time {
        classes.append(momentClass(time, revocation))
      }
    }
    #expect(Set(classes).count == classes.count)
    #expect(momentClass(11, 11) == momentClass(19, 19))
    #expect(momentClass(11, 11) != momentClass(11, 12))
    #expect(momentClass(11, 12) == momentClass(12, 19))
  }
}
