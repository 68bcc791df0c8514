import Cryptography
import Glibc
import Storage
import Testing
import Transport

@testable import Replication

/// How an older copy of a site's disk comes back.
enum OlderCopy: String, CaseIterable, CustomTestStringConvertible {
  /// The witness lies elsewhere and still says more than the store.
  case witnessKept = "witness kept"
  case witnessLost = "witness lost"
  case byCommand = "by command"
  /// A snapshot of the whole machine, started while its line is cut: no proof, so it works on.
  case together = "store and witness together"

  var testDescription: String { rawValue }

  /// Why it locks; nil when it does not.
  var lock: String? {
    switch self {
    case .witnessKept: "witness-ahead"
    case .witnessLost: "witness-missing"
    case .byCommand: "restored-by-command"
    case .together: nil
    }
  }
}

/// Trials on one pair of sites: load, a copy, more load, a kill, the copy put back, a start with
/// every peer away, the peers' return. Counts what was lost, doubled, or given an identity twice.
final class RollbackTrial {
  static let province = "lang-son"
  /// OK answers of each site before and after the copy.
  private static let writesPerStep = 30
  /// Records of one trial.
  private static let numbersPerTrial = 10_000
  /// Apart from those of the loads' writers.
  private static let firstHandNumber = 50_000_000

  struct Tally {
    var trials = 0
    var okCount = 0
    /// Acknowledged, held by some site when the peers returned, and then not at both ends.
    var lost: [String] = []
    /// Acknowledged, and gone with the victim's disk before any peer had it.
    var neverLeft: Set<EntryIdentity> = []
    var doubled: [String] = []
    /// Identities under which two digests were seen, at any site, at any time.
    var reused: [String] = []
    /// What a locked site authored beside its genesis.
    var writtenLocked: [String] = []
  }

  private let lab: Lab
  private let victim: String
  private let variant: OlderCopy
  private(set) var tally = Tally()
  private var acknowledged: [EntryIdentity: Digest] = [:]
  private var digests: [EntryIdentity: Digest] = [:]

  init(victim: String, _ variant: OlderCopy) throws {
    lab = try Lab(Self.province)
    self.victim = victim
    self.variant = variant
    try lab.startAll()
  }

  private var other: String { victim == Lab.centre ? Self.province : Lab.centre }

  func run() throws {
    let first = tally.trials * Self.numbersPerTrial
    try lab.awaitEqual()
    #expect(try lab.stop(victim) == 0)
    try Disk.copy("\(lab.path)/\(victim)/data", to: "\(lab.path)/copy")
    try Disk.write("\(lab.path)/copy.witness", Disk.read("\(lab.path)/\(victim)/witness"))
    try lab.start(victim)
    let loads = try [Self.province, Lab.centre].map { try load(at: $0, from: first) }
    defer { for load in loads { load.stop() } }
    try eventually("both sites write") {
      loads.allSatisfy { $0.acknowledged.count >= Self.writesPerStep }
    }
    // Of what had not left, nobody could ever tell that it was lost.
    let own = loads[victim == Lab.centre ? 1 : 0]
    try eventually("\(other) has something of this life of \(victim)") {
      try own.acknowledged.keys.contains { record in
        try lab.api(other).get("records/\(own.kind)/\(record)").status == 200
      }
    }
    // It may lag by a quarter of a second: a copy from before that is not older than what it says.
    if variant == .witnessKept {
      try eventually("the witness of \(victim) is ahead of the copy") { try witnessIsAhead() }
    }
    try lab.kill9(victim)
    for load in loads { load.stop() }
    for load in loads { try take(load) }
    #expect(try lab.stop(other) == 0)
    try putBack()
    let kept = try look(at: other).digests
    let before = try startAlone(number: first)
    tally.neverLeft.formUnion(
      acknowledged.keys.filter { kept[$0] == nil && before.digests[$0] == nil })
    try lab.start(other)
    try lab.awaitEqual()
    try awaitUnlocked()
    try check(kept, before)
    tally.trials += 1
  }

