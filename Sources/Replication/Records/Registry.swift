/// registry: sites, organs, signers, code lists and policy, owned and signed by the centre, for
/// everyone (design.md section 3). One record; its revision is the registry's number.
///
/// Merge: the centre's superseding put. Bodies are never dropped, for old entries are judged by
/// them.
package enum RegistryRules: RecordRules {
  /// The one registry record.
  package static let record = RecordKey(
    kind: .registry, id: RecordID(UniqueID(Bytes16(high: 0, low: 1))))

  static func checkRecord(_ id: RecordID) throws(FieldFault) {
    guard id == record.id else { throw FieldFault("recordId", .mustEqual("\(record.id)")) }
  }

  // MARK: Put

  static let keepsEveryPut = true
  static func putSchema(of body: JSONObject) -> Schema { put }

  private static let put = Schema(
    EntryFacts.commonPutFields + [
      // The number inside the signed bytes, so that an old body cannot pass as a new revision.
      .optional("number", .integer(1...JSONValue.maximumInteger)),
      .required("sites", .nonEmptyList(of: .object(site))),
      .optional("organs", .list(of: .object(organ))),
      .optional("signers", .list(of: .object(signer))),
      .optional("codeLists", .map(.list(of: .object(code)))),
      .optional("policy", .object(policy)),
      .required("signature", .object(signature)),
    ])
  /// One or two pins: the current link key and the next.
  private static let site = Schema([
    .required("siteId", .site), .required("tier", .oneOf(["centre", "province"])),
    .required("generation", .integer(1...1_000)), .optional("validFrom", .date),
    .optional("validTo", .date), .required("pins", .list(.format(.pin), 1...2)),
    .required("ceiling", .oneOf(SecrecyLevel.allCases.map { Text($0.description) })),
    .optional("name", .line), .optional("organIds", .list(of: .text(maximumByteCount: 35))),
  ])
  private static let organ = Schema([
    .required("organId", .text(maximumByteCount: 35)), .required("siteId", .site),
    .optional("organName", .line),
    // Whose documents it may change as if it had issued them: units that were merged into it.
    .optional("predecessors", .list(of: .text(maximumByteCount: 35))),
  ])
  private static let signer = Schema([
    .required("certificate", .format(.pin)), .required("organId", .text(maximumByteCount: 35)),
    .required("kinds", .nonEmptyList(of: .oneOf(RecordKind.allCases.map { Text($0.description) }))),
    .required("roles", .nonEmptyList(of: .name)), .optional("validFrom", .date),
    .optional("validTo", .date), .optional("name", .line),
  ])
  /// Codes are data with validity dates: accounts, document types, statuses (domain.md section 2).
  private static let code = Schema([
    .required("code", .name), .optional("name", .line), .optional("validFrom", .date),
    .optional("validTo", .date),
  ])
  private static let policy = Schema([.optional("signatures", .map(.object(signaturePolicy)))])
  private static let signaturePolicy = Schema([
    .required("mode", .oneOf(SignaturePolicy.Mode.allCases.map { Text($0.rawValue) })),
    .optional("roles", .list(of: .name)),
  ])
  /// By the registry key over ``RegistrySnapshot/signedBytes(of:)``; SPKI in DER.
  private static let signature = Schema([
    .required("publicKey", .format(.base64)), .required("value", .format(.base64)),
  ])

  static let appendedLists: [Text] = ["events", "signatures"]
  static let derivedFields: [Text] = []

  /// Each site once, exactly one centre, organs of known sites.
  static func checkPut(_ body: JSONObject) throws(FieldFault) {
    var known: Set<SiteID> = []
    var centreCount = 0
    for (index, entry) in (body[.sites]?.array ?? []).enumerated() {
      guard let object = entry.object, let site = object.site(.siteId) else { continue }
      guard known.insert(site).inserted else {
        throw FieldFault("sites[\(index)].siteId", .repeated, found: object[.siteId])
      }
      if object[.tier] == .string("centre") { centreCount += 1 }
    }
    guard centreCount == 1 else {
      throw FieldFault("sites.tier", .notOneCentre)
    }
    for (index, entry) in (body[.organs]?.array ?? []).enumerated() {
      guard let site = entry.object?.site(.siteId), !known.contains(site) else { continue }
      throw FieldFault("organs[\(index)].siteId", .unlistedSite)
    }
  }

  /// For everyone: that is not an audience but the kind's routing.
  static func putFacts(_ body: JSONObject) -> EntryFacts {
    var facts = EntryFacts(writer: .centre)
    facts.lane = .urgent
    return facts
  }

  // MARK: Events, annotations and withdrawal: none

  static let eventTypes: [Text] = []
  static func eventSchema(ofType type: Text) -> Schema? { nil }
  static let eventIDName: Text = "eventId"
  static func impliedEventType(of body: JSONObject) -> Text? { nil }
  static func checkEvent(_ body: JSONObject, type: Text) {}
  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts {
    EntryFacts(writer: .nobody(.registryIsPermanent))
  }
  static let annotationSchema: Schema? = nil
  static let annotationWriter = Writer.nobody(.registryIsPermanent)
  static let withdrawalWriter = Writer.nobody(.registryIsPermanent)

  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) {}
}

/// Parts of the registry that the centre replaces whole. Raw values are fields of its body.
package enum RegistryPart: String, Hashable, Sendable, CaseIterable {
  case codeLists, signers, organs, policy

  /// As a route and a command name it.
  package var name: String { self == .codeLists ? "code-lists" : rawValue }

  package init?(name: some StringProtocol) {
    guard let part = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = part
  }
}
