/// What a kind's file reads out of one entry: a pure function of operation and canonical body, the
/// same at every site. Reconciliation routes, claims and refers by it and knows no field of a kind.
package struct EntryFacts: Hashable, Sendable {
  /// Sites the body itself names, ascending, each once. Equal to the header's audience.
  package var audience: [SiteID] = []
  /// Puts only: the lane a first put fixes for its record.
  package var lane: Lane?
  /// Keys that no other record may claim: document id and number, voucher number.
  package var claims: [UniqueKey] = []
  /// Names by which entries of other records refer to this record.
  package var names: [UniqueKey] = []
  /// What this entry refers to.
  package var references: [Reference] = []
  /// The type of an append; nil for other operations.
  package var eventType: Text?
  /// Whether the entry goes wherever its record goes (law 4): a receipt does not.
  package var sharesRecordAudience = true
  /// Whether, coming from the owner, its audience is added to its record's: a late addressee.
  package var widensRecordAudience = false

  package init() {}
}

/// A reference from an entry to a record known by a name.
package struct Reference: Hashable, Sendable {
  package let key: UniqueKey
  /// A revocation or replacement goes wherever its target went.
  package let spreadsAudience: Bool
  package init(key: UniqueKey, spreadsAudience: Bool) {
    self.key = key
    self.spreadsAudience = spreadsAudience
  }
}
