import Operations
import Replication

/// What a backup says of the store in it: `manifest.json`, the first file of the archive.
struct BackupManifest: Hashable {
  /// Of archives that this program writes and reads.
  static let format: Int64 = 1
  static let name = "manifest.json"
  static let storeName = "store.db"
  static let maximumByteCount = 64 * 1024

  let site: SiteID
  let storeID: Bytes16
  let incarnation: String
  let lsn: Int64
  let head: Digest
  let time: WallTime
  let schema: Int64
  let byteCount: Int64
  /// SHA-256 of the store.
  let digest: Digest

  /// From the daemon's answer or the file.
  /// - Returns: nil when a member is missing or is no such value.
  init?(_ object: JSONObject) {
    guard let site = object["site"]?.text.flatMap({ SiteID($0.bytes) }),
      let storeID = object["storeId"]?.text.flatMap({ hexBytes($0.string) })
        .flatMap({ Bytes16($0) }),
      let incarnation = object["incarnation"]?.text?.string,
      let lsn = object["lsn"]?.integer, lsn >= 0,
      let head = object["head"]?.text.flatMap({ hexBytes($0.string) }).flatMap({ Bytes32($0) }),
      let time = object["time"]?.text.flatMap({ WallTime(rfc3339: $0.string) }),
      let schema = object["schema"]?.integer,
      let byteCount = object["sizeBytes"]?.integer, byteCount > 0,
      let digest = object["digest"]?.text.flatMap(Digest.init(tagged:))
    else { return nil }
    self.site = site
    self.storeID = storeID
    self.incarnation = incarnation
    self.lsn = lsn
    self.head = Digest(head)
    self.time = time
    self.schema = schema
    self.byteCount = byteCount
    self.digest = digest
  }

  var json: JSONObject {
    [
      "format": .integer(Self.format), "site": .string(Text(site.description)),
      "storeId": .string(Text(hexText(storeID.bytes))),
      "incarnation": .string(Text(incarnation)), "lsn": .integer(lsn),
      "head": .string(Text(head.description)), "time": .string(Text(time.rfc3339)),
      "schema": .integer(schema), "sizeBytes": .integer(byteCount),
      "digest": .string(digest.tagged),
    ]
  }

  /// Reads the file.
  static func read(_ bytes: [UInt8]) throws(BackupFault) -> BackupManifest {
    guard let object = (try? JSONValue.parse(bytes))?.object,
      let format = object["format"]?.integer
    else { throw .manifestDamaged }
    guard format == Self.format else { throw .newerFormat(format) }
    guard let manifest = BackupManifest(object) else { throw .manifestDamaged }
    return manifest
  }

  /// Whether the store in the archive is the one this speaks of.
  func speaks(of state: SiteState) -> Bool {
    state.site == site && state.storeID == storeID && state.end.head == head
      && Int64(clamping: state.end.lsn.value) == lsn
      && state.end.incarnation.description == incarnation
  }

  /// No time that a manifest may claim is too late for an archive.
  private var seconds: Int64 {
    min(Int64(clamping: time.microseconds / 1_000_000), ArchiveMember.latest)
  }

  /// The header of the store in the archive.
  var storeMember: ArchiveMember {
    ArchiveMember(name: Self.storeName, byteCount: byteCount, modified: seconds)
  }

  /// Everything before the store's first byte.
  var archiveStart: [UInt8] {
    let text = json.bytes + [UInt8(ascii: "\n")]
    let member = ArchiveMember(
      name: Self.name, byteCount: Int64(text.count), modified: seconds)
    return member.header + text + member.padding + storeMember.header
  }

  /// Everything after its last.
  var archiveEnd: [UInt8] { storeMember.padding + ArchiveMember.end }
}
