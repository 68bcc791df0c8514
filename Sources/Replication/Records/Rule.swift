/// One rule of a kind (D1-D10, T1-T9, F1-F13 of domain.md section 9), as people are told of it.
/// Each stands in its kind's file, next to the line that enforces it.
package struct Rule: Hashable, Sendable, CustomStringConvertible {
  /// `F4`
  package let id: String
  /// What to do, after the field and its value: "must ...; do ...".
  package let vietnamese: String
  package let english: String

  init(_ id: String, vi: String, en: String) {
    self.id = id
    vietnamese = vi
    english = en
  }

  package var description: String { id }
}
