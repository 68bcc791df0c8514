import Testing

@testable import Replication

private let centre = RegistrySnapshot.Site(
  id: site("trung-uong"), tier: .centre, generation: 1, pins: [Digest(Bytes32(1, 2, 3, 4))],
  organIDs: ["A99.00"])
private let province = RegistrySnapshot.Site(
  id: site("tuyen-quang-2025"), tier: .province, generation: 2,
  pins: [Digest(.zero), Digest(Bytes32(0, 0, 0, 1))], validFrom: CalendarDate("2025-07-01"),
  validTo: CalendarDate("2030-01-01"))

private func body(number: UInt64 = 1) -> JSONObject {
  let first = RegistrySnapshot.adding(centre, to: JSONObject(), number: number)
  let both = RegistrySnapshot.adding(province, to: first, number: number)
  return RegistrySnapshot.signing(both, publicKey: [1, 2, 3], signature: [4, 5])
}

private func revision(_ number: UInt64) -> RegistryRevision {
  RegistryRevision(number: number, digest: Digest(Bytes32(9, 9, 9, 9)))
}

@Suite struct RegistryTests {
  @Test func aBodyReadsBack() throws {
    let snapshot = try RegistrySnapshot(revision: revision(1), body: body().bytes)
    #expect(snapshot.sites == [centre.id: centre, province.id: province])
    #expect(snapshot.centre == centre.id && snapshot.revision == revision(1))
    #expect(snapshot.publicKey == [1, 2, 3] && snapshot.signature == [4, 5])
    #expect(snapshot.ceiling(of: centre.id) == .none)
    #expect(snapshot.ceiling(of: site("ca-mau")) == .none)
  }

  @Test func sitesAreValidBetweenTheirDays() throws {
    for (day, isValid): (Text, Bool) in [
      ("2025-06-30", false), ("2025-07-01", true), ("2030-01-01", true), ("2030-01-02", false),
    ] {
      #expect(province.isValid(on: try #require(CalendarDate(day))) == isValid)
    }
    #expect(centre.isValid(on: CalendarDate(dayNumber: 0)))
  }

  @Test func theSignatureCoversEverythingElse() throws {
    let signed = RegistrySnapshot.signedBytes(of: body())
    #expect(try object(signed)["signature"] == nil)
    #expect(try object(signed)["sites"] == body()["sites"])
    #expect(signed == RegistrySnapshot.signedBytes(of: body().with("signature", nil)))
    #expect(signed != RegistrySnapshot.signedBytes(of: body(number: 2)))
  }

  @Test func addingReplacesAndRemovesTheSignature() throws {
    let moved = RegistrySnapshot.Site(
      id: province.id, tier: .province, generation: 3, pins: province.pins)
    let next = RegistrySnapshot.adding(moved, to: body(), number: 2)
    #expect(next["signature"] == nil)
    let signed = RegistrySnapshot.signing(next, publicKey: [1], signature: [2])
    let snapshot = try RegistrySnapshot(revision: revision(2), body: signed.bytes)
    #expect(snapshot.sites == [centre.id: centre, province.id: moved])
  }

  /// A body signed as number 1 is not revision 2.
  @Test func theNumberIsTheRevision() {
    #expect(throws: RecordError.self) {
      try RegistrySnapshot(revision: revision(2), body: body().bytes)
    }
  }

  @Test func wrongBodiesAreRefused() throws {
    let entry = try #require(body()["sites"]?.array?.first)
    let province = try #require(body()["sites"]?.array?.last)
    let pins = JSONValue.array([])
    let organ = JSONValue.object(["organId": "A99.1", "siteId": "ca-mau"])
    let wrong: [(JSONObject, String)] = [
      (body().with("sites", .array([entry, entry])), "sites[1].siteId"),
      (body().with("sites", .array([province])), "sites.tier"),
      (body().with("sites", .array([])), "sites"),
      (body().with("signature", nil), "signature"),
      (body().with("organs", .array([organ])), "organs[0].siteId"),
      (
        body().with("sites", .array([.object(entry.object?.with("pins", pins) ?? [:])])),
        "sites[0].pins"
      ),
    ]
    for (body, path) in wrong {
      let error = #expect(throws: RecordError.self) {
        try RegistrySnapshot(revision: revision(1), body: body.bytes)
      }
      guard case .field(let fault)? = error else {
        Issue.record("\(path)")
        continue
      }
      #expect(fault.path == path)
    }
    #expect(throws: RecordError.self) {
      try RegistrySnapshot(revision: revision(1), body: [0x20] + body().bytes)
    }
  }

  @Test func thereIsOneRegistryRecordAndItIsTheCentres() throws {
    let put = body().with("revision", 1).with("secrecyLevel", "none")
    let id = RegistryRules.record.id
    let facts = try Submission.read(kind: .registry, operation: .put, id: id, json: put.bytes).facts
    #expect(facts.lane == .urgent && facts.audience.isEmpty)
    let parties = RecordParties(owner: centre.id, centre: centre.id, addressees: [])
    #expect(facts.authorityFault(author: centre.id, parties: parties) == nil)
    #expect(
      facts.authorityFault(author: province.id, parties: parties) == .notCentre(author: province.id)
    )
    let other = try #require(Sample.all[0].id)
    #expect(throws: RecordError.self) {
      try Submission.read(kind: .registry, operation: .put, id: other, json: put.bytes)
    }
  }

  @Test func theBuiltInRegistryAllowsOnlyGenesisAndRegistry() {
    let builtIn = RegistrySnapshot.builtIn
    #expect(builtIn.centre == nil && builtIn.revision == .builtIn && builtIn.sites.isEmpty)
    #expect(builtIn.allows(.genesis, on: nil) && builtIn.allows(.put, on: .registry))
    for kind in [RecordKind.document, .directive, .finance] {
      #expect(!builtIn.allows(.put, on: kind) && !builtIn.allows(.append, on: kind))
    }
    let later = try? RegistrySnapshot(revision: revision(1), body: body().bytes)
    #expect(later?.allows(.put, on: .document) == true)
  }
}
