import Cryptography
import Storage

@testable import Replication

extension SeededRandom {
  init(seed: UInt64) { self.init(state: seed) }

  mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func uniqueID() -> UniqueID { UniqueID(Bytes16(high: next(), low: next())) }
}

/// A signature is the digest of key and bytes: enough to tell a right one from a wrong one.
struct TestSignatures: SignatureChecking {
  static let key: [UInt8] = Array("registry key".utf8)
  static let pin = TestSignatures().pin(of: key)

  static func sign(_ bytes: [UInt8], key: [UInt8] = key) -> [UInt8] {
    OpenSSLHash().digest(key, bytes).bytes
  }

  func isSignature(_ signature: [UInt8], over bytes: [UInt8], by publicKeyInfo: [UInt8]) -> Bool {
    signature == Self.sign(bytes, key: publicKeyInfo)
  }

  func pin(of publicKeyInfo: [UInt8]) -> Digest { OpenSSLHash().digest(publicKeyInfo) }
}

enum TestError: Error {
  case refused(AuthoringRefusal)
  case noRegistry
}

/// One site over a store in memory. A copy of it is a backup; starting a copy is a restore or clone.
struct TestSite {
  static let hashing = OpenSSLHash()

  let id: SiteID
  let centre: SiteID
  var store: MemoryStore
  /// Drawn at the last start and not yet in the log.
  var unopened: Incarnation?
  var now = WallTime(microseconds: 1_780_000_000_000_000)
  var alarms: [Alarm] = []
  /// The highest level it writes; above `none` where a test opens that check.
  var ingestCeiling = SecrecyLevel.none
  /// How far this site has each peer's log, per lane, and its outcomes.
  var cursors: [SiteID: [Lane: LSN]] = [:]
  var outcomeCursors: [SiteID: UInt64] = [:]

  init(_ id: SiteID, centre: SiteID, random: inout SeededRandom) {
    self.id = id
    self.centre = centre
    store = MemoryStore(storeID: Bytes16(high: random.next(), low: random.next()), site: id)
    start(&random)
  }

  /// A new life on the same store (law 5).
  mutating func start(_ random: inout SeededRandom) {
    unopened = Incarnation(Bytes16(high: random.next(), low: random.next()))
  }

  /// One transaction: committed when `body` returns, as if it had never been when it throws.
  mutating func transact<Result>(
    _ body: (inout Reconciler, inout MemoryStore) throws -> Result
  ) throws -> Result {
    now = WallTime(microseconds: now.microseconds + 1_000)
    var draft = store
    var reconciler = Reconciler(
      site: id, centre: centre, configuredPins: [TestSignatures.pin],
      log: SiteLog(
        state: try store.siteState(), unopened: unopened, hashing: Self.hashing, now: now),
      hashing: Self.hashing, signatures: TestSignatures(), ingestCeiling: ingestCeiling)
    let result = try body(&reconciler, &draft)
    try reconciler.finish(in: &draft)
    store = draft
    if reconciler.log.isOpened { unopened = nil }
    alarms += reconciler.alarms
    return result
  }

  // MARK: Authoring

  mutating func attempt(_ submission: Submission) throws -> Result<Authored, AuthoringRefusal> {
    try transact { reconciler, store in try reconciler.author(submission, in: &store) }
  }

  @discardableResult
  mutating func write(_ submission: Submission) throws -> Authored {
    switch try attempt(submission) {
    case .success(let authored): return authored
    case .failure(let refusal): throw TestError.refused(refusal)
    }
  }

  /// The next revision of the registry with these sites, signed.
  /// - Parameter successor: whose organ A99.NEW follows A99.X.
  @discardableResult
  mutating func writeRegistry(
    _ sites: [SiteID], parents: [Digest] = [], key: [UInt8] = TestSignatures.key,
    signatures mode: SignaturePolicy.Mode = .acceptAsReference, successor: SiteID? = nil
  ) throws -> Authored {
    let number = try store.siteState().registry.number + 1
    return try write(
      try TestRegistry.submission(
        sites, centre: centre, number: number, parents: parents, key: key, signatures: mode,
        successor: successor))
  }

  // MARK: Receiving

  @discardableResult
  mutating func receive(
    _ entry: Entry, from peer: SiteID, isRecovering: Bool = false
  ) throws -> Reconciled {
    try transact { reconciler, store in
      let result = try reconciler.receive(
        entry, from: peer, isRecovering: isRecovering, in: &store)
      if let revision = entry.registryRevision {
        try reconciler.releaseWaiting(for: revision, in: &store)
      }
      return result
    }
  }

  /// As when a person asks for what waits to be tried once more.
  mutating func retryWaiting() throws {
    for waiting in try store.waitingEntries(skip: 0, limit: .max) {
      try transact { reconciler, store in
        // One that came in may have let in others.
        guard try store.waiting(waiting.entry.identity) != nil else { return }
        _ = try reconciler.retry(waiting, isRelease: true, in: &store)
        if let revision = waiting.entry.registryRevision {
          try reconciler.releaseWaiting(for: revision, in: &store)
        }
      }
    }
  }

