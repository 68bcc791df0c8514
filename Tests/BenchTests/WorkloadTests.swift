import Replication
import Testing

@testable import dongbo_bench

@Suite struct WorkloadTests {
  private static func submission(_ change: WorkloadChange) throws(RecordError) -> Submission {
    try Submission.read(
      kind: change.record.kind, operation: change.operation, id: change.record.id,
      json: change.json)
  }

  @Test(arguments: [UInt64(1), 7]) func everyChangeIsLawful(seed: UInt64) throws {
    var workload = Workload(seed: seed)
    var byteCount = 0
    for change in workload.take(2_000) {
      let submission = try Self.submission(change)
      #expect(submission.record == change.record)
      #expect(submission.facts.speaker == nil || submission.facts.speaker == Workload.owner)
      byteCount += submission.body.count
    }
    #expect((500 * 2_000...700 * 2_000).contains(byteCount), "mean \(byteCount / 2_000)")
  }

  @Test func otherDatabasesGetTheSameBytes() {
    var workload = Workload(seed: 1)
    var rows = WorkloadRows()
    var known: Set<RecordKey> = []
    for (index, change) in workload.take(3_000).enumerated() {
      let line = rows.line(change)
      let columns = line.dropLast().split(separator: "\t", omittingEmptySubsequences: false)
      #expect(line.hasSuffix("\n") && columns.count == 5)
      let letter =
        change.operation == .withdraw ? "d" : known.insert(change.record).inserted ? "i" : "u"
      let body = String(decoding: change.json, as: UTF8.self)
      let expected = letter == "d" ? "\\N" : body.split(separator: "\\").joined(separator: "\\\\")
      #expect(
        columns == [
          "\(index + 1)", Substring(letter), "\(change.record.kind)", "\(change.record.id)",
          Substring(expected),
        ])
    }
  }

  @Test func seedAndStreamDecideEveryByte() {
    var first = Workload(seed: 3, stream: 1, of: 4)
    var second = Workload(seed: 3, stream: 1, of: 4)
    #expect(first.take(500) == second.take(500))
    var other = Workload(seed: 4, stream: 1, of: 4)
    var neighbour = Workload(seed: 3, stream: 2, of: 4)
    var same = Workload(seed: 3, stream: 1, of: 4)
    let changes = same.take(10)
    #expect(other.take(10) != changes)
    #expect(neighbour.take(10) != changes)
  }

  @Test func sharesAreThoseOfTheBaseline() {
    var workload = Workload(seed: 1)
    let changes = workload.take(6_000)
    func percent(_ isCounted: (WorkloadChange) -> Bool) -> Int {
      (changes.count(where: isCounted) * 100 + 3_000) / 6_000
    }
    #expect((58...62).contains(percent { $0.record.kind == .document }))
    #expect((23...28).contains(percent { $0.record.kind == .directive }))
    #expect((13...17).contains(percent { $0.record.kind == .finance }))
    #expect((16...20).contains(percent { $0.operation == .annotate }))
    #expect((1...3).contains(percent { $0.operation == .withdraw }))
  }

  /// What the reconciler would refuse, hold or put in conflict.
  @Test func everyStreamCanBeSentInOrder() throws {
    var revisions: [RecordKey: UInt64] = [:]
    var withdrawn: Set<RecordKey> = []
    var names: Set<UniqueKey> = []
    var claims: Set<UniqueKey> = []
    for stream in 0..<3 {
      var workload = Workload(seed: 5, stream: stream, of: 3)
      var subjects: Set<Subject> = []
      for change in workload.take(800) {
        let submission = try Self.submission(change)
        #expect(!withdrawn.contains(change.record))
        for reference in submission.facts.references where reference.hold != .never {
          #expect(names.contains(reference.key))
        }
        names.formUnion(submission.facts.names)
        if case .revision(let revision) = submission.subject {
          #expect(revision.value == revisions[change.record, default: 0] + 1)
          revisions[change.record] = revision.value
          for claim in submission.facts.claims { #expect(claims.insert(claim).inserted) }
        } else {
          #expect(revisions[change.record] != nil)
          #expect(subjects.insert(submission.subject).inserted)
        }
        if change.operation == .withdraw {
          #expect(change.record.kind == .directive)
          #expect(submission.subject == .revision(Revision(2)))
          withdrawn.insert(change.record)
        }
      }
    }
    #expect(!withdrawn.isEmpty)
  }

  @Test func recordIDsAreUUIDsOfVersion7() {
    var workload = Workload(seed: 1)
    for change in workload.take(50) {
      let text = Array(change.record.id.description)
      #expect(text[14] == "7" && "89ab".contains(text[19]) && text.starts(with: "019b"))
    }
  }

  @Test func latencyWritesOnlyNewRecords() {
    let changes = LatencyRun.newRecords(1_000, seed: 1)
    #expect(Set(changes.map(\.record)).count == 1_000)
    #expect(changes.allSatisfy { $0.operation == .put })
  }
}
