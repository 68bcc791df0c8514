/// One revision of the registry, read for use: once, for whoever asks. Every entry is judged under
/// one, so nobody gets a copy of its lists.
package final class RegistrySnapshot: Sendable {
  /// Where a site stands in the organisation. Exactly one site is the centre.
  package enum Tier: Hashable, Sendable {
    case centre
    case province
  }

  /// One installation as the centre lists it: who may link as it, and what it may carry.
  package struct Site: Hashable, Sendable {
    package let id: SiteID
    package let tier: Tier
    /// Which foundation of the unit this is: a merged province counts on.
    package let generation: Int64
    /// Local days; nil: open at that end.
    package let validFrom: CalendarDate?
    package let validTo: CalendarDate?
    /// SHA-256 of the link keys' SPKI: the current, perhaps the next.
    package let pins: [Digest]
    package let ceiling: SecrecyLevel
    package let organIDs: [Text]

    package init(
      id: SiteID, tier: Tier, generation: Int64, pins: [Digest],
      validFrom: CalendarDate? = nil, validTo: CalendarDate? = nil,
      ceiling: SecrecyLevel = .none, organIDs: [Text] = []
    ) {
      self.id = id
      self.tier = tier
      self.generation = generation
      self.validFrom = validFrom
      self.validTo = validTo
      self.pins = pins
      self.ceiling = ceiling
      self.organIDs = organIDs
    }

    /// Whether `day`, a local one, lies between the site's first and last day, both included.
    package func isValid(on day: CalendarDate) -> Bool {
      (validFrom.map { $0 <= day } ?? true) && (validTo.map { day <= $0 } ?? true)
    }
  }

  package let revision: RegistryRevision
  package let sites: [SiteID: Site]
  /// nil in the built-in registry only.
  package let centre: SiteID?
  /// The key that signed this revision: SPKI in DER, and its signature. Empty when built in.
  package let publicKey: [UInt8]
  package let signature: [UInt8]
  package let codeLists: CodeLists
  package let signers: [Signer]
  /// Of an organ: those whose powers passed to it.
  private let predecessors: [Text: Set<Text>]
  private let signaturePolicies: [RecordKind: SignaturePolicy]

  /// Number 0: knows no site and allows only genesis and registry.
  package static let builtIn = RegistrySnapshot(
    revision: .builtIn, sites: [:], centre: nil, publicKey: [], signature: [],
    codeLists: CodeLists(), signers: [], predecessors: [:], signaturePolicies: [:])

  private init(
    revision: RegistryRevision, sites: [SiteID: Site], centre: SiteID?, publicKey: [UInt8],
    signature: [UInt8], codeLists: CodeLists, signers: [Signer],
    predecessors: [Text: Set<Text>], signaturePolicies: [RecordKind: SignaturePolicy]
  ) {
    self.revision = revision
    self.sites = sites
    self.centre = centre
    self.publicKey = publicKey
    self.signature = signature
    self.codeLists = codeLists
    self.signers = signers
    self.predecessors = predecessors
    self.signaturePolicies = signaturePolicies
  }

  /// Reads a revision's canonical body. Its signature is read, not verified.
  /// - Throws: `.json` or `.field`.
  package convenience init(revision: RegistryRevision, body: [UInt8]) throws(RecordError) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parseCanonical(body) } catch { throw .json(error) }
    guard let object = value.object else {
      throw .field(FieldFault("body", .type(.object), found: value))
    }
    _ = try EntryFacts.read(
      record: RegistryRules.record, operation: .put, body: object, unknown: .kept)
    if let number = object[.number]?.integer, UInt64(number) != revision.number {
      throw .field(FieldFault("number", .mustEqual("revision"), found: object[.number]))
    }
    let list = (object[.sites]?.array ?? []).compactMap { $0.object.flatMap(Self.site(from:)) }
    let signature = object[.signature]?.object ?? JSONObject()
    self.init(
      revision: revision, sites: Dictionary(list.map { ($0.id, $0) }) { first, _ in first },
      centre: list.first { $0.tier == .centre }?.id,
      publicKey: signature.text(.publicKey).flatMap { Base64.decode($0.bytes.array) } ?? [],
      signature: signature.text(.value).flatMap { Base64.decode($0.bytes.array) } ?? [],
      codeLists: CodeLists(json: object[.codeLists]?.object ?? JSONObject()),
      signers: (object["signers"]?.array ?? []).compactMap {
        $0.object.flatMap(Self.signer(from:))
      },
      predecessors: Self.predecessors(from: object),
      signaturePolicies: Self.policies(from: object))
  }

  /// Mergers of mergers that are followed.
  private static let maximumSuccessionDepth = 16

  /// Whether the powers of `former` have passed to `organ`, perhaps by way of others.
  package func isSuccessor(_ organ: Text, of former: Text) -> Bool {
    var found: Set<Text> = []
    var open: Set<Text> = [organ]
    for _ in 0..<Self.maximumSuccessionDepth where !open.isEmpty {
      let before = open.reduce(into: Set<Text>()) { $0.formUnion(predecessors[$1] ?? []) }
      open = before.subtracting(found)
      found.formUnion(open)
    }
    return found.contains(former)
  }

  private static func predecessors(from object: JSONObject) -> [Text: Set<Text>] {
    var predecessors: [Text: Set<Text>] = [:]
    for organ in (object[.organs]?.array ?? []).compactMap(\.object) {
      guard let id = organ.text(.organId) else { continue }
      predecessors[id, default: []].formUnion(
        (organ["predecessors"]?.array ?? []).compactMap(\.text))
    }
    return predecessors
  }

  /// What this revision asks of the signatures of a kind.
  package func signaturePolicy(for kind: RecordKind) -> SignaturePolicy {
    signaturePolicies[kind] ?? .standard(for: kind)
  }

  private static func policies(from object: JSONObject) -> [RecordKind: SignaturePolicy] {
    let listed = object["policy"]?.object?["signatures"]?.object ?? JSONObject()
    var policies: [RecordKind: SignaturePolicy] = [:]
    for kind in RecordKind.allCases {
      guard let its = listed[Text(kind.description)]?.object,
        let mode = its.text("mode").flatMap({ SignaturePolicy.Mode(rawValue: $0.string) })
      else { continue }
      let roles = its["roles"]?.array?.compactMap(\.text)
      policies[kind] = SignaturePolicy(
        mode: mode, roles: roles ?? SignaturePolicy.standard(for: kind).roles)
    }
    return policies
  }

  /// - Returns: nil when the schema does not hold.
  private static func signer(from object: JSONObject) -> Signer? {
    guard let certificate = object["certificate"].flatMap(digest(ofPin:)),
      let organ = object.text(.organId)
    else { return nil }
    return Signer(
      certificate: certificate, organ: organ,
      kinds: (object["kinds"]?.array ?? []).compactMap {
        $0.text.flatMap { RecordKind(name: $0.string) }
      },
      roles: (object["roles"]?.array ?? []).compactMap(\.text),
      validFrom: object.date(.validFrom), validTo: object.date(.validTo))
  }

  private static func digest(ofPin pin: JSONValue) -> Digest? {
    pin.text.flatMap { hexBytes($0.string.dropFirst(7)) }.flatMap { Bytes32($0) }
      .map { Digest($0) }
  }

  /// Whether these operations may be written under this revision at all.
  package func allows(_ operation: Operation, on kind: RecordKind?) -> Bool {
    revision.number > 0 || operation == .genesis || kind == .registry
  }

  /// Whether `site` is listed.
  package func knows(_ site: SiteID) -> Bool { sites.index(forKey: site) != nil }

  /// The highest secrecy level `site` may carry; `none` for a site that is not listed.
  package func ceiling(of site: SiteID) -> SecrecyLevel { sites[site]?.ceiling ?? .none }

  /// What the registry's signature is over: the body's canonical bytes without `signature`.
  package static func signedBytes(of body: JSONObject) -> [UInt8] {
    var unsigned = body
    unsigned[.signature] = nil
    return JSONValue.object(unsigned).canonicalBytes
  }
}

