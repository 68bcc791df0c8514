import Cryptography
import Replication
import Testing

@testable import dongbo_bench

/// A run of files apart from its daemons.
@Suite struct FilesTests {
  @Test(arguments: [1, 7, 8, 4_096, 1 << 20, (1 << 20) + 3, 3 << 20])
  func aSeededFileIsItsPieces(byteCount: Int) {
    let file = SeededFile(byteCount: byteCount, seed: 5)
    var bytes: [UInt8] = []
    for offset in file.offsets {
      #expect(bytes.count == offset)
      bytes += file.piece(at: offset)
    }
    #expect(bytes.count == byteCount)
    #expect(OpenSSLHash().digest(bytes) == file.digest)
    #expect(SeededFile(byteCount: byteCount, seed: 5) == file)
    #expect(SeededFile(byteCount: byteCount, seed: 6).digest != file.digest)
  }

  @Test func piecesOfAFileDiffer() {
    let file = SeededFile(byteCount: 2 << 20, seed: 1)
    #expect(file.piece(at: 0) != file.piece(at: 1 << 20))
  }

  @Test(arguments: [(20, 5), (0, 3), (4, 0), (0, 0)])
  func faultsLieInTheFileInOrder(cutCount: Int, killCount: Int) {
    func plan(_ seed: UInt64) -> FaultPlan {
      var random = SplitMix64(seed: seed)
      return FaultPlan(
        fileByteCount: 1 << 30, cutCount: cutCount, killCount: killCount, random: &random)
    }
    let steps = plan(3).steps
    #expect(steps.count(where: { $0.fault == .cut }) == cutCount)
    let kills = steps.map(\.fault).filter { $0 != .cut }
    let expected = (0..<killCount).map { FaultPlan.Fault.kill($0 % 2 == 0 ? .centre : .province) }
    #expect(kills == expected)
    let places = steps.map(\.byteCount)
    #expect(places == places.sorted())
    #expect(places.allSatisfy { (0..<(1 << 30) * 95 / 100).contains($0) })
    #expect(plan(3) == plan(3))
    if !steps.isEmpty { #expect(plan(3) != plan(4)) }
  }

  @Test func silenceIsCountedOnlyWhileTheLineIsUp() {
    var silence = Silence()
    silence.arrived(at: 50)
    #expect(silence.longest == 0)
    silence.up(at: 100)
    silence.arrived(at: 130)
    silence.arrived(at: 140)
    #expect(silence.longest == 30)
    // What did not come before the cut counts.
    silence.down(at: 180)
    #expect(silence.longest == 40)
    silence.arrived(at: 900)
    silence.up(at: 1_000)
    silence.down(at: 1_010)
    #expect(silence.longest == 40)
  }

  @Test func documentsNameTheFileThatIsBrought() throws {
    var workload = Workload(seed: 2)
    let document = try #require(
      workload.take(50).first { $0.record.kind == .document && $0.operation == .put })
    let submission = try Submission.read(
      kind: .document, operation: .put, id: document.record.id, json: document.json)
    #expect(submission.facts.files.map(\.digest) == [Workload.file.digest])
    #expect(submission.facts.files.map(\.size) == [UInt64(Workload.file.byteCount)])
  }

  // MARK: The report

  /// The parts of a run in which everything holds.
  private struct Parts {
    var received: Digest?
    var sentByteCount = (1 << 20) + 200_000
    var resentByteCounts = [200_000, 0]
    var peakMiB = [40.0, 30.0]
    var arrivedMeanwhileCount = 8
    var arrivedCount = 10
    var silence: UInt64 = 900_000_000

    var report: FilesReport {
      let file = SeededFile(byteCount: 1 << 20, seed: 1)
      return FilesReport(
        plan: FilesRun.Plan(byteCount: 1 << 20, cutCount: 1, killCount: 1), file: file,
        received: received ?? file.digest, sentByteCount: sentByteCount,
        resentByteCounts: resentByteCounts,
        residents: peakMiB.map { MemoryWatch.Resident(idleMiB: 24.0, peakMiB: $0) },
        flows: LabEnd.allCases.map {
          FilesReport.Flow(
            writer: $0, writtenCount: 10, arrivedMeanwhileCount: arrivedMeanwhileCount,
            arrivedCount: arrivedCount, silence: silence)
        }, times: FilesReport.Times(upload: 1, transfer: 2))
    }
  }

  @Test func whatHoldsHasNoFailures() {
    var parts = Parts()
    #expect(parts.report.failures == [])
    parts.resentByteCounts = [256 << 10, 0]
    parts.sentByteCount = (1 << 20) + (512 << 10)
    #expect(parts.report.failures == [])
    let json = parts.report.figures.json
    #expect(json.contains("\"digestsEqual\":\"yes\""))
    #expect(json.contains("\"mostBytesSentAgainPerFault\":262144"))
    #expect(json.contains("\"provinceGrowthMiB\":16.0"))
  }

  @Test func eachCheckFailsByItself() {
    func count(_ change: (inout Parts) -> Void) -> Int {
      var parts = Parts()
      change(&parts)
      return parts.report.failures.count
    }
    #expect(count { $0.received = SeededFile(byteCount: 1, seed: 9).digest } == 1)
    #expect(count { $0.resentByteCounts = [(256 << 10) + 1] } == 1)
    #expect(count { $0.sentByteCount = (1 << 20) + (512 << 10) + 1 } == 1)
    #expect(count { $0.peakMiB = [40.1, 30] } == 1)
    #expect(count { $0.peakMiB = [30, 40.1] } == 1)
    // Of both flows.
    #expect(count { $0.arrivedMeanwhileCount = 0 } == 2)
    #expect(count { $0.arrivedCount = 9 } == 2)
    #expect(count { $0.silence = 5_100_000_000 } == 2)
  }
}
