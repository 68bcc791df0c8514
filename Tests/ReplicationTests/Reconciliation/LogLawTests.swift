import Cryptography
import Storage
import Testing

@testable import Replication

/// Laws 1, 2, 3, 5 and 6 over random work at four sites: writing, delivering, restarting, restoring.
@Suite struct LogLawTests {
  /// Law 1. Kills: `lastSequence` not taken in `SiteLog.take`; a relog that brings its entry again;
  /// `unopened = nil` before the first start wrote a genesis.
  @Test(arguments: 0..<200) func identityIsNotPosition(seed: UInt64) throws {
    var work = try RandomWork(seed: seed)
    var written: [EntryIdentity: Digest] = [:]
    for _ in 0..<12 {
      try work.step()
      // Whoever holds an identity, restored or not, holds it with the digest it was given once.
      for site in work.network.sites.values {
        for leaf in try site.leaves() {
          #expect(written[leaf.identity] ?? leaf.digest == leaf.digest)
          written[leaf.identity] = leaf.digest
        }
      }
    }
    for (id, site) in work.network.sites {
      let rows = try site.rows()
      #expect(rows.map(\.lsn.value) == (0..<UInt64(rows.count)).map { $0 + 1 })
      #expect(Set(rows.map(\.entry)).count <= rows.count)
      for own in Dictionary(
        grouping: try site.leaves().map(\.identity).filter { $0.origin == id },
        by: \.incarnation
      ).values where !work.restored.contains(id) {
        let numbers = own.map(\.sequence.value).sorted()
        #expect(numbers == (0..<UInt64(numbers.count)).map { numbers[0] + $0 })
      }
    }
  }

