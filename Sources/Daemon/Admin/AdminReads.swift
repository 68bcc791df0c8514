import Cryptography
import Operations
import Replication
import Storage
import Transport

/// Bounds of one page.
enum PageLimits {
  static let standard = 100
  static let maximum = 1_000
  static let leavesPerRead = 4_096
}

extension AdminServer {
  func read(_ path: [String], _ request: HTTPRequest, _ respond: @escaping Respond) {
    let target = request.target
    switch (path.first, path.count) {
    case ("records", 2): list(path[1], target, respond)
    case ("records", 3): get(path[1], path[2], target, respond)
    case ("records", 4) where path[3] == "why": why(path[1], path[2], respond)
    case ("changes", 1): changes(target, respond)
    case ("conflicts", 1): listConflicts(target, respond)
    case ("conflicts", 3): showConflict(path[1], path[2], respond)
    case ("status", 1): showStatus(target, respond)
    case ("digest", 1): digest(target, respond)
    case ("files", 2): readFile(path[1], target, respond)
    case ("backup", 3) where path[2] == "bytes": readBackup(path[1], target, respond)
    case ("registry", 1): showRegistry(respond)
    case ("quarantine", 1): listWaiting(target, respond)
    case ("quarantine", 4): showWaiting(path, respond)
    case ("version", 1):
      respond(.json(["name": .string("dongbod"), "version": .string(Text(DongboVersion.text))]))
    default: respond(problem(.noRoute))
    }
  }

  private func limit(_ target: HTTPTarget) -> Int {
    let asked = target.value(of: "limit").flatMap { Int($0) } ?? PageLimits.standard
    return min(max(asked, 1), PageLimits.maximum)
  }

  // MARK: Records

