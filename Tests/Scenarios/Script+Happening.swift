import Cryptography
import Storage

@testable import Replication
@testable import Simulation

/// What happens to a site beside what applications write and lines carry.
extension Script {
  func happen(_ verb: String, _ words: Words) throws -> String {
    switch verb {
    case "verdict": return try judge(words)
    case "file": return try setFile(words)
    case "deliver": return try deliver(words)
    case "smuggle": return try smuggle(words)
    default: throw ScriptError(description: "unknown event \(verb)")
    }
  }

  /// The simulated site has no verifier: the script says what one finds, of every signature over
  /// the record. What the real one finds is shown by the tests of `CMSVerifier`.
  private func judge(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "at"))
    let states: [String: SignatureVerdict.State] = [
      "valid": .valid, "invalid": .invalid, "undecided": .undecided,
    ]
    guard let state = states[try words.at(3)] else {
      throw ScriptError(description: "no such state")
    }
    let record = try record(words.at(0)).key
    let held = HeldRecord(record, entries: try site.store.entries(of: record))
    let signatures = try SignatureReport(of: held, in: site.store).signatures
    let verdict = SignatureVerdict(
      state: state, reason: Text(try words.at(4)), verifiedAt: site.wallTime,
      registry: try site.store.siteState().registry)
    try change(site) { store throws(StoreError) in
      var reconciler = try site.makeReconciler(store)
      for signature in signatures {
        try reconciler.keep(verdict, of: signature.entry.identity, in: &store)
      }
      try reconciler.finish(in: &store)
    }
    return "\(signatures.count) signatures"
  }

  /// Simulated lines carry no files: the script says when content is there.
  private func setFile(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "at"))
    let state: FileState = words.has("here") ? .here : .pending
    let record = try record(words.at(0)).key
    let held = HeldRecord(record, entries: try site.store.entries(of: record))
    let files = held.files
    try change(site) { store throws(StoreError) in
      for file in files { try store.setFileState(state, of: file.digest) }
    }
    return "\(files.count) file"
  }

  /// Between two transactions of the site's writer.
  private func change(
    _ site: SimulatedSite, _ body: (inout any SimulatedStore) throws(StoreError) -> Void
  ) throws {
    while site.isSyncing || !site.jobs.isEmpty { world.run(for: .milliseconds(10)) }
    try body(&site.store)
  }

  private func deliver(_ words: Words) throws -> String {
    let named = try record(words.at(0))
    let entries = try named.owner.store.entries(of: named.key)
    guard let put = entries.first(where: { $0.header.operation == .put }) else {
      throw ScriptError(description: "its owner has no put of it")
    }
    return try hand(put, to: site(words.needed(after: "to")))
  }

  /// Written beside the site's own log, as by a program that knows the format and not the rules:
  /// its identity is far ahead, so that it is nobody else's.
  private func smuggle(_ words: Words) throws -> String {
    let from = try site(words.at(1))
    let id = nextID()
    let key = RecordKey(kind: .document, id: RecordID(id))
    let to = try site(words.needed(after: "to"))
    var body = Bodies.document(
      id, number: Int(lastID), from: from.id, to: [to.id], isUrgent: false)
    body["subject"] = .string(Text(String(decoding: SimulatedWorld.canary, as: UTF8.self)))
    let submission = try Submission.read(
      kind: .document, operation: .put, json: JSONValue.object(body).canonicalBytes)
    var written = try JSONValue.parseCanonical(submission.body).object ?? JSONObject()
    let isInHeader = words.has("header")
    if !isInHeader { written["secrecyLevel"] = Bodies.text("mat") }
    let state = try from.store.siteState()
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: from.id, incarnation: state.end.incarnation, sequence: SequenceNumber(1_000_000)),
      time: state.clock, operation: .put, record: key, subject: .revision(Revision(1)),
      parents: [], depth: state.greatestDepth.next, registry: state.registry, lane: .normal,
      secrecy: isInHeader ? .mat : .none, audience: submission.facts.audience)
    records[try words.at(0)] = Named(key: key, owner: from)
    names.append(try words.at(0))
    let entry = Entry(
      authoring: header, body: JSONValue.object(written).canonicalBytes, hashing: OpenSSLHash())
    return try hand(entry, to: to)
  }

  private func hand(_ entry: Entry, to site: SimulatedSite) throws -> String {
    let before = notes.count
    site.post(.handOver(entry))
    world.run(for: .seconds(1))
    let told = notes.dropFirst(before).last { $0.contains("\(site.id) is handed an entry as ") }
    guard let told, let words = told.firstRange(of: " as ") else { return "no answer" }
    return "\(site.id): \(told[words.upperBound...])"
  }
}

extension HeldRecord {
  /// What the shown put names.
  var files: [FileReference] { (shown?.facts ?? nil)?.files ?? [] }
}
