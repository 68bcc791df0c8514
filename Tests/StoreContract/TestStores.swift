import Glibc
import Replication
import SimulatedDisk
import Testing

@testable import Storage

/// A directory that goes away with the value.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/dongbo-store-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw TestFailure("mkdtemp: \(errno)") }
    path = String(cString: made)
  }

  deinit {
    for name in ["store.db", "store.db-wal", "store.db-shm", "lock"] { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}

struct TestFailure: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

protocol ContractReads: StoreQueries {
  func forks(of identity: EntryIdentity) throws(StoreError) -> [Entry]
}
protocol ContractStore: ContractReads, StoreTransaction {}

extension MemoryStore: ContractStore {}
extension SQLiteWriter: ContractStore {}
extension SQLiteReader: ContractReads {}

/// Where the contract's writes go and where its reads come from.
enum Implementation: CaseIterable {
  case memory
  /// Reads inside the transaction that wrote.
  case transaction
  /// Reads of a reader after the commit.
  case reader
  /// Reads of a reader after the store was closed and opened again.
  case reopened
  /// The same on a disk in memory.
  case reopenedInMemory

  func run<Written>(
    write: (inout any ContractStore) throws -> Written,
    read: (any ContractReads, Written) throws -> Void
  ) throws {
    let directory = try TemporaryDirectory()
    switch self {
    case .memory:
      var store: any ContractStore = MemoryStore(storeID: Fixture.storeID, site: Fixture.centre)
      let written = try write(&store)
      try read(store, written)
    case .transaction:
      let opened = try openStore(directory)
      try opened.writer.begin()
      var store: any ContractStore = opened.writer
      let written = try write(&store)
      try read(store, written)
      try opened.writer.commit()
    case .reader:
      let opened = try openStore(directory)
      let written = try Self.commit(to: opened, write)
      try Self.read(opened, written, read)
    case .reopened:
      let written = try Self.commit(to: try openStore(directory), write)
      try Self.read(try openStore(directory), written, read)
    case .reopenedInMemory:
      let disk = FaultyDisk()
      let written = try Self.commit(to: try DiskLab.open(disk), write)
      try Self.read(try DiskLab.open(disk), written, read)
      #expect(DiskFault.allCases.allSatisfy { disk.injectedCount($0) == 0 })
    }
  }

  private static func commit<Written>(
    to opened: OpenedStore, _ write: (inout any ContractStore) throws -> Written
  ) throws -> Written {
    try opened.writer.begin()
    var store: any ContractStore = opened.writer
    let written = try write(&store)
    try opened.writer.commit()
    return written
  }

  private static func read<Written>(
    _ opened: OpenedStore, _ written: Written, _ body: (any ContractReads, Written) throws -> Void
  ) throws {
    let outcome = try opened.makeReader().inSnapshot { reader throws(StoreError) in
      Result { try body(reader, written) }
    }
    try outcome.get()
  }
}

func openStore(_ directory: TemporaryDirectory, site: SiteID = Fixture.centre) throws -> OpenedStore
{
  try OpenedStore.open(directory.path, site: site, hashing: TestHashing()) { Fixture.storeID }
}

/// Small values for cases.
enum Fixture {
  static let storeID = Bytes16(high: 7, low: 7)
  static let centre = site("centre")
  static let hue = site("hue")
  static let lao = site("lao-cai")
  static let home = Incarnation(Bytes16(high: 1, low: 1))
  static let later = Incarnation(Bytes16(high: 1, low: 2))

  static func site(_ name: String) -> SiteID {
    guard let site = SiteID(name) else { preconditionFailure(name) }
    return site
  }

  static func key(_ number: UInt64, _ kind: RecordKind = .document) -> RecordKey {
    RecordKey(kind: kind, id: RecordID(UniqueID(Bytes16(high: 0, low: number))))
  }

  static func identity(
    _ sequence: UInt64, of origin: SiteID = centre, _ incarnation: Incarnation = home
  ) -> EntryIdentity {
    EntryIdentity(
      origin: origin, incarnation: incarnation, sequence: SequenceNumber(sequence))
  }

  /// A put of `record`, or a genesis.
  static func entry(
    _ identity: EntryIdentity, record: RecordKey? = key(1), lane: Lane = .normal,
    subject: Subject = .revision(Revision(1)), registry: UInt64 = 0, body: String = "{}",
    hashing: any SHA256Hashing = TestHashing()
  ) -> Entry {
    let header = EntryHeader(
      identity: identity,
      time: HybridTime(microseconds: 1_000 + identity.sequence.value, counter: 0),
      operation: record == nil ? .genesis : .put, record: record,
      subject: record == nil ? .none : subject, parents: [], depth: Depth(1),
      registry: RegistryRevision(number: registry, digest: .zero), lane: lane, secrecy: .none,
      audience: [])
    return Entry(authoring: header, body: Array(body.utf8), hashing: hashing)
  }

  /// Reads as a registry; stores do not verify its signature.
  static func registryBody(_ sites: [RegistrySnapshot.Site], number: UInt64) -> [UInt8] {
    let unsigned = sites.reduce(JSONObject()) {
      RegistrySnapshot.adding($1, to: $0, number: number)
    }
    let signed = RegistrySnapshot.signing(unsigned, publicKey: [1], signature: [2])
    return JSONValue.object(signed).canonicalBytes
  }
}

extension ContractStore {
  /// Appends a row of `entry`, its first unless `isRelog`.
  @discardableResult
  mutating func append(
    _ entry: Entry, for recipients: Recipients = .everyone, via: SiteID? = nil,
    isRelog: Bool = false, incarnation: Incarnation = Fixture.home
  ) throws -> LogRow {
    let end = try logEnd()
    let row = LogRow(
      lsn: end.lsn.next, incarnation: incarnation,
      head: TestHashing().digest(end.head.bytes, entry.digest.bytes), entry: entry.identity,
      digest: entry.digest, lane: entry.header.lane, recipients: recipients, via: via)
    try append(row, entry: isRelog ? nil : entry)
    return row
  }
}

extension RowSelection {
  static func province(_ site: SiteID, recovering: Bool = false) -> RowSelection {
    RowSelection(peer: site, peerIsCentre: false, peerIsRecovering: recovering)
  }
}

extension RowLimits {
  static let wide = RowLimits(entries: 1_000, bytes: 1 << 20, scannedRows: 1_000)
}
