import Replication
import Testing

@testable import Storage

/// A store that an older program wrote is opened, answers the same and goes on.
@Suite struct OldStoreTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Makes a store of schema `version`, 2 or 3, with `entries` in its log and these names.
  private func makeStore(
    version: Int64, _ entries: [Entry], claims: [(UniqueKey, RecordKey)] = [],
    references: [(UniqueKey, EntryIdentity)] = [], summaries: [RecordKey: RecordSummary] = [:]
  ) throws {
    let raw = try SQLiteConnection(path: "\(directory.path)/store.db", role: .writer)
    try raw.migrate(to: version)
    try raw.execute("BEGIN")
    try raw.run(
      "INSERT INTO run (id, origin, incarnation) VALUES (1, ?, ?)",
      [.site(Fixture.centre), .bytes16(Fixture.home.raw)])
    try raw.run("INSERT INTO life (first_row, run) VALUES (1, 1)")
    for (index, entry) in entries.enumerated() {
      let record = entry.header.record
      try raw.run(
        """
        INSERT INTO entry (id, run, sequence, kind, record, digest, header, body)
        VALUES (?, 1, ?, ?, ?, ?, ?, ?)
        """,
        [
          .integer(Int64(index + 1)), .unsigned(entry.identity.sequence.value),
          .code(record?.kind.rawValue), .record(record?.id), .digest(entry.digest),
          .blob(entry.headerBytes), .blob(entry.body ?? []),
        ])
      try raw.run(
        """
        INSERT INTO log (lsn, author, lane, recipients, head)
        VALUES (?, 1, ?, x'01', zeroblob(32))
        """, [.integer(Int64(index + 1)), .code(Lane.normal.rawValue)])
    }
    for (key, record) in claims {
      try raw.run(
        "INSERT INTO claim (key, kind, record) VALUES (?, ?, ?)",
        [.blob(key.bytes), .code(record.kind.rawValue), .record(record.id)])
    }
    for (key, identity) in references {
      try raw.run(
        "INSERT INTO reference (key, run, sequence) VALUES (?, 1, ?)",
        [.blob(key.bytes), .unsigned(identity.sequence.value)])
    }
    for (record, summary) in summaries {
      var audience = ByteWriter()
      summary.audience.encode(to: &audience)
      func codes(_ codes: [OutcomeCode]) -> SQLValue {
        codes.isEmpty ? .null : .blob(codes.map(\.rawValue))
      }
      try raw.run(
        """
        INSERT INTO record (kind, id, owner, lane, revision, held, conflicts, audience, holds)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .code(record.kind.rawValue), .record(record.id), .site(summary.owner),
          .code(summary.lane?.rawValue), .unsigned(summary.greatestRevision.value),
          .integer(Int64(summary.heldCount)), codes(summary.conflicts), .blob(audience.bytes),
          codes(summary.holds),
        ])
    }
    try raw.execute("COMMIT")
  }

  @Test func changesOfDocumentsMoveToTheirOwnKey() throws {
    let name = UniqueKey.documentID("A99.00,2026/05/05,63-TB/VPTW")
    let record = UniqueKey.record(Fixture.key(1, .directive))
    let recall = Fixture.identity(1)
    let task = Fixture.identity(2)
    try makeStore(
      version: 2,
      [
        Fixture.entry(recall, record: Fixture.key(1, .document)),
        Fixture.entry(task, record: Fixture.key(1, .directive)),
      ],
      references: [name, record].flatMap { [($0, recall), ($0, task)] })
    let writer = try openStore(directory).writer
    #expect(try writer.referrers(of: name) == [task])
    #expect(try writer.referrers(of: .changes(of: name)) == [recall])
    #expect(try writer.referrers(of: record) == [recall, task])
  }

  @Test func itsKeysAreInTheIndex() throws {
    let entries = (UInt64(1)...900).map { number -> Entry in
      let kind: RecordKind = number.isMultiple(of: 2) ? .finance : .document
      let record = number == 1 ? nil : Fixture.key(number % 50, kind)
      return Fixture.entry(
        Fixture.identity(number), record: record, subject: .revision(Revision(number % 7 + 1)))
    }
    let names: [UniqueKey] = (UInt8(0)..<70).map { UniqueKey([1, $0]) } + [UniqueKey([])]
    var claims: [(UniqueKey, RecordKey)] = []
    var references: [(UniqueKey, EntryIdentity)] = []
    for (index, name) in names.enumerated() {
      for number in 0..<UInt64(index % 3) { claims.append((name, Fixture.key(number, .finance))) }
      for number in 0..<UInt64(index % 4) {
        references.append((name, Fixture.identity(number * 5 + 1)))
      }
    }
    try makeStore(version: 3, entries, claims: claims, references: references)
    let next = Fixture.entry(Fixture.identity(901), record: Fixture.key(3, .document))
    do {
      let writer = try openStore(directory).writer
      try expect(entries, names, claims, references, in: writer)
      try writer.tables.index.check()
      try writer.begin()
      var store: any ContractStore = writer
      try store.append(next)
      try store.claim(names[0], by: Fixture.key(77))
      try writer.commit()
    }
    let writer = try openStore(directory).writer
    try expect(
      entries + [next], names, claims + [(names[0], Fixture.key(77))], references, in: writer)
  }

  private func expect(
    _ entries: [Entry], _ names: [UniqueKey], _ claims: [(UniqueKey, RecordKey)],
    _ references: [(UniqueKey, EntryIdentity)], in store: SQLiteWriter
  ) throws {
    for entry in entries { #expect(try store.entry(digest: entry.digest) == entry) }
    for (record, its) in Dictionary(grouping: entries, by: \.header.record) {
      guard let record else { continue }
      // Known or not yet: what an older program wrote says nothing of its subject.
      for subject in Set(its.map(\.subject)) {
        let about = its.filter { $0.subject == subject }
        #expect(try store.entries(of: record, about: subject) == about)
        #expect(try store.stored.entries(of: record, about: subject) == about)
      }
      #expect(try store.entries(of: record) == its)
    }
    for name in names {
      let claimants = claims.filter { $0.0 == name }.map(\.1).sorted()
      #expect(try store.claimants(of: name) == claimants)
      let referrers = references.filter { $0.0 == name }.map(\.1).sorted()
      #expect(try store.referrers(of: name) == referrers)
    }
    let counts = try store.counts().mapValues(\.entries)
    let kinds = entries.compactMap { $0.header.record?.kind }
    #expect(counts == Dictionary(grouping: kinds) { $0 }.mapValues(\.count))
  }

  @Test func itsSummariesAreKept() throws {
    var numbers = SeededNumbers(state: 1)
    var model = MemoryStore(storeID: Fixture.storeID, site: Fixture.centre)
    var summaries: [RecordKey: RecordSummary] = [:]
    for number in UInt64(0)..<5_000 {
      let record = Fixture.key(number, number.isMultiple(of: 3) ? .directive : .finance)
      summaries[record] = SummarySamples.summary(&numbers)
    }
    try makeStore(version: 3, [], summaries: summaries)
    for (record, summary) in summaries { try model.setSummary(summary, of: record) }
    let writer = try openStore(directory).writer
    for (record, summary) in summaries { #expect(try writer.summary(of: record) == summary) }
    try SummarySamples.compare(writer, model)
    try writer.begin()
    for (record, _) in summaries.prefix(300) {
      let summary = SummarySamples.summary(&numbers)
      try writer.setSummary(summary, of: record)
      try model.setSummary(summary, of: record)
    }
    try writer.commit()
    try SummarySamples.compare(writer, model)
  }

  /// Kills: a migration after which signatures that came before it are never verified.
  @Test func itsSignaturesAreLookedAtAgain() throws {
    let bodies = [
      #"{"type":"receipt"}"#, #"{"type":"signature","value":"AA=="}"#, #"{"type":"timestamp"}"#,
      #"{"subject":"signature"}"#,
    ]
    let entries = bodies.enumerated().map { index, body in
      Fixture.entry(
        Fixture.identity(UInt64(index) + 1), record: Fixture.key(UInt64(index)), body: body)
    }
    try makeStore(version: 3, entries)
    let writer = try openStore(directory).writer
    #expect(try writer.cursor(of: .verifier) == .start)
    let signed = try writer.signedRecords(after: .start, limit: 9)
    #expect(signed.records == [Fixture.key(1), Fixture.key(2)] && signed.end == LSN(4))
  }
}
