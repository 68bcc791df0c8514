import Cryptography
import Replication
import SimulatedDisk
import Testing

@testable import Storage

enum SummarySamples {
  static func summary(_ numbers: inout SeededNumbers) -> RecordSummary {
    func chance(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &numbers) == 0 }
    var summary = RecordSummary()
    if !chance(5) { summary.owner = chance(2) ? Fixture.hue : Fixture.lao }
    if summary.owner != nil { summary.lane = chance(3) ? .urgent : .normal }
    summary.greatestRevision = Revision(chance(4) ? UInt64.random(in: 2...5, using: &numbers) : 1)
    if chance(6) { summary.conflicts = [.registryAhead, .registryMissing] }
    if chance(6) { summary.holds = [.recordMissing] }
    if chance(6) { summary.heldCount = UInt32.random(in: 1...3, using: &numbers) }
    summary.audience = chance(4) ? .everyone : chance(2) ? .none : Recipients([Fixture.hue])
    return summary
  }

  /// All that is asked across records.
  static func compare(_ store: any ContractReads, _ model: MemoryStore) throws {
    for kind in RecordKind.allCases {
      #expect(
        try pages { try store.records(kind: kind, after: $0?.id, limit: 7) }
          == pages { try model.records(kind: kind, after: $0?.id, limit: 7) })
    }
    #expect(
      try pages { try store.conflicts(after: $0, limit: 5) }
        == pages { try model.conflicts(after: $0, limit: 5) })
    var after: RecordKey?
    while true {
      let page = try model.revisedRecords(after: after, limit: 11)
      #expect(try store.revisedRecords(after: after, limit: 11) == page)
      guard let last = page.last else { break }
      after = last
    }
    #expect(try store.counts() == model.counts())
    #expect(try store.oldestHeld(limit: 1_000) == model.oldestHeld(limit: 1_000))
  }

  private static func pages(_ next: (RecordKey?) throws -> [RecordKey]) throws -> [RecordKey] {
    var all: [RecordKey] = []
    while true {
      let page = try next(all.last)
      guard !page.isEmpty else { return all }
      all += page
    }
  }
}

/// Summaries are what was set last, one by one and in pages.
@Suite struct SummaryTests {
  @Test(arguments: UInt64(1)...8)
  func whatWasSetLastStands(seed: UInt64) throws {
    var numbers = SeededNumbers(state: seed)
    let disk = FaultyDisk()
    var opened = try DiskLab.open(disk)
    var model = MemoryStore(storeID: Fixture.storeID, site: Fixture.centre)
    let records = (UInt64(1)...(seed * 12)).map {
      Fixture.key($0 << (seed * 2), $0.isMultiple(of: 3) ? .directive : .finance)
    }
    for round in 1...30 {
      let before = model
      try opened.writer.begin()
      for _ in 0..<Int.random(in: 1...40, using: &numbers) {
        let record = records.randomElement(using: &numbers) ?? records[0]
        let summary = SummarySamples.summary(&numbers)
        try opened.writer.setSummary(summary, of: record)
        try model.setSummary(summary, of: record)
        if Int.random(in: 0..<20, using: &numbers) == 0 {
          opened.writer.cache = WriterCache()
          try SummarySamples.compare(opened.writer, model)
        }
      }
      if Int.random(in: 0..<4, using: &numbers) == 0 {
        try opened.writer.rollback()
        model = before
      } else {
        try opened.writer.commit()
      }
      try SummarySamples.compare(opened.writer, model)
      let reader = try opened.makeReader()
      let read = try reader.inSnapshot { reader throws(StoreError) in
        Result { try SummarySamples.compare(reader, model) }
      }
      try read.get()
      for record in records {
        let summary = try model.summary(of: record)
        #expect(try opened.writer.summary(of: record) == summary)
        #expect(try opened.writer.stored.summary(of: record) == summary)
      }
      guard round % 10 == 0 else { continue }
      if seed.isMultiple(of: 2) { disk.losePower(seed: seed) } else { opened.writer.close() }
      opened = try DiskLab.open(disk)
    }
  }

  @Test func aSummaryComesBackAsWritten() throws {
    var numbers = SeededNumbers(state: 3)
    for _ in 0..<200 {
      let summary = SummarySamples.summary(&numbers)
      var writer = ByteWriter()
      summary.encode(to: &writer)
      var reader = ByteReader(writer.bytes)
      #expect(try RecordSummary(from: &reader) == summary)
      #expect(reader.remaining == 0)
      for count in 0..<writer.bytes.count {
        #expect(throws: ByteError.self) {
          var reader = ByteReader(Array(writer.bytes.prefix(count)))
          _ = try RecordSummary(from: &reader)
        }
      }
    }
    for _ in 0..<2_000 {
      let count = Int.random(in: 0..<40, using: &numbers)
      var reader = ByteReader((0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) })
      _ = try? RecordSummary(from: &reader)
    }
  }
}
