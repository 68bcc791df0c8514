import Replication
import Testing

@testable import dongbo_bench

/// The oracle of runs with faults.
@Suite struct LedgerTests {
  private static let site = Workload.owner
  private static let digest = String(repeating: "0", count: 64)

  private static func ok(_ change: String, _ sequence: Int, _ digest: String = digest) -> String {
    "try \(change) tinh-a trung-uong\nok \(change) tinh-a 00ff \(sequence) \(digest)\n"
  }

  private static func change(_ name: String) throws -> ChangeLedger.Change {
    let words = name.split(separator: "/").map(String.init)
    let feed: JSONObject = [
      "kind": .text(words[0]), "recordId": .text(words[1]), "eventId": .text(words[2]),
    ]
    return try #require(ChangeLedger.Change(feed: feed))
  }

  @Test func aChangeHasTheSameNameWhenItIsSentAndInTheFeed() throws {
    var workload = Workload(seed: 3)
    for change in workload.take(400) {
      let body = try #require(try JSONValue.parse(change.json).object)
      let sent = try #require(ChangeLedger.Change(change.record, body))
      var feed: JSONObject = [
        "kind": .text(change.record.kind.description),
        "recordId": .text(change.record.id.description),
      ]
      feed["eventId"] = body["eventId"]
      feed["revision"] = change.operation == .annotate ? nil : body["revision"]
      #expect(ChangeLedger.Change(feed: feed) == sent)
    }
  }

  @Test func anIdentityOfTwoChangesIsAContradiction() throws {
    let clean = try ChangeLedger(text: Self.ok("a/1/x", 1) + Self.ok("a/2/x", 2))
    #expect(clean.contradictions.isEmpty && clean.acknowledgedCount == 2)
    let used = try ChangeLedger(text: Self.ok("a/1/x", 1) + Self.ok("a/2/x", 1))
    #expect(used.contradictions.count == 1)
    let moved = try ChangeLedger(text: Self.ok("a/1/x", 1) + "ok a/1/x tinh-a 00ff 2 ff\n")
    #expect(moved.contradictions.count == 1)
  }

  @Test(arguments: ["ok a/1/x tinh-a 00ff 1 00\n", "try a/1/x\n", "maybe a b c\n"])
  func aTornLedgerIsRefused(text: String) {
    #expect(throws: BenchFailure.self) { try ChangeLedger(text: text) }
  }

  @Test func whatIsMissingTwiceThereOrStrangeIsFound() throws {
    let open = "try a/3/x tinh-a trung-uong\n"
    let ledger = try ChangeLedger(text: Self.ok("a/1/x", 1) + Self.ok("a/2/x", 2) + open)
    let (one, two) = (try Self.change("a/1/x"), try Self.change("a/2/x"))
    let (three, four) = (try Self.change("a/3/x"), try Self.change("a/4/x"))

    var whole = Findings(ledger)
    whole.take(feed: [one: 1, two: 1], of: Self.site)
    whole.take(feed: [one: 1, two: 1, three: 1], of: Workload.centre)
    #expect(whole.lists.allSatisfy { $0.list.isEmpty })

    var faulty = Findings(ledger)
    faulty.take(feed: [two: 2, four: 1], of: Self.site)
    #expect(faulty.lost == ["a/1/x at tinh-a"])
    #expect(faulty.doubled == ["a/2/x at tinh-a, 2 times"])
    #expect(faulty.strange == ["a/4/x at tinh-a"])
  }

  @Test func aSiteThatMayNotHaveAChangeIsStrange() throws {
    let ledger = try ChangeLedger(text: Self.ok("a/1/x", 1))
    let other = try #require(SiteID("tinh-b"))
    var findings = Findings(ledger)
    findings.take(feed: [:], of: other)
    #expect(findings.lists.allSatisfy { $0.list.isEmpty })
    findings.take(feed: [try Self.change("a/1/x"): 1], of: other)
    #expect(findings.strange.count == 1)
  }

  @Test(arguments: [
    ([1, 2, 3], []), ([3, 1, 2], []), ([], []), ([2], ["nothing from 1 to 1"]),
    ([1, 2, 2], ["2 twice"]), ([1, 4], ["nothing from 2 to 3"]),
  ])
  func sequencesAreThereOnce(sequences: [UInt64], gaps: [String]) {
    #expect(StoreRows.gaps(in: sequences) == gaps)
  }
}