  /// Law 2. Kills: `stub` with another digest; `digest(of:)` blind for stubs.
  @Test(arguments: 0..<200) func stubsStayDedupMarkAndForkDetector(seed: UInt64) throws {
    var work = try RandomWork(seed: seed, mayRestore: false)
    try work.steps(8)
    try work.network.settle()
    let before = try work.network.centre.leaves()
    let content = try ConvergenceTests.State(of: work.network.centre).records.mapValues(\.content)
    let full = try work.network.centre.entries()
    let old = try work.network.centre.rows().map(\.lsn).randomElement(using: &work.network.random)
    try work.network.centre.compact()
    #expect(try work.network.centre.leaves() == before)
    #expect(
      try ConvergenceTests.State(of: work.network.centre).records.mapValues(\.content) == content)
    // A full body that comes again is a duplicate; another body under its identity is a fork.
    for entry in full where entry.origin != TestNetwork.centre {
      let again = try work.network.centre.receive(entry, from: entry.origin)
      #expect(again.isDuplicate)
      let forged = Entry(
        authoring: entry.header, body: Array("{}".utf8), hashing: TestSite.hashing)
      let fork = try work.network.centre.receive(forged, from: entry.origin)
      #expect(fork.code == .identityFork && fork.state == .conflict)
      #expect(try work.network.centre.store.forks(of: entry.identity) == [forged])
    }
    // Any old checkpoint resumes: what follows it is all that a restored site is missing.
    let province = TestNetwork.provinces[0]
    var fresh = TestSite(province, centre: TestNetwork.centre, random: &work.network.random)
    let after = old ?? .start
    for (lane, from) in [(Lane.urgent, LSN.start), (.normal, .start), (.normal, after)] {
      let batch = try work.network.centre.store.rows(
        after: from, lane: lane,
        selection: RowSelection(peer: province, peerIsCentre: false, peerIsRecovering: true),
        limits: RowLimits(entries: .max, bytes: .max, scannedRows: .max))
      for entry in batch.entries {
        let result = try fresh.receive(
          try entry.overTheWire(), from: TestNetwork.centre, isRecovering: true)
        #expect(from == .start || result.isDuplicate)
      }
    }
    work.network[province] = fresh
    work.network.centre.cursors[province] = nil
    try work.network.deliver(province, TestNetwork.centre)
    try work.network.deliver(TestNetwork.centre, province, isRecovering: true)
    let difference = try work.network.difference(TestNetwork.centre, province)
    #expect(difference == [], "\(difference)")
  }

  /// Law 3. Kills: `deliver` returning early; `widen` leaving out the entries before the newest.
  @Test(arguments: 0..<200) func relogGivesLateAddresseesEverythingOnce(seed: UInt64) throws {
    var network = try TestNetwork(seed: seed)
    let (owner, first, late) = (
      TestNetwork.provinces[0], TestNetwork.provinces[1], TestNetwork.provinces[2]
    )
    let put = network.document(from: owner, to: [first])
    try network.put(owner, .document, put)
    try network.settle()
    for _ in 0..<network.random.below(4) {
      try network.append(first, to: put.record, TestNetwork.receipt(first))
      try network.annotate(owner, put.record, keywords: ["khoá"])
      try network.settleSometimes()
    }
    #expect(try network[late].store.summary(of: put.record) == nil)
    let rowsBefore = try network.centre.rows()
    try network.append(owner, to: put.record, TestNetwork.addressed([late]))
    try network.settle()
    // Rows are only added: nothing that was delivered moved.
    let rows = try network.centre.rows()
    #expect(Array(rows.prefix(rowsBefore.count)) == rowsBefore)
    // Everything of the record but receipts, which are for issuer, author and centre.
    let entitled = try network.centre.store.entries(of: put.record).filter {
      try !Submission.isReceipt($0)
    }
    let held = try network[late].store.entries(of: put.record).filter {
      try !Submission.isReceipt($0)
    }
    #expect(held.map(\.digest).sorted() == entitled.map(\.digest).sorted())
    let brought = rows.filter { $0.recipients.contains(late) }
      .filter { row in entitled.contains { $0.identity == row.entry } }
    #expect(brought.count == entitled.count, "each entitled entry in one row for the late one")
  }

  /// Law 5. Kills: `open` without its guard; a genesis in a transaction of its own; `hasSibling`
  /// alone (an entry beyond the branch); `noteBranch` with `>=`.
  @Test(arguments: 0..<200) func everyStartOpensWithAGenesis(seed: UInt64) throws {
    var network = try TestNetwork(seed: seed)
    let id = TestNetwork.provinces[0]
    let rivals = Bool.random(using: &network.random)
    try network.writeSomething(id, count: 1 + network.random.below(3))
    try network.settle()
    let backup = network[id]
    let opened = try backup.store.logEnd()
    // It goes on, in the same life or after a start; then the backup is started beside it.
    if rivals { network.start(id) }
    try network.writeSomething(id, count: 1 + network.random.below(3))
    let isDeliveredFirst = Bool.random(using: &network.random)
    if isDeliveredFirst { try network.deliver(id, TestNetwork.centre) }
    let original = network[id]
    network[id] = backup
    network.start(id)
    let rowsBefore = try network[id].rows().count
    try network.writeSomething(id, count: 1)
    let rows = try network[id].rows()
    let genesis = try #require(try network[id].store.entry(rows[rowsBefore].entry))
    #expect(genesis.header.operation == .genesis && rows.count == rowsBefore + 2)
    let parent = try #require(Genesis(body: genesis.body ?? []))
    #expect(parent == Genesis(parent: opened, sequence: try backup.store.siteState().lastSequence))
    #expect(genesis.identity.sequence == parent.sequence.next)
    network.centre.cursors[id] = nil
    try network.deliver(id, TestNetwork.centre)
    #expect(network.centre.alarms.isEmpty != isDeliveredFirst)
    if !isDeliveredFirst {
      network[id] = original
      network.centre.cursors[id] = nil
      try network.deliver(id, TestNetwork.centre)
    }
    let alarm = try #require(network.centre.alarms.first)
    guard case .rollbackSeen(let origin, _) = alarm else {
      Issue.record("\(alarm)")
      return
    }
    #expect(origin == id)
    // No identity of the two lives meets.
    #expect(
      Set(try original.leaves().map(\.identity)).isDisjoint(
        with: rows.suffix(2).map(\.entry)))
  }

  /// A start without a write leaves no trace, a refused write none either.
  @Test func nothingIsWrittenBeforeTheFirstRow() throws {
    var network = try TestNetwork(seed: 1)
    let id = TestNetwork.provinces[0]
    let end = try network[id].store.logEnd()
    for _ in 0..<3 { network.start(id) }
    #expect(throws: TestError.self) {
      try network.append(
        id, to: RecordKey(kind: .document, id: RegistryRules.record.id), TestNetwork.receipt(id))
    }
    #expect(try network[id].store.logEnd() == end)
    #expect(network.centre.alarms.isEmpty)
  }

  /// Law 6. Kills: parts of the head swapped; the head of a lane or of a peer's rows only.
  @Test(arguments: 0..<200) func oneRunningHeadOverAllRows(seed: UInt64) throws {
    var work = try RandomWork(seed: seed)
    try work.steps(10)
    for site in work.network.sites.values {
      var head = Digest.zero
      var last: [Incarnation: LSN] = [:]
      for row in try site.rows() {
        head = OpenSSLHash().digest(head.bytes + row.digest.bytes)
        #expect(row.head == head)
        last[row.incarnation] = row.lsn
      }
      let end = try site.store.logEnd()
      #expect(end.head == head)
      // What a quoted checkpoint is judged by: the last row of each life, none of a lost one.
      for (incarnation, lsn) in last {
        #expect(try site.store.lastRow(of: incarnation) == lsn)
      }
      let lost = Incarnation(Bytes16(high: 1, low: seed))
      #expect(try site.store.lastRow(of: lost) == nil)
      // A batch ends at the log's own end and head whatever it carried.
      for lane in Lane.allCases {
        for peer in TestNetwork.everyone {
          let batch = try site.store.rows(
            after: .start, lane: lane,
            selection: RowSelection(peer: peer, peerIsCentre: false, peerIsRecovering: false),
            limits: RowLimits(entries: .max, bytes: .max, scannedRows: .max))
          #expect(batch.last == end)
        }
      }
    }
  }
}

