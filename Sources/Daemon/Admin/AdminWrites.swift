import Operations
import Replication
import Storage
import Transport

/// `wait=centre`: the answer comes when the centre has the entry durably and said what it did.
struct WaitOption {
  let timeout: Duration
  static let defaultTimeout = Duration.seconds(30)
  static let maximumTimeout = Duration.seconds(600)
}

/// A write that waits for the centre.
struct Waiter {
  let answer: WriteAnswer
  let respond: AdminServer.Respond
  let timer: TimerID
  /// Outcomes up to here must have come; known once the entry is acknowledged.
  var outcomesNeeded: UInt64?
}

extension AdminServer {
  func write(_ path: [String], _ request: HTTPRequest, _ respond: @escaping Respond) {
    switch (path.first, path.count) {
    case ("records", 2): submit(.put, kind: path[1], id: nil, request, respond)
    case ("records", 4):
      guard let operation = Self.operation(path[3]) else { return respond(problem(.noRoute)) }
      submit(operation, kind: path[1], id: path[2], request, respond)
    case ("conflicts", 4) where path[3] == "decision": decide(path[1], path[2], request, respond)
    case ("registry", 2) where path[1] == "sites": addSite(request, respond)
    case ("registry", 2): replaceRegistryPart(path[1], request, respond)
    case ("files", _): writeFile(Array(path.dropFirst()), request, respond)
    case ("backup", _): writeBackup(Array(path.dropFirst()), respond)
    case ("rejoin", 1): rejoin(request, respond)
    case ("quarantine", 2) where path[1] == "retry":
      retry(request, isRelease: false, respond)
    case ("quarantine", 2) where path[1] == "release":
      retry(request, isRelease: true, respond)
    case ("reload", 1):
      if let faults = reload() { return respond(problem(.reload(faults))) }
      respond(.json(["reloaded": .bool(true)]))
    default: respond(problem(.noRoute))
    }
  }

  private static func operation(_ name: String) -> Replication.Operation? {
    switch name {
    case "events": .append
    case "annotations": .annotate
    case "withdrawal": .withdraw
    default: nil
    }
  }