  // MARK: Steps

  private func witnessIsAhead() throws -> Bool {
    let paths = ["\(lab.path)/copy.witness", "\(lab.path)/\(victim)/witness"]
    let ends = try paths.map { path -> LSN? in
      guard case .found(let witness) = try WitnessFile.read(path, hashing: OpenSSLHash()) else {
        return nil
      }
      return witness.checkpoint.lsn
    }
    guard let copied = ends[0], let now = ends[1] else { return false }
    return now > copied
  }

  private func load(at site: String, from first: Int) throws -> WriteLoad {
    // Each is for both ends, so that either can give it back.
    if site == Lab.centre {
      return try WriteLoad(at: site, in: lab, kind: "document", from: 20_000_000 + first) {
        try Samples.centreDocument($0)
      }
    }
    return try WriteLoad(at: site, in: lab, kind: "finance", from: first) {
      try Samples.voucher($0)
    }
  }

  private func take(_ load: WriteLoad) throws {
    #expect(load.surprises == [])
    tally.okCount += load.acknowledged.count
    for entry in load.acknowledged.values { take(entry) }
  }

  private func take(_ entry: WrittenEntry) {
    acknowledged[entry.identity] = entry.digest
    note(entry.identity, entry.digest)
  }

  private func putBack() throws {
    // What the killed store had given identities to, acknowledged or not.
    _ = try look(at: victim)
    try Disk.copy("\(lab.path)/copy", to: "\(lab.path)/\(victim)/data")
    let witness = "\(lab.path)/\(victim)/witness"
    switch variant {
    case .witnessKept: break
    case .byCommand: try lockRestored()
    case .witnessLost: try #require(unlink(witness) == 0)
    case .together: try Disk.write(witness, Disk.read("\(lab.path)/copy.witness"))
    }
  }

  /// What the command that puts a store back does to it.
  private func lockRestored() throws {
    let site = try #require(SiteID(victim))
    let store = try openStore(of: victim)
    defer { store.writer.close() }
    var writer = store.writer
    try writer.begin()
    var reconciler = Reconciler(
      site: site, centre: try #require(SiteID(Lab.centre)), configuredPins: [],
      log: SiteLog(
        state: try writer.siteState(), unopened: nil, hashing: OpenSSLHash(), now: WallClock.now()),
      hashing: OpenSSLHash(), signatures: ECDSAChecker())
    try reconciler.lose(.restoredByCommand, provedBy: nil, in: &writer)
    try reconciler.log.finish(in: &writer)
    try writer.commit()
  }

