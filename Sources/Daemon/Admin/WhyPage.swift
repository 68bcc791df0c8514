import Replication
import Storage
import Transport

/// `records/KIND/RECORD/why`: each hop of each change, as far as this site knows it: written or
/// received, for whom by which rule, sent and acknowledged, and what each site did with it.
extension AdminServer {
  func why(_ name: String, _ text: String, _ respond: @escaping Respond) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    guard let id = RecordID(text) else { return respond(problem(.malformedID(text))) }
    let record = RecordKey(kind: kind, id: id)
    let page = WhyPage(
      site: daemon.site, centre: daemon.centre, acknowledged: acknowledgedNow())
    let notHere = problem(.notHere(record))
    query(respond) { reader throws(StoreError) in
      try page.json(of: record, in: reader).map { .json($0) } ?? notHere
    }
  }
}

extension AdminServer {
  /// How far each peer has acknowledged, by its live session: the store learns of it a little
  /// later.
  private func acknowledgedNow() -> [SiteID: [Lane: LSN]] {
    var known: [SiteID: [Lane: LSN]] = [:]
    for (site, peer) in links.peers {
      let session = links.directory.holder(of: site).flatMap { links.drivers[$0]?.progress }
      for lane in Lane.allCases {
        known[site, default: [:]][lane] = max(
          session?.acknowledged[lane] ?? .start, peer.acknowledged[lane] ?? .start)
      }
    }
    return known
  }
}

/// The hops of a record's changes. Reads only; says nothing of content.
struct WhyPage: Sendable {
  let site: SiteID
  let centre: SiteID
  let acknowledged: [SiteID: [Lane: LSN]]

  /// Changes shown; a record with more shows its latest.
  static let maximumChangeCount = 200

  /// - Returns: nil while no entry of the record is here.
  func json(of record: RecordKey, in view: some StoreQueries) throws(StoreError) -> JSONObject? {
    let entries = try view.entries(of: record)
    guard !entries.isEmpty, let summary = try view.summary(of: record) else { return nil }
    var changes: [JSONValue] = []
    for entry in entries.suffix(Self.maximumChangeCount) {
      changes.append(.object(try json(of: entry, summary, in: view)))
    }
    let standing = try Standing(site: site, centre: centre, in: view)
      .findings(of: HeldRecord(record, entries: entries))
    return [
      "kind": .string(Text(record.kind.description)),
      "recordId": .string(Text(record.id.description)),
      "owner": summary.owner.map { .string(Text($0.description)) } ?? .null,
      "state": .string(Text(Self.state(of: standing).description)),
      "codes": .array(standing.map { .string(Text($0.code.description)) }),
      "changes": .array(changes),
    ]
  }

  private static func state(of standing: [Finding]) -> OutcomeState {
    if standing.contains(where: { !$0.code.isHold }) { return .conflict }
    return standing.isEmpty ? .applied : .held
  }

  private func json(
    of entry: Entry, _ summary: RecordSummary, in view: some StoreQueries
  ) throws(StoreError) -> JSONObject {
    let rows = try view.rows(of: entry.identity)
    var object: JSONObject = [
      "origin": .string(Text(entry.origin.description)),
      "sequence": .integer(Int64(clamping: entry.identity.sequence.value)),
      "operation": .string(Text(entry.header.operation.description)),
      "lane": .string(Text(entry.header.lane.description)),
      "appended": .array(rows.map { .integer(Int64(clamping: $0.lsn.value)) }),
      "via": rows.first?.via.map { .string(Text($0.description)) } ?? .null,
    ]
    switch entry.header.subject {
    case .revision(let revision):
      object["revision"] = .integer(Int64(clamping: revision.value))
    case .event(let event): object["eventId"] = .string(Text(event.description))
    case .none: break
    }
    object["type"] = entry.bodyObject?["type"]
    // Superseded, and older than is kept: the stub is all there is (law 2).
    if entry.body == nil { object["bodyGone"] = .bool(true) }
    object["verdict"] = try view.verdict(of: entry.identity)?.json
    object["sites"] = .array(try hops(of: entry, rows, summary, in: view))
    return object
  }

  /// One hop for each site the entry is for, in order of their names.
  private func hops(
    of entry: Entry, _ rows: [LogRow], _ summary: RecordSummary, in view: some StoreQueries
  ) throws(StoreError) -> [JSONValue] {
    var recipients = Recipients.none
    for row in rows { recipients = recipients.union(row.recipients) }
    let outcomes = try view.remoteOutcomes(of: entry.identity)
    let named = Set(recipients.listed + [centre, entry.origin] + outcomes.map(\.site))
    var hops: [JSONValue] = []
    for peer in named.subtracting([site]).sorted() {
      var hop: JSONObject = [
        "site": .string(Text(peer.description)),
        "rule": .string(rule(for: peer, entry, summary)),
      ]
      // A province has one link: what others have, the centre knows.
      let isLinked = site == centre || peer == centre
      if isLinked, entry.origin != peer {
        let wanted = rows.last { $0.recipients.contains(peer) || peer == centre }
        let stored = try view.peer(peer).acknowledged[entry.header.lane] ?? .start
        let acknowledged = max(stored, acknowledged[peer]?[entry.header.lane] ?? .start)
        let isThere = wanted.map { $0.lsn <= acknowledged && $0.via != peer } ?? false
        let came = rows.contains { $0.via == peer }
        hop["delivery"] = .string(came ? "received-from" : isThere ? "acknowledged" : "waiting")
      }
      if let outcome = outcomes.first(where: { $0.site == peer }) {
        hop["state"] = .string(Text(outcome.state.description))
        hop["code"] = .string(Text(outcome.code.description))
      }
      hops.append(.object(hop))
    }
    return hops
  }

  /// The rule of law 4 by which the site is entitled.
  private func rule(for peer: SiteID, _ entry: Entry, _ summary: RecordSummary) -> Text {
    if peer == entry.origin { return "author" }
    if peer == centre { return "centre" }
    if entry.header.audience.contains(peer) { return "named" }
    if peer == summary.owner { return "owner" }
    return summary.audience.contains(peer) ? "record" : "parent"
  }
}
