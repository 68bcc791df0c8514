import Cryptography
import Replication
import Synchronization
import Testing
import Transport

@testable import Daemon

/// What the thread before the writer's does: bodies read, order kept, few frames ahead.
@Suite struct BodyReaderTests {
  private static let peer = SiteID("lang-son")

  private static func entry(_ sequence: UInt64, body: String) throws -> Entry {
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: try #require(peer), incarnation: Incarnation(Bytes16(high: 1, low: 1)),
        sequence: SequenceNumber(sequence)),
      time: HybridTime(microseconds: sequence, counter: 0), operation: .withdraw,
      record: RecordKey(
        kind: .directive, id: RecordID(UniqueID(Bytes16(high: 2, low: sequence)))),
      subject: .revision(Revision(2)), parents: [], depth: Depth(1), registry: .builtIn,
      lane: .normal, secrecy: .none, audience: [])
    return Entry(authoring: header, body: Array(body.utf8), hashing: OpenSSLHash())
  }

  private static func frame(_ number: UInt64) throws -> WriterJob {
    let entries = [
      try entry(2 * number, body: #"{"reason":"r"}"#), try entry(2 * number + 1, body: "no JSON"),
    ]
    return .change(
      SessionNumber(1), peer: try #require(peer),
      LinkWrite(
        ticket: Ticket(number),
        change: .take(
          lane: .normal, previousLSN: .start, entries: entries, checkpoint: .start,
          peerLogEnd: .start)))
  }

  /// Kills: a reader that goes on waiting for a writer that has ended, and a stop that waits for it.
  @Test func whoeverStopsItNeedNotWaitForAWriterThatHasEnded() throws {
    let forwarded = try Mailbox<WriterJob>(capacity: 16)
    let bodies = try BodyReader(capacity: 16) { forwarded.postReply($0) }
    for number in 1...4 as ClosedRange<UInt64> { bodies.post(try Self.frame(number)) }
    // Two are read; nobody says that they are taken.
    for _ in 1...2 { #expect(forwarded.take(limit: 1)?.count == 1) }
    bodies.writerEnded()
    bodies.stop()
    #expect(forwarded.count == 0)
  }

  /// Kills: a group without a bound of its bytes; a job that is too large and never written.
  @Test func aGroupIsBoundInEntriesAndBytes() throws {
    let jobs = try (1...4).map { try Self.frame($0) }
    let size = jobs[0].byteCount
    #expect(size == jobs[0].entries.reduce(0) { $0 + $1.headerBytes.count + ($1.body?.count ?? 0) })
    func length(_ entryCount: Int, _ byteCount: Int) -> Int {
      WriterJob.groupLength(jobs, entryCount: entryCount, byteCount: byteCount)
    }
    #expect(length(8, 4 * size) == 4)
    #expect(length(7, 4 * size) == 3)
    #expect(length(8, 4 * size - 1) == 3)
    #expect(length(8, 2 * size) == 2)
    #expect(length(1, 4 * size) == 1)
    #expect(length(8, 1) == 1)
  }

  /// Kills: a job that overtakes another of its session; a reading that is not its entry's; frames
  /// read without bound.
  @Test func framesAreReadInOrderAndNotFarAhead() throws {
    let forwarded = try Mailbox<WriterJob>(capacity: 16)
    let ahead = Mutex(0)
    let farthest = Mutex(0)
    let bodies = try BodyReader(capacity: 16) { job in
      if !job.entries.isEmpty {
        let now = ahead.withLock { value in
          value += 1
          return value
        }
        farthest.withLock { $0 = max($0, now) }
      }
      forwarded.postReply(job)
    }
    let peer = try #require(Self.peer)
    bodies.post(.openLink(SessionNumber(1), peer: peer))
    for number in 1...4 as ClosedRange<UInt64> { bodies.post(try Self.frame(number)) }
    bodies.post(.openLink(SessionNumber(2), peer: peer))

    var jobs: [WriterJob] = []
    while jobs.count < 6 {
      let taken = try #require(forwarded.take(limit: 1))
      jobs += taken
      ahead.withLock { $0 -= taken.filter { !$0.entries.isEmpty }.count }
      bodies.taken(taken)
    }
    bodies.stop()

    #expect(farthest.withLock { $0 } <= 2)
    #expect(jobs.first?.opensLink == true && jobs.last?.session == SessionNumber(2))
    for (number, job) in jobs.dropFirst().dropLast().enumerated() {
      guard case .change(_, _, let write, let read) = job else {
        Issue.record("\(job)")
        continue
      }
      #expect(write.ticket == Ticket(UInt64(number) + 1))
      #expect(read == job.entries.map(\.reading))
      guard case .body(let reading)? = read.first else {
        Issue.record("\(read)")
        continue
      }
      #expect(reading.object["reason"] == .string("r") && read.last == .malformed)
    }
  }

  /// Kills: a job that overtakes one that is being read, and a permit for a frame that was not read
  /// here, with which memory would grow.
  @Test func whatIsUnderWayIsKnownAndOnlyReadFramesCount() throws {
    let forwarded = try Mailbox<WriterJob>(capacity: 16)
    let bodies = try BodyReader(capacity: 16) { job in forwarded.postReply(job) }
    #expect(bodies.isIdle)
    for number in 1...3 as ClosedRange<UInt64> { bodies.taken([try Self.frame(number)]) }
    for number in 1...3 as ClosedRange<UInt64> { bodies.post(try Self.frame(number)) }
    var jobs: [WriterJob] = []
    while jobs.count < 2 { jobs += try #require(forwarded.take(limit: 1)) }
    // The third waits for a permit, whatever was taken unread.
    #expect(!bodies.isIdle && forwarded.count == 0)
    bodies.taken(jobs)
    jobs += try #require(forwarded.take(limit: 1))
    bodies.stop()
    #expect(bodies.isIdle && jobs.count == 3)
  }

  /// Kills: readings that stay with a thread that has nothing more to read.
  @Test func whatIsDoneWithIsLetGoOf() throws {
    let forwarded = try Mailbox<WriterJob>(capacity: 16)
    let bodies = try BodyReader(capacity: 16) { job in forwarded.postReply(job) }
    weak var reading: BodyReading?
    func pass(_ number: UInt64) throws {
      bodies.post(try Self.frame(number))
      let jobs = try #require(forwarded.take(limit: 1))
      if case .change(_, _, _, let read)? = jobs.first, case .body(let found)? = read.first {
        reading = found
      }
      #expect(reading != nil)
      bodies.taken(jobs)
      bodies.free(jobs, nil)
    }
    for number in 1...3 as ClosedRange<UInt64> { try pass(number) }
    bodies.stop()
    #expect(reading == nil)
  }

  /// The process ends: the thread does not stay for permits that never come.
  @Test func aThreadThatIsGivenUpEnds() throws {
    let forwarded = try Mailbox<WriterJob>(capacity: 16)
    let bodies = try BodyReader(capacity: 16) { job in forwarded.postReply(job) }
    for number in 1...3 as ClosedRange<UInt64> { bodies.post(try Self.frame(number)) }
    var count = 0
    while count < 2 { count += try #require(forwarded.take(limit: 1)).count }
    bodies.abandon()
    #expect(forwarded.count == 0)
  }
}
