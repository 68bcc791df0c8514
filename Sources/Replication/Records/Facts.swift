/// What an entry's body says that others must know without reading it: a pure function of record,
/// operation and body, so every site comes to the same.
package struct EntryFacts: Hashable, Sendable {
  /// Sites this entry names, sorted, each once; owner and centre need not be.
  package var audience: [SiteID] = []
  /// The lane a put fixes for its record; nil for everything else.
  package var lane: Lane?
  /// Keys that no other record may claim; a second claimant is a conflict (rule NEVER).
  package var claims: [UniqueKey] = []
  /// Keys by which other entries refer to this record.
  package var names: [UniqueKey] = []
  package var references: [Reference] = []
  /// Codes from the registry's lists; each must be in its list on its day.
  package var codes: [CodeUse] = []
  /// Files beside the record that this entry names.
  package var files: [FileReference] = []
  /// Type of an appended event.
  package var eventType: Text?
  /// Who may write this.
  package var writer: Writer
  /// The site that the body says is acting; it must be the author.
  package var speaker: SiteID?

  /// Whether the entry goes wherever its record goes (law 4): a receipt does not.
  package var sharesRecordAudience = true
  /// Whether, coming from the owner, its audience becomes its record's: a late addressee.
  package var widensRecordAudience = false

  /// Whether this put is the record's only content for ever; a later revision is then the owner's
  /// decision between two bodies and repeats one of them.
  package var isWriteOnce = false

  package init(writer: Writer) { self.writer = writer }

  /// Type of the event by which an owner decides between records that claim one key.
  package static let conflictDecided: Text = "conflictDecided"
}

/// A body that was read: once on its way in, whoever asks of it then. One for all who do: facts are
/// a dozen lists.
package final class BodyReading: Sendable {
  package let object: JSONObject
  package let facts: EntryFacts

  init(object: JSONObject, facts: EntryFacts) {
    self.object = object
    self.facts = facts
  }
}

extension BodyReading: Hashable {
  package static func == (left: BodyReading, right: BodyReading) -> Bool {
    left === right || left.object == right.object && left.facts == right.facts
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(object) }
}

/// What reading an entry came to: a pure function of the entry, so it may be done ahead and on
/// another thread.
package enum EntryReading: Hashable, Sendable {
  case malformed
  /// A stub or a genesis, of which only the header speaks.
  case headerOnly
  case body(BodyReading)
}

/// What an entry refers to.
package struct Reference: Hashable, Sendable {
  /// Whether a record waits until what it refers to is here. Each site holds for itself.
  package enum Hold: Hashable, Sendable {
    case never
    /// Only the centre, which is entitled to everything, knows that what is not here is missing.
    case atCentre
    case everywhere
  }

  /// A name of the record that is referred to.
  package let key: UniqueKey
  /// The record itself, where it is referred to by its id and not by a name that it claims.
  package let record: RecordKey?
  /// A recall, update or replacement goes wherever its target went (law 4).
  package let spreadsAudience: Bool
  package let hold: Hold
  /// Whether records that refer to the same are judged together: adjustments of one voucher.
  package let judgesTogether: Bool

  init(
    to key: UniqueKey, spreadsAudience: Bool = false, hold: Hold = .never,
    judgesTogether: Bool = false
  ) {
    self.key = key
    record = nil
    self.spreadsAudience = spreadsAudience
    self.hold = hold
    self.judgesTogether = judgesTogether
  }

  init(to record: RecordKey, hold: Hold = .never, judgesTogether: Bool = false) {
    key = .record(record)
    self.record = record
    spreadsAudience = false
    self.hold = hold
    self.judgesTogether = judgesTogether
  }

  /// Under which the entry is found from the other end. What changes a document stands apart: it
  /// is asked for whenever the document or one of its tasks is shown, and the tasks that the
  /// document gave may be hundreds of thousands of entries.
  package var listedUnder: UniqueKey { spreadsAudience ? .changes(of: key) : key }
}

