import Cryptography
import Operations
import Replication
import Storage

/// Every error answer of the admin API: status, stable code, cause and fix, in both languages.
enum AdminProblem {
  case notPermitted
  case busy
  case noRoute
  case noMethod
  case unknownKind(String)
  case malformedID(String)
  case malformedQuery(String)
  case record(RecordError)
  case refused(EditRefusal)
  case storageFull
  case store(StoreError)
  case notHere(RecordKey)
  case tokenLost
  case reload(String)
  case upload(UploadFault)
  case file(FileStoreError)
  case backup(BackupFault)
  case unknownFile(Digest)
  case fileNotHereYet(Digest)

  var details: ProblemDetails {
    switch self {
    case .notPermitted:
      details(403, "not-permitted", "Không có quyền", "Not permitted", "see [Admin] WriteGroup=")
    case .busy: details(503, "busy", "Đang bận, thử lại sau", "Busy, try again", "")
    case .noRoute: details(404, "no-route", "Không có địa chỉ này", "No such route", "")
    case .noMethod: details(405, "no-method", "Không hỗ trợ phương thức", "No such method", "")
    case .unknownKind(let name):
      details(
        404, "unknown-kind", "Không có loại bản ghi này", "Unknown kind",
        "\(visibleText(name)): one of document, directive, finance, registry")
    case .malformedID(let text):
      details(
        400, "malformed-id", "Mã không hợp lệ", "Malformed id",
        "\(visibleText(text)): a lower-case UUID is needed")
    case .malformedQuery(let name):
      details(400, "malformed-query", "Tham số không hợp lệ", "Malformed parameter", name)
    case .record(let error): recordDetails(error)
    case .refused(let refusal): refusalDetails(refusal)
    case .storageFull:
      details(
        507, "storage-full", "Hết dung lượng đĩa", "Storage full",
        "free or enlarge the disk of DataDirectory; writing then resumes by itself")
    case .store(.tookTooLong):
      details(503, "took-too-long", "Quá thời gian đọc", "Took too long", "ask for a smaller page")
    case .store(let error):
      details(500, "store-failed", "Lỗi kho dữ liệu", "The store failed", error.hint)
    case .notHere(let record):
      details(
        404, "not-here", "Bản ghi không có ở đây", "Not held at this site", record.description)
    case .tokenLost:
      details(
        410, "token-lost", "Mốc đọc không còn", "That token's row is gone",
        "this store was restored: read the feed from the start")
    case .reload(let faults):
      details(
        422, "configuration-faulty", "Cấu hình lỗi, giữ cấu hình cũ",
        "Configuration faulty, the old one stays", faults)
    case .upload(let fault): uploadDetails(fault)
    case .file(let error): fileDetails(error)
    case .backup(let fault): backupDetails(fault)
    case .unknownFile(let digest):
      details(
        404, "file-unknown", "Không có tệp này", "No such file",
        "\(digest): no record here names it")
    case .fileNotHereYet(let digest):
      details(
        404, "file-pending", "Nội dung tệp chưa đến", "The file is not here yet",
        "\(digest): ask again later, or bring it: dongbo file put PATH")
    }
  }

  /// Its label in the counter of refused entries; nil when nothing was refused.
  var refusedEntryReason: String? {
    switch self {
    case .record(.secrecy): "secrecy"
    case .record: "malformed"
    case .storageFull: "storage-full"
    case .refused: details.code
    case .notPermitted, .busy, .noRoute, .noMethod, .unknownKind, .malformedID, .malformedQuery,
      .store, .notHere, .tokenLost, .reload, .upload, .file, .backup, .unknownFile,
      .fileNotHereYet:
      nil
    }
  }

  func details(
    _ status: Int, _ code: String, _ vi: String, _ en: String, _ detail: String
  ) -> ProblemDetails {
    ProblemDetails(
      status: status, code: code, title: LocalText(vi: vi, en: en), detail: detail)
  }

