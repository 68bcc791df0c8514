import Replication
import Testing

/// What is signed, who may sign, and what signatures amount to.
@Suite struct SignatureTests {
  private let record = RecordKey(
    kind: .document, id: RecordID(UniqueID(Bytes16(high: 1, low: 2))))

  private func digest(_ number: UInt64) -> Digest { Digest(Bytes32(0, 0, 0, number)) }

  /// The bytes that offices' tokens sign: never to change.
  @Test func theManifestIsTheSameBytesForEver() throws {
    let manifest = SignatureManifest(
      record: record, revision: Revision(3), body: digest(9),
      files: [digest(2), digest(1), digest(2)])
    let zeros = String(repeating: "0", count: 63)
    #expect(
      String(decoding: manifest.canonicalBytes, as: UTF8.self)
        == #"{"body":"sha-256:\#(zeros)9","files":["sha-256:\#(zeros)1","sha-256:\#(zeros)2"],"#
        + #""kind":"document","manifest":"dongbo-record/1","#
        + #""recordId":"00000000-0000-0001-0000-000000000002","revision":3}"#)
  }

  @Test func aManifestTellsRecordsRevisionsBodiesAndFilesApart() {
    let manifests = [
      SignatureManifest(record: record, revision: Revision(1), body: digest(1), files: []),
      SignatureManifest(record: record, revision: Revision(2), body: digest(1), files: []),
      SignatureManifest(record: record, revision: Revision(1), body: digest(2), files: []),
      SignatureManifest(
        record: record, revision: Revision(1), body: digest(1), files: [digest(1)]),
      SignatureManifest(
        record: RecordKey(kind: .finance, id: record.id), revision: Revision(1), body: digest(1),
        files: []),
    ]
    #expect(Set(manifests.map(\.canonicalBytes)).count == manifests.count)
  }

  private func verdict(_ state: SignatureVerdict.State) -> SignatureVerdict {
    SignatureVerdict(
      state: state, reason: state == .valid ? "valid" : "revoked",
      verifiedAt: WallTime(microseconds: 1),
      registry: .builtIn)
  }

  @Test func everyRoleNeedsAValidSignatureOfItsOwn() {
    let policy = SignaturePolicy.standard(for: .document)
    #expect(policy.roles == ["person", "organ"] && policy.mode == .require)
    let valid = verdict(.valid)
    let both = SignatureStanding(policy: policy, found: [("organ", valid), ("person", valid)])
    #expect(both == .valid && both.isUsable(under: policy))
    // Two signatures of one role are one role.
    let one = SignatureStanding(policy: policy, found: [("person", valid), ("person", valid)])
    #expect(one == .incomplete(missing: ["organ"], reasons: []))
    #expect(!one.isUsable(under: policy))
    for state in [SignatureVerdict.State.invalid, .undecided] {
      let bad = SignatureStanding(
        policy: policy, found: [("person", valid), ("organ", verdict(state))])
      #expect(bad == .incomplete(missing: ["organ"], reasons: ["revoked"]))
    }
    // A bad signature beside a good one of the same role takes nothing away.
    let mixed = SignatureStanding(
      policy: policy,
      found: [("person", verdict(.invalid)), ("person", valid), ("organ", valid)])
    #expect(mixed == .valid)
    let early = SignatureStanding(policy: policy, found: [("person", nil), ("organ", valid)])
    #expect(early == .incomplete(missing: ["person"], reasons: ["not-verified-yet"]))
  }

  @Test func thePolicyDecidesWhatAnUnsignedRecordIsWorth() {
    func value(_ mode: SignaturePolicy.Mode) -> (String?, Bool) {
      let policy = SignaturePolicy(mode: mode, roles: ["person"])
      let standing = SignatureStanding(policy: policy, found: [])
      return (
        standing.json(under: policy).object?["value"]?.text?.string,
        standing.isUsable(under: policy)
      )
    }
    #expect(value(.require) == ("not-usable", false))
    #expect(value(.acceptAsReference) == ("reference-only", true))
    #expect(value(.off) == ("original", true))
  }

  @Test func aSignerSignsForItsOrganKindsRolesAndDaysOnly() throws {
    let day = try #require(CalendarDate("2026-03-02"))
    let signer = Signer(
      certificate: digest(1), organ: "A99.P20", kinds: [.document], roles: ["person"],
      validFrom: day, validTo: day)
    #expect(signer.maySign(.document, as: "person", for: "A99.P20", on: day))
    #expect(!signer.maySign(.finance, as: "person", for: "A99.P20", on: day))
    #expect(!signer.maySign(.document, as: "organ", for: "A99.P20", on: day))
    #expect(!signer.maySign(.document, as: "person", for: "A99.P40", on: day))
    for other in [-1, 1] {
      let near = CalendarDate(dayNumber: day.dayNumber + other)
      #expect(!signer.maySign(.document, as: "person", for: "A99.P20", on: near))
    }
  }
}
