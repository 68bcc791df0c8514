import Cryptography
import Replication
import Storage
import Testing

@testable import Daemon

/// What a restored centre is told to do about its registry. Kills: the filter by code left out; the
/// order of arrival kept.
@Suite struct RejoinPageTests {
  @Test func itNamesTheRegistriesThatWaitInOrder() throws {
    let centre = try #require(SiteID("trung-uong"))
    let life = Incarnation(Bytes16(high: 1, low: 1))
    var store = MemoryStore(storeID: Bytes16(high: 1, low: 1), site: centre)
    for (sequence, revision, code) in [
      (9, 7, OutcomeCode.registryAhead), (8, 6, .registryAhead), (7, 5, .foreignOrigin),
    ] {
      let header = EntryHeader(
        identity: EntryIdentity(
          origin: centre, incarnation: life, sequence: SequenceNumber(UInt64(sequence))),
        time: HybridTime(microseconds: 1, counter: 0), operation: .put,
        record: RegistryRules.record, subject: .revision(Revision(UInt64(revision))), parents: [],
        depth: Depth(1), registry: RegistryRevision(number: UInt64(revision) - 1, digest: .zero),
        lane: .urgent, secrecy: .none, audience: [])
      try store.setWaiting(
        WaitingEntry(
          entry: Entry(authoring: header, body: Array("{}".utf8), hashing: OpenSSLHash()),
          via: SiteID("lang-son"), state: .quarantined, code: code, attempts: 1))
    }
    for (site, expected) in [(centre, [6, 7]), (try #require(SiteID("lang-son")), [])] {
      let page = RejoinPage(site: site, centre: centre, lock: nil, unconfirmed: [], silent: [])
      let listed = try page.json(in: store)["registryAhead"]?.array ?? []
      #expect(listed.map { $0.object?["revision"] } == expected.map { .integer(Int64($0)) })
    }
  }
}
