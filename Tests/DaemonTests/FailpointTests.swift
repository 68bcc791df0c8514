import Operations
import Replication
import Testing

@testable import Storage

extension DaemonTests {
  /// kill -9, EIO and a thread that stays behind, at named moments between two steps: what was
  /// answered with OK is kept, at both ends, once (reliability.md F1, F3, F6).
  @Suite struct FailpointTests {
    private static let province = "lang-son"
    /// Each visits every step once; the night's are asked for with DONGBO_FP_ROUNDS=70.
    private static var roundCount: Int {
      environmentValue("DONGBO_FP_ROUNDS").flatMap { Int($0) } ?? 1
    }
    /// Then a new lab: what a site holds stays small.
    private static let roundsPerLab = 5
    /// Where the numbers of the centre's records begin.
    private static let centreNumber = 20_000_000

    /// When a site that writes ends.
    enum Situation: String, CaseIterable, CustomTestStringConvertible {
      case load = "under load"
      case start = "at its start"
      case migration = "while its store is migrated"
      case checkpoint = "while its WAL is moved"

      var testDescription: String { rawValue }

      var steps: [FailpointStep] {
        switch self {
        case .load:
          [
            FailpointStep(.groupBegun, 1...8), FailpointStep(.groupCommitting, 1...8),
            FailpointStep(.groupCommitting, 6...13, .hold), FailpointStep(.groupCommitted, 1...8),
            FailpointStep(.groupReported, 1...8), FailpointStep(.groupCommitting, 2...9, .eio),
            FailpointStep(.witnessWriting, 3...6), FailpointStep(.witnessWriting, 4...6, .eio),
          ]
        case .start:
          [
            FailpointStep(.witnessJudged), FailpointStep(.witnessWriting, 1...2),
            FailpointStep(.witnessBetweenSlots), FailpointStep(.witnessRenewed),
            FailpointStep(.witnessWriting, 1...2, .eio),
          ]
        case .migration:
          [
            FailpointStep(.migrating), FailpointStep(.migrating, 1...1, .eio),
            FailpointStep(.migrated),
          ]
        case .checkpoint:
          [
            FailpointStep(.checkpointBeginning, 1...8), FailpointStep(.checkpointEnded, 2...9),
            FailpointStep(.checkpointBeginning, 3...10, .eio),
          ]
        }
      }
    }

    /// On a store that has lost rows: none of these is reached after the lock has gone.
    private static let recoverySteps = [
      FailpointStep(.witnessJudged), FailpointStep(.witnessRenewed),
      FailpointStep(.groupCommitting), FailpointStep(.groupCommitted), FailpointStep(.unlocking),
    ]
    private static let compactionStep = FailpointStep(.compacting)
    private static let fileStep = FailpointStep(.filePlaced)

    @Test func everyPointIsVisited() {
      let steps =
        Situation.allCases.flatMap(\.steps) + Self.recoverySteps
        + [Self.compactionStep, Self.fileStep]
      #expect(Set(steps.map(\.point)) == Set(Failpoint.allCases))
    }

    @Test func anUnknownPointKeepsTheDaemonFromStarting() throws {
      let lab = try Lab(Self.province)
      let process = try lab.spawn(Lab.centre, environment: ["DONGBO_FP=grop-begun:1:kill"])
      #expect(try process.exitCode() == 78)
      #expect(lab.log(Lab.centre).contains("DONGBO_FP: 'grop-begun:1:kill': the points are "))
    }

    // MARK: Sites that write

    @Test(arguments: Situation.allCases)
    func nothingIsLostOrDoubledWhenASiteEnds(_ situation: Situation) throws {
      try inLabs { lab, rounds in
        try lab.startAll()
        let loads = try [Self.province, Lab.centre].map { site in
          try Self.load(at: site, in: lab)
        }
        defer { for load in loads { load.stop() } }
        for round in rounds {
          for (index, step) in situation.steps.enumerated() {
            let victim = lab.sites[(round + index) % lab.sites.count]
            try lab.kill9(victim)
            if situation == .migration { try lab.putBackSchema(of: victim) }
            try lab.end(victim, at: step, round: round)
            try lab.start(victim)
          }
        }
        for load in loads { load.stop() }
        #expect(loads.flatMap(\.surprises) == [])
        try lab.expectOnce(loads.flatMap(\.acknowledged.keys))
      }
    }

    private func inLabs(_ body: (Lab, Range<Int>) throws -> Void) throws {
      for first in stride(from: 0, to: Self.roundCount, by: Self.roundsPerLab) {
        let rounds = first..<min(first + Self.roundsPerLab, Self.roundCount)
        try body(try Lab(Self.province), rounds)
      }
    }

    /// What each site writes is for both.
    private static func load(
      at site: String, in lab: Lab, from first: Int = 0
    ) throws -> WriteLoad {
      if site == Lab.centre {
        return try WriteLoad(
          at: site, in: lab, kind: "document", from: centreNumber + first, writerCount: 2
        ) { try Samples.centreDocument($0) }
      }
      return try WriteLoad(at: site, in: lab, kind: "finance", from: first, writerCount: 2) {
        try Samples.voucher($0)
      }
    }

    // MARK: Recovery

