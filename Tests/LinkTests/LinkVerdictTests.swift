import Testing

@testable import Replication

/// Law 6 as a table, on a log of which incarnation 1 wrote rows 1 to 5 and incarnation 2 the rest.
@Suite struct LinkVerdictTests {
  private let home = site("lang-son")
  private let log: FakeLog = {
    var log = FakeLog(site("lang-son"))
    for number in 1...8 {
      log.incarnation = incarnation(number <= 5 ? 1 : 2)
      log.append(testEntry(site("lang-son"), UInt64(number)))
    }
    return log
  }()

  private func sealed(_ number: UInt64, _ lsn: UInt64, _ head: Digest) -> Checkpoint {
    log.sealed(LogEnd(lsn: LSN(lsn), incarnation: incarnation(number), head: head))
  }

  private func verdict(_ checkpoint: Checkpoint) throws -> CheckpointVerdict {
    try judge(checkpoint, of: home, in: log, sealing: log.sealing)
  }

  @Test func everyRowResumes() throws {
    for lsn in 1...8 { #expect(try verdict(log.checkpoint(at: UInt64(lsn))) == .resume) }
  }

  @Test func theStartResumesWithAndWithoutSeal() throws {
    #expect(try verdict(.start) == .resume)
    #expect(try verdict(FakeLog(home).sealedEnd) == .resume)
  }

  @Test func rowsBeyondWhatTheIncarnationWroteAreLost() throws {
    let other = TestHashing().digest([9])
    #expect(try verdict(sealed(2, 9, other)) == .lost)
    #expect(try verdict(sealed(1, 6, other)) == .lost)
    #expect(try verdict(sealed(3, 4, other)) == .lost)
    #expect(try verdict(sealed(3, 99, other)) == .lost)
  }

  @Test func anotherHeadAmongItsRowsIsAFork() throws {
    let other = TestHashing().digest([9])
    for lsn in UInt64(1)...5 { #expect(try verdict(sealed(1, lsn, other)) == .forked) }
    for lsn in UInt64(6)...8 { #expect(try verdict(sealed(2, lsn, other)) == .forked) }
  }

  @Test func aWrongTagProvesNothing() throws {
    let good = log.checkpoint(at: 3)
    let forged = Checkpoint(
      incarnation: good.incarnation, lsn: good.lsn, head: good.head,
      tag: Bytes16(high: good.tag.high ^ 1, low: good.tag.low))
    #expect(try verdict(forged) == .badTag)
    #expect(try judge(good, of: site("cao-bang"), in: log, sealing: log.sealing) == .badTag)
    let key = TestHashing(key: 1)
    #expect(try judge(good, of: home, in: log, sealing: key) == .badTag)
  }

  @Test func aHelloResumesAtTheNewestPointStillHere() throws {
    var hello = testHello()
    let lost = sealed(2, 20, TestHashing().digest([9]))
    for checkpoint in [log.checkpoint(at: 2), log.checkpoint(at: 7), lost] {
      hello.received.normal.advance(to: checkpoint)
    }
    hello.received.urgent.advance(to: log.checkpoint(at: 8))
    let judgement = try judgeHello(hello, of: home, in: log, sealing: log.sealing)
    #expect(
      judgement
        == HelloJudgement(
          resume: PerLane(normal: log.checkpoint(at: 7), urgent: log.checkpoint(at: 8)),
          lostRows: true))
  }

  @Test func theWitnessIsJudgedToo() throws {
    var hello = testHello()
    for (witness, expected) in [
      (log.checkpoint(at: 8), HelloJudgement(resume: PerLane(both: .start))),
      (
        sealed(2, 9, .zero),
        HelloJudgement(resume: PerLane(both: .start), lostRows: true)
      ),
      (sealed(2, 8, .zero), HelloJudgement(resume: PerLane(both: .start), isForked: true)),
      (
        Checkpoint(
          incarnation: incarnation(2), lsn: LSN(8), head: .zero, tag: Bytes16(high: 0, low: 0)),
        HelloJudgement(resume: PerLane(both: .start), hasBadTag: true)
      ),
    ] {
      hello.witness = witness
      #expect(try judgeHello(hello, of: home, in: log, sealing: log.sealing) == expected)
    }
  }
}

/// A valid HELLO of the centre that holds nothing.
func testHello(_ from: SiteID = site("trung-uong")) -> Hello {
  Hello(
    protocolMinimum: 1, protocolMaximum: 1, site: from, incarnation: incarnation(1),
    nonce: Bytes16(high: 5, low: 5), logEnd: .start, witness: .start,
    received: PerLane(both: CheckpointHistory()), outcomeCursor: 0, registry: .builtIn,
    isRecovering: false, software: "test")
}
