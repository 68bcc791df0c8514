import Replication
import Storage
import Transport

/// A long poll that waits for the log to grow.
struct FeedRequest {
  let token: FeedToken
  let limit: Int
  let respond: AdminServer.Respond
  let timer: TimerID
}

/// Where a consumer of the change feed stands: opaque to it, a row of this log to us.
struct FeedToken: Sendable {
  let incarnation: Incarnation
  let lsn: LSN

  static let start = FeedToken(incarnation: Checkpoint.start.incarnation, lsn: .start)

  init(incarnation: Incarnation, lsn: LSN) {
    self.incarnation = incarnation
    self.lsn = lsn
  }

  init?(_ text: String) {
    let parts = text.split(separator: "-")
    guard parts.count == 2, let raw = hexBytes(parts[0]).flatMap({ Bytes16($0) }),
      let lsn = UInt64(parts[1])
    else { return nil }
    self.init(incarnation: Incarnation(raw), lsn: LSN(lsn))
  }

  var text: String { "\(incarnation)-\(lsn)" }
}

extension AdminServer {
  static let longestPoll = Duration.seconds(60)

  func changes(_ target: HTTPTarget, _ respond: @escaping Respond) {
    let text = target.value(of: "since")
    guard let token = text.map(FeedToken.init) ?? .start else {
      return respond(problem(.malformedQuery("since")))
    }
    let asked = target.value(of: "limit").flatMap { Int($0) } ?? PageLimits.standard
    let limit = min(max(asked, 1), PageLimits.maximum)
    guard target.value(of: "feed") == "longpoll", token.lsn >= links.news.state.end.lsn else {
      return answerFeed(token, limit, respond)
    }
    guard feeds.count < Self.feedLimit else { return respond(problem(.busy)) }
    let milliseconds = target.value(of: "timeoutMs").flatMap { Int64($0) } ?? 30_000
    let timeout = min(Duration.milliseconds(max(milliseconds, 0)), Self.longestPoll)
    let request = newRequest()
    let timer = loop.schedule(after: timeout) { [weak self] in self?.wakeFeed(request) }
    feeds[request] = FeedRequest(token: token, limit: limit, respond: respond, timer: timer)
  }

  /// Rows were committed.
  func wakeFeeds() {
    for request in feeds.keys.sorted(by: { $0.value < $1.value }) { wakeFeed(request) }
  }

  private func wakeFeed(_ request: RequestID) {
    guard let feed = feeds.removeValue(forKey: request) else { return }
    loop.cancel(feed.timer)
    answerFeed(feed.token, feed.limit, feed.respond)
  }

  private func answerFeed(_ token: FeedToken, _ limit: Int, _ respond: @escaping Respond) {
    let lost = problem(.tokenLost)
    query(respond) { reader throws(StoreError) in
      if token.lsn > .start {
        guard let row = try reader.row(at: token.lsn), row.incarnation == token.incarnation else {
          return lost
        }
      }
      let changes = try reader.changes(after: token.lsn, limit: limit)
      let end = try reader.logEnd()
      let last = changes.last.map {
        FeedToken(incarnation: $0.row.incarnation, lsn: $0.row.lsn)
      }
      // A short page has seen the whole log, rows without changes included.
      let next =
        changes.count < limit
        ? FeedToken(incarnation: end.incarnation, lsn: end.lsn) : last ?? token
      return .json([
        "changes": .array(changes.map { .object(Self.json($0)) }),
        "next": .string(Text(next.text)),
      ])
    }
  }

  private static func json(_ change: Change) -> JSONObject {
    let token = FeedToken(incarnation: change.row.incarnation, lsn: change.row.lsn)
    var object: JSONObject = [
      "token": .string(Text(token.text)),
      "operation": .string(Text(change.header.operation.description)),
      "origin": .string(Text(change.header.identity.origin.description)),
      "writtenAtMicroseconds": .integer(Int64(clamping: change.header.time.microseconds)),
    ]
    object["kind"] = change.header.record.map { .string(Text($0.kind.description)) }
    object["recordId"] = change.header.record.map { .string(Text($0.id.description)) }
    switch change.header.subject {
    case .revision(let revision):
      object["revision"] = .integer(Int64(clamping: revision.value))
    case .event(let event): object["eventId"] = .string(Text(event.description))
    case .none: break
    }
    return object
  }
}
