import Cryptography
import Glibc
import Operations
import Replication
import Storage
import Transport

extension CommandRun {
  /// `restore FILE [--replace]`: offline. The store of the backup takes the place of what is in the
  /// data directory, locked until its peers have given back what came after it.
  func restore() throws(CommandFailure) -> ExitCode {
    let configuration = try configuration()
    var backup = try BackupReader(invocation.operands[0])
    let manifest = try backup.manifest()
    guard manifest.site == configuration.site.id else {
      throw backup.failure(
        .ofAnotherSite(found: manifest.site, configured: configuration.site.id))
    }
    guard manifest.schema <= StoreRestore.knownSchema else {
      throw backup.failure(
        .newerSchema(found: manifest.schema, known: StoreRestore.knownSchema))
    }
    try actAsOwner(of: configuration.site.dataDirectory)
    let directory = try opened(configuration.site.dataDirectory)
    try opening { () throws(StoreOpenError) in try StoreRestore.finishCommitted(in: directory) }
    guard invocation.has(.replace) || !StoreRestore.hasStore(directory) else {
      throw storeExists(directory.path)
    }
    try requireRoom(manifest.byteCount, in: directory)
    var fresh = try opening { () throws(StoreOpenError) in try StoreRestore(in: directory) }
    do throws(CommandFailure) {
      try backup.store(of: manifest) { piece throws(CommandFailure) in
        try opening { () throws(StoreOpenError) in try fresh.append(piece.span) }
      }
      let prepared = try prepare(fresh, configuration)
      guard manifest.speaks(of: prepared.locked) else { throw backup.failure(.storeMismatch) }
      let setAside = try opening { () throws(StoreOpenError) in
        try fresh.commit(at: Self.compact(WallClock.now()))
      }
      tell(manifest, setAside: setAside, pendingFileCount: prepared.pendingFileCount)
      return .done
    } catch {
      fresh.abandon()
      throw error
    }
  }

  /// Locks the store as one that has been put back.
  /// - Returns: its state as the backup has it.
  private func prepare(
    _ fresh: borrowing StoreRestore, _ configuration: SiteConfiguration
  ) throws(CommandFailure) -> (locked: SiteState, pendingFileCount: Int) {
    try opening { () throws(StoreOpenError) in
      try fresh.prepare(for: configuration.site.id, hashing: OpenSSLHash()) {
        writer throws(StoreError) in
        let state = try writer.siteState()
        var reconciler = Reconciler(
          site: state.site, centre: configuration.link.centreID, configuredPins: [],
          log: SiteLog(
            state: state, unopened: nil, hashing: OpenSSLHash(), now: WallClock.now()),
          hashing: OpenSSLHash(), signatures: ECDSAChecker())
        try reconciler.lockRestored(in: &writer)
        try reconciler.log.finish(in: &writer)
        return state
      }
    }
  }

  /// What root puts into the directory of the daemon's user belongs to that user.
  private func actAsOwner(of path: String) throws(CommandFailure) {
    var status = stat()
    guard geteuid() == 0, stat(path, &status) == 0, status.st_uid != 0 else { return }
    guard setegid(status.st_gid) == 0, seteuid(status.st_uid) == 0 else {
      throw CommandFailure(
        .notAllowed, "act as the owner of \(path): \(String(cString: strerror(errno)))")
    }
  }

  private func opened(_ path: String) throws(CommandFailure) -> DataDirectory {
    do throws(StoreOpenError) { return try DataDirectory(path) } catch {
      guard case .inUse(_, let processID) = error else { throw failure(error) }
      let name = visibleText(path)
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "dongbod (tiến trình \(processID)) đang dùng \(name)",
          en: "dongbod (process \(processID)) uses \(name)"),
        hint: LocalText(
          vi: "Dừng nó trước: systemctl stop dongbod", en: "Stop it first: systemctl stop dongbod"))
    }
  }

  private func storeExists(_ path: String) -> CommandFailure {
    let name = visibleText(path)
    return CommandFailure(
      .failed,
      LocalText(vi: "\(name) đã có một kho", en: "\(name) holds a store"),
      hint: LocalText(
        vi: "Thêm --replace: kho cũ được chuyển sang before-restore-..., không bị xóa.",
        en: "Add --replace: the old store is moved to before-restore-..., never deleted."))
  }

  private func requireRoom(
    _ byteCount: Int64, in directory: DataDirectory
  ) throws(CommandFailure) {
    let free = try opening { () throws(StoreOpenError) in try directory.freeByteCount() }
    guard free < UInt64(byteCount) else { return }
    throw CommandFailure(
      .failed,
      LocalText(
        vi: "kho cần \(byteCount) byte, còn trống \(free)",
        en: "the store needs \(byteCount) bytes, \(free) are free"),
      hint: LocalText(vi: "Giải phóng đĩa rồi chạy lại.", en: "Free disk space, then run it again.")
    )
  }

  private func tell(_ manifest: BackupManifest, setAside: String?, pendingFileCount: Int) {
    var line = manifest.json
    line["setAside"] = setAside.map { .string(Text($0)) }
    line["filesPending"] = .integer(Int64(pendingFileCount))
    terminal.json(line.bytes)
    terminal.note(
      LocalText(
        vi: """
          Kho đã vào chỗ và đang khóa: nó đọc và nhận, chưa ghi gì của mình.
          Tiếp theo: systemctl start dongbod, rồi dongbo rejoin để xem còn chờ điểm nào xác nhận.
          """,
        en: """
          The store is in place and locked: it reads and receives, and writes nothing of its own.
          Next: systemctl start dongbod, then dongbo rejoin, which names the peers still to confirm.
          """))
  }

  private func opening<Value: ~Copyable>(
    _ body: () throws(StoreOpenError) -> Value
  ) throws(CommandFailure) -> Value {
    do throws(StoreOpenError) { return try body() } catch { throw failure(error) }
  }

  private func failure(_ error: StoreOpenError) -> CommandFailure {
    if case .store(.corrupt(let reason)) = error {
      let shown = visibleText(reason)
      return CommandFailure(
        .failed,
        LocalText(
          vi: "kho trong bản sao lưu bị hỏng: \(shown)", en: "the store in the backup: \(shown)"),
        hint: LocalText(
          vi: "Dùng một bản sao lưu khác; chưa có gì bị thay đổi.",
          en: "Take another backup; nothing has been changed."))
    }
    return CommandFailure(.failed, error.hint)
  }

  /// As in `20260520T083000Z`.
  private static func compact(_ time: WallTime) -> String {
    time.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }
}
