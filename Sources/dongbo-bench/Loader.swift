import Replication
import Synchronization
import Transport

/// Writes a workload through the admin API over many connections at a time. Each connection has a
/// stream of its own and sends it in order.
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
  /// - Throws: the first failure of any connection; the others stop at their next change.
  static func load(_ streams: [[WorkloadChange]], socket: String) throws(BenchFailure) -> UInt64 {
    let failure = Failure()
    let start = MonotonicClock.now()
    var threads: [WorkerThread] = []
    for (index, stream) in streams.enumerated() {
      do throws(TransportError) {
        let thread = try WorkerThread(name: "load-\(index)") {
          send(stream, to: AdminSite(socket: socket), failure)
        }
        threads.append(thread)
      } catch {
        failure.record(BenchFailure("no thread: \(error)"))
      }
    }
    for thread in threads { thread.join() }
    let end = MonotonicClock.now()
    if let first = failure.first { throw first }
    return end.nanoseconds - start.nanoseconds
  }

  private static func send(_ changes: [WorkloadChange], to site: AdminSite, _ failure: Failure) {
    for change in changes where failure.first == nil {
      do throws(BenchFailure) {
        try site.write(change)
      } catch {
        failure.record(error)
      }
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