  private func list(_ name: String, _ target: HTTPTarget, _ respond: @escaping Respond) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    let after = target.value(of: "after")
    let start = after.flatMap { RecordID($0) }
    if let after, start == nil { return respond(problem(.malformedID(after))) }
    let limit = limit(target)
    query(respond) { reader throws(StoreError) in
      let records = try reader.records(kind: kind, after: start, limit: limit)
      var items: [JSONValue] = []
      for record in records {
        guard let summary = try reader.summary(of: record) else { continue }
        items.append(.object(Self.json(record, summary)))
      }
      let next = records.count == limit ? records.last?.id : nil
      return .json([
        "records": .array(items),
        "next": next.map { .string(Text($0.description)) } ?? .null,
      ])
    }
  }

  private static func json(_ record: RecordKey, _ summary: RecordSummary) -> JSONObject {
    [
      "kind": .string(Text(record.kind.description)),
      "recordId": .string(Text(record.id.description)),
      "owner": summary.owner.map { .string(Text($0.description)) } ?? .null,
      "revision": .integer(Int64(clamping: summary.greatestRevision.value)),
      "lane": .string(Text((summary.lane ?? .normal).description)),
      "conflicts": .array(summary.conflicts.map { .string(Text($0.description)) }),
    ]
  }

  private func get(
    _ name: String, _ text: String, _ target: HTTPTarget, _ respond: @escaping Respond
  ) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    guard let id = RecordID(text) else { return respond(problem(.malformedID(text))) }
    let day: CalendarDate
    if let asOf = target.value(of: "asOf") {
      guard let asked = CalendarDate(Text(asOf)) else {
        return respond(problem(.malformedQuery("asOf: YYYY-MM-DD")))
      }
      day = asked
    } else {
      day = CalendarDate(localDayOf: WallClock.now())
    }
    let record = RecordKey(kind: kind, id: id)
    let (site, centre, language) = (daemon.site, daemon.centre, language)
    query(respond) { reader throws(StoreError) in
      let held = HeldRecord(record, entries: try reader.entries(of: record))
      let content = try RecordContent(
        held, asOf: day, site: site, centre: centre, in: reader)
      guard var object = content?.json else {
        let notHere = AdminProblem.notHere(record).details.json(in: language).rendered
        return HTTPResponse(
          .notFound, contentType: ProblemDetails.contentType, body: Array(notHere.utf8))
      }
      let standing = Standing(site: site, centre: centre, in: reader)
      let findings = try standing.findings(of: held)
      object["conflicts"] = .array(
        findings.filter { !$0.code.isHold }.map { .string(Text($0.code.description)) })
      let holds = findings.filter(\.code.isHold)
      object["waitsFor"] =
        holds.isEmpty ? nil : .array(holds.map { .string(Text($0.code.description)) })
      // Of the content as it stands, before anything of this site is added to it.
      object["files"] = try AttachedFile.states(of: object, in: reader)
      Self.add(try SignatureReport(of: held, in: reader), to: &object)
      let faults = findings.compactMap(\.fault)
      object["brokenRules"] =
        faults.isEmpty
        ? nil
        : .array(faults.map { .string(Text(language == .vi ? $0.vietnamese : $0.description)) })
      return .json(object)
    }
  }

  /// Verdicts stand beside the content: `signatures` by event id, `signatureState` by policy.
  private static func add(_ report: SignatureReport, to object: inout JSONObject) {
    guard report.policy.mode != .off || !report.signatures.isEmpty else { return }
    object["signatureState"] = report.standing.json(under: report.policy)
    let verdicts = report.signatures.map { signature -> JSONValue in
      var shown: JSONObject = ["signerRole": .string(signature.role)]
      if case .event(let id) = signature.entry.header.subject {
        shown["eventId"] = .string(Text(id.description))
      }
      shown["verdict"] = signature.verdict?.json ?? .null
      return .object(shown)
    }
    object["signatureVerdicts"] = verdicts.isEmpty ? nil : .array(verdicts)
  }

  // MARK: Conflicts and what waits

  private func listConflicts(_ target: HTTPTarget, _ respond: @escaping Respond) {
    let after = target.value(of: "after").flatMap(Self.recordKey)
    let limit = limit(target)
    query(respond) { reader throws(StoreError) in
      let records = try reader.conflicts(after: after, limit: limit)
      var items: [JSONValue] = []
      for record in records {
        guard let summary = try reader.summary(of: record) else { continue }
        var item = Self.json(record, summary)
        item["codes"] = item["conflicts"]
        items.append(.object(item))
      }
      let next = records.count == limit ? records.last : nil
      return .json([
        "conflicts": .array(items),
        "next": next.map { .string(Text($0.description)) } ?? .null,
      ])
    }
  }

  private static func recordKey(_ text: String) -> RecordKey? {
    let parts = text.split(separator: "/")
    guard parts.count == 2, let kind = RecordKind(name: parts[0]), let id = RecordID(parts[1])
    else { return nil }
    return RecordKey(kind: kind, id: id)
  }

  private func showConflict(_ name: String, _ text: String, _ respond: @escaping Respond) {
    guard let kind = RecordKind(name: name) else { return respond(problem(.unknownKind(name))) }
    guard let id = RecordID(text) else { return respond(problem(.malformedID(text))) }
    let record = RecordKey(kind: kind, id: id)
    let notHere = AdminProblem.notHere(record).details.json(in: language).rendered
    query(respond) { reader throws(StoreError) in
      guard let summary = try reader.summary(of: record) else {
        return HTTPResponse(
          .notFound, contentType: ProblemDetails.contentType, body: Array(notHere.utf8))
      }
      let resolution = Resolution(of: try reader.entries(of: record))
      var answer = Self.json(record, summary)
      answer["codes"] = answer["conflicts"]
      answer["versions"] = .array(resolution.current.map { RecordContent.version(of: $0) })
      answer["rivals"] = .array(try Self.rivals(of: record, resolution, in: reader))
      return .json(answer)
    }
  }

  /// Other records that claim a key of this one.
  private static func rivals(
    of record: RecordKey, _ resolution: Resolution, in reader: SQLiteReader
  ) throws(StoreError) -> [JSONValue] {
    var rivals: Set<RecordKey> = []
    for put in resolution.current {
      for key in put.claims { rivals.formUnion(try reader.claimants(of: key)) }
    }
    rivals.remove(record)
    var items: [JSONValue] = []
    for rival in rivals.sorted() {
      guard let summary = try reader.summary(of: rival) else { continue }
      let versions = Resolution(of: try reader.entries(of: rival)).current
      var item = json(rival, summary)
      item["codes"] = item["conflicts"]
      item["digests"] = .array(versions.map { .string(Text($0.digest.description)) })
      item["versions"] = .array(versions.map { RecordContent.version(of: $0) })
      items.append(.object(item))
    }
    return items
  }

  private func listWaiting(_ target: HTTPTarget, _ respond: @escaping Respond) {
    let skip = max(target.value(of: "skip").flatMap { Int($0) } ?? 0, 0)
    let limit = limit(target)
    query(respond) { reader throws(StoreError) in
      let entries = try reader.waitingEntries(skip: skip, limit: limit)
      return .json(["entries": .array(entries.map { .object(Self.json($0)) })])
    }
  }

  private static func json(_ waiting: WaitingEntry) -> JSONObject {
    let identity = waiting.entry.identity
    return [
      "origin": .string(Text(identity.origin.description)),
      "incarnation": .string(Text(identity.incarnation.description)),
      "sequence": .integer(Int64(clamping: identity.sequence.value)),
      "kind": waiting.entry.header.record.map { .string(Text($0.kind.description)) } ?? .null,
      "recordId": waiting.entry.header.record.map { .string(Text($0.id.description)) } ?? .null,
      "state": .string(Text(waiting.state.description)),
      "code": .string(Text(waiting.code.description)),
      "via": waiting.via.map { .string(Text($0.description)) } ?? .null,
      "attempts": .integer(Int64(waiting.attempts)),
    ]
  }

  /// `quarantine/ORIGIN/INCARNATION/SEQUENCE`: with header and body, for whoever must decide.
  private func showWaiting(_ path: [String], _ respond: @escaping Respond) {
    let name: JSONObject = [
      "origin": .string(Text(path[1])), "incarnation": .string(Text(path[2])),
      "sequence": .integer(Int64(path[3]) ?? 0),
    ]
    guard let identity = EntryIdentity(adminInput: name) else {
      return respond(problem(.malformedQuery("ORIGIN/INCARNATION/SEQUENCE")))
    }
    let notHere = problem(.noRoute)
    query(respond) { reader throws(StoreError) in
      guard let waiting = try reader.waiting(identity) else { return notHere }
      let header = waiting.entry.header
      var object = Self.json(waiting)
      object["operation"] = .string(Text(header.operation.description))
      object["registryRevision"] = .integer(Int64(clamping: header.registry.number))
      object["audience"] = .array(header.audience.map { .string(Text($0.description)) })
      object["digest"] = .string(Text(waiting.entry.digest.description))
      object["body"] = waiting.entry.bodyObject.map { .object($0) } ?? .null
      return .json(object)
    }
  }

  // MARK: Registry, status, digest

  private func showRegistry(_ respond: @escaping Respond) {
    query(respond) { reader throws(StoreError) in
      let current = Resolution(of: try reader.entries(of: RegistryRules.record)).current.last
      var object = current?.body.flatMap { (try? JSONValue.parse($0))?.object } ?? JSONObject()
      let number = try reader.siteState().registry.number
      object["revision"] = .integer(Int64(clamping: number))
      return .json(object)
    }
  }

  private func showStatus(_ target: HTTPTarget, _ respond: @escaping Respond) {
    let language = Language.choose(
      flag: target.value(of: "lang"), environment: { _ in nil }, configured: language)
    let isText = target.value(of: "format") == "text"
    let showAll = target.value(of: "all") == "1"
    let site = target.value(of: "site").flatMap { SiteID($0) }
    let report = status.report()
    guard isText else {
      return respond(
        HTTPResponse(
          .ok, contentType: "application/json",
          body: Array(report.json(in: language).rendered.utf8)))
    }
    let screen = StatusScreen(report, in: language)
    let text = site.flatMap { screen.detail(of: $0) } ?? screen.text(showAll: showAll)
    respond(
      HTTPResponse(
        .ok, contentType: "text/plain; charset=utf-8", body: Array(text.utf8)))
  }

  /// Pages through all leaves; each page is a snapshot of its own, as the log only grows.
  private func digest(_ target: HTTPTarget, _ respond: @escaping Respond) {
    var peer: SiteID?
    if let text = target.value(of: "peer") {
      guard let site = SiteID(text) else { return respond(problem(.malformedQuery("peer"))) }
      peer = site
    }
    let start = PairDigest(
      site: daemon.site, peer: peer, centre: daemon.centre, hashing: OpenSSLHash())
    continueDigest(start, after: nil, respond)
  }

  private func continueDigest(
    _ digest: PairDigest, after: EntryIdentity?, _ respond: @escaping Respond
  ) {
    let page = DigestPage(digest)
    query(
      { [weak self] response in
        guard let next = page.next else { return respond(response) }
        self?.continueDigest(page.digest, after: next, respond)
      },
      { reader throws(StoreError) in
        let leaves = try reader.leaves(after: after, limit: PageLimits.leavesPerRead)
        return page.take(leaves)
      })
  }
}

extension Entry {
  /// Keys this entry's body claims.
  fileprivate var claims: [UniqueKey] {
    guard let record = header.record, let body,
      let object = (try? JSONValue.parseCanonical(body))?.object
    else { return [] }
    let facts = try? EntryFacts.read(
      record: record, operation: header.operation, body: object, unknown: .kept)
    return facts?.claims ?? []
  }
}
