import Replication
import Testing

@testable import dongbo_bench

@Suite struct BehindTests {
  /// Every record has all its revisions in order, in one stream; some end with a withdrawal.
  @Test(arguments: [1, 50, 1_000, 4_000]) func revisionsFollowEachOther(changeCount: Int) throws {
    var random = SplitMix64(seed: 3)
    let plan = BehindRun.Plan(changeCount: changeCount, source: "A", random: &random)
    let records = Set(plan.live).union(plan.withdrawn)
    #expect(records.count == max(1, changeCount / BehindRun.revisionCount))
    #expect(plan.withdrawn.count == records.count / BehindRun.withdrawnPart)
    #expect(plan.laterCount == records.count * BehindRun.revisionCount)
    #expect(plan.supersededCount == records.count * (BehindRun.revisionCount - 1))
    for (first, later) in zip(plan.first, plan.later) {
      var revisions: [RecordKey: Int64] = [:]
      for change in first + later {
        let json = try #require(try JSONValue.parse(change.json).object)
        #expect(json["revision"] == .integer((revisions[change.record] ?? 0) + 1))
        revisions[change.record, default: 0] += 1
      }
      #expect(Set(revisions.keys) == Set(first.map(\.record)))
      #expect(revisions.values.allSatisfy { $0 == BehindRun.revisionCount + 1 })
    }
    let last = plan.later.flatMap { $0 }.filter { $0.operation == .withdraw }
    #expect(Set(last.map(\.record)) == Set(plan.withdrawn))
  }

  @Test func theFirstPageSaysHowMuchIsUsed() {
    var header = Array("SQLite format 3\0".utf8) + [UInt8](repeating: 0, count: 84)
    (header[16], header[31], header[39]) = (0x10, 9, 2)
    #expect(StoreFile(header: header)?.byteCount == 9 * 4_096)
    #expect(StoreFile(header: header)?.usedByteCount == 7 * 4_096)
    header[39] = 10
    #expect(StoreFile(header: header) == nil)
    #expect(StoreFile(header: Array(header.prefix(99))) == nil)
    #expect(StoreFile(header: [UInt8](repeating: 0, count: 100)) == nil)
  }
}
