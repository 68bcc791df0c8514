import Cryptography
import Operations
import Replication

/// A file that is to stand beside a record: its name there, where it is, and what it is.
struct LocalFile: Hashable {
  /// `attachmentName` in the record; empty for a file brought without one.
  let name: String
  let path: String
  let digest: Digest
  let byteCount: Int64

  /// Reads the whole file, a piece at a time.
  init(name: String, path: String) throws(CommandFailure) {
    self.name = name
    self.path = path
    (digest, byteCount) = try FileSource(path).measured()
  }

  var digestText: Text { digest.tagged }

  /// From name and content, so that `sign --file` and `put --file` make the same body.
  var contentID: UniqueID {
    let name = OpenSSLHash().digest(Array(self.name.utf8), digest.bytes).raw
    return UniqueID(Bytes16(high: name.first, low: name.second))
  }

  /// By the ending of the name: a hint for readers, which nothing here relies on.
  var contentType: Text {
    let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
    return Self.contentTypes[ending] ?? "application/octet-stream"
  }

  private static let contentTypes: [String: Text] = [
    "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "xml": "application/xml",
    "json": "application/json", "zip": "application/zip", "png": "image/png",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "tif": "image/tiff", "tiff": "image/tiff",
    "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
  ]
}

extension JSONObject {
  /// Fills digest and size of each file into the attachment of its name, the next one where a name
  /// stands twice; adds one where there is none.
  /// - Throws: when the attachment already says another digest or size: the record may be signed.
  mutating func attach(_ files: [LocalFile]) throws(CommandFailure) {
    var attachments = self["attachments"]?.array ?? []
    var filled: Set<Int> = []
    for file in files {
      let name = JSONValue.string(Text(file.name))
      let place = attachments.indices.first {
        !filled.contains($0) && attachments[$0].object?["attachmentName"] == name
      }
      guard let place, var entry = attachments[place].object else {
        filled.insert(attachments.count)
        attachments.append(
          .object([
            "contentId": .string(Text(file.contentID.description)), "attachmentName": name,
            "contentType": .string(file.contentType), "sizeBytes": .integer(file.byteCount),
            "digest": .string(file.digestText),
          ]))
        continue
      }
      filled.insert(place)
      try entry.fill("digest", .string(file.digestText), from: file)
      try entry.fill("sizeBytes", .integer(file.byteCount), from: file)
      if entry["contentId"] == nil {
        entry["contentId"] = .string(Text(file.contentID.description))
      }
      if entry["contentType"] == nil { entry["contentType"] = .string(file.contentType) }
      attachments[place] = .object(entry)
    }
    self["attachments"] = .array(attachments)
  }

  private mutating func fill(
    _ key: Text, _ value: JSONValue, from file: LocalFile
  ) throws(CommandFailure) {
    guard let declared = self[key] else {
      self[key] = value
      return
    }
    guard declared == value else {
      let (name, path) = (visibleText(file.name), visibleText(file.path))
      let actual = visibleText(String(decoding: value.canonicalBytes, as: UTF8.self))
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "bản ghi khai \(key) khác cho \(name): \(path) có \(actual)",
          en: "the record says another \(key) of \(name): \(path) has \(actual)"),
        hint: LocalText(
          vi: "Chỉ đúng tệp, hoặc bỏ \(key) khỏi bản ghi để tự điền.",
          en: "Name the right file, or leave \(key) out of the record to have it filled in."))
    }
  }
}
