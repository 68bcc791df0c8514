/// The entry by which an owner ends a conflict: it names all versions as its parents, so it
/// replicates like any other and can itself be seen to conflict.
package struct DecisionPlan: Hashable, Sendable {
  package let operation: Operation
  /// What an application would have sent; ``Submission/read(kind:operation:id:json:)`` takes it.
  package let input: JSONObject
}

/// What the owner keeps.
package enum Keep: Hashable, Sendable {
  /// One of the current puts of the record.
  case version(Digest)
  /// Of the records that claim one key, this one keeps it.
  case record(RecordID)
}

/// Why there is nothing to decide.
package enum DecisionRefusal: Error, Hashable, Sendable {
  case notHere(RecordKey)
  case notOwner(SiteID)
  case notInConflict
  case unknownVersion(Digest)
  case unknownRecord(RecordID)
}

extension Reconciler {
  /// Plans the owner's decision about the conflict of `record`; writes nothing.
  package func plan(
    _ keep: Keep, of record: RecordKey, reason: Text?, in view: some RecordView
  ) throws(StoreError) -> Result<DecisionPlan, DecisionRefusal> {
    guard let summary = try view.summary(of: record), let owner = summary.owner else {
      return .failure(.notHere(record))
    }
    guard owner == site else { return .failure(.notOwner(owner)) }
    guard !summary.conflicts.isEmpty else { return .failure(.notInConflict) }
    let resolution = Resolution(of: try view.entries(of: record))
    switch keep {
    case .version(let digest):
      guard let kept = resolution.current.first(where: { $0.digest == digest }) else {
        return .failure(.unknownVersion(digest))
      }
      return .success(planOfVersion(kept, record, summary, resolution))
    case .record(let id):
      return try planOfRecord(id, record, resolution, reason, in: view)
    }
  }

  private func planOfVersion(
    _ kept: Entry, _ record: RecordKey, _ summary: RecordSummary, _ resolution: Resolution
  ) -> DecisionPlan {
    var input = kept.body.flatMap { (try? JSONValue.parse($0))?.object } ?? JSONObject()
    input["recordId"] = .string(Text(record.id.description))
    input["revision"] = .integer(Int64(clamping: summary.greatestRevision.value + 1))
    input["secrecyLevel"] = .string(Text(SecrecyLevel.none.description))
    input["parents"] = Self.list(resolution.current.map(\.digest))
    return DecisionPlan(operation: kept.header.operation, input: input)
  }

  /// The event id is made of what is decided, so that the same decision asked twice is one.
  private func planOfRecord(
    _ id: RecordID, _ record: RecordKey, _ resolution: Resolution, _ reason: Text?,
    in view: some RecordView
  ) throws(StoreError) -> Result<DecisionPlan, DecisionRefusal> {
    var claimants: Set<RecordKey> = []
    for put in resolution.current {
      for key in put.facts??.claims ?? [] {
        let rivals = try view.claimants(of: key)
        if rivals.count > 1 { claimants.formUnion(rivals) }
      }
    }
    guard claimants.contains(RecordKey(kind: record.kind, id: id)) else {
      return .failure(claimants.isEmpty ? .notInConflict : .unknownRecord(id))
    }
    var parents: Set<Digest> = []
    for claimant in claimants {
      parents.formUnion(
        Resolution(of: try view.entries(of: claimant)).current.map(\.digest))
    }
    let sorted = parents.sorted()
    let name = hashing.digest(sorted.flatMap(\.bytes) + id.raw.raw.bytes).raw
    let event = UniqueID(Bytes16(high: name.first, low: name.second))
    var input: JSONObject = [
      "type": .string(EntryFacts.conflictDecided),
      "eventId": .string(Text(event.description)),
      "recordId": .string(Text(record.id.description)),
      "keep": .string(Text(id.description)),
      "parents": Self.list(sorted),
    ]
    input["reason"] = reason.map { .string($0) }
    return .success(DecisionPlan(operation: .append, input: input))
  }

  private static func list(_ digests: [Digest]) -> JSONValue {
    .array(digests.sorted().map { .string(Text($0.description)) })
  }
}
