import Replication

/// A file as the content of a record names it: whatever kind of record, under `attachments`.
struct AttachedFile: Hashable {
  let name: Text
  let digest: Digest
  let byteCount: Int64

  init?(_ object: JSONObject) {
    guard let name = object["attachmentName"]?.text,
      let digest = object["digest"]?.text.flatMap(Digest.init(tagged:)),
      let byteCount = object["sizeBytes"]?.integer
    else { return nil }
    self.name = name
    self.digest = digest
    self.byteCount = byteCount
  }

  /// Those of a record, its events and versions included, in their order, each once.
  static func all(in object: JSONObject) -> [AttachedFile] {
    var found: [AttachedFile] = []
    var known: Set<AttachedFile> = []
    // Depth is bounded: all of it came through the parser.
    func collect(_ value: JSONValue, under key: Text?) {
      switch value {
      case .object(let object):
        if key == "attachments", let file = AttachedFile(object), known.insert(file).inserted {
          found.append(file)
        }
        for member in object.members { collect(member.value, under: member.key) }
      case .array(let items): for item in items { collect(item, under: key) }
      case .null, .bool, .integer, .string: break
      }
    }
    collect(.object(object), under: nil)
    return found
  }

  /// For the reader of a record: what is here of its files. nil when it names none. A verdict of
  /// this site, beside the content and part of no digest.
  static func states(
    of content: JSONObject, in view: some RecordView
  ) throws(StoreError) -> JSONValue? {
    var states: [JSONValue] = []
    for file in all(in: content) {
      let isHere = try view.fileState(of: file.digest) == .here
      states.append(
        .object([
          "attachmentName": .string(file.name), "digest": .string(file.digest.tagged),
          "sizeBytes": .integer(file.byteCount),
          "bodyState": .string(isHere ? "here" : "pending"),
        ]))
    }
    return states.isEmpty ? nil : .array(states)
  }
}
