/// The decision about one entry, without a write: identity, structure, authority, entitlement and
/// ceiling, in this order. Nothing here depends on a clock, a signature's validity today, or files.
extension Reconciler {
  /// Everything but what is asked again on a retry: identity, secrecy, and the link's right to
  /// carry.
  /// - Parameter read: the entry's reading, when that was done already.
  func decide(
    _ entry: Entry, _ arrival: Arrival, read: EntryReading? = nil, in view: some RecordView
  ) throws(StoreError) -> Decision {
    let known = try view.digest(of: entry.identity)
    if known == entry.digest { return .duplicate }
    // Only `none` passes, whatever a ceiling says: refused whole, no stub, no subject (promise 7),
    // and before anything else could keep the entry.
    let ceiling = arrival == .authored ? ingestCeiling : .none
    guard entry.isWithin(ceiling, read: read) else { return .refuse(.secrecy) }
    if let code = refusalOfCarrier(entry, arrival) { return .refuse(code) }
    if known != nil { return .fork }
    if try precedesItsOrigin(entry, arrival, in: view) {
      return .wait(.quarantined, .foreignOrigin)
    }
    if entry.header.depth.value > log.state.greatestDepth.value.addingSaturated(Self.depthLeap) {
      return .wait(.quarantined, .malformed)
    }
    if isAheadOfCentre(entry, arrival) { return .wait(.quarantined, .registryAhead) }
    return try assess(entry, arrival, read: read, in: view)
  }

  /// No honest site is so far ahead: one entry could otherwise saturate the depth of all.
  private static let depthLeap: UInt32 = 1 << 24

  /// A province speaks for itself; the centre relays for everyone. A site that recovers takes back
  /// its own and relayed entries from whoever kept them; of a former life of its own a province
  /// takes back at any time what the centre got from a third site.
  private func refusalOfCarrier(_ entry: Entry, _ arrival: Arrival) -> OutcomeCode? {
    guard case .received(let peer, let isRecovering) = arrival else { return nil }
    if entry.origin == site {
      // Incarnations are public. This life has lost nothing: what is not here it never wrote.
      if entry.identity.incarnation == log.life { return .foreignOrigin }
      return isRecovering || peer == centre ? nil : .foreignOrigin
    }
    if site == centre && entry.origin != peer && !isRecovering { return .foreignOrigin }
    return nil
  }

  /// A rolled-back centre is shown registries it does not know: only a person may take them back.
  private func isAheadOfCentre(
    _ entry: Entry, _ arrival: Arrival
  ) -> Bool {
    guard site == centre, arrival.via != nil, entry.header.record?.kind == .registry,
      case .revision(let revision) = entry.header.subject
    else { return false }
    return revision.value > log.state.registry.number
  }

  func assess(
    _ entry: Entry, _ arrival: Arrival, read: EntryReading? = nil, in view: some RecordView
  ) throws(StoreError) -> Decision {
    let header = entry.header
    let known = header.registry == .builtIn ? .builtIn : try view.registry(header.registry)
    guard let registry = known else { return .wait(.held, .registryMissing) }
    switch header.operation {
    case .genesis:
      guard let body = entry.body else { return .wait(.quarantined, .bodyMissing) }
      return Genesis(body: body) != nil ? .accept(nil) : .wait(.quarantined, .malformed)
    case .offer, .accept, .unknown:
      return .wait(.quarantined, .unknownOperation)
    case .put, .append, .annotate, .withdraw: break
    }
    guard let record = header.record, header.hasMatchingSubject else {
      return .wait(.quarantined, .malformed)
    }
    // Otherwise a peer could have what the body says go unseen, and be judged by nobody.
    guard entry.body != nil || header.mayLoseBody else {
      return .wait(.quarantined, .bodyMissing)
    }
    if record.kind == .registry { return judgeRegistry(entry, under: registry) }
    if let code = problem(ofSites: header, under: registry) { return .wait(.quarantined, code) }
    let reading: BodyReading?
    switch read ?? entry.reading {
    case .malformed: return .wait(.quarantined, .malformed)
    case .headerOnly: reading = nil
    case .body(let read): reading = read
    }
    if let reading, reading.facts.audience != header.audience {
      return .wait(.quarantined, .audienceMismatch)
    }
    if let reading, registry.codeLists.fault(of: reading, in: entry) != nil {
      return .wait(.quarantined, .unknownCode)
    }
    let summary = try view.summary(of: record) ?? RecordSummary()
    // A province has what the centre has judged; at the centre nobody has judged it yet.
    if site == centre, summary.owner == nil, header.operation.needsPut {
      return .wait(.held, .recordMissing)
    }
    if let code = try problem(ofAuthority: entry, reading, summary, in: view) {
      return .wait(.quarantined, code)
    }
    if reading?.facts.isWriteOnce == true, !(try isFirstOrDecision(entry, in: view)) {
      return .wait(.quarantined, .notAllowed)
    }
    if case .received = arrival, !(try isEntitled(site, to: entry, reading, summary, in: view)) {
      return .wait(.quarantined, .notEntitled)
    }
    return .accept(reading)
  }

