import Replication
import Testing

@testable import Storage

/// What is this site's alone: what it owes, what it found about signatures, how far its readers of
/// the log have come.
@Suite struct LocalContract {
  @Test(arguments: Implementation.allCases)
  func holdsAreKeptAndCounted(_ implementation: Implementation) throws {
    var waiting = RecordSummary()
    waiting.owner = Fixture.hue
    waiting.holds = [.referenceMissing]
    let summary = waiting
    try implementation.run { store in
      try store.setSummary(summary, of: Fixture.key(1))
    } read: { store, _ throws in
      #expect(try store.summary(of: Fixture.key(1)) == summary)
      #expect(try store.conflicts(after: nil, limit: 9).isEmpty)
      #expect(try store.counts()[.document]?.held == 1)
    }
  }

  @Test(arguments: Implementation.allCases)
  func whatIsOwedIsKeptOnceUntilItIsWritten(_ implementation: Implementation) throws {
    func event(_ number: UInt64, _ body: String) -> OwedEvent {
      OwedEvent(
        record: Fixture.key(number), event: EventID(UniqueID(Bytes16(high: 7, low: number))),
        body: Array(body.utf8))
    }
    try implementation.run { store in
      for number in [3, 1, 2] as [UInt64] { try store.owe(event(number, "{}")) }
      // Owed again: the first stands.
      try store.owe(event(1, #"{"later":1}"#))
      try store.settle(event(2, "{}"))
    } read: { store, _ throws in
      #expect(try store.owed(limit: 9) == [event(1, "{}"), event(3, "{}")])
      #expect(try store.owed(limit: 1) == [event(1, "{}")])
    }
  }

  @Test(arguments: Implementation.allCases)
  func verdictsAndCursorsAreReplaced(_ implementation: Implementation) throws {
    func verdict(_ state: SignatureVerdict.State, _ reason: Text) -> SignatureVerdict {
      SignatureVerdict(
        state: state, reason: reason, verifiedAt: WallTime(microseconds: 5),
        registry: RegistryRevision(number: 3, digest: .zero),
        details: VerdictDetails(["crl": .string("fresh")]))
    }
    let (signature, other) = (Fixture.identity(4), Fixture.identity(5))
    try implementation.run { store in
      try store.setVerdict(verdict(.undecided, "certificate-expired"), of: signature)
      try store.setVerdict(verdict(.valid, "valid"), of: signature)
      try store.setCursor(.verifier, to: LSN(4))
      try store.setCursor(.verifier, to: LSN(9))
    } read: { store, _ throws in
      #expect(try store.verdict(of: signature) == verdict(.valid, "valid"))
      #expect(try store.verdict(of: other) == nil)
      #expect(try store.cursor(of: .verifier) == LSN(9))
    }
  }

  /// More than one statement takes, some of them twice, as the verifier comes to them. Kills: a
  /// verdict that the transaction which sets it does not see; one that is lost or stays as it was.
  @Test(arguments: Implementation.allCases)
  func manyVerdictsAreKeptAtOnce(_ implementation: Implementation) throws {
    func verdict(_ number: UInt64) -> SignatureVerdict {
      SignatureVerdict(
        state: .valid, reason: "valid", verifiedAt: WallTime(microseconds: number),
        registry: RegistryRevision(number: 3, digest: .zero))
    }
    let sequences: [UInt64] = [9, 4, 7, 1, 30, 12, 8, 3, 2, 5, 6, 40, 11, 10, .max, 13, 14, 15]
    try implementation.run { store in
      for (number, sequence) in (sequences + sequences.suffix(3)).enumerated() {
        try store.setVerdict(verdict(UInt64(number)), of: Fixture.identity(sequence))
        #expect(
          try store.verdict(of: Fixture.identity(sequence)) == verdict(UInt64(number)))
      }
      #expect(try store.verdict(of: Fixture.identity(16)) == nil)
    } read: { store, _ throws in
      for (number, sequence) in sequences.enumerated() {
        let last = number < sequences.count - 3 ? number : number + 3
        #expect(try store.verdict(of: Fixture.identity(sequence)) == verdict(UInt64(last)))
      }
      #expect(try store.verdict(of: Fixture.identity(16)) == nil)
      #expect(try store.verdict(of: Fixture.identity(41)) == nil)
    }
  }

  @Test(arguments: Implementation.allCases)
  func onlyAnEntryWithARowIsRepaired(_ implementation: Implementation) throws {
    let entry = Fixture.entry(Fixture.identity(1), body: #"{"amount":"000007"}"#)
    let other = Fixture.entry(Fixture.identity(1), body: #"{"amount":"000008"}"#)
    try implementation.run { store in
      try store.append(entry)
      return try [entry, other, Fixture.entry(Fixture.identity(2))].map { try store.repair($0) }
    } read: { store, repaired throws in
      #expect(repaired == [true, false, false])
      #expect(try store.entry(entry.identity) == entry)
    }
  }

  @Test(arguments: Implementation.allCases)
  func filesArePendingUntilTheirContentIsHere(_ implementation: Implementation) throws {
    func file(_ number: UInt64, _ size: UInt64) -> FileReference {
      FileReference(digest: Digest(Bytes32(number, 0, 0, 0)), size: size)
    }
    try implementation.run { store in
      for number in [3, 1, 2, 4] as [UInt64] { try store.name(file(number, number)) }
      // Named again with another size: the first stands.
      try store.name(file(1, 9))
      try store.setFileState(.here, of: file(2, 2).digest)
      try store.name(file(2, 2))
      try store.setFileState(.here, of: file(4, 4).digest)
      try store.setFileState(.pending, of: file(4, 4).digest)
      try store.setFileState(.here, of: file(7, 7).digest)
      try store.name(file(5, 5))
      try store.forgetFile(file(5, 5).digest)
      // Forgotten and named again: it is to be fetched, with the size said now.
      try store.name(file(6, 6))
      try store.setFileState(.here, of: file(6, 6).digest)
      try store.forgetFile(file(6, 6).digest)
      try store.name(file(6, 8))
    } read: { store, _ throws in
      #expect(
        try store.pendingFiles(after: nil, limit: 9) == [
          file(1, 1), file(3, 3), file(4, 4), file(6, 8),
        ])
      #expect(try store.fileState(of: file(5, 5).digest) == nil, "forgotten")
      #expect(try store.pendingFiles(after: file(1, 1).digest, limit: 1) == [file(3, 3)])
      #expect(try store.storedFiles(after: nil, limit: 9) == [file(2, 2)])
      #expect(try store.storedFiles(after: file(2, 2).digest, limit: 9) == [])
      #expect(try store.fileState(of: file(2, 2).digest) == .here)
      #expect(try store.fileState(of: file(7, 7).digest) == nil, "nobody named it")
    }
  }

  /// Kills: a cursor that stays where the last signature is, or passes one that the limit left out;
  /// a limit that is said to be reached by the end of the log.
  @Test(arguments: Implementation.allCases)
  func recordsWithSignaturesAreFoundInOrder(_ implementation: Implementation) throws {
    try implementation.run { store in
      for (index, record) in [UInt64](arrayLiteral: 1, 2, 1, 3, 2, 9).enumerated() {
        try store.append(
          Fixture.entry(Fixture.identity(UInt64(index) + 1), record: Fixture.key(record)))
        if index != 3, index != 5 { try store.noteSigned(at: LSN(UInt64(index) + 1)) }
      }
    } read: { store, _ throws in
      let cases: [(after: UInt64, limit: Int, records: [UInt64], noted: [UInt64], end: UInt64)] = [
        (0, 9, [1, 2], [3, 5], 6), (0, 2, [1, 2], [1, 2], 2), (1, 2, [2, 1], [2, 3], 3),
        (3, 9, [2], [5], 6), (5, 9, [], [], 6), (6, 9, [], [], 6), (4, 1, [2], [5], 5),
      ]
      for (after, limit, records, noted, end) in cases {
        let found = try store.signedRecords(after: LSN(after), limit: limit)
        #expect(found.records == records.map { Fixture.key($0) }, "after \(after)")
        #expect(found.noted == noted.map { LSN($0) }, "after \(after)")
        #expect(found.end == LSN(end), "after \(after)")
        #expect(found.isWhole == (limit < 9), "after \(after)")
      }
    }
  }
}
