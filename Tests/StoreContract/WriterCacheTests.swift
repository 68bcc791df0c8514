import Replication
import Testing

@testable import Storage

/// What the writer remembers is what SQLite would say, whatever was written meanwhile.
@Suite struct WriterCacheTests {
  private static let keys: [UniqueKey] = [[1, 7], [1, 8], [6], [255, 1], []].map { UniqueKey($0) }
  private static let records = (UInt64(1)...4).map { Fixture.key($0) }
  private static let files = (UInt64(1)...3).map {
    FileReference(digest: Digest(Bytes32($0, 0, 0, 1)), size: $0)
  }
  private static let peers = [Fixture.hue, Fixture.lao]
  private static let subjects: [Subject] = [1, 2].map { .revision(Revision($0)) }
  /// Of one run, the highest there is among them.
  private static let sequences: [UInt64] = [1, 2, 3, 4, 5, 6, 1 << 40]

  @Test(arguments: UInt64(1)...20)
  func itSaysWhatTheStoreSays(seed: UInt64) throws {
    var numbers = SeededNumbers(state: seed)
    let directory = try TemporaryDirectory()
    let opened = try openStore(directory)
    let writer = opened.writer
    var free = Self.sequences.shuffled(using: &numbers)
    var stored: [UInt64] = []
    for _ in 0..<6 {
      let before = (free, stored)
      try writer.begin()
      for _ in 0..<5 {
        try write(to: writer, &free, &stored, &numbers)
        try compare(writer)
      }
      if Int.random(in: 0..<3, using: &numbers) == 0 {
        try writer.rollback()
        (free, stored) = before
      } else {
        try writer.commit()
      }
      try compare(writer)
    }
  }

  private func write(
    to writer: SQLiteWriter, _ free: inout [UInt64], _ stored: inout [UInt64],
    _ numbers: inout SeededNumbers
  ) throws {
    var store: any ContractStore = writer
    let record = Self.records.randomElement(using: &numbers) ?? Fixture.key(1)
    let key = Self.keys.randomElement(using: &numbers) ?? Self.keys[0]
    let file = Self.files.randomElement(using: &numbers) ?? Self.files[0]
    switch Int.random(in: 0..<12, using: &numbers) {
    case 9...11: try writeState(to: writer, &numbers)
    case 6: try writer.name(file)
    case 7:
      let isHere = Bool.random(using: &numbers)
      try writer.setFileState(isHere ? .here : .pending, of: file.digest)
    case 8: try writer.forgetFile(file.digest)
    case 0:
      guard let sequence = free.popLast() else { return }
      let subject = Self.subjects.randomElement(using: &numbers) ?? .none
      try store.append(
        Fixture.entry(Fixture.identity(sequence), record: record, subject: subject))
      // As whoever places an entry does; meanwhile the cache may have begun anew.
      if Bool.random(using: &numbers) { writer.cache = WriterCache() }
      if Bool.random(using: &numbers) { _ = try writer.summary(of: record) }
      try writer.setSummary(writer.summary(of: record) ?? RecordSummary(), of: record)
      stored.append(sequence)
    case 1:
      var summary = RecordSummary()
      summary.heldCount = UInt32.random(in: 0...9, using: &numbers)
      try writer.setSummary(summary, of: record)
    case 2: try writer.refer(Fixture.identity(1), to: key)
    case 3: try writer.claim(key, by: record)
    case 4:
      guard let sequence = free.popLast() else { return }
      try writer.setWaiting(
        WaitingEntry(
          entry: Fixture.entry(Fixture.identity(sequence)), via: nil, state: .held,
          code: .registryMissing, attempts: 1))
    default:
      guard let sequence = stored.randomElement(using: &numbers) else { return }
      try writer.dropBody(of: Fixture.identity(sequence))
    }
  }

  private func writeState(to writer: SQLiteWriter, _ numbers: inout SeededNumbers) throws {
    let peer = Self.peers.randomElement(using: &numbers) ?? Fixture.hue
    let number = UInt64.random(in: 0...99, using: &numbers)
    switch Int.random(in: 0..<3, using: &numbers) {
    case 0:
      var state = try writer.peer(peer)
      state.outcomesTaken = number
      try writer.setPeer(state, of: peer)
    case 1:
      let outcome = Outcome(
        site: peer, entry: Fixture.identity(number), state: .held, code: .malformed)
      let end = try writer.outcomesEnd(for: peer)
      #expect(try writer.addOutcome(outcome, for: peer) == end + 1)
    default:
      var state = try writer.siteState()
      state.lastSequence = SequenceNumber(number)
      try writer.setSiteState(state)
    }
  }

  private func compare(_ writer: SQLiteWriter) throws {
    #expect(try writer.siteState() == writer.stored.siteState())
    #expect(try writer.logEnd() == writer.stored.logEnd())
    for peer in Self.peers {
      #expect(try writer.peer(peer) == writer.stored.peer(peer))
      #expect(try writer.outcomesEnd(for: peer) == writer.stored.outcomesEnd(for: peer))
    }
    for record in Self.records {
      #expect(try writer.summary(of: record) == writer.stored.summary(of: record))
      for subject in Self.subjects {
        let known = try writer.entries(of: record, about: subject)
        #expect(try known == writer.stored.entries(of: record, about: subject))
      }
      let digests = try Self.sequences.compactMap { try writer.digest(of: Fixture.identity($0)) }
      for digest in digests {
        #expect(
          try writer.isEntry(digest, of: record) == writer.stored.isEntry(digest, of: record))
      }
      #expect(try writer.entries(of: record) == writer.stored.entries(of: record))
    }
    for sequence in Self.sequences {
      let identity = Fixture.identity(sequence)
      #expect(try writer.digest(of: identity) == writer.stored.digest(of: identity))
    }
    for file in Self.files {
      #expect(
        try writer.fileState(of: file.digest) == writer.stored.fileState(of: file.digest))
    }
    for key in Self.keys {
      #expect(try writer.referrers(of: key) == writer.stored.referrers(of: key))
      #expect(try writer.claimants(of: key) == writer.stored.claimants(of: key))
    }
  }

  @Test func itForgetsBeforeItGrows() throws {
    var cache = WriterCache()
    for number in 0..<UInt64(WriterCache.maximumRecordCount) {
      cache.keep(RecordSummary(), of: Fixture.key(number))
    }
    #expect(cache.summary(of: Fixture.key(0)) != nil)
    cache.keep(RecordSummary(), of: Fixture.key(.max))
    #expect(cache.summary(of: Fixture.key(0)) == nil)
    #expect(cache.summary(of: Fixture.key(.max)) != nil)
    let large = Fixture.entry(
      Fixture.identity(1), body: String(repeating: "x", count: Entry.maximumBodyByteCount))
    cache.keep(nil, of: Fixture.key(1))
    for _ in 0...(WriterCache.maximumByteCount / Entry.maximumBodyByteCount) {
      cache.append(large, run: 1)
    }
    #expect(cache.entries(of: Fixture.key(1)) == nil)
  }
}
