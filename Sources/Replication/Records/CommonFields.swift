/// Shapes that more than one kind uses.
extension Schema {
  /// An office and the site that serves it. The organ code is opaque text of at most 35 characters.
  static let organ = Schema([
    .required("siteId", .site), .required("organId", .text(maximumByteCount: 35)),
    .required("organName", .line), .optional("organIdScheme", .name),
  ])

  /// A file beside the record, by digest.
  static let attachment = Schema([
    .required("contentId", .uniqueID), .required("attachmentName", .line),
    .required("contentType", .name), .required("sizeBytes", .integer(0...JSONValue.maximumInteger)),
    .required("digest", .format(.digest)), .optional("description", .line),
  ])

  /// A signature over a record's ``SignatureManifest``, added by its owner; `value` is the CMS
  /// structure, in which all else stands; the other fields are for the reader's eye. Verification
  /// is a local verdict and no part of the structure.
  static let signature = Schema([
    .required("type", .oneOf(["signature"])), .required("signerRole", .line),
    .optional("organId", .text(maximumByteCount: 35)),
    .optional("revision", .integer(1...JSONValue.maximumInteger)),
    .optional("format", .name), .optional("digestAlgorithm", .name),
    .optional("signatureAlgorithm", .name), .optional("certificateSerial", .name),
    .optional("signingTime", .instant), .optional("timestampToken", .bool),
    .optional("covers", .format(.digest)), .optional("value", .format(.base64)),
    .optional("bySite", .site), .optional("at", .instant),
  ])

  /// A time-stamp token that a signature gained later (domain.md section 7).
  static let timestamp = Schema([
    .required("type", .oneOf(["timestamp"])), .required("signatureEventId", .uniqueID),
    .required("token", .format(.base64)), .optional("bySite", .site), .optional("at", .instant),
  ])

  /// The owner's decision between records that claim one key; its parents are their puts.
  static let conflictDecided = Schema([
    .required("type", .oneOf([EntryFacts.conflictDecided])), .required("keep", .uniqueID),
    .optional("reason", .prose), .optional("bySite", .site), .optional("at", .instant),
  ])

  static let approval: [Field] = [
    .required("role", .line), .required("signedAt", .instant), .optional("signature", .prose),
  ]

  /// Types of the events that every kind has.
  static let commonTypes: [Text] = ["signature", "timestamp", EntryFacts.conflictDecided]

  static func common(ofType type: Text) -> Schema? {
    switch type {
    case "signature": signature
    case "timestamp": timestamp
    case EntryFacts.conflictDecided: conflictDecided
    default: nil
    }
  }
}

extension JSONObject {
  /// The files that a list of attachments under `key` names.
  func files(_ key: Text) -> [FileReference] {
    var files: [FileReference] = []
    forEachObject(in: key) { object in
      guard let digest = object.text(.digest).flatMap(Digest.init(tagged:)),
        let size = object.integer(.sizeBytes).flatMap({ UInt64(exactly: $0) })
      else { return }
      files.append(FileReference(digest: digest, size: size))
    }
    return files
  }
}

extension RecordKind {
  /// The files that a put's body names. Its facts say the same; this alone is much less to read,
  /// for a put whose body was found to be lawful when it was placed.
  func files(namedBy body: JSONObject) -> [FileReference] {
    switch self {
    case .document: body.files(.attachments)
    case .directive, .finance, .registry: []
    }
  }
}

extension Digest {
  /// As records write it: `sha-256:` and 64 lower-case hexadecimal digits.
  package var tagged: Text {
    var text: [UInt8] = []
    text.reserveCapacity(Self.taggedByteCount)
    appendTagged(to: &text)
    return Text(validated: text)
  }

  /// Of what ``tagged`` is.
  static let taggedByteCount = 8 + 64

  func appendTagged(to text: inout [UInt8]) {
    text.append(contentsOf: Self.tag.bytes.slice)
    for word in [raw.first, raw.second, raw.third, raw.fourth] {
      for shift in stride(from: 60, through: 0, by: -4) {
        text.append(hexDigit(UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15))
      }
    }
  }

  /// - Returns: nil unless `text` is `sha-256:` and 64 lower-case hexadecimal digits.
  package init?(tagged text: Text) { self.init(text, after: Self.tag) }

  /// - Returns: nil unless `text` is `tag` and 64 lower-case hexadecimal digits.
  init?(_ text: Text, after tag: Text) {
    guard text.bytes.count == tag.bytes.count + 64, text.bytes.begin(with: tag.bytes) else {
      return nil
    }
    let raw = text.bytes.withBorrowed { bytes, range -> Bytes32? in
      let start = range.upperBound - 64
      guard let first = bytes.hexWord(at: start), let second = bytes.hexWord(at: start + 16),
        let third = bytes.hexWord(at: start + 32), let fourth = bytes.hexWord(at: start + 48)
      else { return nil }
      return Bytes32(first, second, third, fourth)
    }
    guard let raw else { return nil }
    self.init(raw)
  }

  private static let tag: Text = "sha-256:"
}
