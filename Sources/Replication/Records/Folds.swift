/// One appended or annotated entry as a fold reads it. Folds take them in the one order, each event
/// id once.
package struct FoldedEvent: Sendable {
  package let id: EventID
  package let operation: Operation
  package let author: SiteID
  package let body: JSONObject

  package init(id: EventID, operation: Operation, author: SiteID, body: JSONObject) {
    self.id = id
    self.operation = operation
    self.author = author
    self.body = body
  }
}

/// A last-writer-wins field: nothing is lost, only outranked.
package struct LastWriter: Hashable, Sendable {
  /// nil: never written.
  package let current: JSONValue?
  /// Oldest first.
  package let losers: [JSONValue]
}
