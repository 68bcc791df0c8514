import Replication
import Synchronization
import Testing
import Transport

/// Applications that write records of their own and repeat each until it is answered, as they should.
final class WriteLoad: Sendable {
  /// Record numbers that one writer may use.
  private static let numbersPerWriter = 1_000_000

  private struct State {
    var acknowledged: [String: WrittenEntry] = [:]
    var surprises: [String] = []
    var isStopped = false
    var writers: [WorkerThread] = []
  }

  private let socket: String
  let kind: String
  private let make: @Sendable (Int) throws -> JSONObject
  private let state = Mutex(State())

  /// Writes from now on, until ``stop()``.
  /// - Parameters:
  ///   - from: the first record number.
  ///   - writerCount: applications that write at once.
  ///   - make: the record of a number.
  init(
    at site: String, in lab: Lab, kind: String, from start: Int = 0, writerCount: Int = 4,
    make: @escaping @Sendable (Int) throws -> JSONObject
  ) throws {
    socket = "\(lab.path)/\(site)/admin.sock"
    self.kind = kind
    self.make = make
    for writer in 0..<writerCount {
      let first = start + writer * Self.numbersPerWriter
      let thread = try WorkerThread(name: "load") { self.run(from: first) }
      state.withLock { $0.writers.append(thread) }
    }
  }

  /// What was answered with OK, by record.
  var acknowledged: [String: WrittenEntry] { state.withLock { $0.acknowledged } }
  /// Answers other than OK: a site that is killed gives none at all.
  var surprises: [String] { state.withLock { $0.surprises } }
  private var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Returns when the last writer has ended.
  func stop() {
    let writers = state.withLock { state in
      state.isStopped = true
      defer { state.writers = [] }
      return state.writers
    }
    for writer in writers { writer.join() }
  }

  private func run(from start: Int) {
    var number = start
    var api = SiteAPI(socket: socket)
    while !isStopped {
      guard let body = try? make(number) else { return }
      do {
        let answer = try api.post("records/\(kind)", body)
        let id = Samples.id(number)
        state.withLock { state in
          if answer.status == 200, let entry = WrittenEntry(answer) {
            state.acknowledged[id] = entry
          } else {
            state.surprises.append("\(answer)")
          }
        }
        number += 1
      } catch {
        api = SiteAPI(socket: socket)
        rest()
      }
    }
  }
}

/// What an OK says of the entry that was written.
struct WrittenEntry: Hashable, Sendable {
  let identity: EntryIdentity
  let digest: Digest

  init?(_ answer: Answer) {
    guard let origin = answer.text("origin").flatMap({ SiteID($0) }),
      let incarnation = answer.text("incarnation").flatMap({ hexBytes($0) })
        .flatMap({ Bytes16($0) }),
      let sequence = answer.integer("sequence"),
      let digest = answer.text("digest").flatMap({ hexBytes($0) }).flatMap({ Bytes32($0) })
    else { return nil }
    identity = EntryIdentity(
      origin: origin, incarnation: Incarnation(incarnation),
      sequence: SequenceNumber(UInt64(sequence)))
    self.digest = Digest(digest)
  }
}
