import Cryptography
import Glibc
import Operations
import Replication
import Transport

extension CommandRun {
  /// How long the daemon may take to copy and check its store.
  static let backupTime = Duration.seconds(2 * 3_600)

  /// `backup FILE`: the daemon copies its store while it works; the copy comes here in pieces.
  func backUp() throws(CommandFailure) -> ExitCode {
    let path = invocation.operands[0]
    // Before the daemon begins: a name that is taken shall not cost a copy.
    var output = try newFile(path)
    let client = try client(waiting: Self.backupTime)
    let answer = try client.call(.post, ["backup"])
    guard let object = (try? JSONValue.parse(answer))?.object,
      let id = object["backup"]?.text?.string, let manifest = BackupManifest(object)
    else {
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "dongbod trả lời không phải một bản sao lưu",
          en: "what dongbod answered is no backup"),
        hint: LocalText(vi: "dongbo version", en: "dongbo version"))
    }
    do throws(CommandFailure) {
      try fetch(id, manifest, into: &output, client)
    } catch {
      // Its copy goes by itself when nobody fetches it.
      _ = try? client.call(.post, ["backup", id, "end"])
      throw error
    }
    _ = try? client.call(.post, ["backup", id, "end"])
    var line = manifest.json
    line["file"] = .string(Text(path))
    terminal.json(line.bytes)
    return .done
  }

  private func newFile(_ path: String) throws(CommandFailure) -> OutputFile {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let name = String(parts.last ?? "")
    let parent = parts.dropLast().joined(separator: "/")
    let directory = parts.count == 1 ? "." : parent.isEmpty ? "/" : parent
    let safe = SafeFileName.names(for: [name])
    guard let safe = safe.first, safe.text == name else {
      let typed = visibleText(path)
      throw usageFailure(
        vi: "'\(typed)': cần một tên tệp bình thường", en: "'\(typed)': a plain file name is needed"
      )
    }
    do throws(OutputFileError) {
      return try OutputDirectory(directory).create(safe)
    } catch {
      throw failure(error)
    }
  }

  private func fetch(
    _ id: String, _ manifest: BackupManifest, into output: inout OutputFile, _ client: AdminClient
  ) throws(CommandFailure) {
    try write(manifest.archiveStart, to: &output)
    let stream = OpenSSLHash().makeStream()
    var progress = Progress(
      at: MonotonicClock.now(), isTerminal: terminal.isErrorTerminal,
      totalByteCount: Int(manifest.byteCount))
    var offset: Int64 = 0
    while offset < manifest.byteCount {
      let length = min(manifest.byteCount - offset, Int64(BackupReader.pieceByteCount))
      let bytes = try client.call(
        .get, ["backup", id, "bytes"],
        query: [.init("offset", "\(offset)"), .init("length", "\(length)")])
      guard !bytes.isEmpty, bytes.count <= length else { break }
      stream.update(bytes.span)
      try write(bytes, to: &output)
      offset += Int64(bytes.count)
      let now = MonotonicClock.now()
      if let shown = progress.step(at: now, itemCount: 0, byteCount: Int(offset)) {
        terminal.note(shown)
      }
    }
    guard offset == manifest.byteCount, stream.finish() == manifest.digest else {
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "bản sao nhận được không khớp mã băm; không ghi tệp nào",
          en: "the copy that came is not of its digest; no file was written"),
        hint: LocalText(
          vi: "Chạy lại; kiểm tra đĩa của dongbod.", en: "Run it again; check the daemon's disk."))
    }
    try write(manifest.archiveEnd, to: &output)
    do throws(OutputFileError) { try output.finish() } catch { throw failure(error) }
    let now = MonotonicClock.now()
    if let last = progress.end(at: now, itemCount: 1, byteCount: Int(offset)) {
      terminal.note(last)
    }
  }

  private func write(
    _ bytes: [UInt8], to output: inout OutputFile
  ) throws(CommandFailure) {
    do throws(OutputFileError) { try output.append(bytes.span) } catch { throw failure(error) }
  }

  private func failure(_ error: OutputFileError) -> CommandFailure {
    guard error.operation != "create" || error.errno != EEXIST else {
      let name = visibleText(error.name)
      return CommandFailure(
        .failed,
        LocalText(vi: "\(name) đã có", en: "\(name) is there already"),
        hint: LocalText(
          vi: "Chọn tên khác: không ghi đè lên tệp nào.",
          en: "Choose another name: nothing is written over."))
    }
    return CommandFailure(.failed, error.description, hint: error.hint)
  }
}