  private func submit(
    _ operation: Replication.Operation, kind name: String, id text: String?,
    _ request: HTTPRequest, _ respond: @escaping Respond
  ) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    let id = text.flatMap { RecordID($0) }
    if let text, id == nil { return respond(problem(.malformedID(text))) }
    // The registry has a route of its own: its revisions are signed here.
    guard kind != .registry else { return respond(problem(.noRoute)) }
    let wait: WaitOption?
    switch waitOption(request.target) {
    case .success(let option): wait = option
    case .failure(let fault): return respond(problem(.malformedQuery(fault.name)))
    }
    guard !daemon.disk.isFull else { return respond(problem(.storageFull)) }
    do throws(RecordError) {
      let submission = try Submission.read(
        kind: kind, operation: operation, id: id, json: request.body,
        ceiling: SecrecyChecks.ingest)
      let pending = begin(.write(record: submission.record, submission.subject, wait, respond))
      post(.submit(pending, submission), pending)
    } catch {
      respond(problem(.record(error)))
    }
  }

  private struct QueryFault: Error { let name: String }

  private func waitOption(_ target: HTTPTarget) -> Result<WaitOption?, QueryFault> {
    guard let wait = target.value(of: "wait") else { return .success(nil) }
    guard wait == "centre" else { return .failure(QueryFault(name: "wait: only centre")) }
    guard let text = target.value(of: "timeoutMs") else {
      return .success(WaitOption(timeout: WaitOption.defaultTimeout))
    }
    guard let milliseconds = Int64(text), milliseconds >= 0 else {
      return .failure(QueryFault(name: "timeoutMs"))
    }
    let timeout = min(Duration.milliseconds(milliseconds), WaitOption.maximumTimeout)
    return .success(WaitOption(timeout: timeout))
  }

  // MARK: Answers of the writer

  func submitted(
    _ request: RequestID, _ result: Result<Authored, EditRefusal>, pendingFileCount: Int
  ) {
    guard case .write(let record, let subject, let wait, let respond) = end(request) else { return }
    switch result {
    case .failure(let refusal): respond(problem(.refused(refusal)))
    case .success(let authored):
      let answer = WriteAnswer(
        record: record, subject: subject, authored: authored, pendingFileCount: pendingFileCount)
      guard let wait else { return respond(answer.response()) }
      self.wait(wait, answer, respond)
    }
  }

  // MARK: Waiting for the centre

  private func wait(
    _ option: WaitOption, _ answer: WriteAnswer, _ respond: @escaping Respond
  ) {
    if links.isCentre {
      let own = WriteAnswer.AtCentre(answer.authored.state, answer.authored.code)
      return respond(answer.response(own))
    }
    guard waiters.count < Self.waiterLimit else { return respond(answer.response(.busy)) }
    let request = newRequest()
    let timer = loop.schedule(after: option.timeout) { [weak self] in self?.gaveUp(request) }
    waiters[request] = Waiter(answer: answer, respond: respond, timer: timer)
    lookAgain(at: request)
  }

  /// The centre acknowledged something, or its outcomes came.
  func progressed() {
    for request in waiters.keys.sorted(by: { $0.value < $1.value }) { lookAgain(at: request) }
  }

  private func lookAgain(at request: RequestID) {
    guard var waiter = waiters[request], let centre = links.peers[daemon.centre] else { return }
    let session = links.directory.holder(of: daemon.centre).flatMap { links.drivers[$0]?.progress }
    let reached = max(
      session?.acknowledged[waiter.answer.authored.lane] ?? .start,
      centre.acknowledged[waiter.answer.authored.lane] ?? .start)
    guard reached >= waiter.answer.authored.lsn else { return }
    let needed = waiter.outcomesNeeded ?? centre.outcomesAnnounced
    waiter.outcomesNeeded = needed
    waiters[request] = waiter
    guard centre.outcomesTaken >= needed else { return }
    waiters[request] = nil
    loop.cancel(waiter.timer)
    answerWithOutcome(waiter)
  }

  private func answerWithOutcome(_ waiter: Waiter) {
    let (centre, identity, answer) = (daemon.centre, waiter.answer.authored.identity, waiter.answer)
    query(waiter.respond) { reader throws(StoreError) in
      let outcome = try reader.remoteOutcomes(of: identity).first { $0.site == centre }
      return answer.response(
        WriteAnswer.AtCentre(outcome?.state ?? .applied, outcome?.code ?? .none))
    }
  }

  private func gaveUp(_ request: RequestID) {
    guard let waiter = waiters.removeValue(forKey: request) else { return }
    waiter.respond(waiter.answer.response(.durableHereOnly))
  }

  // MARK: Decisions, registry, rejoin

  private func decide(
    _ name: String, _ text: String, _ request: HTTPRequest, _ respond: @escaping Respond
  ) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    guard let id = RecordID(text) else { return respond(problem(.malformedID(text))) }
    guard let body = (try? JSONValue.parse(request.body))?.object,
      let choice = body["keep"]?.text?.string, let keep = Self.keep(choice)
    else { return respond(problem(.malformedQuery("keep: a digest or a record id"))) }
    guard !daemon.disk.isFull else { return respond(problem(.storageFull)) }
    let record = RecordKey(kind: kind, id: id)
    let pending = begin(.write(record: record, .none, nil, respond))
    let decision = ConflictDecision(record: record, keep: keep, reason: body["reason"]?.text)
    post(.decide(pending, decision), pending)
  }

  private static func keep(_ text: String) -> Keep? {
    if let id = RecordID(text) { return .record(id) }
    return hexBytes(text).flatMap { Bytes32($0) }.map { .version(Digest($0)) }
  }

  private func rejoin(_ request: HTTPRequest, _ respond: @escaping Respond) {
    let body = (try? JSONValue.parse(request.body))?.object
    let names = body?["without"]?.array ?? []
    let absent = names.compactMap { $0.text.flatMap { SiteID($0.bytes) } }
    guard body != nil, absent.count == names.count else {
      return respond(problem(.malformedQuery("without: a list of site ids")))
    }
    let pending = begin(.respond(respond))
    post(.rejoin(pending, without: absent), pending)
  }

  func rejoined(_ request: RequestID, _ unconfirmed: [SiteID]) {
    guard case .respond(let respond) = end(request) else { return }
    let silent = unconfirmed.filter { links.directory.holder(of: $0) == nil }
    let page = RejoinPage(
      site: daemon.site, centre: daemon.centre, lock: links.news.state.lock,
      unconfirmed: unconfirmed, silent: silent)
    query(respond) { reader throws(StoreError) in .json(try page.json(in: reader)) }
  }

  private func retry(
    _ request: HTTPRequest, isRelease: Bool, _ respond: @escaping Respond
  ) {
    guard let body = (try? JSONValue.parse(request.body))?.object,
      let identity = EntryIdentity(adminInput: body)
    else {
      return respond(problem(.malformedQuery("origin, incarnation and sequence are needed")))
    }
    let pending = begin(.respond(respond))
    post(.retry(pending, identity, isRelease: isRelease), pending)
  }

  func retried(_ request: RequestID, _ result: Reconciled?) {
    guard case .respond(let respond) = end(request) else { return }
    guard let result else { return respond(problem(.noRoute)) }
    respond(
      .json([
        "state": .string(Text(result.state.description)),
        "code": .string(Text(result.code.description)),
      ]))
  }
}

extension EntryIdentity {
  init?(adminInput body: JSONObject) {
    guard let origin = body["origin"]?.text.flatMap({ SiteID($0.bytes) }),
      let incarnation = body["incarnation"]?.text.flatMap({ hexBytes($0.string) })
        .flatMap({ Bytes16($0) }),
      let sequence = body["sequence"]?.integer, sequence > 0
    else { return nil }
    self.init(
      origin: origin, incarnation: Incarnation(incarnation),
      sequence: SequenceNumber(UInt64(sequence)))
  }
}
