/// What later documents do to a document: recall, update and replace it (domain.md section 3.5).
/// Rules D4, D5 and D9; nothing here depends on which of them came first.
extension DocumentRules {
  /// National codes of the business a document is about (QCVN 102:2016). Raw values are in bodies.
  enum BusinessType: Int64 {
    case new = 0
    case revoke = 1
    case update = 2
    case replace = 3
  }

  /// A lawful document that names this one.
  struct Action {
    let document: HeldRecord
    let body: JSONObject
    let type: BusinessType
    /// By the organ that issued the target, or its successor; else by its superior.
    let isByIssuer: Bool
  }

  /// Entries that change one document that are looked at.
  private static let maximumReferrerCount = 10_000
  /// Documents that one question about a chain judges; documents beyond are taken to be in force.
  private static let maximumChainCount = 256
  /// ... and reads: a document may be named by many that name each other.
  private static let maximumReadCount = 2_048
  /// Recalls of recalls that are followed.
  private static let maximumChainDepth = 16

  private static let ofOther = Rule(
    "D4", vi: "chỉ cơ quan ban hành hoặc cấp trên được thay đổi văn bản; hãy gửi đề nghị tới họ",
    en: "may be changed only by the body that issued it or a superior; send them a request")

  /// D4: a document that names another one must come from the organ that issued it or from above.
  /// One that does not is kept, in the open, and changes nothing.
  static func findings(
    of record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Finding] {
    guard let body = record.put, businessType(of: body) != .new else { return [] }
    for (index, id) in targetIDs(of: body).enumerated() {
      for target in try view.claimants(of: .documentID(id)) where target != record.key {
        guard let its = try view.record(target)?.put, try !isLawful(record, on: its, in: view)
        else { continue }
        let issuer = its[.from]?.object?.text(.organId)
        return [
          Finding(
            .notSuperior,
            FieldFault(
              "replacementInfo[\(index)].documentId",
              .broken(ofOther, detail: issuer?.string), found: .string(id)))
        ]
      }
    }
    return []
  }

  /// The organ itself may change what it issued, and so may its successor in the registry; of other
  /// bodies only the centre is known to be above.
  static func isLawful(
    _ record: HeldRecord, on target: JSONObject, in view: some RuleView
  ) throws(StoreError) -> Bool {
    guard let put = record.shown, let body = record.put else { return false }
    if put.origin == view.centre { return true }
    return try isIssuer(body, put, of: target, in: view)
  }

  private static func isIssuer(
    _ body: JSONObject, _ put: Entry, of target: JSONObject, in view: some RuleView
  ) throws(StoreError) -> Bool {
    guard let mine = body[.from]?.object, let its = target[.from]?.object,
      let organ = mine.text(.organId), let issuer = its.text(.organId)
    else { return false }
    if mine[.siteId] == its[.siteId], organ == issuer { return true }
    return try view.registry(of: put)?.isSuccessor(organ, of: issuer) ?? false
  }

  static func businessType(of body: JSONObject) -> BusinessType {
    body.integer(.businessDocType).flatMap(BusinessType.init(rawValue:)) ?? .new
  }

  /// Ids of the documents that a recall, update or replacement names.
  static func targetIDs(of body: JSONObject) -> [Text] {
    guard businessType(of: body) != .new else { return [] }
    return body.objects(.replacementInfo).compactMap { $0.text(.documentId) }
  }

  // MARK: The chain

