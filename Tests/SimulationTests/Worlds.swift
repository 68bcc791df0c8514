import Replication
import Storage

@testable import Simulation

struct TestFailure: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// Small worlds that are built by hand, call by call.
extension SimulatedWorld {
  static func small(
    provinces: Int = 2, seed: UInt64 = 7, isOnDisk: Bool = false
  ) -> SimulatedWorld {
    let world = SimulatedWorld(seed: seed, provinceCount: provinces, isOnDisk: isOnDisk)
    world.start()
    world.run(for: .seconds(1))
    return world
  }

  /// - Returns: what the site answered, after a second.
  @discardableResult
  func write(
    _ kind: RecordKind, _ body: JSONObject, at site: SimulatedSite
  ) throws -> WriteResult {
    let submission = try Submission.read(
      kind: kind, operation: .put, json: JSONValue.object(body).canonicalBytes)
    clients.lastResult = nil
    submit(submission, at: site)
    run(for: .seconds(1))
    guard let result = clients.lastResult else { throw TestFailure("no answer to \(submission)") }
    return result
  }

  /// Vouchers `first...last` of the site, each with its own id.
  func writeVouchers(_ numbers: ClosedRange<Int>, at site: SimulatedSite, amount: Int64 = 1_000)
    throws
  {
    for number in numbers {
      let body = Bodies.voucher(
        UniqueID(randomBytes16()), number: number, unit: 1, of: site.id, amount: amount)
      try write(.finance, body, at: site)
    }
  }

  /// Everything that must hold at rest, as one list of what does not.
  func verdict() -> [String] {
    if drain() { judge() }
    return failures
  }

  func count(_ kind: RecordKind, at site: SimulatedSite) throws -> Int {
    try site.store.records(kind: kind, after: nil, limit: 10_000).count
  }

  func lock(of site: SimulatedSite) throws -> LockReason? { try site.store.siteState().lock }
}