  private func recordDetails(_ error: RecordError) -> ProblemDetails {
    let title = LocalText(vi: error.vietnamese, en: error.description)
    switch error {
    case .secrecy: return ProblemDetails(status: 422, code: "secrecy", title: title)
    case .json(let json):
      let isTooLong = if case .tooLong = json.reason { true } else { false }
      let status = isTooLong ? 413 : 400
      return ProblemDetails(
        status: status, code: status == 413 ? "too-large" : "json-invalid", title: title)
    case .field: return ProblemDetails(status: 422, code: "field-invalid", title: title)
    case .operation: return ProblemDetails(status: 422, code: "operation-invalid", title: title)
    }
  }

  private func refusalDetails(_ refusal: EditRefusal) -> ProblemDetails {
    switch refusal {
    case .malformed(let error): return recordDetails(error)
    case .notCentre(let centre):
      return details(
        403, "not-owner", "Chỉ Trung ương được sửa", "Only the centre may", "\(centre)")
    case .signing(let error):
      return details(500, "signing-failed", "Không ký được", "Signing failed", error.hint)
    case .fileSize(let fault):
      return details(
        422, "file-size-mismatch", "Kích thước tệp khai sai", "A file has another size",
        "\(fault.digest): sizeBytes is \(fault.declared), the file has \(fault.actual) bytes")
    case .file(let error): return fileDetails(error)
    case .decision(let refusal): return decisionDetails(refusal)
    case .authoring(let refusal): return authoringDetails(refusal)
    }
  }

  private func decisionDetails(_ refusal: DecisionRefusal) -> ProblemDetails {
    switch refusal {
    case .notHere(let record): AdminProblem.notHere(record).details
    case .notOwner(let owner):
      details(
        403, "not-owner", "Chỉ đơn vị quản lý bản ghi được quyết định",
        "Only the owner may decide", "run this at \(owner)")
    case .notInConflict:
      details(409, "not-in-conflict", "Bản ghi không có xung đột", "Not in conflict", "")
    case .unknownVersion(let digest):
      details(404, "unknown-version", "Không có phiên bản này", "No such version", "\(digest)")
    case .unknownRecord(let id):
      details(404, "unknown-version", "Không có bản ghi này", "No such record", "\(id)")
    }
  }

  private func authoringDetails(_ refusal: AuthoringRefusal) -> ProblemDetails {
    switch refusal {
    case .locked(let reason):
      details(
        503, "locked", "Trạm đang khoá để khôi phục", "This site is locked and recovers",
        "\(reason): see dongbo status")
    case .noRegistry:
      details(
        503, "no-registry", "Chưa nhận được sổ đăng ký", "No registry has come yet",
        "wait for the link to the centre; see dongbo status")
    case .notHere(let record): AdminProblem.notHere(record).details
    case .usedBefore(let identity):
      details(
        409, "used-before", "Mã này đã dùng cho nội dung khác",
        "That id was used with another body", "\(identity)")
    case .revisionExpected(let revision):
      details(
        409, "revision-expected", "Sai lần cập nhật", "Wrong revision",
        "revision \(revision) is next")
    case .inConflict(let codes):
      details(
        409, "in-conflict", "Bản ghi đang có xung đột", "The record is in conflict",
        codes.map(\.description).joined(separator: ", ") + ": see dongbo conflicts show")
    case .unknownParent(let digest):
      details(422, "unknown-parent", "Không có bản ghi gốc", "Unknown parent", "\(digest)")
    case .recordFull(let limit):
      details(
        422, "record-full", "Bản ghi quá nhiều sự kiện", "The record is full", "\(limit) entries")
    case .notOwner(let owner):
      details(
        403, "not-owner", "Bản ghi của đơn vị khác", "A record of another owner", "\(owner)")
    case .notAllowed(let code):
      details(403, "not-allowed", "Không được phép", "Not allowed", code.description)
    case .unknownSite(let site):
      details(
        422, "unknown-site", "Đơn vị không có trong sổ đăng ký", "A site not in the registry",
        "\(site): see dongbo site ls")
    case .rule(let fault):
      ProblemDetails(
        status: 422, code: "rule-broken",
        title: LocalText(vi: fault.vietnamese, en: fault.description))
    }
  }
}

extension DaemonContext {
  func noteRefusal(_ problem: AdminProblem) {
    if let reason = problem.refusedEntryReason { countRefusedEntry(reason: reason) }
    // The application is told; so is whoever runs the machine it was sent to.
    if case .record(.secrecy) = problem { logger.log(.error, "write.secret-refused") }
  }
}
