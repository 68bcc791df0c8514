/// What an entry does. Codes 5 and 6 are reserved for the hand-over of ownership; they and codes
/// this version does not know decode, and are quarantined until the upgrade.
package enum Operation: Hashable, Sendable, CustomStringConvertible {
  case genesis
  case put
  case append
  case annotate
  case withdraw
  case offer
  case accept
  case unknown(UInt8)

  package init(code: UInt8) {
    switch code {
    case 0: self = .genesis
    case 1: self = .put
    case 2: self = .append
    case 3: self = .annotate
    case 4: self = .withdraw
    case 5: self = .offer
    case 6: self = .accept
    case let other: self = .unknown(other)
    }
  }

  package var code: UInt8 {
    switch self {
    case .genesis: 0
    case .put: 1
    case .append: 2
    case .annotate: 3
    case .withdraw: 4
    case .offer: 5
    case .accept: 6
    case .unknown(let code): code
    }
  }

  package var description: String {
    switch self {
    case .genesis: "genesis"
    case .put: "put"
    case .append: "append"
    case .annotate: "annotate"
    case .withdraw: "withdraw"
    case .offer: "offer"
    case .accept: "accept"
    case .unknown(let code): "operation-\(code)"
    }
  }
}

/// The owner's number of a put or withdrawal, from 1.
package struct Revision: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let value: UInt64
  package init(_ value: UInt64) { self.value = value }
  package var description: String { "\(value)" }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What an entry is of its record: with the record's key, the caller's idempotency key.
package enum Subject: Hashable, Sendable {
  case none
  case revision(Revision)
  case event(EventID)
}

/// Number and digest of the registry an entry was authored under; number 0 is built in.
package struct RegistryRevision: Hashable, Sendable, CustomStringConvertible {
  package let number: UInt64
  package let digest: Digest
  package init(number: UInt64, digest: Digest) {
    self.number = number
    self.digest = digest
  }
  package static let builtIn = RegistryRevision(number: 0, digest: .zero)
  package var description: String { "\(number)" }
}