  /// Starts the victim while its peer is away, and has it asked for writes.
  /// - Returns: what it holds then.
  private func startAlone(number: Int) throws -> Look {
    try lab.start(victim)
    let api = lab.api(victim)
    let body = try handWritten(number)
    if let lock = variant.lock {
      #expect(lab.logs(victim, "event=site.locked", "reason=\(lock)"))
      let refused = try api.post("records/\(body.kind)", body.json)
      #expect(refused.status == 503 && refused.code == "locked", "\(refused)")
      #expect(try api.get("status", "format", "json").text("state") == "locked")
      let report = try api.post("rejoin", JSONObject())
      #expect(report.json["locked"] == .bool(true) && report.text("reason") == lock)
    } else {
      let written = try api.put(body.kind, body.json)
      take(try #require(WrittenEntry(written)))
      tally.okCount += 1
    }
    #expect(try lab.stop(victim) == 0)
    let look = try look(at: victim)
    try lab.start(victim)
    return look
  }

  private func handWritten(_ number: Int) throws -> (kind: String, json: JSONObject) {
    let number = Self.firstHandNumber + number
    return victim == Lab.centre
      ? ("document", try Samples.centreDocument(number))
      : ("finance", try Samples.voucher(number))
  }

  private func awaitUnlocked() throws {
    let api = lab.api(victim)
    var report = JSONObject()
    try eventually("\(victim) unlocks") {
      report = try api.post("rejoin", JSONObject()).json
      return report["locked"] == .bool(false)
    }
    #expect(report["unconfirmed"]?.array?.isEmpty == true)
    let back = Answer(status: 200, json: report).objects("cameBack").first
    #expect(back?.text("site") == other, "\(report)")
  }

  // MARK: What the sites hold

  struct Look {
    var digests: [EntryIdentity: Digest] = [:]
    /// Of each record, its entries that put it.
    var putCounts: [RecordKey: Int] = [:]
    /// In the order of the log.
    var rows: [LogRow] = []
    var kinds: [EntryIdentity: RecordKind] = [:]
  }

  private func note(_ identity: EntryIdentity, _ digest: Digest) {
    let known = digests.updateValue(digest, forKey: identity)
    if let known, known != digest { tally.reused.append("\(identity)") }
  }

  /// The store of a site that does not run. Notes every identity it has.
  private func look(at site: String) throws -> Look {
    let store = try openStore(of: site)
    defer { store.writer.close() }
    let look = try Self.look(in: store)
    for (identity, digest) in look.digests { note(identity, digest) }
    return look
  }

  private func openStore(of site: String) throws -> OpenedStore {
    try OpenedStore.open(
      "\(lab.path)/\(site)/data", site: try #require(SiteID(site)), hashing: OpenSSLHash(),
      makeStoreID: { Bytes16(high: 0, low: 0) })
  }

  private static func look(in store: OpenedStore) throws -> Look {
    try store.makeReader(timeBox: .seconds(60)).inSnapshot { reader throws(StoreError) in
      try look(in: reader)
    }
  }

  private static func look(in store: SQLiteReader) throws(StoreError) -> Look {
    var look = Look()
    for leaf in try store.leaves(after: nil, limit: .max) {
      look.digests[leaf.identity] = leaf.digest
      look.kinds[leaf.identity] = leaf.kind
      guard leaf.kind != nil, let entry = try store.entry(leaf.identity),
        entry.header.operation == .put, let record = entry.header.record
      else { continue }
      look.putCounts[record, default: 0] += 1
    }
    var lsn = LSN.start.next
    while let row = try store.row(at: lsn) {
      look.rows.append(row)
      lsn = lsn.next
    }
    return look
  }

  /// - Parameters:
  ///   - kept: what the peer held while the victim was down.
  ///   - before: what the victim held when the peer returned.
  private func check(_ kept: [EntryIdentity: Digest], _ before: Look) throws {
    try eventually("both ends show the roll-back") {
      try [victim, other].allSatisfy { site in
        try lab.api(site).get("status", "format", "json").objects("rollbacks")
          .contains { $0.text("site") == victim }
      }
    }
    for site in lab.sites { #expect(try lab.stop(site) == 0) }
    for site in [victim, other] {
      let look = try look(at: site)
      for identity in acknowledged.keys
      where kept[identity] != nil || before.digests[identity] != nil {
        if look.digests[identity] == nil { tally.lost.append("\(site): \(identity)") }
      }
      for (record, count) in look.putCounts where count > 1 && record.kind != .registry {
        tally.doubled.append("\(site): \(record) \(count)")
      }
      if site == victim, variant.lock != nil { noteWritesOfALockedSite(look, kept, before) }
    }
    for site in lab.sites { try lab.start(site) }
  }

  /// Until the last of what was lost is back, a locked site writes its genesis and nothing else.
  private func noteWritesOfALockedSite(
    _ look: Look, _ kept: [EntryIdentity: Digest], _ before: Look
  ) {
    let lastBack = look.rows.lastIndex {
      kept[$0.entry] != nil && before.digests[$0.entry] == nil
    }
    for row in look.rows[..<(lastBack ?? 0)]
    where row.via == nil && look.kinds[row.entry] != nil && before.digests[row.entry] == nil
      && kept[row.entry] == nil
    {
      tally.writtenLocked.append("\(row.entry)")
    }
  }
}