  private func problem(
    ofSites header: EntryHeader, under registry: RegistrySnapshot
  ) -> OutcomeCode? {
    let areKnown =
      registry.knows(header.identity.origin) && header.audience.allSatisfy(registry.knows)
    return areKnown ? nil : .unknownSite
  }

  /// Who may write what: one lawful writer for each field (design.md section 3, Conflicts).
  private func problem(
    ofAuthority entry: Entry, _ reading: BodyReading?, _ summary: RecordSummary,
    in view: some RecordView
  ) throws(StoreError) -> OutcomeCode? {
    let author = entry.origin
    switch entry.header.operation {
    // A put in another lane is a fork's other half: another body shows as a conflict, the same body
    // is the same write.
    case .put, .withdraw:
      if let owner = summary.owner, owner != author { return .notOwner }
    case .append, .annotate:
      // Until the put is here nobody can say whose it is: held, and the fold judges later.
      guard let owner = summary.owner else { return nil }
      if let lane = summary.lane, lane != entry.header.lane { return .laneMismatch }
      guard author == owner || author == centre || summary.audience.contains(author) else {
        return .notAllowed
      }
    case .genesis, .offer, .accept, .unknown: return .unknownOperation
    }
    guard let reading else { return nil }
    let parties = RecordParties(
      owner: summary.owner ?? author, centre: centre, addressees: summary.audience.listed)
    return reading.facts.authorityFault(author: author, parties: parties) == nil ? nil : .notAllowed
  }

  /// Write-once: same content again is no change, other content is a fork; so a later revision can
  /// only be a decision, which names what it decides between and repeats one of them.
  private func isFirstOrDecision(
    _ entry: Entry, in view: some RecordView
  ) throws(StoreError) -> Bool {
    guard entry.header.operation == .put, entry.header.subject != .revision(Revision(1)) else {
      return true
    }
    var isRepeat = false
    for parent in entry.header.parents {
      guard let decided = try view.entry(digest: parent) else { continue }
      // Both sides of a decision stay readable, so a stub is none.
      guard decided.body != nil else { return false }
      isRepeat = isRepeat || decided.bodyDigest == entry.bodyDigest
    }
    return entry.header.parents.count > 1 && isRepeat
  }

  /// Registry entries: by the centre only, numbered on from the revision they were authored under,
  /// signed with a key that revision pins.
  private func judgeRegistry(
    _ entry: Entry, under registry: RegistrySnapshot
  ) -> Decision {
    guard entry.origin == centre, entry.header.operation == .put,
      case .revision(let revision) = entry.header.subject,
      revision.value == entry.header.registry.number + 1
    else { return .wait(.quarantined, .notOwner) }
    let next = RegistryRevision(number: revision.value, digest: entry.digest)
    guard let body = entry.body, let object = (try? JSONValue.parseCanonical(body))?.object,
      let signed = try? RegistrySnapshot(revision: next, body: body), signed.centre == centre
    else { return .wait(.quarantined, .malformed) }
    let pins = revision.value == 1 ? configuredPins : registry.sites[centre]?.pins ?? []
    guard pins.contains(signatures.pin(of: signed.publicKey)),
      signatures.isSignature(
        signed.signature, over: RegistrySnapshot.signedBytes(of: object), by: signed.publicKey)
    else { return .wait(.quarantined, .registrySignature) }
    return .accept(nil)
  }
}

extension Entry {
  /// Fields of a later version pass: they are kept and digested verbatim.
  package var reading: EntryReading {
    guard body != nil, header.record != nil else { return .headerOnly }
    guard let reading = bodyObject.flatMap({ reading(of: $0) }) else { return .malformed }
    return .body(reading)
  }

  /// - Parameter body: this entry's. Returns: nil when it is malformed.
  func reading(of body: JSONObject) -> BodyReading? {
    guard let record = header.record else { return nil }
    return try? BodyReading.read(
      record: record, operation: header.operation, body: body, unknown: .kept)
  }

  /// nil where only the header speaks, or the body is malformed.
  var bodyReading: BodyReading? {
    if case .body(let read) = reading { read } else { nil }
  }

  /// The outer nil: malformed. The inner nil: only the header speaks.
  var facts: EntryFacts?? {
    switch reading {
    case .malformed: nil
    case .headerOnly: .some(nil)
    case .body(let read): read.facts
    }
  }
}

extension Operation {
  /// Events and annotations are of a record that a put has made.
  fileprivate var needsPut: Bool { self == .append || self == .annotate }
}

extension UInt32 {
  fileprivate func addingSaturated(_ other: UInt32) -> UInt32 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension EntryHeader {
  /// Owner's writes are numbered, events have ids.
  fileprivate var hasMatchingSubject: Bool {
    switch (operation, subject) {
    case (.put, .revision), (.withdraw, .revision), (.append, .event), (.annotate, .event): true
    case (_, .none), (_, .revision), (_, .event): false
    }
  }
}