  /// Documents here that name this one, lawful or not, ascending by record.
  static func naming(
    _ record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [HeldRecord] {
    guard let id = record.put?.text(.documentId) else { return [] }
    var keys: Set<RecordKey> = []
    let changes = try view.referrers(of: .changes(of: .documentID(id)))
    for entry in changes.prefix(maximumReferrerCount) {
      guard let other = try view.recordKey(of: entry), other != record.key else { continue }
      keys.insert(other)
    }
    var found: [HeldRecord] = []
    for key in keys.sorted().prefix(maximumChainCount) {
      guard let other = try view.record(key), let body = other.put,
        targetIDs(of: body).contains(id)
      else { continue }
      found.append(other)
    }
    return found
  }

  /// Lawful documents here that name this one, in force or not, ascending by record.
  static func actions(
    on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Action] {
    guard let target = record.put else { return [] }
    var actions: [Action] = []
    for other in try naming(record, in: view) {
      guard let put = other.shown, let body = other.put,
        try isLawful(other, on: target, in: view)
      else { continue }
      actions.append(
        Action(
          document: other, body: body, type: businessType(of: body),
          isByIssuer: try isIssuer(body, put, of: target, in: view)))
    }
    return actions
  }

  /// The same, without those that were recalled themselves.
  static func actionsInForce(
    on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> [Action] {
    var walk = ChainWalk(from: record.key)
    return try actionsInForce(on: record, depth: 0, &walk, in: view)
  }

  /// Whether a lawful recall that is in force itself took the document back.
  static func isRecalled(
    _ record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> Bool {
    try actionsInForce(on: record, in: view).contains { $0.type == .revoke }
  }

  /// What one question about a chain has found so far. A document that two paths lead to is judged
  /// once, and counts alike on both.
  private struct ChainWalk {
    /// Judged to the end.
    var isRecalled: [RecordKey: Bool] = [:]
    /// On the path from the document asked about to the one being judged.
    var path: Set<RecordKey>
    var readCount = 0

    init(from record: RecordKey) { path = [record] }
  }

  /// Documents that recall each other in a circle count as in force where the walk meets itself.
  private static func actionsInForce(
    on record: HeldRecord, depth: Int, _ walk: inout ChainWalk, in view: some RuleView
  ) throws(StoreError) -> [Action] {
    guard depth < maximumChainDepth else { return [] }
    let actions = try actions(on: record, in: view)
    walk.readCount += actions.count
    var inForce: [Action] = []
    for action in actions {
      let key = action.document.key
      if walk.isRecalled[key] == nil, walk.readCount <= maximumReadCount,
        walk.isRecalled.count < maximumChainCount, walk.path.insert(key).inserted
      {
        let later = try actionsInForce(on: action.document, depth: depth + 1, &walk, in: view)
        walk.path.remove(key)
        walk.isRecalled[key] = later.contains { $0.type == .revoke }
      }
      if walk.isRecalled[key] != true { inForce.append(action) }
    }
    return inForce
  }

  // MARK: Shown

  /// What a recalled document no longer shows at its recipients (D5). Number, digest and receipts
  /// stay.
  private static let hiddenFields: [Text] = [
    "subject", "content", "signerInfo", "toPlaces", "appendixes", "attachments", "keywords",
    "outrankedKeywords",
  ]

  /// `effectStatus` and what it follows from: a pure function of the chain of documents held here.
  static func showEffect(
    of record: HeldRecord, in view: some RuleView, into object: inout JSONObject
  ) throws(StoreError) {
    let actions = try actionsInForce(on: record, in: view)
    let recall = actions.first { $0.type == .revoke }
    if let recall {
      object["effectStatus"] = .string(recall.isByIssuer ? "revoked" : "abolished")
    } else {
      let isReplaced = actions.contains { $0.type == .replace }
      object["effectStatus"] = .string(isReplaced ? "replaced" : "effective")
    }
    if !actions.isEmpty {
      object["effectChangedBy"] = .array(actions.map { .object(reference(to: $0)) })
    }
    guard recall != nil, record.owner != view.site else { return }
    for field in hiddenFields { object[field] = nil }
    object[.contentHidden] = .bool(true)
  }

  private static func reference(to action: Action) -> JSONObject {
    [
      "recordId": .string(Text(action.document.key.id.description)),
      "documentId": action.body[.documentId] ?? .null,
      "businessDocType": .integer(action.type.rawValue),
    ]
  }
}
