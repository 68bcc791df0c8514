/// What a record's signatures are over: a manifest that names the record, the revision, the body
/// and the files by their digests. Small whatever the files' size, and the same bytes everywhere.
package struct SignatureManifest: Hashable, Sendable {
  package let record: RecordKey
  package let revision: Revision
  /// SHA-256 of the put's canonical body.
  package let body: Digest
  /// SHA-256 of each file that the put names, ascending, each once.
  package let files: [Digest]

  package init(record: RecordKey, revision: Revision, body: Digest, files: [Digest]) {
    self.record = record
    self.revision = revision
    self.body = body
    self.files = Set(files).sorted()
  }

  /// - Parameter body: the put's.
  /// - Returns: nil for what is no put.
  init?(of put: Entry, _ body: JSONObject) {
    guard put.header.operation == .put, let record = put.header.record,
      case .revision(let revision) = put.header.subject
    else { return nil }
    self.init(
      record: record, revision: revision, body: put.bodyDigest,
      files: record.kind.files(namedBy: body).map(\.digest))
  }

  /// The bytes that are signed: canonical JSON, with a name of its own so that a signature made for
  /// another purpose never fits.
  ///
  /// Written out, keys in their order: every text in it is one that JSON holds as it is.
  package var canonicalBytes: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(256 + (files.count + 1) * (Digest.taggedByteCount + 3))
    text.append(contentsOf: #"{"body":""#.utf8)
    body.appendTagged(to: &text)
    text.append(contentsOf: #"","files":["#.utf8)
    for (index, file) in files.enumerated() {
      text.append(contentsOf: index == 0 ? "\"".utf8 : ",\"".utf8)
      file.appendTagged(to: &text)
      text.append(UInt8(ascii: "\""))
    }
    text.append(contentsOf: #"],"kind":""#.utf8)
    text.append(contentsOf: record.kind.description.utf8)
    text.append(contentsOf: #"","manifest":"dongbo-record/1","recordId":""#.utf8)
    text.append(contentsOf: record.id.description.utf8)
    text.append(contentsOf: #"","revision":"#.utf8)
    text.append(contentsOf: String(Int64(clamping: revision.value)).utf8)
    text.append(UInt8(ascii: "}"))
    return text
  }
}

/// What the registry asks of the signatures of a kind.
package struct SignaturePolicy: Hashable, Sendable {
  /// Raw values are in the registry.
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Usable only when every role has a valid signature.
    case require
    /// Without them the record is for reference only.
    case acceptAsReference = "accept-as-reference"
    case off
  }

  package let mode: Mode
  /// Each needs a valid signature of its own.
  package let roles: [Text]

  package init(mode: Mode, roles: [Text]) {
    self.mode = mode
    self.roles = roles
  }

  /// What holds where the registry says nothing: a document is an original with two signatures, the
  /// competent person's and the organ's (decree 30/2020); a voucher has the accountant's and the
  /// head's (F8).
  package static func standard(for kind: RecordKind) -> SignaturePolicy {
    switch kind {
    case .document: SignaturePolicy(mode: .require, roles: ["person", "organ"])
    case .directive: SignaturePolicy(mode: .require, roles: ["person"])
    case .finance: SignaturePolicy(mode: .require, roles: ["accountant", "head"])
    // The centre's registry key signs it.
    case .registry: SignaturePolicy(mode: .off, roles: [])
    }
  }
}

/// Who may sign what: an office's certificate, as the registry lists it.
package struct Signer: Hashable, Sendable {
  /// SHA-256 of the certificate in DER.
  package let certificate: Digest
  package let organ: Text
  package let kinds: [RecordKind]
  package let roles: [Text]
  /// Local days, both included; nil: open at that end.
  package let validFrom: CalendarDate?
  package let validTo: CalendarDate?

  package init(
    certificate: Digest, organ: Text, kinds: [RecordKind], roles: [Text],
    validFrom: CalendarDate? = nil, validTo: CalendarDate? = nil
  ) {
    self.certificate = certificate
    self.organ = organ
    self.kinds = kinds
    self.roles = roles
    self.validFrom = validFrom
    self.validTo = validTo
  }

  /// Whether the signer may sign a record of this kind for this organ in this role on this day.
  package func maySign(_ kind: RecordKind, as role: Text, for organ: Text, on day: CalendarDate)
    -> Bool
  {
    kinds.contains(kind) && roles.contains(role) && self.organ == organ
      && (validFrom.map { $0 <= day } ?? true) && (validTo.map { day <= $0 } ?? true)
  }
}

/// What a verdict says beside its reason: a JSON object, as the bytes that are kept of it. Those of
/// one signer say the same of all his signatures at one moment, so they are made once for many.
package struct VerdictDetails: Hashable, Sendable {
  package static let none = VerdictDetails(JSONObject())

  package let canonicalBytes: [UInt8]

  package init(_ object: JSONObject) { canonicalBytes = JSONValue.object(object).canonicalBytes }

  /// - Returns: nil unless these are the canonical bytes of an object.
  package init?(canonicalBytes: [UInt8]) {
    guard (try? JSONValue.parseCanonical(canonicalBytes))?.object != nil else { return nil }
    self.canonicalBytes = canonicalBytes
  }

  /// As the API shows them. Read again each time: people ask seldom.
  package var object: JSONObject {
    (try? JSONValue.parseCanonical(canonicalBytes))?.object ?? JSONObject()
  }
}

/// What this site found about one signature: local, shown beside content, never part of it.
package struct SignatureVerdict: Hashable, Sendable {
  /// Raw values are on disk.
  package enum State: UInt8, Hashable, Sendable {
    case valid = 1
    case invalid = 2
    /// Neither: a certificate that expired before the signature arrived, without a time-stamp
    /// token; a person decides.
    case undecided = 3
  }

  package let state: State
  /// `valid`, or why not: `certificate-expired`, `signer-not-allowed`, ...
  package let reason: Text
  /// When it was verified first; kept when it is verified again.
  package let verifiedAt: WallTime
  /// Revision under which the signer's right was judged.
  package let registry: RegistryRevision
  /// Signer, chain, algorithms and state of the revocation list, for people.
  package let details: VerdictDetails

  package init(
    state: State, reason: Text, verifiedAt: WallTime, registry: RegistryRevision,
    details: VerdictDetails = .none
  ) {
    self.state = state
    self.reason = reason
    self.verifiedAt = verifiedAt
    self.registry = registry
    self.details = details
  }

  /// As the API shows it beside the signature.
  package var json: JSONValue {
    .object([
      "state": .string(state == .valid ? "valid" : state == .invalid ? "invalid" : "undecided"),
      "reason": .string(reason),
      "verifiedAtMicroseconds": .integer(Int64(clamping: verifiedAt.microseconds)),
      "registryRevision": .integer(Int64(clamping: registry.number)),
      "details": .object(details.object),
    ])
  }
}

/// What a record's signatures amount to at this site, by the policy of its kind.
package enum SignatureStanding: Hashable, Sendable {
  /// The kind needs none.
  case notRequired
  case valid
  /// Roles without a valid signature; `reasons` of those that are there and not valid.
  case incomplete(missing: [Text], reasons: [Text])

  /// - Parameter found: role and verdict of each signature over the shown put; nil: not verified
  ///   yet.
  package init(policy: SignaturePolicy, found: [(role: Text, verdict: SignatureVerdict?)]) {
    guard policy.mode != .off else {
      self = .notRequired
      return
    }
    let missing = policy.roles.filter { role in
      !found.contains { $0.role == role && $0.verdict?.state == .valid }
    }
    guard !missing.isEmpty else {
      self = .valid
      return
    }
    let reasons = found.filter { missing.contains($0.role) && $0.verdict?.state != .valid }
      .map { $0.verdict?.reason ?? "not-verified-yet" }
    self = .incomplete(missing: missing, reasons: reasons)
  }

  /// Whether an office may act on the record: register it, post it.
  package func isUsable(under policy: SignaturePolicy) -> Bool {
    switch self {
    case .notRequired, .valid: true
    case .incomplete: policy.mode != .require
    }
  }

  /// As the API shows it: `value` is the legal value.
  package func json(under policy: SignaturePolicy) -> JSONValue {
    var object: JSONObject = ["policy": .string(Text(policy.mode.rawValue))]
    switch self {
    case .notRequired: object["value"] = .string("original")
    case .valid: object["value"] = .string("original")
    case .incomplete(let missing, let reasons):
      object["value"] = .string(policy.mode == .require ? "not-usable" : "reference-only")
      object["missingRoles"] = .array(missing.map { .string($0) })
      object["reasons"] = reasons.isEmpty ? nil : .array(reasons.map { .string($0) })
    }
    return .object(object)
  }
}
