/// One signature as the verifier takes it: bytes, and what they must be over.
package struct SignatureInput: Hashable, Sendable {
  /// The entry that carries the signature.
  package let entry: EntryIdentity
  /// CMS in DER; empty when the event carries none.
  package let signature: [UInt8]
  /// The manifest's canonical bytes.
  package let content: [UInt8]
  /// An RFC 3161 token over the signature, added later; nil without one.
  package let timestamp: [UInt8]?
  package let kind: RecordKind
  package let role: Text
  /// The organ in whose name the record speaks.
  package let organ: Text
  /// The registry the signature was written under: signers and policy are read there.
  package let registry: RegistryRevision
}

/// A record's signatures with what this site found about them. Verdicts are local, so this stands
/// beside the content and never in a digest.
package struct SignatureReport: Sendable {
  /// One signature over the shown put.
  package struct Signature: Sendable {
    package let entry: Entry
    package let role: Text
    /// nil: not verified yet.
    package let verdict: SignatureVerdict?
  }

  package let policy: SignaturePolicy
  package let signatures: [Signature]
  package let standing: SignatureStanding

  /// Signatures of one record that are looked at: more is a flood, not an office.
  package static let maximumSignatureCount = 32

  /// Reads the verdicts of the signatures over the shown put.
  package init(of record: HeldRecord, in view: some RecordView) throws(StoreError) {
    let shown = record.shown
    let registry = try shown.flatMap { put throws(StoreError) in
      try view.registry(put.header.registry)
    }
    policy = registry?.signaturePolicy(for: record.key.kind) ?? .standard(for: record.key.kind)
    var found: [Signature] = []
    for event in Self.signatures(among: Self.events(of: record), of: record) {
      found.append(
        Signature(
          entry: event.entry, role: event.body.text(.signerRole) ?? "",
          verdict: try view.verdict(of: event.entry.identity)))
    }
    signatures = found
    standing = SignatureStanding(
      policy: policy, found: found.map { (role: $0.role, verdict: $0.verdict) })
  }

  /// Whether an office may act on the record, as far as signatures go.
  package var isUsable: Bool { standing.isUsable(under: policy) }

  /// Whether an entry that joins its `siblings` may change what is found about signatures: one of
  /// them or a time stamp comes, or another put that earlier ones may be over.
  static func isChanged(by entry: Entry, _ reading: BodyReading?, _ siblings: [Entry]) -> Bool {
    switch entry.header.operation {
    case .append:
      reading?.facts.eventType == .signature || reading?.facts.eventType == .timestamp
    case .put, .withdraw: siblings.contains { $0.header.operation == .append }
    case .genesis, .annotate, .offer, .accept, .unknown: false
    }
  }

  /// An event with its body, read once.
  private struct Event {
    let entry: Entry
    let body: JSONObject
    let type: JSONValue?

    init?(_ entry: Entry) {
      guard let body = entry.bodyObject else { return nil }
      self.entry = entry
      self.body = body
      type = body[.type]
    }
  }

  private static func events(of record: HeldRecord) -> [Event] {
    record.resolution.events.compactMap(Event.init)
  }

  /// Signatures over the shown put: those that name its revision or none.
  private static func signatures(among events: [Event], of record: HeldRecord) -> [Event] {
    guard case .revision(let revision)? = record.shown?.header.subject else { return [] }
    var found: [Event] = []
    for event in events where event.type == .string(.signature) {
      let named = event.body[.revision]?.integer
      guard named == nil || named == Int64(clamping: revision.value) else { continue }
      found.append(event)
      if found.count == maximumSignatureCount { break }
    }
    return found
  }

  /// What the verifier must look at: every signature over the record's shown put. Empty while the
  /// put is not here or its body has gone: then the verdicts that are kept stand.
  /// - Parameter isSettled: whether the signature that this entry carries is looked at no more.
  package static func tasks(
    of record: HeldRecord, unless isSettled: (EntryIdentity) throws(StoreError) -> Bool
  ) throws(StoreError) -> [SignatureInput] {
    guard let put = record.shown, let body = record.put else { return [] }
    let events = events(of: record)
    var signatures: [Event] = []
    for event in Self.signatures(among: events, of: record)
    where try !isSettled(event.entry.identity) {
      signatures.append(event)
    }
    guard !signatures.isEmpty, let manifest = SignatureManifest(of: put, body) else { return [] }
    let content = manifest.canonicalBytes
    let organ = body[record.key.kind.signingOrganField]?.object?.text(.organId) ?? ""
    let timestamps = events.filter { $0.type == .string(.timestamp) }
    return signatures.map { event in
      SignatureInput(
        entry: event.entry.identity, signature: event.body.base64(.value) ?? [],
        content: content, timestamp: timestamp(of: event.entry, among: timestamps),
        kind: record.key.kind, role: event.body.text(.signerRole) ?? "", organ: organ,
        registry: event.entry.header.registry)
    }
  }

  private static func timestamp(of signature: Entry, among timestamps: [Event]) -> [UInt8]? {
    guard !timestamps.isEmpty, case .event(let id) = signature.header.subject else { return nil }
    let name = JSONValue.string(Text(id.description))
    return timestamps.first { $0.body["signatureEventId"] == name }?.body.base64("token")
  }
}

extension JSONObject {
  fileprivate func base64(_ key: Text) -> [UInt8]? {
    text(key).flatMap { Base64.decode($0.bytes.array) }
  }
}

extension RecordKind {
  /// Field of the organ in whose name a record speaks, and for which its signers sign.
  fileprivate var signingOrganField: Text {
    switch self {
    case .document: .from
    case .directive: .assigningOrgan
    case .finance: .accountingUnit
    case .registry: .from
    }
  }
}

extension SignatureInput {
  /// Whether the owner of a valid signature may sign this: rule 7 of reliability.md section 6. A
  /// valid signature of the wrong office counts as not valid.
  /// - Parameter day: the local day of the first verification.
  /// - Returns: why not; nil when the signer may.
  package func objection(
    toSigner certificate: Digest, under registry: RegistrySnapshot, on day: CalendarDate
  ) -> Text? {
    let listed = registry.signers.filter { $0.certificate == certificate }
    if listed.isEmpty { return "signer-not-registered" }
    if !listed.contains(where: { $0.organ == organ }) { return "signer-of-another-organ" }
    if !listed.contains(where: { $0.kinds.contains(kind) }) { return "signer-not-for-this-kind" }
    if !listed.contains(where: { $0.roles.contains(role) }) { return "signer-not-in-this-role" }
    let may = listed.contains { $0.maySign(kind, as: role, for: organ, on: day) }
    return may ? nil : "signer-not-on-this-day"
  }
}