  /// As if the site had lost rows and its peers had not yet given back what they hold.
  mutating func lock() throws {
    try transact { reconciler, store in
      try reconciler.lose(.witnessMissing, provedBy: nil, in: &store)
    }
  }

  /// Everyone has confirmed.
  mutating func unlock() throws {
    let unconfirmed = try store.siteState().unconfirmed
    try transact { reconciler, store in
      for peer in unconfirmed { _ = try reconciler.perform(.recovered, of: peer, in: &store) }
    }
  }

  /// Turns bodies that nothing needs into stubs (law 2).
  mutating func compact() throws {
    let records = try records()
    try transact { _, store in
      _ = try store.compact(records, supersededBefore: .endOfTime, limit: .max)
    }
  }

  /// As when every file that a record names has come.
  mutating func takeFiles() throws {
    let pending = try store.pendingFiles(after: nil, limit: .max)
    try transact { _, store in
      for file in pending { try store.setFileState(.here, of: file.digest) }
    }
  }

  // MARK: Looking

  func leaves() throws -> [DigestLeaf] { try store.leaves(after: nil, limit: .max) }

  func entries() throws -> [Entry] {
    try leaves().compactMap { try store.entry($0.identity) }
  }

  /// Every record of which some entry has a row here.
  func records() throws -> [RecordKey] {
    Set(try entries().compactMap(\.header.record)).sorted()
  }

  func rows() throws -> [LogRow] {
    try (0..<store.logEnd().lsn.value).compactMap { try store.row(at: LSN($0 + 1)) }
  }

  func content(_ record: RecordKey, asOf day: CalendarDate = .testDay) throws -> RecordContent? {
    let held = HeldRecord(record, entries: try store.entries(of: record))
    return try RecordContent(held, asOf: day, site: id, centre: centre, in: store)
  }

  func pairDigest(with peer: SiteID?) throws -> PairDigest {
    var digest = PairDigest(site: id, peer: peer, centre: centre, hashing: Self.hashing)
    for leaf in try leaves() { digest.take(leaf) }
    return digest
  }

  func outcomes(for peer: SiteID) throws -> [Outcome] {
    try store.outcomes(for: peer, after: 0, limit: .max).map(\.outcome)
  }

  func outcome(of entry: EntryIdentity, by site: SiteID) throws -> Outcome? {
    try store.remoteOutcomes(of: entry).first { $0.site == site }
  }
}

extension Entry {
  /// What this entry is as a registry; nil for every other kind.
  var registryRevision: RegistryRevision? {
    guard header.record?.kind == .registry, case .revision(let number) = header.subject else {
      return nil
    }
    return RegistryRevision(number: number.value, digest: digest)
  }
}

extension WallTime {
  /// However lately superseded.
  static let endOfTime = WallTime(microseconds: .max)
}

extension CalendarDate {
  static var testDay: CalendarDate { CalendarDate(localDayOf: WallTime(microseconds: 0)) }
}

enum TestRegistry {
  static func body(
    _ sites: [SiteID], centre: SiteID, number: UInt64, key: [UInt8] = TestSignatures.key,
    signatures mode: SignaturePolicy.Mode = .acceptAsReference, successor: SiteID? = nil
  ) -> JSONObject {
    let documents: JSONObject = [
      "mode": .string(Text(mode.rawValue)), "roles": .array(["person", "organ"]),
    ]
    let policy: JSONObject = ["signatures": .object(["document": .object(documents)])]
    var body: JSONObject = ["policy": .object(policy)]
    if let successor {
      let organ: JSONObject = [
        "organId": "A99.NEW", "siteId": .string(Text(successor.description)),
        "predecessors": .array(["A99.X"]),
      ]
      body["organs"] = .array([.object(organ)])
    }
    for site in sites {
      let pin = site == centre ? TestSignatures.pin : TestSite.hashing.digest(site.bytes)
      let listed = RegistrySnapshot.Site(
        id: site, tier: site == centre ? .centre : .province, generation: 1, pins: [pin])
      body = RegistrySnapshot.adding(listed, to: body, number: number)
    }
    let signature = TestSignatures.sign(RegistrySnapshot.signedBytes(of: body), key: key)
    return RegistrySnapshot.signing(body, publicKey: key, signature: signature)
  }

  static func submission(
    _ sites: [SiteID], centre: SiteID, number: UInt64, parents: [Digest] = [],
    key: [UInt8] = TestSignatures.key, signatures mode: SignaturePolicy.Mode = .acceptAsReference,
    successor: SiteID? = nil
  ) throws -> Submission {
    var json = body(
      sites, centre: centre, number: number, key: key, signatures: mode, successor: successor)
    json["revision"] = .integer(Int64(number))
    json["secrecyLevel"] = "none"
    if !parents.isEmpty {
      json["parents"] = .array(parents.map { .string(Text($0.description)) })
    }
    return try Submission.read(
      kind: .registry, operation: .put, id: RegistryRules.record.id, json: json.bytes)
  }
}
