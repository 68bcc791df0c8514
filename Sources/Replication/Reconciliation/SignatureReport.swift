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
    for event in Self.signatureEvents(of: record) {
      found.append(
        Signature(
          entry: event, role: event.bodyObject?.text("signerRole") ?? "",
          verdict: try view.verdict(of: event.identity)))
    }
    signatures = found
    standing = SignatureStanding(
      policy: policy, found: found.map { (role: $0.role, verdict: $0.verdict) })
  }

  /// Whether an office may act on the record, as far as signatures go.
  package var isUsable: Bool { standing.isUsable(under: policy) }

  /// Whether an entry that joins its `siblings` may change what is found about signatures: one of
  /// them or a time stamp comes, or another put that earlier ones may be over.
  static func isChanged(by entry: Entry, _ facts: EntryFacts?, _ siblings: [Entry]) -> Bool {
    switch entry.header.operation {
    case .append: facts?.eventType == "signature" || facts?.eventType == "timestamp"
    case .put, .withdraw: siblings.contains { $0.header.operation == .append }
    case .genesis, .annotate, .offer, .accept, .unknown: false
    }
  }

  /// Signature events over the shown put: those that name its revision or none.
  private static func signatureEvents(of record: HeldRecord) -> [Entry] {
    guard case .revision(let revision)? = record.shown?.header.subject else { return [] }
    let events = record.resolution.events.filter { event in
      guard let body = event.bodyObject, body[.type] == .string("signature") else { return false }
      let named = body[.revision]?.integer
      return named == nil || named == Int64(clamping: revision.value)
    }
    return Array(events.prefix(maximumSignatureCount))
  }

  /// What the verifier must look at: every signature over the record's shown put. Empty while the
  /// put is not here or its body has gone: then the verdicts that are kept stand.
  package static func tasks(of record: HeldRecord) -> [SignatureInput] {
    guard let put = record.shown, let body = record.put,
      let manifest = SignatureManifest(of: put)
    else { return [] }
    let content = manifest.canonicalBytes
    let organ = body[record.key.kind.signingOrganField]?.object?.text(.organId) ?? ""
    return signatureEvents(of: record).compactMap { event -> SignatureInput? in
      guard let signed = event.bodyObject else { return nil }
      return SignatureInput(
        entry: event.identity,
        signature: signed.text(.value).flatMap { Base64.decode($0.bytes.array) } ?? [],
        content: content, timestamp: timestamp(of: event, in: record), kind: record.key.kind,
        role: signed.text("signerRole") ?? "", organ: organ, registry: event.header.registry)
    }
  }

  private static func timestamp(of signature: Entry, in record: HeldRecord) -> [UInt8]? {
    guard case .event(let id) = signature.header.subject else { return nil }
    let name = JSONValue.string(Text(id.description))
    for event in record.resolution.events {
      guard let body = event.bodyObject, body[.type] == .string("timestamp"),
        body["signatureEventId"] == name
      else { continue }
      return body.text("token").flatMap { Base64.decode($0.bytes.array) }
    }
    return nil
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