/// Random lawful work at random sites.
struct RandomWork {
  var network: TestNetwork
  var restored: Set<SiteID> = []
  private var backups: [TestSite] = []
  private let mayRestore: Bool
  private var open: [(owner: SiteID, put: JSONObject)] = []

  init(seed: UInt64, mayRestore: Bool = true) throws {
    network = try TestNetwork(seed: seed)
    self.mayRestore = mayRestore
  }

  mutating func steps(_ count: Int) throws {
    for _ in 0..<count { try step() }
  }

  mutating func step() throws {
    let id = TestNetwork.everyone[network.random.below(TestNetwork.everyone.count)]
    switch network.random.below(10) {
    case 0: network.start(id)
    case 1 where mayRestore: backups.append(network[id])
    case 2 where mayRestore && !backups.isEmpty:
      let backup = backups[network.random.below(backups.count)]
      // Links of a restored site start over; identity removes the repeats.
      network[backup.id] = backup
      network[backup.id].cursors = [:]
      for other in TestNetwork.everyone { network[other].cursors[backup.id] = nil }
      network.start(backup.id)
      restored.insert(backup.id)
      open.removeAll()
    case 3, 4: try network.settle()
    case 5, 6: try grow()
    case _: try begin(at: id)
    }
  }

  private mutating func begin(at id: SiteID) throws {
    let others = TestNetwork.everyone.filter { $0 != id }.shuffled(using: &network.random)
    let some = Array(others.prefix(1 + network.random.below(3)))
    let put =
      switch network.random.below(3) {
      case 0: network.document(from: id, to: some, priority: Int64(network.random.below(2)))
      case 1: network.directive(from: id, lead: some[0], others: Array(some.dropFirst()))
      case _: network.assetCard(of: id)
      }
    try network.put(id, put.record.kind, put)
    open.append((id, put))
  }

  private mutating func grow() throws {
    guard !open.isEmpty else { return }
    let index = network.random.below(open.count)
    let (owner, put) = open[index]
    let other = TestNetwork.provinces[network.random.below(TestNetwork.provinces.count)]
    switch put.record.kind {
    case .document:
      if network.random.chance(50) {
        try network.append(owner, to: put.record, TestNetwork.addressed([other]))
      } else {
        try network.annotate(owner, put.record, keywords: ["khoá"])
      }
    case .directive, .finance, .registry:
      let revision = (put["revision"]?.integer ?? 1) + 1
      let name: Text = put.record.kind == .directive ? "title" : "assetName"
      let next = put.with("revision", .integer(revision)).with(
        name, .string(Text("bản \(revision)")))
      try network.put(owner, put.record.kind, next)
      open[index].put = next
    }
  }
}

extension TestNetwork {
  /// What the digest of the pair would not count alike, for people: empty when the digests are equal.
  func difference(_ left: SiteID, _ right: SiteID) throws -> [String] {
    let digests = try [
      self[left].pairDigest(with: right).total, self[right].pairDigest(with: left).total,
    ]
    guard digests[0] != digests[1] else { return [] }
    return try [(left, right), (right, left)].flatMap { one, other in
      try self[one].leaves().compactMap { leaf in
        guard let entry = try self[one].store.entry(leaf.identity) else { return "?" }
        let waiting = try self[other].store.waiting(leaf.identity)
        let isHeld = try self[other].store.recipients(of: leaf.identity) != nil
        guard !isHeld || one == left else { return nil }
        let there = waiting.map { "\($0.code)" } ?? (isHeld ? "held" : "absent")
        return "\(one): \(entry.header.operation) of \(entry.header.record?.description ?? "-")"
          + " for \(leaf.recipients), at \(other): \(there)"
      }
    }
  }

  /// Vouchers: they need nothing but their owner.
  mutating func writeSomething(_ id: SiteID, count: Int) throws {
    for _ in 0..<count {
      let number = Text("\(random.next())")
      try put(id, .finance, voucher(of: id, number: number))
    }
  }
}

extension Submission {
  static func isReceipt(_ entry: Entry) throws -> Bool {
    try entry.body.map { try object($0)["type"] == "receipt" } ?? false
  }
}
