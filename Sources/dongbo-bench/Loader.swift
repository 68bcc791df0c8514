import Replication
import Synchronization
import Transport

/// Writes a workload through the admin API over many connections at a time. Each connection has a
/// stream of its own and sends it in order. One thread drives them all: one for each would spend a
/// fifth of both cores on being woken. Beside other work on these cores that one gets less of them
/// than 64 would: then the CPU time of a write tells more than the rate.
///
/// What one write costs, in microseconds of CPU, medians of six runs in turn at 1b48530 and now,
/// beside other builds; the parts of the daemon by `perf`:
///
/// | part | then | now |
/// |---|---|---|
/// | daemon | 80 | 58 |
/// | of it the writer | 41 | 34 |
/// | of it the reactor | 35 | 20 |
/// | clients | 20 | 9 |
///
/// What gave it: 64 threads less to wake, 10 of the daemon; no `stat` for a file that the group has
/// seen, some 2 of the writer; and of the reactor's instructions (callgrind, 227 to 168 thousand a
/// write) the HTTP head and the timers of its phases 50 to 21, taking the envelope out of the body
/// and writing the rest in canonical form 41 to 27, the answer's JSON 35 to 20.
///
/// What is left: the writer works alone for 34 us of each write and syncs between; 1 to 2 of them
/// free what the reactor has read, which it could do itself. Half of what reading a body costs the
/// reactor is reading its facts (`EntryFacts.read`).
enum Loader {
  /// As many writes are in flight.
  static let maximumConnectionCount = 64

  /// Changes made before the clock starts, one list a connection.
  /// - Parameter lastNumber: numbers up to this one are taken, by an earlier workload.
  static func streams(
    changeCount: Int, seed: UInt64, connectionCount: Int = maximumConnectionCount,
    after lastNumber: Int = 0
  ) -> [[WorkloadChange]] {
    split(changeCount, among: connectionCount).enumerated().map { stream, count in
      var workload = Workload(
        seed: seed, stream: stream, of: connectionCount, after: lastNumber)
      return workload.take(count)
    }
  }

  /// Shares of the connections, which differ by one at most; none is empty.
  static func split(_ changeCount: Int, among connectionCount: Int = maximumConnectionCount)
    -> [Int]
  {
    let shares = min(connectionCount, changeCount)
    return (0..<shares).map { changeCount / shares + ($0 < changeCount % shares ? 1 : 0) }
  }

  /// - Returns: nanoseconds from the first request to the last OK.
  /// - Throws: the first failure of any connection.
  static func load(_ streams: [[WorkloadChange]], socket: String) throws(BenchFailure) -> UInt64 {
    let progress = LoadProgress(streamCount: streams.count)
    let start = MonotonicClock.now()
    do throws(TransportError) {
      let loop = try EventLoop()
      for stream in streams {
        try LoadConnection(stream, on: loop, socket: socket, progress).sendNext()
      }
      watch(progress, on: loop)
      try loop.run { progress.isDone }
    } catch {
      throw BenchFailure("\(socket): \(error); \(error.hint)")
    }
    let end = MonotonicClock.now()
    if let failure = progress.failure { throw failure }
    return end.nanoseconds - start.nanoseconds
  }

  /// A daemon that answers nobody for so long is stuck.
  private static let patience = Duration.seconds(30)

  private static func watch(_ progress: LoadProgress, on loop: EventLoop) {
    let count = progress.answerCount
    _ = loop.schedule(after: patience) { [unowned loop] in
      guard progress.answerCount > count else {
        return progress.failed(BenchFailure("no answer for \(patience); look at the daemon's log"))
      }
      watch(progress, on: loop)
    }
  }
}

/// What the connections of a load have come to. Of one thread.
private final class LoadProgress {
  private(set) var answerCount = 0
  private(set) var failure: BenchFailure?
  private var unfinishedCount: Int

  init(streamCount: Int) { unfinishedCount = streamCount }

  var isDone: Bool { unfinishedCount == 0 || failure != nil }

  func answered() { answerCount += 1 }
  func finished() { unfinishedCount -= 1 }
  func failed(_ failure: BenchFailure) { if self.failure == nil { self.failure = failure } }
}

/// One stream on one connection: the next change is sent when the one before is answered. The loop
/// holds it until its stream ends.
private final class LoadConnection {
  private let changes: [WorkloadChange]
  private let connection: Connection
  private let progress: LoadProgress
  /// Of the change under way.
  private var index = -1
  private var exchange: HTTPExchange?

  init(
    _ changes: [WorkloadChange], on loop: EventLoop, socket: String, _ progress: LoadProgress
  ) throws(TransportError) {
    self.changes = changes
    self.progress = progress
    connection = try Connection(
      to: .unix(path: socket), on: loop, timeout: .seconds(10),
      outputLimit: HTTPLimits.bodyByteCount + HTTPLimits.headByteCount)
    connection.onEvent = { self.happened($0) }
  }

  func sendNext() {
    index += 1
    guard index < changes.count else {
      connection.close()
      return progress.finished()
    }
    let exchange = AdminSite.exchange(for: changes[index])
    self.exchange = exchange
    guard connection.send(exchange.requestBytes) == .queued else {
      return progress.failed(BenchFailure("a change does not go out"))
    }
  }

  private func happened(_ event: ChannelEvent) {
    switch event {
    case .connected, .drained: break
    case .received(let bytes): received(bytes)
    case .closed(let end): progress.failed(BenchFailure("a connection ended: \(end)"))
    }
  }

  private func received(_ bytes: [UInt8]) {
    do throws(HTTPParseError) {
      guard let response = try exchange?.received(bytes) else { return }
      answered(response)
    } catch {
      progress.failed(BenchFailure("not an answer of ours: \(error)"))
    }
  }

  private func answered(_ response: HTTPResponse) {
    do throws(BenchFailure) {
      try AdminSite.check(response, to: changes[index])
      progress.answered()
      sendNext()
    } catch {
      progress.failed(error)
    }
  }
}

/// The first failure of several threads.
final class Failure: Sendable {
  private let value = Mutex<BenchFailure?>(nil)

  var first: BenchFailure? { value.withLock { $0 } }

  func record(_ failure: BenchFailure) {
    value.withLock { if $0 == nil { $0 = failure } }
  }
}
