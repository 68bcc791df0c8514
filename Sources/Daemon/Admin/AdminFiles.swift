import Operations
import Replication
import Storage
import Transport

/// Files between an application and this site: in pieces, so that memory stays constant.
///
/// | request | answer |
/// |---|---|
/// | `POST files` | `{"upload": "N"}` |
/// | `POST files/N/bytes?offset=K`, at most 1 MiB as it is | `{"byteCount": ...}` |
/// | `POST files/N/end` `{"digest"?, "sizeBytes"?}` | `{"digest", "sizeBytes", ...}`, durable |
/// | `GET files/DIGEST` | `{"digest", "state", "named", "sizeBytes"?}` |
/// | `GET files/DIGEST?offset=K&limit=L` | the bytes, at most 1 MiB |
extension AdminServer {
  func writeFile(_ path: [String], _ request: HTTPRequest, _ respond: @escaping Respond) {
    guard !daemon.disk.isFull else { return respond(problem(.storageFull)) }
    switch (path.last, path.count) {
    case (_, 0):
      switch uploads.begin(at: MonotonicClock.now()) {
      case .success(let id): respond(.json(["upload": .string(Text(id))]))
      case .failure(let fault): respond(problem(.upload(fault)))
      }
    case ("bytes", 2): appendToFile(path[0], request, respond)
    case ("end", 2): endFile(path[0], request, respond)
    default: respond(problem(.noRoute))
    }
  }

  private func appendToFile(
    _ id: UploadID, _ request: HTTPRequest, _ respond: @escaping Respond
  ) {
    guard let offset = request.target.value(of: "offset").flatMap({ Int64($0) }), offset >= 0
    else { return respond(problem(.malformedQuery("offset: where the bytes go"))) }
    guard request.body.count <= UploadLimits.pieceByteCount else {
      return respond(
        problem(.malformedQuery("at most \(UploadLimits.pieceByteCount) bytes at a time")))
    }
    uploads.append(
      request.body, at: offset, of: id, quota: daemon.configuration.files.unnamedByteCount,
      now: MonotonicClock.now()
    ) { [weak self] result in
      guard let self else { return }
      switch result {
      case .success(let byteCount): respond(.json(["byteCount": .integer(byteCount)]))
      case .failure(let fault): respond(problem(.upload(fault)))
      }
    }
  }

  private func endFile(_ id: UploadID, _ request: HTTPRequest, _ respond: @escaping Respond) {
    let body = request.body.isEmpty ? JSONObject() : (try? JSONValue.parse(request.body))?.object
    guard let body, let declared = DeclaredFile(body) else {
      return respond(
        problem(.malformedQuery("digest: sha-256:HEX; sizeBytes: a whole number from 0")))
    }
    uploads.end(
      id, expected: declared.digest, byteCount: declared.byteCount, now: MonotonicClock.now()
    ) { [weak self] result in
      guard let self else { return }
      switch result {
      case .success(let file):
        // A record that came before its file shows it as here from now on.
        let pending = begin(.respond(respond))
        post(.fileCame(pending, file), pending)
      case .failure(let fault): respond(problem(.upload(fault)))
      }
    }
  }

  func fileCame(_ request: RequestID, _ file: StoredUpload, isNamed: Bool) {
    if !isNamed {
      uploads.unnamed.insert(file.digest, byteCount: file.byteCount)
      uploads.showUnnamed()
    }
    guard case .respond(let respond) = end(request) else { return }
    respond(
      .json([
        "digest": .string(file.digest.tagged), "sizeBytes": .integer(file.byteCount),
        "named": .bool(isNamed),
      ]))
  }

  func readFile(_ text: String, _ target: HTTPTarget, _ respond: @escaping Respond) {
    // In a path the tag may be left out.
    let tagged = text.hasPrefix("sha-256:") ? text : "sha-256:" + text
    guard let digest = Digest(tagged: Text(tagged)) else {
      return respond(problem(.malformedID("a file: sha-256:HEX")))
    }
    let range: FileRange?
    switch FileRange.read(target) {
    case .success(let asked): range = asked
    case .failure(let fault): return respond(problem(.malformedQuery(fault.name)))
    }
    let (files, language) = (files, language)
    query(respond) { reader throws(StoreError) in
      let state = try reader.fileState(of: digest)
      do throws(FileStoreError) {
        guard let range else {
          return try Self.description(of: digest, state, in: files)
            ?? AdminProblem.unknownFile(digest).response(in: language)
        }
        return try range.bytes(of: digest, in: files)
      } catch .missing where state == nil {
        return AdminProblem.unknownFile(digest).response(in: language)
      } catch .missing {
        return AdminProblem.fileNotHereYet(digest).response(in: language)
      } catch {
        return AdminProblem.file(error).response(in: language)
      }
    }
  }

