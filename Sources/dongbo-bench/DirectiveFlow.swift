import Glibc
import Replication
import Synchronization
import Transport

/// Directives from one site to the other at a steady rate, whatever happens to the line and the
/// daemons: a write that fails is sent again, as an application does it.
final class DirectiveFlow: Sendable {
  private struct State {
    var writtenCount = 0
    var arrivedCount = 0
    var silence = Silence()
    var isEnding = false
  }

  let writer: LabEnd
  private let source: String
  private let rate: Int
  /// Ids and numbers of flows with different ones do not meet.
  private let stream: UInt64
  let failure = Failure()
  private let state = Mutex(State())

  /// Between two looks: what is looked for comes about in another process, which tells nobody.
  private static let pauseMicroseconds: UInt32 = 1_000
  /// While nothing is on its way the pause is so many times as long: what is measured beside runs
  /// on the same cores.
  private static let idlePauseCount: UInt32 = 10
  /// Turns in a row, of the pause above and a request or two, without a write or an arrival that is
  /// due: then the run has failed.
  private static let patience = 30_000

  /// - Parameter source: the document that the directives refer to; both sites have it.
  init(from writer: LabEnd, source: String, rate: Int, stream: UInt64) {
    self.writer = writer
    self.source = source
    self.rate = rate
    self.stream = stream
  }

  var writtenCount: Int { state.withLock { $0.writtenCount } }
  var arrivedCount: Int { state.withLock { $0.arrivedCount } }
  var longestSilence: UInt64 { state.withLock { $0.silence.longest } }

  func lineIsUp() {
    let now = MonotonicClock.now().nanoseconds
    state.withLock { $0.silence.up(at: now) }
  }

  func lineIsDown() {
    let now = MonotonicClock.now().nanoseconds
    state.withLock { $0.silence.down(at: now) }
  }

  /// No more are written; the thread ends once all have arrived.
  func end() { state.withLock { $0.isEnding = true } }

  func start(in lab: Laboratory) throws(BenchFailure) -> WorkerThread {
    let (here, there) = (lab.site(writer).socket, lab.site(writer.other).socket)
    return try BenchThread.start("flow-\(writer)") { [self] in
      run(from: AdminSite(socket: here), to: AdminSite(socket: there))
    }
  }

  private func run(from here: AdminSite, to there: AdminSite) {
    var random = SplitMix64(seed: stream)
    var pending: [RecordKey] = []
    var next = directive(0, &random)
    var dueAt = MonotonicClock.now().nanoseconds
    var idleTurns = 0
    while idleTurns < Self.patience {
      let isEnding = state.withLock { $0.isEnding }
      if isEnding, pending.isEmpty { return }
      idleTurns += 1
      // A refused write is tried again too: a site that has just started may not take any yet.
      if !isEnding, MonotonicClock.now().nanoseconds >= dueAt, (try? here.write(next)) != nil {
        pending.append(next.record)
        let count = state.withLock { state in
          state.writtenCount += 1
          return state.writtenCount
        }
        next = directive(count, &random)
        dueAt = MonotonicClock.now().nanoseconds + Statistics.dueTime(1, rate: rate)
      }
      // In the order of the writes: one lane keeps it.
      while let first = pending.first, (try? there.has(first)) == true {
        pending.removeFirst()
        idleTurns = 0
        let now = MonotonicClock.now().nanoseconds
        state.withLock { state in
          state.arrivedCount += 1
          state.silence.arrived(at: now)
        }
      }
      let pauseCount = pending.isEmpty ? Self.idlePauseCount : 1
      usleep(Self.pauseMicroseconds * pauseCount)
    }
    failure.record(
      BenchFailure("directives of the \(writer) do not arrive: \(pending.count) are pending"))
  }

  private func directive(_ index: Int, _ random: inout SplitMix64) -> WorkloadChange {
    let time = Workload.firstMilliseconds + UInt64(index)
    let id = Workload.uniqueID(milliseconds: time, random: &random)
    let record = RecordKey(kind: .directive, id: RecordID(id))
    let body = Bodies.directive(
      number: "\(stream)-\(index)", source: source, from: writer.office, to: writer.other.office,
      random: &random)
    return .put(record, revision: 1, owner: writer.id, body)
  }
}