    /// A site loses the end of its log, ends while it recovers, and is still locked at the next
    /// start: it gets from its peer what it lost, and unlocks.
    @Test func aSiteThatEndsWhileItRecoversRecovers() throws {
      try inLabs { lab, rounds in
        try lab.startAll()
        for site in lab.sites {
          #expect(try lab.stop(site) == 0)
          try Disk.copy("\(lab.path)/\(site)/data", to: "\(lab.path)/\(site).copy")
        }
        try lab.startAll()
        var acknowledged: [String] = []
        for round in rounds {
          for (index, step) in Self.recoverySteps.enumerated() {
            let number = round * Self.recoverySteps.count + index
            let sites = number.isMultiple(of: 2) ? lab.sites : lab.sites.reversed()
            let (victim, other) = (sites[0], sites[1])
            acknowledged += try write(at: other, from: number * 1_000, toBeLostAt: victim, in: lab)
            try lab.end(victim, at: step, round: round)
            let before = lockCount(of: victim, in: lab)
            try lab.start(victim)
            #expect(lockCount(of: victim, in: lab) == before + 1, "\(step.text(round: round))")
            try eventually("\(victim) unlocks after \(step.text(round: round))") {
              try lab.api(victim).post("rejoin", JSONObject()).json["locked"] == .bool(false)
            }
          }
        }
        try lab.expectOnce(acknowledged)
      }
    }

    private func lockCount(of site: String, in lab: Lab) -> Int {
      lab.lineCount(site, "event=site.locked", "reason=witness-ahead")
    }

    /// Has both ends hold some more records, stops the victim and puts its first data back. Its
    /// witness says that it had more.
    private func write(
      at other: String, from first: Int, toBeLostAt victim: String, in lab: Lab
    ) throws -> [String] {
      let load = try Self.load(at: other, in: lab, from: first)
      defer { load.stop() }
      try eventually("\(other) writes") { load.acknowledged.count >= 10 }
      load.stop()
      #expect(load.surprises == [])
      try lab.awaitEqual()
      #expect(try lab.stop(victim) == 0)
      try Disk.copy("\(lab.path)/\(victim).copy", to: "\(lab.path)/\(victim)/data")
      return Array(load.acknowledged.keys)
    }

    // MARK: Files

    /// An upload at the province, and its way to the centre.
    @Test func aFileWhoseRowIsMissingIsFoundAgain() throws {
      try inLabs { lab, rounds in
        try lab.startAll()
        for round in rounds {
          let file = Content(byteCount: 100_000, seed: UInt64(round + 1))
          try lab.kill9(Self.province)
          try lab.end(Self.province, at: Self.fileStep, round: round) {
            _ = try? UploadTests.upload(file.bytes, to: lab.api(Self.province))
          }
          try lab.start(Self.province)
          let end = try UploadTests.upload(file.bytes, to: lab.api(Self.province)).end
          #expect(end.status == 200, "\(end)")
          try lab.kill9(Lab.centre)
          try lab.api(Self.province).put("document", Samples.document(round, naming: file))
          try lab.end(Lab.centre, at: Self.fileStep, round: round)
          try lab.start(Lab.centre)
          for site in lab.sites {
            try lab.awaitFile(file, at: site)
            try eventually("\(site) knows that it is here") {
              try lab.metric(site, "dongbo_files_pending") == 0
            }
          }
        }
        try lab.expectOnce(rounds.map { Samples.id($0) })
      }
    }

    // MARK: Compaction

    @Test func aDropOfBodiesThatIsCutOffIsDoneAgain() throws {
      try inLabs { lab, rounds in
        func keep(_ old: String, to new: String) throws {
          try lab.edit(Lab.centre, "KeepSuperseded=\(old)", to: "KeepSuperseded=\(new)")
        }
        try lab.edit(Lab.centre, "ReserveBytes=16M", to: "ReserveBytes=16M\nKeepSuperseded=30d")
        try lab.startAll()
        let id = try #require(try CompactionTests.directive(1).text("recordId"))
        func goneCount(_ site: String) throws -> Int {
          try lab.api(site).get("records/directive/\(id)/why").objects("changes")
            .count { $0["bodyGone"] == .bool(true) }
        }
        for round in rounds {
          // A new lab begins with the first revision.
          let former = (round - rounds.lowerBound) * 3
          let revisions = (former + 1)...(former + 3)
          for revision in revisions {
            try lab.api(Lab.centre).put("directive", try CompactionTests.directive(revision))
          }
          let before = try lab.api(Lab.centre).get("records/directive/\(id)").json
          try lab.kill9(Lab.centre)
          try keep("30d", to: "1s")
          try lab.end(Lab.centre, at: Self.compactionStep, round: round) {
            _ = try? lab.api(Lab.centre).post("reload", JSONObject())
          }
          try lab.start(Lab.centre)
          try eventually("superseded bodies are gone") {
            if try goneCount(Lab.centre) == revisions.upperBound - 2 { return true }
            _ = try lab.api(Lab.centre).post("reload", JSONObject())
            return false
          }
          #expect(try lab.api(Lab.centre).get("records/directive/\(id)").json == before)
          try keep("1s", to: "30d")
          #expect(try lab.api(Lab.centre).post("reload", JSONObject()).status == 200)
        }
        try lab.awaitEqual()
      }
    }
  }
}
