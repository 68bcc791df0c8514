import Operations
import Replication
import Storage
import Transport

#if canImport(Glibc)
  import Glibc
#endif

/// The admin API: HTTP/1.1 over the Unix socket, JSON, rights by the caller's user. Writes go to
/// the writer, reads to the readers; the reactor only takes apart and answers.
final class AdminServer {
  /// Requests under way at once; beyond that callers are told to come again.
  static let requestLimit = 1_024
  /// Long polls and waits have shares of their own, so that they never keep a write out.
  static let feedLimit = 256
  static let waiterLimit = 512

  let daemon: DaemonContext
  let loop: EventLoop
  let writer: Writer
  let readers: ReaderPool
  let links: LinkTable
  let status: StatusCollector
  let files: FileStore
  let uploads: Uploads
  let backups: Backups
  /// Reads the configuration again; returns its faults, nil when it was taken.
  let reload: () -> String?

  var waiters: [RequestID: Waiter] = [:]
  var feeds: [RequestID: FeedRequest] = [:]
  private var pending: [RequestID: PendingRequest] = [:]
  private var lastRequest: UInt64 = 0
  private var rights: [UInt32: Rights] = [:]

  enum Rights { case none, read, write }

  /// What the answer of a thread is turned into.
  enum PendingRequest {
    case write(record: RecordKey, Subject, WaitOption?, Respond)
    case respond(Respond)
  }

  typealias Respond = (HTTPResponse) -> Void

  init(
    daemon: DaemonContext, loop: EventLoop, writer: Writer, readers: ReaderPool, links: LinkTable,
    status: StatusCollector, files: FileStore, uploads: Uploads, backups: Backups,
    reload: @escaping () -> String?
  ) {
    self.daemon = daemon
    self.loop = loop
    self.writer = writer
    self.readers = readers
    self.links = links
    self.status = status
    self.files = files
    self.uploads = uploads
    self.backups = backups
    self.reload = reload
  }

  var language: Language { daemon.configuration.site.language }

  func handle(_ request: HTTPRequest, _ peer: PeerCredentials?, _ respond: @escaping Respond) {
    let rights = rights(of: peer)
    let path = request.target.segments
    let isWrite = request.method != .get && request.method != .head
    // A backup is everything at once: none of it is for those who may only read.
    let isOfBackup = path.dropFirst(2).first == "backup"
    guard rights == .write || (rights == .read && !isWrite && !isOfBackup) else {
      return respond(problem(.notPermitted))
    }
    guard pending.count < Self.requestLimit else {
      return respond(problem(.busy))
    }
    guard path.count >= 3, path[0] == "api", path[1] == "v1" else {
      return respond(problem(.noRoute))
    }
    let rest = Array(path.dropFirst(2))
    switch request.method {
    case .get, .head: read(rest, request, respond)
    case .post: write(rest, request, respond)
    case .put, .delete: respond(problem(.noMethod))
    }
  }

  // MARK: Requests under way

  func begin(_ pendingRequest: PendingRequest) -> RequestID {
    lastRequest += 1
    let request = RequestID(value: lastRequest)
    pending[request] = pendingRequest
    return request
  }

  func newRequest() -> RequestID {
    lastRequest += 1
    return RequestID(value: lastRequest)
  }

  func end(_ request: RequestID) -> PendingRequest? { pending.removeValue(forKey: request) }

  /// One page of the store for a caller.
  func query(
    _ respond: @escaping Respond,
    _ body: @escaping @Sendable (SQLiteReader) throws(StoreError) -> HTTPResponse
  ) {
    let request = begin(.respond(respond))
    guard readers.post(.query(request, body)) else {
      _ = end(request)
      return respond(problem(.busy))
    }
  }

  func queried(_ request: RequestID, _ result: Result<HTTPResponse, StoreError>) {
    guard case .respond(let respond) = end(request) else { return }
    switch result {
    case .success(let response): respond(response)
    case .failure(let error): respond(problem(.store(error)))
    }
  }

  /// Posts a job, or tells the caller to come again.
  func post(_ job: WriterJob, _ request: RequestID) {
    guard !writer.post(job) else { return }
    fail(request, .busy)
  }

  func fail(_ request: RequestID, _ problem: AdminProblem) {
    switch end(request) {
    case .write(_, _, _, let respond), .respond(let respond): respond(self.problem(problem))
    case nil: break
    }
  }

  // MARK: Answers

  func problem(_ problem: AdminProblem) -> HTTPResponse {
    daemon.noteRefusal(problem)
    let details = problem.details
    var fields: [HTTPField] = []
    if details.status == 503 { fields.append(HTTPField("retry-after", "5")) }
    return HTTPResponse(
      HTTPStatus(details.status), contentType: ProblemDetails.contentType, fields: fields,
      body: Array(details.json(in: language).rendered.utf8))
  }

  private func rights(of peer: PeerCredentials?) -> Rights {
    guard let peer else { return .none }
    if let known = rights[peer.userID] { return known }
    let found: Rights
    if peer.userID == 0 || peer.userID == getuid()
      || peer.isMember(ofGroup: daemon.configuration.admin.writeGroup)
    {
      found = .write
    } else {
      found = peer.isMember(ofGroup: daemon.configuration.admin.readGroup) ? .read : .none
    }
    rights[peer.userID] = found
    return found
  }

  /// Group membership is looked up again after a reload.
  func forgetRights() { rights = [:] }
}

extension HTTPResponse {
  /// 200 with a JSON body.
  static func json(_ object: JSONObject) -> HTTPResponse {
    json(bytes: JSONValue.object(object).canonicalBytes)
  }

  static func json(bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(.ok, contentType: "application/json", body: bytes)
  }
}
