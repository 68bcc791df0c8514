import Cryptography
import Replication
import Transport

/// Files through the admin API, in pieces.
extension AdminSite {
  /// Brings the file to the site, durable there when this returns.
  func upload(_ file: SeededFile) throws(BenchFailure) {
    let begun = try answer(.post, ["files"])
    guard case .string(let id)? = begun["upload"] else {
      throw BenchFailure("files: the answer names no upload")
    }
    for offset in file.offsets {
      _ = try answer(
        .post, ["files", "\(id)", "bytes"], query: [.init("offset", "\(offset)")],
        body: file.piece(at: offset), contentType: "application/octet-stream")
    }
    let declared: JSONObject = [
      "digest": .text(file.digestText), "sizeBytes": .integer(Int64(file.byteCount)),
    ]
    let body = JSONValue.object(declared).canonicalBytes
    _ = try answer(.post, ["files", "\(id)", "end"], body: body)
  }

  /// Whether the whole file is here.
  func hasFile(_ digest: Digest) throws(BenchFailure) -> Bool {
    let response = try send(.get, ["files", "\(digest)"])
    guard response.status.code != 404 else { return false }
    guard response.status.code == 200, let file = Self.object(response) else {
      throw Self.unexpected(response, ["files"])
    }
    return file["state"] == .text("here")
  }

  /// The digest of what the site gives under `digest`, computed here.
  func readBack(_ digest: Digest, byteCount: Int) throws(BenchFailure) -> Digest {
    let stream = OpenSSLHash().makeStream()
    for offset in stride(from: 0, to: byteCount, by: SeededFile.pieceByteCount) {
      let count = min(SeededFile.pieceByteCount, byteCount - offset)
      let response = try send(
        .get, ["files", "\(digest)"],
        query: [.init("offset", "\(offset)"), .init("limit", "\(count)")])
      guard response.status.code == 200 else { throw Self.unexpected(response, ["files"]) }
      stream.update(response.body.span)
    }
    return stream.finish()
  }

  private func answer(
    _ method: HTTPMethod, _ path: [String], query: [HTTPTarget.QueryItem] = [],
    body: [UInt8] = [], contentType: String = "application/json"
  ) throws(BenchFailure) -> JSONObject {
    let response = try send(method, path, query: query, body: body, contentType: contentType)
    guard response.status.code == 200, let object = Self.object(response) else {
      throw Self.unexpected(response, path)
    }
    return object
  }
}
