import Operations
import Replication

/// The answer of `rejoin`: whether the site is locked, who has not confirmed, what came back, what
/// of it waits for a person, and what nobody had.
struct RejoinPage: Sendable {
  let site: SiteID
  let centre: SiteID
  let lock: LockReason?
  /// Peers that have not given back all they hold.
  let unconfirmed: [SiteID]
  /// Those of them without a session.
  let silent: [SiteID]

  func json(in view: some StoreQueries) throws(StoreError) -> JSONObject {
    var cameBack: [JSONValue] = []
    for peer in try view.peers() {
      let tally = try view.peer(peer).cameBack
      guard tally.own.total + tally.others.total > 0 else { continue }
      cameBack.append(.object(Self.json(peer, tally)))
    }
    let missing = try MissingEntries.of(site, in: view)
    return [
      "locked": .bool(lock != nil),
      "reason": lock.map { .string(Text($0.description)) } ?? .null,
      "unconfirmed": Self.list(unconfirmed),
      "silent": Self.list(silent),
      "cameBack": .array(cameBack),
      "registryAhead": .array(try registryAhead(in: view).map { .object(Self.json($0)) }),
      "missing": .array(missing.map { .object(Self.json($0)) }),
    ]
  }

  /// Entries in quarantine that are looked through, and how many at a time.
  private static let waitingLimit = 4_096
  private static let waitingPageCount = 64

  /// Revisions of the registry that came back above the centre's own: a person releases each, in
  /// this order.
  private func registryAhead(in view: some StoreQueries) throws(StoreError) -> [Entry] {
    guard site == centre else { return [] }
    var found: [Entry] = []
    var seen = 0
    while seen < Self.waitingLimit {
      let page = try view.waitingEntries(skip: seen, limit: Self.waitingPageCount)
      found += page.filter { $0.code == .registryAhead }.map(\.entry)
      seen += page.count
      if page.count < Self.waitingPageCount { break }
    }
    return found.sorted { $0.header.registry.number < $1.header.registry.number }
  }

  private static func json(_ registry: Entry) -> JSONObject {
    [
      "revision": .integer(Int64(clamping: registry.header.registry.number) + 1),
      "origin": .string(Text(registry.origin.description)),
      "incarnation": .string(Text(registry.identity.incarnation.description)),
      "sequence": .integer(Int64(clamping: registry.identity.sequence.value)),
    ]
  }

  private static func list(_ sites: [SiteID]) -> JSONValue {
    .array(sites.map { .string(Text($0.description)) })
  }

  private static func json(_ peer: SiteID, _ tally: RecoveryTally) -> JSONObject {
    [
      "site": .string(Text(peer.description)),
      "own": .object(json(tally.own)),
      "others": .object(json(tally.others)),
      "first": time(tally.first),
      "last": time(tally.last),
    ]
  }

  private static func time(_ time: HybridTime?) -> JSONValue {
    time.map { .string(Text(WallTime(microseconds: $0.microseconds).rfc3339)) } ?? .null
  }

  private static func json(_ counts: RecoveryTally.Counts) -> JSONObject {
    var object: JSONObject = ["genesis": .integer(Int64(clamping: counts[nil]))]
    for kind in RecordKind.allCases {
      object[Text(kind.description)] = .integer(Int64(clamping: counts[kind]))
    }
    return object
  }

  private static func json(_ missing: MissingEntries) -> JSONObject {
    [
      "incarnation": .string(Text(missing.incarnation.description)),
      "count": .integer(Int64(clamping: missing.count)),
      "upTo": .integer(Int64(clamping: missing.last.value)),
      "beginningKnown": .bool(missing.isBeginningKnown),
    ]
  }
}
