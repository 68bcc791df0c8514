import Testing

@testable import Daemon
@testable import Replication

/// What a write is answered with, as its callers read it.
@Suite struct WriteAnswerTests {
  private static let id = "00000000-0000-4000-8000-000000000001"

  private func answer(_ subject: Subject, pendingFileCount: Int = 0) throws -> WriteAnswer {
    let identity = EntryIdentity(
      origin: try #require(SiteID("tinh-a")),
      incarnation: Incarnation(Bytes16(high: 3, low: 4)), sequence: SequenceNumber(5))
    return WriteAnswer(
      record: RecordKey(kind: .document, id: try #require(RecordID(Self.id))), subject: subject,
      authored: Authored(
        identity: identity, digest: Digest(.zero), lane: .normal, lsn: LSN(6), state: .held,
        code: .referenceMissing, isRepeat: true),
      pendingFileCount: pendingFileCount)
  }

  private func expected(_ more: JSONObject) -> JSONObject {
    var object: JSONObject = [
      "kind": .string("document"), "recordId": .string(Text(Self.id)), "origin": .string("tinh-a"),
      "incarnation": .string("00000000000000030000000000000004"), "sequence": .integer(5),
      "digest": .string(Text(String(repeating: "0", count: 64))), "lane": .string("normal"),
      "state": .string(Text("\(OutcomeState.held)")),
      "code": .string(Text("\(OutcomeCode.referenceMissing)")), "repeat": .bool(true),
    ]
    for member in more.members { object[member.key] = member.value }
    return object
  }

  @Test func saysWhatWasWritten() throws {
    let event = try #require(EventID(Self.id))
    let asEvent: JSONObject = ["eventId": .string(Text(Self.id)), "filesPending": .integer(2)]
    for (subject, pendingFileCount, more) in [
      (Subject.none, 0, JSONObject()),
      (.revision(Revision(7)), 0, ["revision": .integer(7)]), (.event(event), 2, asEvent),
    ] {
      let answer = try answer(subject, pendingFileCount: pendingFileCount)
      #expect(answer.json() == JSONValue.object(expected(more)).canonicalBytes)
    }
  }

  @Test func saysWhatTheCentreDid() throws {
    let answer = try answer(.none)
    for (centre, state, code) in [
      (WriteAnswer.AtCentre(.applied, .none), "applied", "\(OutcomeCode.none)"),
      (.busy, "unknown", "busy"), (.durableHereOnly, "unknown", "durable-here-only"),
    ] {
      let told: JSONObject = [
        "state": .string(Text(state)), "code": .string(Text(code)),
      ]
      #expect(
        answer.json(centre)
          == JSONValue.object(expected(["centre": .object(told)])).canonicalBytes)
    }
  }
}