/// One use of a code that the registry lists, on the day on which it must be listed.
package struct CodeUse: Hashable, Sendable {
  package let list: CodeLists.Name
  package let code: Text
  /// nil: the local day of the entry's own time.
  package let day: CalendarDate?
  /// Where it stands in the body.
  package let path: String

  package init(_ list: CodeLists.Name, _ code: Text, on day: CalendarDate? = nil, at path: String) {
    self.list = list
    self.code = code
    self.day = day
    self.path = path
  }
}

/// A file beside a record: its content's SHA-256 and size in bytes.
package struct FileReference: Hashable, Sendable {
  package let digest: Digest
  package let size: UInt64
  package init(digest: Digest, size: UInt64) {
    self.digest = digest
    self.size = size
  }
}

/// The lawful writers of one operation or event type (domain.md section 9).
package enum Writer: Hashable, Sendable {
  case owner
  case centre
  case centreOrOwner
  /// A site the record is addressed to, under its own name.
  case addressee
  /// This site, which the event names.
  case site(SiteID)
  /// Any site under its own name: a fold keeps and flags what was not its to say (rule T3).
  case anySite
  case nobody(WhyNobody)
}

/// Operations that the law forbids to everyone.
package enum WhyNobody: Hashable, Sendable {
  /// A promulgated document is recalled by another document.
  case promulgated
  /// Accounts are corrected by adjustment vouchers only.
  case bookkeeping
  case registryIsPermanent
}

/// Whom the rules of a record speak of, as the entries held say.
package struct RecordParties: Sendable {
  package let owner: SiteID
  /// nil under the built-in registry, which knows no sites.
  package let centre: SiteID?
  /// Sites the record as a whole is for, sorted; late addressees included.
  package let addressees: [SiteID]

  package init(owner: SiteID, centre: SiteID?, addressees: [SiteID]) {
    self.owner = owner
    self.centre = centre
    self.addressees = addressees
  }
}

/// Why a site may not write what it wrote.
package enum AuthorityFault: Error, Hashable, Sendable, CustomStringConvertible {
  case notOwner(author: SiteID, owner: SiteID)
  case notCentre(author: SiteID)
  case notAddressee(author: SiteID)
  case notNamedSite(author: SiteID, named: SiteID)
  /// The body speaks for another site than the one that wrote it.
  case speaksForAnother(author: SiteID, speaker: SiteID)
  case forbidden(WhyNobody)

  package var description: String {
    switch self {
    case .notOwner(let author, let owner): "\(author) is not the record's owner, \(owner) is"
    case .notCentre(let author): "\(author) is not the centre"
    case .notAddressee(let author): "the record is not addressed to \(author)"
    case .notNamedSite(let author, let named): "only \(named) may write this, not \(author)"
    case .speaksForAnother(let author, let speaker): "\(author) speaks in the name of \(speaker)"
    case .forbidden(.promulgated):
      "a promulgated document is not withdrawn; recall it with a document of type 1"
    case .forbidden(.bookkeeping):
      "nothing in the books is withdrawn; write an adjustment voucher"
    case .forbidden(.registryIsPermanent): "the registry is not withdrawn; put its next revision"
    }
  }
}

extension EntryFacts {
  /// Whether `author` may write this to a record with these parties; nil when it may.
  package func authorityFault(author: SiteID, parties: RecordParties) -> AuthorityFault? {
    if let speaker, speaker != author {
      return .speaksForAnother(author: author, speaker: speaker)
    }
    let isOwner = author == parties.owner
    switch writer {
    case .owner: return isOwner ? nil : .notOwner(author: author, owner: parties.owner)
    case .centre: return author == parties.centre ? nil : .notCentre(author: author)
    case .centreOrOwner:
      let isLawful = isOwner || author == parties.centre
      return isLawful ? nil : .notOwner(author: author, owner: parties.owner)
    case .addressee:
      return parties.addressees.contains(author) ? nil : .notAddressee(author: author)
    case .site(let named):
      return author == named ? nil : .notNamedSite(author: author, named: named)
    case .anySite: return nil
    case .nobody(let reason): return .forbidden(reason)
    }
  }
}