/// 1 + the greatest depth the author held: causality in one number. Saturates at 2^32-1.
package struct Depth: Hashable, Comparable, Sendable {
  package let value: UInt32
  package init(_ value: UInt32) { self.value = value }
  package static let zero = Depth(0)
  package var next: Depth { Depth(value == .max ? .max : value + 1) }
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Everything about an entry but its body's bytes. Encoded byte for byte as
/// `ChangeLog/EntryCoding.swift` documents.
package struct EntryHeader: Hashable, Sendable {
  package static let maximumAudienceCount = 255
  package static let maximumParentCount = 255
  package static let maximumExtensionByteCount = 1024

  package var identity: EntryIdentity
  package var time: HybridTime
  package var operation: Operation
  /// nil in a genesis only.
  package var record: RecordKey?
  package var subject: Subject
  /// Digests of the entries this one builds on or decides between.
  package var parents: [Digest]
  package var depth: Depth
  package var registry: RegistryRevision
  package var lane: Lane
  package var secrecy: SecrecyLevel
  /// Sites named by this entry itself, sorted, each once; origin and centre need not be.
  package var audience: [SiteID]
  /// Fields of a later version: kept and digested verbatim.
  package var extensions: [UInt8] = []

  package init(
    identity: EntryIdentity, time: HybridTime, operation: Operation, record: RecordKey?,
    subject: Subject, parents: [Digest], depth: Depth, registry: RegistryRevision, lane: Lane,
    secrecy: SecrecyLevel, audience: [SiteID]
  ) {
    self.identity = identity
    self.time = time
    self.operation = operation
    self.record = record
    self.subject = subject
    self.parents = parents
    self.depth = depth
    self.registry = registry
    self.lane = lane
    self.secrecy = secrecy
    self.audience = audience
  }
}

/// One unit of the log. Immutable: header bytes, body bytes and digest belong together for ever.
/// With `body == nil` it is a stub: still dedup mark, fork detector and Merkle leaf.
package struct Entry: Sendable {
  package static let maximumBodyByteCount = 256 * 1024

  /// Shared by all copies: an entry is handed on a dozen times while it is placed, and five of its
  /// parts are counted references.
  @usableFromInline
  final class Content: Sendable {
    @usableFromInline let header: EntryHeader
    @usableFromInline let headerBytes: [UInt8]
    @usableFromInline let bodyDigest: Digest
    @usableFromInline let body: [UInt8]?
    @usableFromInline let digest: Digest

    init(
      _ header: EntryHeader, _ headerBytes: [UInt8], _ bodyDigest: Digest, _ body: [UInt8]?,
      _ digest: Digest
    ) {
      self.header = header
      self.headerBytes = headerBytes
      self.bodyDigest = bodyDigest
      self.body = body
      self.digest = digest
    }
  }

  @usableFromInline let content: Content

  @inlinable package var header: EntryHeader { content.header }
  /// Of the header; nil in a genesis only.
  package var record: RecordKey? { content.header.record }
  package var subject: Subject { content.header.subject }
  @inlinable package var headerBytes: [UInt8] { content.headerBytes }
  @inlinable package var bodyDigest: Digest { content.bodyDigest }
  @inlinable package var body: [UInt8]? { content.body }
  /// SHA-256(0x00 ‖ header ‖ SHA-256(body)): an RFC 6962 leaf, so that tree heads can be
  /// laid over later.
  @inlinable package var digest: Digest { content.digest }

  private init(
    _ header: EntryHeader, _ headerBytes: [UInt8], _ bodyDigest: Digest, body: [UInt8]?,
    hashing: some SHA256Hashing
  ) {
    var leaf = ByteWriter(reserving: 1 + headerBytes.count + 32)
    leaf.write(UInt8(0))
    leaf.write(headerBytes)
    leaf.write(bodyDigest.raw)
    content = Content(header, headerBytes, bodyDigest, body, hashing.digest(leaf.bytes))
  }

  /// A new entry of this site.
  /// - Precondition: the header's lists and the body are within their bounds, the audience sorted.
  package init(authoring header: EntryHeader, body: [UInt8], hashing: some SHA256Hashing) {
    precondition(body.count <= Self.maximumBodyByteCount, "body of \(body.count) bytes")
    self.init(header, header.encoded, hashing.digest(body), body: body, hashing: hashing)
  }

  /// An entry as it came from a peer or from disk; digests are computed, never believed.
  /// - Throws: when the header is malformed or the body too long.
  package init(
    headerBytes: [UInt8], body: [UInt8], hashing: some SHA256Hashing
  ) throws(ByteError) {
    guard body.count <= Self.maximumBodyByteCount else {
      throw .tooLong(field: "body", at: 0, count: body.count, limit: Self.maximumBodyByteCount)
    }
    let header = try EntryHeader(decoding: headerBytes)
    self.init(header, headerBytes, hashing.digest(body), body: body, hashing: hashing)
  }

  /// A stub as it came from a peer or from disk.
  package init(
    headerBytes: [UInt8], bodyDigest: Digest, hashing: some SHA256Hashing
  ) throws(ByteError) {
    let header = try EntryHeader(decoding: headerBytes)
    self.init(header, headerBytes, bodyDigest, body: nil, hashing: hashing)
  }

  private init(stubOf entry: Entry) {
    content = Content(entry.header, entry.headerBytes, entry.bodyDigest, nil, entry.digest)
  }

  /// The same entry without its body; same digest.
  package var stub: Entry { Entry(stubOf: self) }

  /// Header and body bytes: what it counts in the bounds of a read or a frame.
  package var byteCount: Int { headerBytes.count + (body?.count ?? 0) }
  /// About what it takes in memory: its bytes, and the object that all its copies share.
  package var memoryByteCount: Int { byteCount + Self.contentByteCount }
  private static let contentByteCount =
    MemoryLayout<EntryHeader>.size + 2 * MemoryLayout<Digest>.size + 2 * MemoryLayout<[UInt8]>.size

  package var identity: EntryIdentity { header.identity }
  package var origin: SiteID { header.identity.origin }

  /// The one order of folds and last-writer fields (design.md section 3).
  package var foldPosition: FoldPosition {
    FoldPosition(
      depth: header.depth, time: header.time, site: header.identity.origin, digest: digest)
  }
}

/// Two entries of one digest have the same header and the same body, or one of them has none.
extension Entry: Hashable {
  package static func == (left: Self, right: Self) -> Bool {
    left.digest == right.digest && (left.body == nil) == (right.body == nil)
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// (depth, time, site, digest): causality first, clocks last, and no two entries equal.
package struct FoldPosition: Hashable, Comparable, Sendable {
  package let depth: Depth
  package let time: HybridTime
  package let site: SiteID
  package let digest: Digest

  package static func < (left: Self, right: Self) -> Bool {
    (left.depth, left.time, left.site, left.digest)
      < (right.depth, right.time, right.site, right.digest)
  }
}
