import Cryptography
import Glibc
import Replication
import Storage
import Testing

@testable import Console

/// Contents of files for tests, and where a site keeps them.
struct Content {
  let bytes: [UInt8]
  let digest: Digest

  /// Bytes that no compression shortens, the same for the same seed.
  init(byteCount: Int, seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    var bytes = [UInt8](repeating: 0, count: byteCount)
    for index in stride(from: 0, to: byteCount, by: 8) {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      for offset in 0..<min(8, byteCount - index) {
        bytes[index + offset] = UInt8(truncatingIfNeeded: state >> (8 * UInt64(offset)))
      }
    }
    self.bytes = bytes
    digest = OpenSSLHash().digest(bytes)
  }

  /// What a record says of the file.
  var attachment: JSONValue {
    .object([
      "contentId": .string("a2a544f9-69a7-589a-a42b-7ced0d908545"),
      "attachmentName": .string("tep.pdf"), "contentType": .string("application/pdf"),
      "sizeBytes": .integer(Int64(bytes.count)), "digest": .string(Text("sha-256:\(digest)")),
    ])
  }
}

extension Samples {
  /// A document of lang-son to the centre that names these files.
  static func document(_ number: Int, naming contents: Content...) throws -> JSONObject {
    var body = try document(number)
    body["attachments"] = .array(contents.map(\.attachment))
    return body
  }
}

extension Lab {
  /// The place of a file or a part of one at a site.
  func filePath(_ content: Content, at site: String, in folder: String? = nil) -> String {
    let name = "\(content.digest)"
    return "\(path)/\(site)/data/files/\(folder ?? String(name.prefix(2)))/\(name)"
  }

  /// Puts a file into the store of a site that does not run.
  func store(_ content: Content, at site: String) throws {
    let store = try FileStore(
      directory: DataDirectory("\(path)/\(site)/data"), hashing: OpenSSLHash())
    let file = try store.begin()
    try file.append(content.bytes.span)
    #expect(try file.finish() == content.digest)
  }

  /// Leaves the beginning of a file at a site, as a transfer that was cut does.
  func storePart(_ content: Content, byteCount: Int, at site: String) throws {
    _ = try FileStore(directory: DataDirectory("\(path)/\(site)/data"), hashing: OpenSSLHash())
    try Files.create(
      filePath(content, at: site, in: "part"), Array(content.bytes.prefix(byteCount)), mode: 0o600)
  }

  /// Bytes in a file; 0 when it is not there.
  func byteCount(_ file: String) -> Int {
    var status = stat()
    return stat(file, &status) == 0 ? Int(status.st_size) : 0
  }

  func awaitFile(_ content: Content, at site: String) throws {
    try eventually("\(site) has the file") {
      byteCount(filePath(content, at: site)) == content.bytes.count
    }
    #expect(try Disk.read(filePath(content, at: site)) == content.bytes)
  }

  func fileBytes(_ direction: String, at site: String, with peer: String) throws -> Int {
    Int(
      try metric(site, "dongbo_file_bytes_total{site=\"\(peer)\",direction=\"\(direction)\"}"))
  }

  /// Flips one bit of the first byte of `text` in a file of a site that does not run.
  func flip(_ text: [UInt8], in file: String) throws {
    var bytes = try Disk.read(file)
    let place = bytes.firstRange(of: text)?.lowerBound
    bytes[try #require(place, "not in \(file)")] ^= 1
    try Disk.write(file, bytes)
  }
}