extension UniqueKey {
  /// First byte of a key: which names live in one space.
  enum Space: UInt8 {
    case record = 1
    case documentID = 2
    case documentNumber = 3
    case voucherNumber = 4
    /// Vouchers of one unit and period, and what closes it.
    case period = 5
    case closing = 6
    /// The content of a file, by its digest: under it stand the entries that name it.
    case file = 7
    /// Full reversals of one voucher.
    case reversal = 8
    /// Recalls, updates and replacements of what has a name.
    case change = 9
  }

  /// Parts are prefixed with their length in 2 bytes, so no two lists of parts spell one key. The
  /// schemas keep every part short enough for ``maximumByteCount``.
  /// - Parameter parts: what is missing counts as empty.
  init(_ space: Space, _ parts: Text?...) {
    var byteCount = 1
    for part in parts { byteCount += 2 + (part?.bytes.count ?? 0) }
    precondition(byteCount <= Self.maximumByteCount, "key of \(byteCount) bytes")
    var writer = ByteWriter(reserving: byteCount)
    writer.write(space.rawValue)
    for part in parts {
      writer.write(UInt16(part?.bytes.count ?? 0))
      if let part { writer.write(text: part) }
    }
    self.init(writer.bytes)
  }

  private init(_ space: Space, kind: RecordKind? = nil, _ id: RecordID) {
    var writer = ByteWriter(reserving: 1 + 3 + 2 + 16)
    writer.write(space.rawValue)
    if let kind {
      writer.write(UInt16(1))
      writer.write(kind.rawValue)
    }
    writer.write(UInt16(16))
    writer.write(id.raw.raw)
    self.init(writer.bytes)
  }

  /// A key outside the spaces of records: what a site notes for itself.
  /// - Parameter write: what makes it one of its kind, of at most 64 bytes.
  init(_ name: StaticString, _ write: (inout ByteWriter) -> Void) {
    var writer = ByteWriter(reserving: 96)
    writer.write(name)
    write(&writer)
    self.init(writer.bytes)
  }

  /// The name every record has: its own id.
  package static func record(_ key: RecordKey) -> UniqueKey {
    UniqueKey(.record, kind: key.kind, key.id)
  }

  /// Under which the recalls, updates and replacements of what has this name are found.
  package static func changes(of name: UniqueKey) -> UniqueKey {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1 + name.bytes.count)
    bytes.append(Space.change.rawValue)
    bytes.append(contentsOf: name.bytes)
    return UniqueKey(bytes)
  }

  /// Under which the entries that name a file are found.
  package static func file(_ digest: Digest) -> UniqueKey {
    var writer = ByteWriter(reserving: 1 + 2 + 32)
    writer.write(Space.file.rawValue)
    writer.write(UInt16(32))
    writer.write(digest.raw)
    return UniqueKey(writer.bytes)
  }

  /// Under which the full reversals of a voucher are found, so that its other adjustments need not
  /// be read to know that there is none.
  static func reversals(of voucher: RecordKey) -> UniqueKey { UniqueKey(.reversal, voucher.id) }

  /// The name of a document that has this edXML id.
  package static func documentID(_ id: Text) -> UniqueKey {
    UniqueKey(.documentID, id)
  }
}

extension EntryFacts {
  /// Names `site`, if there is one.
  mutating func address(_ site: SiteID?) {
    guard let site else { return }
    // Few, and mostly in order.
    let place = audience.lastIndex { $0 <= site }
    if let place, audience[place] == site { return }
    if audience.isEmpty { audience.reserveCapacity(2) }
    audience.insert(site, at: place.map { $0 + 1 } ?? 0)
  }

  /// Names the site of each organ in the list under `key`.
  mutating func address(organsUnder key: Text, of body: JSONObject) {
    body.forEachObject(in: key) { address($0.site(.siteId)) }
  }
}

extension JSONObject {
  func site(_ key: Text) -> SiteID? { text(key).flatMap { SiteID($0) } }
  func date(_ key: Text) -> CalendarDate? { text(key).flatMap { CalendarDate($0) } }
  /// `siteId` of the organ under `key`.
  func organSite(_ key: Text) -> SiteID? { object(key)?.site(.siteId) }
  /// `siteId` of each organ in the list under `key`.
  func organSites(_ key: Text) -> [SiteID] { objects(key).compactMap { $0.site(.siteId) } }
}
