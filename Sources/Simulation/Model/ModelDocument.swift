import Replication

/// Documents: receipts, late addressees, keywords, and what recalls and replacements do.
extension ReferenceModel {
  func addDocument(
    _ put: ModelEntry, _ events: [ModelEntry], _ marks: [ModelEntry],
    to said: inout [String: JSONValue]
  ) {
    let receipts = events.filter { $0.type == "receipt" }
    let others = events.filter { $0.type != "receipt" }
    said["receipts[].receiptId"] = .texts(receipts.map(\.event))
    said["events[].eventId"] = others.isEmpty ? .null : .texts(others.map(\.event))
    let words = ([put] + marks).compactMap { $0.body["keywords"] }
    said["keywords"] = words.last ?? .null
    said["outrankedKeywords"] = words.count < 2 ? .null : .array(words.dropLast())
    let recipients = recipients(of: put)
    said["derived.recipients[].siteId"] = .texts(recipients)
    let steps = recipients.map { site in
      receipts.filter { $0.site == site }.compactMap { $0.body.string("statusCode") }
    }
    said["derived.recipients[].status"] = .array(steps.map(status))
    said["derived.recipients[].answer"] = .array(
      steps.map { $0.last { $0 > "06" }.map { .string(Text($0)) } ?? .null })
    let changes = changes(of: put, asked: [])
    let recall = changes.first { $0.body["businessDocType"]?.integer == 1 }
    let isReplaced = changes.contains { $0.body["businessDocType"]?.integer == 3 }
    said["effectStatus"] = .string(
      recall.map { isIssuer($0, of: put) ? "revoked" : "abolished" }
        ?? (isReplaced ? "replaced" : "effective"))
    said["effectChangedBy[].recordId"] =
      changes.isEmpty ? .null : .texts(changes.map(\.record.id.description))
    guard recall != nil, put.site != site else { return }
    said["contentHidden"] = .bool(true)
    for field in ["subject", "attachments", "signerInfo", "keywords", "outrankedKeywords"] {
      said[field] = .null
    }
  }

  /// The last step that followed from the one before (domain.md 3.4).
  private func status(_ codes: [String]) -> JSONValue {
    let next = [
      "": ["01", "02", "03", "04", "05", "06"], "01": ["02", "03"], "03": ["04", "05", "06"],
      "04": ["04", "05", "06"], "05": ["04", "05", "06"],
    ]
    let last = codes.reduce("") { next[$0, default: []].contains($1) ? $1 : $0 }
    return last.isEmpty ? .null : .string(Text(last))
  }

  /// `to`, the late ones, and those of what it recalls or replaces, each once.
  private func recipients(of put: ModelEntry) -> [String] {
    let all = [put] + targets(of: put).flatMap(documents(named:))
    let named = all.flatMap { document in
      let late = writes(of: document.record).filter { $0.type == "addressed" }
      return ([document] + late.filter { $0.site == document.site })
        .flatMap { $0.body.list("to").compactMap { $0.string("siteId") } }
    }
    var seen: Set<String> = []
    return named.filter { seen.insert($0).inserted }
  }

  /// D4: what issuer or centre wrote about it and nobody recalled in turn, by record.
  private func changes(of put: ModelEntry, asked: Set<RecordKey>) -> [ModelEntry] {
    guard let name = put.body.string("documentId") else { return [] }
    return shownRecords.filter { other in
      other.kind == .document && targets(of: other).contains(name)
        && !asked.contains(other.record) && (isIssuer(other, of: put) || other.site == centre)
        && !isRecalled(other, asked: asked.union([put.record]))
    }
  }

  func isRecalled(_ put: ModelEntry, asked: Set<RecordKey> = []) -> Bool {
    changes(of: put, asked: asked).contains { $0.body["businessDocType"]?.integer == 1 }
  }

  private func isIssuer(_ other: ModelEntry, of put: ModelEntry) -> Bool {
    other.body["from"] == put.body["from"]
  }
}
