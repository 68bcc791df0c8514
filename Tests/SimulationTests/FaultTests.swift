import Replication
import Storage
import Testing

@testable import Simulation

@Suite struct FaultTests {
  /// Bytes of one session that carries a document there and its receipt back, both directions.
  private static func exchange(cutAfter byteCount: Int?) throws -> (bytes: Int, failures: [String])
  {
    let world = SimulatedWorld(seed: 11, provinceCount: 1)
    let province = world.provinces[0]
    let line = world.line(of: province.id)
    line.byteCountUntilCut = byteCount
    world.start()
    let id = UniqueID(Bytes16(high: 1, low: 1))
    let key = RecordKey(kind: .document, id: RecordID(id))
    let put = Bodies.document(
      id, number: 1, from: world.centre.id, to: [province.id], isUrgent: true)
    let receipt = Bodies.receipt(
      UniqueID(Bytes16(high: 1, low: 2)), of: key, by: province.id)
    world.run(for: .milliseconds(100))
    world.submit(try submission(.put, put), at: world.centre)
    world.run(for: .milliseconds(400))
    if line.isCut {
      line.heal()
      world.run(for: .seconds(5))
    }
    world.submit(try submission(.append, receipt), at: province)
    world.run(for: .milliseconds(400))
    line.heal()
    let bytes = line.byteCount
    line.byteCountUntilCut = nil
    var failures = world.verdict()
    // The document, its arrival, and what the clerk said.
    if try province.store.entries(of: key).count != 3 { failures.append("not all entries") }
    return (bytes, failures)
  }

  private static func submission(_ operation: Operation, _ body: JSONObject) throws -> Submission {
    try Submission.read(
      kind: .document, operation: operation, json: JSONValue.object(body).canonicalBytes)
  }

  /// 1 cuts at every byte, in some minutes; coprime to the lengths of frames, so that a quick run
  /// meets every field.
  private static let cutStride = 13

  /// Promises 2 and 3: wherever a line is cut, everything is there once when it comes back.
  @Test(arguments: 0..<8) func aSessionCutAtAnyByteLosesNothing(part: Int) throws {
    let whole = try Self.exchange(cutAfter: nil)
    #expect(whole.failures.isEmpty && whole.bytes > 2_000)
    for byte in stride(from: 1 + part, through: whole.bytes, by: 8 * Self.cutStride) {
      let cut = try Self.exchange(cutAfter: byte)
      #expect(cut.failures.isEmpty, "cut after byte \(byte)")
    }
  }

  /// Promise 1 and 2: OK and ACK are said of what is durable, whenever the process dies.
  @Test(arguments: KillStep.allCases) func aKillAtEachStepOfTheWriterLosesNothing(
    step: KillStep
  ) throws {
    for victim in 0...1 {
      for groupCount in 1...6 {
        let world = SimulatedWorld.small(provinces: 1, seed: UInt64(groupCount))
        let site = world.sites[victim]
        site.plannedKill = (step, groupCount)
        for number in 1...6 {
          world.submit(
            try Submission.read(
              kind: .finance, operation: .put,
              json: JSONValue.object(
                Bodies.voucher(
                  UniqueID(Bytes16(high: 2, low: UInt64(number))), number: number, unit: 1,
                  of: world.sites[1].id, amount: 5)
              ).canonicalBytes), at: world.sites[1])
          world.run(for: .milliseconds(20))
        }
        world.run(for: .seconds(1))
        if !site.isUp { site.start() }
        #expect(world.verdict().isEmpty, "\(step), group \(groupCount)")
        #expect(world.clients.okCount == 6)
        #expect(try world.count(.finance, at: world.centre) == 6)
        #expect(site.life == 2, "\(step), group \(groupCount) did not kill")
      }
    }
  }

  @Test func aSlowLineDrains() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let line = world.line(of: world.provinces[0].id)
    line.bitsPerSecond = 56_000
    line.latency = .milliseconds(400)
    line.cut()
    try world.writeVouchers(1...60, at: world.provinces[0])
    line.heal()
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.finance, at: world.centre) == 60)
  }

  @Test func aFlappingLineDrains() throws {
    let world = SimulatedWorld.small(provinces: 1)
    let line = world.line(of: world.provinces[0].id)
    // A first frame of 8 KiB must come through within the second that the line is up.
    line.bitsPerSecond = 256_000
    line.cut()
    try world.writeVouchers(1...40, at: world.provinces[0])
    line.heal()
    world.flap(line, every: .seconds(2), count: 600)
    world.run(for: .seconds(1_199))
    // It flaps still, and yet everything has come through.
    #expect(try world.count(.finance, at: world.centre) == 40)
    #expect(world.verdict().isEmpty)
  }

  /// A full disk stops the stream and refuses applications; nothing is skipped (promise 5).
  @Test(arguments: [0, 1]) func aFullDiskStopsAndGoesOn(full: Int) throws {
    let world = SimulatedWorld.small(provinces: 1)
    let province = world.provinces[0]
    try world.writeVouchers(1...3, at: province)
    world.sites[full].isDiskFull = true
    world.run(for: .seconds(1))
    try world.writeVouchers(4...8, at: province)
    world.run(for: .seconds(120))
    #expect(try world.count(.finance, at: world.centre) == 3)
    #expect(world.clients.okCount == (full == 0 ? 8 : 3))
    world.sites[full].isDiskFull = false
    try world.writeVouchers(9...9, at: province)
    #expect(world.verdict().isEmpty)
    #expect(try world.count(.finance, at: world.centre) == (full == 0 ? 9 : 4))
  }
}
