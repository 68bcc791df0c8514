/// What a peer gave back, for the operator who ends a recovery.
package struct RecoveryTally: Hashable, Sendable {
  /// This site's own entries, by kind; those without a record are the genesis of its lives.
  package private(set) var own = Counts()
  /// Entries of others that this site did not hold: lost here, or new.
  package private(set) var others = Counts()
  /// As their authors' clocks say; nil when nothing came.
  package private(set) var first: HybridTime?
  package private(set) var last: HybridTime?

  /// A number for each kind of record, and one for genesis entries.
  package struct Counts: Hashable, Sendable {
    private var numbers = [UInt64](repeating: 0, count: RecordKind.allCases.count + 1)

    package init() {}

    /// The number of one kind; nil is the genesis.
    package subscript(kind: RecordKind?) -> UInt64 {
      get { numbers[Int(kind?.rawValue ?? 0)] }
      set { numbers[Int(kind?.rawValue ?? 0)] = newValue }
    }

    package var total: UInt64 { numbers.reduce(0, &+) }

    package func encode(to writer: inout ByteWriter) {
      for number in numbers { writer.write(number) }
    }

    package init(from reader: inout ByteReader) throws(ByteError) {
      for index in numbers.indices { numbers[index] = try reader.readUInt64() }
    }
  }

  package init() {}

  mutating func note(_ header: EntryHeader, isOwn: Bool) {
    if isOwn { own[header.record?.kind] += 1 } else { others[header.record?.kind] += 1 }
    first = first.map { min($0, header.time) } ?? header.time
    last = last.map { max($0, header.time) } ?? header.time
  }

  package func encode(to writer: inout ByteWriter) {
    own.encode(to: &writer)
    others.encode(to: &writer)
    for time in [first ?? .zero, last ?? .zero] {
      writer.write(time.microseconds)
      writer.write(time.counter)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteError) {
    own = try Counts(from: &reader)
    others = try Counts(from: &reader)
    let times = [
      HybridTime(microseconds: try reader.readUInt64(), counter: try reader.readUInt16()),
      HybridTime(microseconds: try reader.readUInt64(), counter: try reader.readUInt16()),
    ]
    guard own.total + others.total > 0 else { return }
    (first, last) = (times[0], times[1])
  }
}
