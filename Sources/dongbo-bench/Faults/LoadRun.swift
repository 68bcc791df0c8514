import Glibc
import Replication
import Synchronization
import Transport

/// Applications at every site of a running lab, which write at a steady rate and repeat each change
/// until it is answered, whatever happens to the daemons meanwhile.
enum LoadRun {
  struct Plan: Equatable, Sendable {
    var lab: String
    var ledger: String
    var clientCount = 8
    /// Changes a second, all clients together.
    var rate = 200
    /// Ends it by being there; nil: only the time does.
    var stopFile: String?
    var seconds = 10
    /// All clients together; the next one is not tried.
    var changeCount = Int.max
    /// No client writes at the centre.
    var isAtProvincesOnly = false
    /// Letters that the text of each put has besides.
    var noiseByteCount = 0
  }

  /// Two at each site of the largest lab that is measured, and each has numbers of its own.
  static let maximumClientCount = 256
  /// A change that is not answered so long after the end stays open: 0 or 1 times, never 2.
  private static let patience = Duration.seconds(30)
  private static let stepMicroseconds: UInt32 = 20_000

  static func run(_ plan: Plan) throws(BenchFailure) -> Figures {
    let lab = try LabDirectory(plan.lab)
    let earlier = try ChangeLedger.read(plan.ledger)
    let load = Load(plan, lab, try LedgerWriter(plan.ledger), after: earlier.attempts.count)
    var threads: [WorkerThread] = []
    for client in 0..<plan.clientCount {
      threads.append(try BenchThread.start("client-\(client)") { load.run(client: client) })
    }
    let end = MonotonicClock.now() + .seconds(plan.seconds)
    while !load.isComplete, !isThere(plan.stopFile), MonotonicClock.now() < end {
      usleep(stepMicroseconds)
    }
    load.stop(by: MonotonicClock.now() + patience)
    for thread in threads { thread.join() }
    if let failure = load.failure.first { throw failure }
    return load.figures
  }

  private static func isThere(_ file: String?) -> Bool {
    file.map { access($0, F_OK) == 0 } ?? false
  }
}

/// The clients of one run.
private final class Load: Sendable {
  private struct State {
    var end: Instant?
    var triedCount = 0
    var acknowledgedCount = 0
    var fullCount = 0
    var busyCount = 0
    var lostCount = 0
  }

  /// What an attempt came to.
  private enum Answer {
    case ok(ChangeLedger.Place)
    /// 507: the site has no room now.
    case full
    /// 503: the site is locked, has no registry, or has too much to do.
    case busy
    case none
  }

  private let plan: LoadRun.Plan
  private let lab: LabDirectory
  private let ledger: LedgerWriter
  private let firstNumber: Int
  private let state = Mutex(State())
  private let own = Failure()

  private static let pauseMicroseconds: UInt32 = 20_000

  /// - Parameter changeCount: of earlier runs over the same lab; numbers start beyond theirs.
  init(
    _ plan: LoadRun.Plan, _ lab: LabDirectory, _ ledger: LedgerWriter, after changeCount: Int
  ) {
    self.plan = plan
    self.lab = lab
    self.ledger = ledger
    firstNumber = changeCount
  }

  var failure: Failure { ledger.failure.first == nil ? own : ledger.failure }

  var figures: Figures {
    let state = state.withLock { $0 }
    var figures = Figures()
    figures.add("tried", count: state.triedCount)
    figures.add("ok", count: state.acknowledgedCount)
    figures.add("refusedFull", count: state.fullCount)
    figures.add("refusedBusy", count: state.busyCount)
    figures.add("unanswered", count: state.lostCount)
    return figures
  }

  func stop(by end: Instant) { state.withLock { $0.end = end } }

  private var isStopping: Bool { state.withLock { $0.end } != nil || isComplete }

  /// Everything is tried, or something failed.
  var isComplete: Bool {
    failure.first != nil || state.withLock { $0.triedCount } >= plan.changeCount
  }
  private var isOver: Bool {
    failure.first != nil || state.withLock { $0.end }.map { MonotonicClock.now() >= $0 } ?? false
  }

