import Replication
import Testing

@testable import Cryptography

/// Damage of every kind: nothing is accepted but the bytes that were signed, and nothing traps.
@Suite struct SignatureMutationTests {
  static let bases = ["p256-sha256", "chain", "rsa-pss-sha256"]

  @Test(arguments: bases.prefix(2)) func noByteMayDiffer(_ name: String) throws {
    let corpus = try SignatureCorpus.shared.get()
    var attempt = try Attempt(corpus, corpus.signature(name))
    #expect(throws: Never.self) { _ = try attempt.verdict.get() }
    var accepted: [Int] = []
    for index in attempt.signature.indices {
      for change: UInt8 in [0x01, 0x20] {
        attempt.signature[index] ^= change
        if case .success = attempt.verdict { accepted.append(index) }
        attempt.signature[index] ^= change
      }
    }
    #expect(accepted.isEmpty)
  }

  @Test(arguments: UInt64(0)..<6) func noDamageIsAccepted(seed: UInt64) throws {
    let corpus = try SignatureCorpus.shared.get()
    var random = SplitMix(state: seed)
    let whole = try corpus.signature(Self.bases[Int(seed) % Self.bases.count])
    var attempt = try Attempt(corpus, whole)
    for round in 0..<500 {
      attempt.signature = damaged(whole, using: &random)
      guard attempt.signature != whole, case .success = attempt.verdict else { continue }
      Issue.record("seed \(seed) round \(round) is accepted")
    }
  }

  @Test func noDamageOfATokenIsAccepted() throws {
    let corpus = try SignatureCorpus.shared.get()
    var random = SplitMix(state: 99)
    let signature = try corpus.signature("expired")
    let whole = try corpus.token(over: signature)
    var attempt = try Attempt(corpus, signature, trust: corpus.trust(stamps: true))
    for _ in 0..<500 {
      let token = damaged(whole, using: &random)
      attempt.token = token
      guard token != whole, case .success(let signer) = attempt.verdict else { continue }
      // What nothing signs in a token may differ; the time it proves may not.
      #expect(signer.time == .timestamp(WallTime(microseconds: 1_772_323_200_000_000)))
    }
  }

  /// Rule 10: one verifier, many threads, each verdict its own.
  @Test func threadsShareOneVerifier() async throws {
    let corpus = try SignatureCorpus.shared.get()
    let verifier = CMSVerifier(trust: try corpus.trust())
    let content = try corpus["content"]
    let names = ["p256-sha256", "chain", "rsa-pss-sha256", "revoked", "foreign", "md-sha1"]
    let signatures = try names.map { try corpus.signature($0) }
    let expected = signatures.map {
      verifier.verify(signature: $0, content: content, at: SignatureCorpus.now)
    }
    #expect(Set(expected).count == names.count)
    await withTaskGroup(of: Bool.self) { group in
      for start in 0..<8 {
        group.addTask {
          (0..<60).allSatisfy { round in
            let index = (start + round) % signatures.count
            let verdict = verifier.verify(
              signature: signatures[index], content: content, at: SignatureCorpus.now)
            return verdict == expected[index]
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  private func damaged(_ whole: [UInt8], using random: inout SplitMix) -> [UInt8] {
    var bytes = whole
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard !bytes.isEmpty else { break }
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, start + Int.random(in: 1...40, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[start] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.removeSubrange(start..<end)
      case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 4: bytes.removeSubrange(end...)
      default:
        for index in start..<end { bytes[index] = UInt8.random(in: 0...255, using: &random) }
      }
    }
    return bytes
  }
}

/// SplitMix64: the same damage for the same seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
