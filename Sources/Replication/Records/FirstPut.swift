/// Fields of a put that are written once (domain.md section 9, W1) in a kind whose puts have later
/// revisions. Their word is the first put's, whatever a later one says: at ingest that is refused,
/// and what a peer took is kept and shown beside it.
extension HeldRecord {
  /// The bodies of revision 1, in fold order. More than one when it was written twice (a restored
  /// backup): then the put that decides may repeat any of them. None while it is not here.
  private var firstPuts: [JSONObject] {
    entries.filter { $0.isReadAsFirstPut }.sorted { $0.foldPosition < $1.foldPosition }
      .compactMap(body(of:))
  }

  /// The shown put with what the first one fixed; nil like `put`. A function of the entries held:
  /// neither their order nor compaction changes it.
  var putAsFixed: JSONObject? {
    guard var body = put else { return nil }
    guard let first = firstPut(contradictedBy: body) else { return body }
    for name in key.kind.rules.writeOnceFields { body[name] = first[name] }
    return body
  }

  /// What the body of a put changes although it may not; nil when it keeps to a first one.
  func fault(ofFixedFieldsIn body: JSONObject, _ rule: Rule) -> FieldFault? {
    guard let first = firstPut(contradictedBy: body) else { return nil }
    let changed = key.kind.rules.writeOnceFields.first { first[$0] != body[$0] }
    return changed.map { name in
      let detail = first[name]?.text.flatMap { FieldFault.shown($0) }
      return FieldFault(name.string, .broken(rule, detail: detail), found: body[name])
    }
  }

  private func firstPut(contradictedBy body: JSONObject) -> JSONObject? {
    let names = key.kind.rules.writeOnceFields
    let firsts = firstPuts
    let isRepeat = firsts.contains { first in names.allSatisfy { first[$0] == body[$0] } }
    return isRepeat ? nil : firsts.first
  }
}

extension Entry {
  /// Whether fields that are written once are read from here.
  var isReadAsFirstPut: Bool { header.isReadAsFirstPut }
}

extension EntryHeader {
  fileprivate var isReadAsFirstPut: Bool {
    guard operation == .put, subject == .revision(Revision(1)), let kind = record?.kind else {
      return false
    }
    return !kind.rules.writeOnceFields.isEmpty
  }

  /// Whether compaction may ever turn such an entry into a stub, as far as its header tells. What
  /// else comes as a stub is a peer's fault.
  var mayLoseBody: Bool {
    guard operation == .put || operation == .withdraw, let kind = record?.kind else { return false }
    return !kind.rules.keepsEveryPut && !isReadAsFirstPut
  }
}