  /// Every second client is the centre's.
  func run(client: Int) {
    let provinces = Array(lab.provinces)
    let isCentre = !plan.isAtProvincesOnly && client % 2 == 1
    let turn = plan.isAtProvincesOnly ? client : client / 2
    let province = provinces[turn % provinces.count]
    let (office, addressee) = isCentre ? (lab.centre, province) : (province, lab.centre)
    let site = lab.admin(office.site)
    // A new one each time: it goes its own way to the other end.
    let file = SeededFile(
      byteCount: Workload.file.byteCount,
      seed: UInt64((firstNumber + 1) * LoadRun.maximumClientCount + client))
    var workload = Workload(
      seed: UInt64(firstNumber) + 1, stream: client, of: LoadRun.maximumClientCount,
      from: office, to: addressee, after: firstNumber, naming: file)
    var noise = SplitMix64(seed: UInt64(firstNumber) + UInt64(client))
    while !isStopping, (try? site.upload(file)) == nil { usleep(Self.pauseMicroseconds) }
    let interval = Statistics.dueTime(plan.clientCount, rate: plan.rate)
    var dueAt = MonotonicClock.now().nanoseconds
    while !isStopping {
      let change = workload.next().with(noise: plan.noiseByteCount, &noise)
      write(change, from: office.site, to: addressee.site, at: site)
      let now = MonotonicClock.now().nanoseconds
      // After a fault nothing is made up for: the rate is a bound.
      dueAt = max(dueAt + interval, now)
      usleep(UInt32(min((dueAt - now) / 1_000, 1_000_000)))
    }
  }

  private func write(
    _ change: WorkloadChange, from owner: SiteID, to addressee: SiteID, at site: AdminSite
  ) {
    guard let body = (try? JSONValue.parse(change.json))?.object,
      let name = ChangeLedger.Change(change.record, body)
    else { preconditionFailure("a change without revision and event: \(change.record)") }
    // A voucher has no addressee but the centre.
    let recipient = change.record.kind == .finance ? owner : addressee
    ledger.tried(name, from: owner, to: recipient)
    state.withLock { $0.triedCount += 1 }
    while !isOver {
      switch send(change, to: site) {
      case .ok(let place):
        ledger.acknowledged(name, place)
        state.withLock { $0.acknowledgedCount += 1 }
        return
      case .full: state.withLock { $0.fullCount += 1 }
      case .busy: state.withLock { $0.busyCount += 1 }
      case .none: state.withLock { $0.lostCount += 1 }
      }
      usleep(Self.pauseMicroseconds)
    }
  }

  private func send(_ change: WorkloadChange, to site: AdminSite) -> Answer {
    let path = AdminSite.path(of: change)
    guard let response = try? site.send(.post, path, body: change.json) else { return .none }
    switch response.status.code {
    case 507: return .full
    case 503: return .busy
    case 200:
      if let answer = AdminSite.object(response), answer["state"] == .text("applied"),
        let place = ChangeLedger.Place(answer: answer)
      {
        return .ok(place)
      }
    default: break
    }
    own.record(AdminSite.unexpected(response, path))
    return .none
  }
}

extension WorkloadChange {
  /// A put with so many letters more in the text that its kind has.
  fileprivate func with(noise byteCount: Int, _ random: inout SplitMix64) -> WorkloadChange {
    guard byteCount > 0, operation == .put, var body = (try? JSONValue.parse(json))?.object,
      let name = (["subject", "content", "description"] as [Text]).first(where: {
        body[$0]?.text != nil
      }), let text = body[name]?.text
    else { return self }
    var letters = text.bytes.array
    for _ in 0..<byteCount { letters.append(UInt8(ascii: "0") + UInt8(random.below(43))) }
    body[name] = .text(String(decoding: letters, as: UTF8.self))
    return WorkloadChange(
      record: record, operation: operation, json: JSONValue.object(body).canonicalBytes)
  }
}

extension ChangeLedger.Place {
  init?(answer: JSONObject) {
    guard let origin = answer["origin"]?.text?.string,
      let incarnation = answer["incarnation"]?.text?.string,
      let sequence = answer["sequence"]?.integer, let digest = answer["digest"]?.text?.string
    else { return nil }
    self.init(identity: "\(origin)/\(incarnation)/\(sequence)", digest: digest)
  }
}
