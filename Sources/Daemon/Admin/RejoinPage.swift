import Operations
import Replication

/// The answer of `rejoin`: whether the site is locked, who has not confirmed, what came back, and
/// what nobody had.
struct RejoinPage: Sendable {
  let site: SiteID
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
      "missing": .array(missing.map { .object(Self.json($0)) }),
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