/// A revision is named by the digest of its body.
extension RegistrySnapshot: Hashable {
  package static func == (left: RegistrySnapshot, right: RegistrySnapshot) -> Bool {
    left.revision == right.revision
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(revision) }
}

// MARK: - The next revision

extension RegistrySnapshot {
  /// The body of the next revision: `site` added, or replaced where it stands. To be signed with
  /// ``signing(_:publicKey:signature:)``.
  /// - Parameter body: the current revision's body; empty for the first.
  package static func adding(_ site: Site, to body: JSONObject, number: UInt64) -> JSONObject {
    var next = body
    var sites = (body[.sites]?.array ?? []).filter { $0.object?.site(.siteId) != site.id }
    sites.append(json(of: site))
    next[.sites] = .array(sites)
    next[.number] = .integer(Int64(clamping: number))
    next[.signature] = nil
    return next
  }

  /// The body of the next revision with one part replaced whole.
  package static func replacing(
    _ part: RegistryPart, with value: JSONValue, in body: JSONObject, number: UInt64
  ) -> JSONObject {
    var next = body
    next[Text(part.rawValue)] = value
    next[.number] = .integer(Int64(clamping: number))
    next[.signature] = nil
    return next
  }

  /// `body` with the signature over its ``signedBytes(of:)``.
  package static func signing(
    _ body: JSONObject, publicKey: [UInt8], signature: [UInt8]
  ) -> JSONObject {
    var signed = body
    signed[.signature] = .object([
      "publicKey": .string(Text(validated: Base64.encode(publicKey))),
      "value": .string(Text(validated: Base64.encode(signature))),
    ])
    return signed
  }

  private static func json(of site: Site) -> JSONValue {
    var object: JSONObject = [
      "siteId": .string(Text(site.id.description)),
      "tier": .string(site.tier == .centre ? "centre" : "province"),
      "generation": .integer(site.generation),
      "pins": .array(site.pins.map { .string(Text("sha256:\($0)")) }),
      "ceiling": .string(Text(site.ceiling.description)),
    ]
    object[.validFrom] = site.validFrom.map { .string(Text($0.description)) }
    object[.validTo] = site.validTo.map { .string(Text($0.description)) }
    if !site.organIDs.isEmpty {
      object[.organIds] = .array(site.organIDs.map { .string($0) })
    }
    return .object(object)
  }

  /// - Returns: nil when the schema does not hold.
  private static func site(from object: JSONObject) -> Site? {
    guard let id = object.site(.siteId), let generation = object[.generation]?.integer,
      let ceiling = object.text(.ceiling).flatMap({ SecrecyLevel(name: $0.string) })
    else { return nil }
    let pins = (object[.pins]?.array ?? []).compactMap(digest(ofPin:))
    return Site(
      id: id, tier: object[.tier] == .string("centre") ? .centre : .province,
      generation: generation, pins: pins, validFrom: object.date(.validFrom),
      validTo: object.date(.validTo), ceiling: ceiling,
      organIDs: (object[.organIds]?.array ?? []).compactMap(\.text))
  }
}
