import Storage
import Testing

@testable import Replication

/// What the first put of a directive fixed (domain.md 9.3, W1).
@Suite struct FirstPutTests {
  private let centre = TestNetwork.centre
  private let lead = TestNetwork.provinces[0]
  private let day = CalendarDate("2026-06-01") ?? CalendarDate(dayNumber: 0)

  /// What a later revision changes, and the field that is refused.
  @Test(
    arguments: [
      (["title": "khác"], nil), (["assignedDate": "2026-01-01"], "assignedDate"),
      (["deadlineType": "none"], "deadlineType"), (["dueDate": "2026-12-31"], "dueDate"),
      (["dueDate": nil, "deadlineType": "periodic"], "deadlineType"),
    ] as [([Text: JSONValue?], String?)])
  func laterRevisionsKeepTheDates(changes: [Text: JSONValue?], path: String?) throws {
    var network = try TestNetwork(seed: 41)
    let first = network.directive(from: centre, lead: lead)
    try network.put(centre, .directive, first)
    var second = first.with("revision", 2)
    for (name, value) in changes { second[name] = value }
    let submission = try Submission.read(kind: .directive, operation: .put, json: second.bytes)
    switch try network[centre].attempt(submission) {
    case .success: #expect(path == nil)
    case .failure(.rule(let fault)): #expect(fault.path == path)
    case .failure(let other): Issue.record("\(other)")
    }
    // The same words again are no other claim, whatever revision they have.
    let again = first.with("revision", path == nil ? 3 : 2)
    try network.put(centre, .directive, again)
  }

  private func entry(
    _ number: UInt64, _ revision: UInt64, _ body: JSONObject, parents: [Entry]
  ) -> Entry {
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: centre, incarnation: Incarnation(Bytes16(high: 0, low: number)),
        sequence: SequenceNumber(number)),
      time: HybridTime(microseconds: number, counter: 0), operation: .put, record: body.record,
      subject: .revision(Revision(revision)), parents: parents.map(\.digest),
      depth: Depth(UInt32(number)), registry: .builtIn, lane: .normal, secrecy: .none,
      audience: [])
    return Entry(
      authoring: header, body: body.with("revision", nil).bytes, hashing: TestSite.hashing)
  }

  private func shown(_ record: RecordKey, _ entries: [Entry]) throws -> JSONObject {
    let network = try TestNetwork(seed: 42)
    let content = try RecordContent(
      HeldRecord(record, entries: entries), asOf: day, site: centre, centre: centre,
      in: network.centre.store)
    return try #require(content?.json)
  }

  /// What a peer let through is kept, and the first dates go on: in any order, before and after
  /// compaction.
  @Test func aPeersOtherDatesCountNothing() throws {
    var network = try TestNetwork(seed: 43)
    let body = network.directive(from: centre, lead: lead)
    let first = entry(1, 1, body, parents: [])
    let second = entry(2, 2, body.with("dueDate", "2027-01-31"), parents: [first])
    let third = entry(
      3, 3, body.with("dueDate", "2028-01-31").with("title", "khác"), parents: [second])
    let whole = [first, second, third]
    let expected = try shown(body.record, whole)
    #expect(expected["title"] == "khác" && expected["dueDate"] == "2028-01-31")
    let derived = try #require(expected["derived"]?.object)
    #expect(derived["effectiveDueDate"] == body["dueDate"])
    let reason = try #require(derived["flagReason"]?.object?["en"]?.text)
    #expect(reason.string.hasPrefix("dueDate (\"2028-01-31\") was fixed by the first put"))
    let compacted = RandomRecord.compact(whole)
    #expect(compacted.map { $0.body == nil } == [false, true, false])
    for entries in [whole, compacted] {
      var random = SeededRandom(seed: 44)
      for _ in 0..<6 {
        #expect(try shown(body.record, entries.shuffled(using: &random)) == expected)
      }
    }
    // Compacted before the first one comes.
    #expect(try shown(body.record, RandomRecord.compact([second, third]) + [first]) == expected)
    // Back to the first dates, nothing stands against it.
    let fourth = entry(4, 4, body, parents: [third])
    let mended = try shown(body.record, whole + [fourth])
    #expect(mended["derived"]?.object?["flagReason"] == nil)
  }

  /// Two first puts are a conflict; the put that ends it may repeat either, and nothing else.
  @Test func aDecisionMayRepeatEitherFirstPut() throws {
    var network = try TestNetwork(seed: 45)
    let body = network.directive(from: centre, lead: lead)
    let other = body.with("dueDate", "2026-09-30")
    let firsts = [entry(1, 1, body, parents: []), entry(2, 1, other, parents: [])]
    for (date, counts): (JSONValue, JSONValue?) in [
      ("2026-09-30", "2026-09-30"), (try #require(body["dueDate"]), body["dueDate"]),
      ("2029-01-01", body["dueDate"]),
    ] {
      let decision = entry(3, 2, body.with("dueDate", date), parents: firsts)
      for entries in [firsts + [decision], RandomRecord.compact(firsts + [decision])] {
        let derived = try shown(body.record, entries)["derived"]?.object
        #expect(derived?["effectiveDueDate"] == counts)
      }
    }
  }
}
