import Operations
import Replication
import Storage
import Transport

/// A copy of the whole store for who may write here: it holds everything.
///
/// | request | answer |
/// |---|---|
/// | `POST backup` | `{"backup": "ID", "sizeBytes", "digest", "site", ...}`, once it is durable |
/// | `GET backup/ID/bytes?offset=K&length=L` | the bytes, at most 1 MiB; empty at the end |
/// | `POST backup/ID/end` | `{"ended": true}`; the copy is gone |
extension AdminServer {
  func writeBackup(_ path: [String], _ respond: @escaping Respond) {
    switch (path.last, path.count) {
    case (_, 0):
      let pending = begin(.respond(respond))
      backups.take(at: WallClock.now(), now: MonotonicClock.now()) { [weak self] result in
        guard let self, case .respond(let respond) = end(pending) else { return }
        switch result {
        case .success(let backup): respond(.json(backup.json))
        case .failure(let fault): respond(problem(.backup(fault)))
        }
      }
    case ("end", 2):
      backups.end(path[0])
      respond(.json(["ended": .bool(true)]))
    default: respond(problem(.noRoute))
    }
  }

  func readBackup(_ id: BackupID, _ target: HTTPTarget, _ respond: @escaping Respond) {
    guard let offset = Int64(target.value(of: "offset") ?? "0"), offset >= 0 else {
      return respond(problem(.malformedQuery("offset: where the bytes begin")))
    }
    let text = target.value(of: "length") ?? "\(BackupLimits.pieceByteCount)"
    guard let length = Int(text), (1...BackupLimits.pieceByteCount).contains(length) else {
      return respond(problem(.malformedQuery("length: 1 to \(BackupLimits.pieceByteCount)")))
    }
    let pending = begin(.respond(respond))
    backups.read(id, at: offset, byteCount: length, now: MonotonicClock.now()) {
      [weak self] result in
      guard let self, case .respond(let respond) = end(pending) else { return }
      switch result {
      case .success(let bytes):
        respond(HTTPResponse(.ok, contentType: "application/octet-stream", body: bytes))
      case .failure(let fault): respond(problem(.backup(fault)))
      }
    }
  }
}

extension TakenBackup {
  fileprivate var json: JSONObject {
    [
      "backup": .string(Text(id)), "site": .string(Text(facts.state.site.description)),
      "storeId": .string(Text(hexText(facts.state.storeID.bytes))),
      "incarnation": .string(Text(facts.state.end.incarnation.description)),
      "lsn": .integer(Int64(clamping: facts.state.end.lsn.value)),
      "head": .string(Text(facts.state.end.head.description)),
      "time": .string(Text(time.rfc3339)), "schema": .integer(facts.schema),
      "sizeBytes": .integer(facts.byteCount), "digest": .string(facts.digest.tagged),
    ]
  }
}

extension AdminProblem {
  func backupDetails(_ fault: BackupFault) -> ProblemDetails {
    switch fault {
    case .busy:
      details(
        503, "backup-busy", "Đang có một bản sao lưu khác", "Another backup is under way",
        "try again once it is done; one that nobody fetches goes after "
          + "\(BackupLimits.idleTime.components.seconds) s")
    case .unknown:
      details(
        404, "backup-unknown", "Không có bản sao lưu này", "No such backup",
        "it was ended, or nobody fetched it in time: begin anew")
    case .copy(let error):
      details(
        error.status, error.code, "Không sao lưu được", "The backup was not taken", error.hint)
    }
  }
}

extension StoreCopyError {
  fileprivate var status: Int {
    switch self {
    case .stopped, .walTooLong, .store(.tookTooLong): 503
    case .noRoom, .store(.full): 507
    case .file, .store: 500
    }
  }
}
