import Replication

/// What a set of entries must amount to, by design.md and domain.md alone: plain, slow, and apart
/// from the code that it is held against (O4). It knows the lawful records the workload writes.
///
/// Some 600 lines, and not the 200 or 300 of a model of the convergence rules alone: a quarter is
/// the fold of a directive (T1 to T9). That repeats rules of the product, and is kept for what it
/// finds: it was the model that knew that a coordinator's report is no stranger's after it was made
/// the lead (T2, T3). Comparing the events of a directive alone would have passed over it.
struct ReferenceModel {
  let site: String
  let centre: String
  let day: CalendarDate
  /// In the one order, each write of a record as often as it was made.
  let entries: [RecordKey: [ModelEntry]]
  /// What each record shows, ascending by record: asked again and again of all.
  private(set) var shownRecords: [ModelEntry] = []

  init(_ held: [Entry], at site: SiteID, centre: SiteID, asOf day: CalendarDate) {
    self.site = site.description
    self.centre = centre.description
    self.day = day
    entries = Dictionary(grouping: held.compactMap(ModelEntry.init), by: \.record)
      .mapValues { $0.sorted(by: ModelEntry.isBefore) }
    shownRecords = entries.keys.sorted().compactMap(shown)
  }

  // MARK: Law 7

  /// Each write once, as its first in the one order.
  func writes(of record: RecordKey) -> [ModelEntry] {
    var seen: Set<String> = []
    return (entries[record] ?? []).filter { seen.insert($0.write).inserted }
  }

  /// Versions that nothing supersedes, in the one order.
  func current(_ record: RecordKey) -> [ModelEntry] {
    let all = entries[record] ?? []
    let versions = writes(of: record).filter(\.isVersion)
    let isForked = Set(versions.map(\.revision)).count < versions.count
    return versions.filter { version in
      let same = all.filter { $0.write == version.write }.map(\.digest)
      return !all.filter { $0.isVersion && $0.write != version.write }.contains { other in
        other.revision > version.revision
          && (!isForked || !ancestors(of: other).isDisjoint(with: same))
      }
    }
  }

  /// Everything that an entry builds on, as far as it is held.
  func ancestors(of entry: ModelEntry) -> Set<String> {
    var found: Set<String> = []
    var open = entry.parents
    while let digest = open.popLast() {
      guard found.insert(digest).inserted else { continue }
      open += (entries[entry.record] ?? []).first { $0.digest == digest }?.parents ?? []
    }
    return found
  }

  /// Whether the author of `entry` knew `other`, in whichever of its copies.
  func knew(_ entry: ModelEntry, _ other: ModelEntry) -> Bool {
    let copies = (entries[entry.record] ?? []).filter { $0.write == other.write }
    return !ancestors(of: entry).isDisjoint(with: copies.map(\.digest))
  }

  func shown(_ record: RecordKey) -> ModelEntry? { current(record).last }

  // MARK: What a record says

  /// By path in what the site shows; null where nothing must stand.
  func statements(of record: RecordKey) -> [String: JSONValue] {
    guard let put = shown(record), put.kind != .registry else { return [:] }
    let versions = current(record)
    let events = writes(of: record).filter { $0.operation == "append" }
    let marks = writes(of: record).filter { $0.operation == "annotate" }
    var said: [String: JSONValue] = [:]
    for field in put.body.members { said[field.key.description] = field.value }
    said["ownerSite"] = .string(Text(put.site))
    said["revision"] = .integer(Int64(put.revision))
    said["contentDigest"] = .string(Text("sha-256:\(put.bodyDigest)"))
    said["withdrawn"] = put.operation == "withdraw" ? .bool(true) : .null
    said["versions[].digest"] =
      versions.count > 1 ? .texts(versions.map(\.digest)) : .null
    let isFork = [events, marks].contains { Set($0.map(\.event)).count < $0.count }
    let conflicts = (versions.count > 1 ? ["several-puts"] : []) + (isFork ? ["fork"] : [])
    said["conflicts"] = conflicts.isEmpty ? .null : .texts(conflicts)
    said["held.duplicateKey"] = .bool(hasRival(put))
    // Of versions in conflict the owner may keep any: what one of them waits for is waited for.
    said["held.waits"] = .bool(versions.contains(where: waits))
    switch put.kind {
    case .document: addDocument(put, events, marks, to: &said)
    case .directive: addDirective(put, events, to: &said)
    case .finance: addFinance(put, events, to: &said)
    case .registry: break
    }
    return said
  }

  // MARK: Between records

  /// What only one record may have: numbers (D1, F3).
  private func keys(of put: ModelEntry) -> [String] {
    let body = put.body
    func key(_ parts: [String?]) -> String { parts.map { $0 ?? "" }.joined(separator: "|") }
    switch put.kind {
    case .document:
      let type = body["documentType"]?.object?.string("code")
      return [
        key(["id", body.string("documentId")]),
        key(["number", body.site(of: "from"), type, body.string("codeNumber")]),
      ]
    case .finance where body.string("entryKind") == "voucher":
      let unit = body["accountingUnit"]?.object
      return [
        key([
          unit?.string("siteId"), unit?.string("budgetUnitCode"),
          body["fiscalYear"]?.integer.map { "\($0)" }, body.string("voucherForm"),
          body.string("voucherNumber"),
        ])
      ]
    case .finance, .directive, .registry: return []
    }
  }

  /// Another record has a key of this one, and no decision of the owner names both.
  private func hasRival(_ put: ModelEntry) -> Bool {
    guard put.operation == "put" else { return false }
    return keys(of: put).contains { key in
      let rivals = shownRecords.filter { $0.kind == put.kind && keys(of: $0).contains(key) }
      return rivals.contains { rival in
        rival.record != put.record && !isDecided(rivals.map(\.record), [put, rival])
      }
    }
  }

  private func isDecided(_ records: [RecordKey], _ rivals: [ModelEntry]) -> Bool {
    records.flatMap(writes).contains { event in
      event.type == "conflictDecided"
        && rivals.allSatisfy { rival in
          (entries[rival.record] ?? []).contains {
            $0.isVersion && event.parents.contains($0.digest)
          }
        }
    }
  }

  func documents(named name: String?) -> [ModelEntry] {
    shownRecords.filter { $0.kind == .document && $0.body.string("documentId") == name }
  }

  func targets(of put: ModelEntry) -> [String] {
    put.body["businessDocType"]?.integer == 0
      ? [] : put.body.list("replacementInfo").compactMap { $0.string("documentId") }
  }

  /// D9, T8 and F5: what it refers to must be here; of a source only the centre can tell.
  private func waits(_ put: ModelEntry) -> Bool {
    guard put.operation == "put" else { return false }
    switch put.kind {
    case .document: return targets(of: put).contains { documents(named: $0).isEmpty }
    case .directive:
      return site == centre && documents(named: put.body.string("sourceDocumentId")).isEmpty
    case .finance: return adjusted(by: put).map { shown($0) == nil } ?? false
    case .registry: return false
    }
  }

  func adjusted(by put: ModelEntry) -> RecordKey? {
    put.body["correction"]?.object?.string("adjustsRecordId").flatMap { RecordID($0) }
      .map { RecordKey(kind: .finance, id: $0) }
  }
}