  /// - Returns: nil when it is neither here nor named.
  private static func description(
    of digest: Digest, _ state: FileState?, in files: FileStore
  ) throws(FileStoreError) -> HTTPResponse? {
    let byteCount = try files.size(of: digest)
    guard byteCount != nil || state != nil else { return nil }
    var object: JSONObject = [
      "digest": .string(digest.tagged), "named": .bool(state != nil),
      "state": .string(byteCount == nil ? "pending" : "here"),
    ]
    object["sizeBytes"] = byteCount.map { .integer($0) }
    return .json(object)
  }
}

/// What an application says of a file that it brought.
private struct DeclaredFile {
  let digest: Digest?
  let byteCount: Int64?

  init?(_ body: JSONObject) {
    digest = body["digest"]?.text.flatMap(Digest.init(tagged:))
    byteCount = body["sizeBytes"]?.integer
    guard (digest == nil) == (body["digest"] == nil),
      (byteCount == nil) == (body["sizeBytes"] == nil), byteCount ?? 0 >= 0
    else { return nil }
  }
}

/// The piece of a file that is asked for.
private struct FileRange {
  struct Fault: Error { let name: String }
  let offset: Int64
  let limit: Int

  /// nil: no piece is asked for.
  static func read(_ target: HTTPTarget) -> Result<FileRange?, Fault> {
    let texts = (offset: target.value(of: "offset"), limit: target.value(of: "limit"))
    guard texts.offset != nil || texts.limit != nil else { return .success(nil) }
    guard let offset = Int64(texts.offset ?? "0"), offset >= 0 else {
      return .failure(Fault(name: "offset"))
    }
    guard let limit = Int(texts.limit ?? "\(UploadLimits.pieceByteCount)"), limit > 0 else {
      return .failure(Fault(name: "limit"))
    }
    return .success(FileRange(offset: offset, limit: min(limit, UploadLimits.pieceByteCount)))
  }

  /// Empty at the end of the file.
  func bytes(of digest: Digest, in files: FileStore) throws(FileStoreError) -> HTTPResponse {
    let file = try files.open(digest)
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let piece = try file.read(at: offset + Int64(bytes.count), count: limit - bytes.count)
      guard !piece.isEmpty else { break }
      bytes += piece
    }
    return HTTPResponse(.ok, contentType: "application/octet-stream", body: bytes)
  }
}

extension AdminProblem {
  /// Made off the reactor's thread, for what a reader finds.
  func response(in language: Language) -> HTTPResponse {
    let details = details
    return HTTPResponse(
      HTTPStatus(details.status), contentType: ProblemDetails.contentType,
      body: Array(details.json(in: language).rendered.utf8))
  }

  func uploadDetails(_ fault: UploadFault) -> ProblemDetails {
    switch fault {
    case .unknown:
      details(
        404, "upload-unknown", "Không có lần tải này", "No such upload",
        "it failed, or nothing came for \(UploadLimits.idleTime.components.seconds) s: begin anew")
    case .tooManyOpen:
      details(
        503, "uploads-busy", "Quá nhiều tệp đang tải", "Too many files under way",
        "\(UploadLimits.openCount) at a time: try again")
    case .busy:
      details(
        503, "upload-busy", "Đang ghi phần trước", "The piece before is being written",
        "try again")
    case .outOfOrder(let offset, let expected):
      details(
        409, "out-of-order", "Sai vị trí", "Wrong offset",
        "offset \(offset): go on at \(expected)")
    case .overQuota(let byteCount, let quota):
      details(
        507, "file-quota", "Quá nhiều tệp chưa thuộc bản ghi nào",
        "Too many files that no record names",
        "\(byteCount) of \(quota) bytes: put the records that name them, or raise "
          + "[Files] UnnamedQuota=; the rest goes after [Files] Grace=")
    case .file(let error): fileDetails(error)
    }
  }

  func fileDetails(_ error: FileStoreError) -> ProblemDetails {
    let (status, vi, en): (Int, String, String)
    switch error {
    case .full, .noRoom: (status, vi, en) = (507, "Hết dung lượng đĩa", "Storage full")
    case .failed, .notOurs: (status, vi, en) = (500, "Lỗi kho tệp", "The store of files failed")
    case .rotten: (status, vi, en) = (500, "Tệp đã hỏng trên đĩa", "The file has rotted on disk")
    case .missing: (status, vi, en) = (404, "Không có tệp này", "No such file")
    case .tooLarge: (status, vi, en) = (413, "Tệp quá lớn", "The file is too large")
    case .tooManyParts, .partInUse: (status, vi, en) = (503, "Đang bận", "Busy")
    case .outOfOrder: (status, vi, en) = (409, "Sai vị trí", "Wrong offset")
    case .outOfRange: (status, vi, en) = (400, "Vượt quá cuối tệp", "Beyond the end of the file")
    case .sizeMismatch: (status, vi, en) = (422, "Kích thước tệp khai sai", "Another size")
    case .digestMismatch:
      (status, vi, en) = (422, "Nội dung tệp khác mã băm", "Another digest")
    }
    return details(status, error.code, vi, en, "\(error): \(error.hint)")
  }
}
