import Replication
import Synchronization
import Transport

/// A digest on its way through the pages of the store: made by the reactor, moved on by one reader
/// at a time, read again by the reactor when that page is done.
final class DigestPage: Sendable {
  private struct State {
    var digest: PairDigest
    var next: EntryIdentity?
  }

  private let state: Mutex<State>

  init(_ digest: PairDigest) { state = Mutex(State(digest: digest)) }

  var digest: PairDigest { state.withLock { $0.digest } }

  /// Where the next page starts; nil when this was the last.
  var next: EntryIdentity? { state.withLock { $0.next } }

  func take(_ leaves: [DigestLeaf]) -> HTTPResponse {
    state.withLock { state in
      for leaf in leaves { state.digest.take(leaf) }
      let isLast = leaves.count < PageLimits.leavesPerRead
      state.next = isLast ? nil : leaves.last?.identity
      return isLast ? .json(Self.json(state.digest)) : HTTPResponse(.ok)
    }
  }

  private static func json(_ digest: PairDigest) -> JSONObject {
    var kinds = JSONObject()
    for group in PairDigest.Group.allCases {
      kinds[Text("\(group)")] = .string(Text((digest.digests[group] ?? .zero).description))
    }
    return [
      "kinds": .object(kinds), "total": .string(Text(digest.total.description)),
      "entries": .integer(Int64(digest.count)),
    ]
  }
}
