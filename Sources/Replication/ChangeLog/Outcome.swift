/// What a site did with an entry. Raw values are on the wire and on disk.
package enum OutcomeState: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case applied = 0
  case held = 1
  case conflict = 2
  case quarantined = 3
  case refused = 4

  package var description: String {
    switch self {
    case .applied: "applied"
    case .held: "held"
    case .conflict: "conflict"
    case .quarantined: "quarantined"
    case .refused: "refused"
    }
  }
}

/// Why an entry is not simply applied. Raw values are on the wire and on disk: never renumber.
package enum OutcomeCode: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case none = 0
  case registryMissing = 1
  case referenceMissing = 2
  case recordMissing = 3
  /// A stub whose body nothing allows to be gone (law 2): of what never loses it, or current here.
  case bodyMissing = 4
  case fork = 10
  case severalPuts = 11
  case duplicateKey = 12
  case identityFork = 13
  case malformed = 20
  case unknownOperation = 21
  case unknownSite = 22
  case notOwner = 23
  case notEntitled = 24
  case notAllowed = 25
  case audienceMismatch = 26
  case registrySignature = 27
  case registryAhead = 28
  case laneMismatch = 29
  case secrecy = 30
  case foreignOrigin = 31
  case crashed = 32
  /// A code that the lists of the entry's registry revision do not know on its day.
  case unknownCode = 33
  /// A change of a document by who is neither its issuer nor a superior (D4).
  case notSuperior = 40
  /// A voucher after the closing of its period (F4).
  case periodClosed = 41
  /// A voucher and its closing stand on two branches of one log: they have no order (law 5).
  case periodUnordered = 42
  /// A full reversal that does not bring the voucher and its adjustments to zero (F6).
  case reversalMismatch = 43
  /// A second full reversal of one voucher (F6).
  case reversalRepeated = 44
  /// An adjustment after the full reversal (F6).
  case adjustsReversed = 45
  /// An adjustment of what is no posted voucher of the same unit (F5).
  case adjustsForeign = 46
  /// A closing whose count, numbers or balances are not those of its vouchers (F11).
  case closingMismatch = 47
  /// Applied, with a signature that this site finds not valid: a verdict, not a state.
  case signatureInvalid = 60

  /// Whether only a person may let the entry go on.
  package var needsRelease: Bool { self == .crashed || self == .registryAhead }

  /// Whether the record waits for what is not here; other codes of a record are conflicts.
  package var isHold: Bool { self == .referenceMissing || self == .bodyMissing }

  /// Whether it is between this site and who sent it: while a site catches up, each stub is current
  /// until its successor comes, and no author need hear of that.
  var isOfTheWay: Bool { self == .bodyMissing }

  package var description: String {
    switch self {
    case .none: "none"
    case .registryMissing: "registry-missing"
    case .referenceMissing: "reference-missing"
    case .recordMissing: "record-missing"
    case .bodyMissing: "body-missing"
    case .fork: "fork"
    case .severalPuts: "several-puts"
    case .duplicateKey: "duplicate-key"
    case .identityFork: "identity-fork"
    case .malformed: "malformed"
    case .unknownOperation: "unknown-operation"
    case .unknownSite: "unknown-site"
    case .notOwner: "not-owner"
    case .notEntitled: "not-entitled"
    case .notAllowed: "not-allowed"
    case .audienceMismatch: "audience-mismatch"
    case .registrySignature: "registry-signature"
    case .registryAhead: "registry-ahead"
    case .laneMismatch: "lane-mismatch"
    case .secrecy: "secrecy"
    case .foreignOrigin: "foreign-origin"
    case .crashed: "crashed"
    case .unknownCode: "unknown-code"
    case .notSuperior: "not-superior"
    case .periodClosed: "period-closed"
    case .periodUnordered: "period-unordered"
    case .reversalMismatch: "reversal-mismatch"
    case .reversalRepeated: "reversal-repeated"
    case .adjustsReversed: "adjusts-reversed"
    case .adjustsForeign: "adjusts-foreign"
    case .closingMismatch: "closing-mismatch"
    case .signatureInvalid: "signature-invalid"
    }
  }
}

/// A site's outcome for one entry, as it travels back to the entry's origin.
package struct Outcome: Hashable, Sendable {
  /// The site whose outcome it is.
  package let site: SiteID
  package let entry: EntryIdentity
  package let state: OutcomeState
  package let code: OutcomeCode

  package init(site: SiteID, entry: EntryIdentity, state: OutcomeState, code: OutcomeCode) {
    self.site = site
    self.entry = entry
    self.state = state
    self.code = code
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(site)
    writer.write(entry.origin)
    writer.write(entry.incarnation.raw)
    writer.write(entry.sequence.value)
    writer.write(state.rawValue)
    writer.write(code.rawValue)
  }

  package init(from reader: inout ByteReader) throws(ByteError) {
    let site = try reader.readSiteID()
    let origin = try reader.readSiteID()
    let incarnation = Incarnation(try reader.readBytes16())
    let sequence = SequenceNumber(try reader.readUInt64())
    let position = reader.offset
    guard let state = OutcomeState(rawValue: try reader.readUInt8()) else {
      throw .invalid(field: "outcome state", at: position)
    }
    guard let code = OutcomeCode(rawValue: try reader.readUInt8()) else {
      throw .invalid(field: "outcome code", at: position + 1)
    }
    self.init(
      site: site,
      entry: EntryIdentity(origin: origin, incarnation: incarnation, sequence: sequence),
      state: state, code: code)
  }
}
