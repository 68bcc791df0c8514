/// One appended or annotated entry as a fold reads it. Folds take them in the one order, each event
/// id once.
package struct FoldedEvent: Sendable {
  package let id: EventID
  package let operation: Operation
  package let author: SiteID
  /// The author's claim.
  package let time: HybridTime
  package let digest: Digest
  /// What the author had seen last when it wrote this: causality, which no clock can bend.
  package let parents: [Digest]
  package let body: JSONObject

  package init(
    id: EventID, operation: Operation, author: SiteID, time: HybridTime = .zero,
    digest: Digest = .zero, parents: [Digest] = [], body: JSONObject
  ) {
    self.id = id
    self.operation = operation
    self.author = author
    self.time = time
    self.digest = digest
    self.parents = parents
    self.body = body
  }

  /// The event's type; empty for an annotation.
  package var type: Text { body.text(.type) ?? "" }
}

/// A last-writer-wins field: nothing is lost, only outranked.
package struct LastWriter: Hashable, Sendable {
  /// nil: never written.
  package let current: JSONValue?
  /// Oldest first.
  package let losers: [JSONValue]
}
