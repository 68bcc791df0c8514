import Cryptography
import Glibc
import Operations
import Replication
import Transport

/// A file of a record, as the daemon lists it.
private struct ListedFile {
  let name: String
  let digest: Digest
  let byteCount: Int64
  let isHere: Bool

  init?(_ object: JSONObject) {
    guard let name = object["attachmentName"]?.text?.string,
      let digest = object["digest"]?.text.flatMap(Digest.init(tagged:)),
      let byteCount = object["sizeBytes"]?.integer
    else { return nil }
    self.name = name
    self.digest = digest
    self.byteCount = byteCount
    isHere = object["bodyState"] == .string("here")
  }
}

/// Why a file was not written, as its line says it.
private struct FileFault: Error {
  let exitCode: ExitCode
  let code: String
  let title: String
  let hint: String
}

extension CommandRun {
  /// Writes the files of a record into a directory, each under a safe name: a name from the wire is
  /// data, never a path. One line a file; a file that is not whole is not there.
  func writeFiles(
    of record: [UInt8], into path: String
  ) throws(CommandFailure) -> ExitCode {
    let object = (try? JSONValue.parse(record))?.object ?? JSONObject()
    let files = object.objects("files").compactMap { ListedFile($0) }
    let directory = try outputDirectory(path)
    let names = SafeFileName.names(for: files.map(\.name))
    let client = try client()
    var tally = WriteTally()
    for (file, name) in zip(files, names) {
      var line: JSONObject = [
        "attachmentName": .string(Text(file.name)), "name": .string(Text(name.text)),
        "digest": .string(file.digest.tagged), "sizeBytes": .integer(file.byteCount),
      ]
      do throws(FileFault) {
        try write(file, as: name, into: directory, client)
        line["state"] = .string("written")
        _ = tally.done(centre: nil)
      } catch {
        line["state"] = .string("failed")
        line["code"] = .string(Text(error.code))
        line["title"] = .string(Text(error.title))
        line["do"] = error.hint.isEmpty ? nil : .string(Text(error.hint))
        tally.failed(error.exitCode)
      }
      terminal.line(line.bytes)
    }
    if tally.failedCount > 0 {
      let (failed, all) = (tally.failedCount, tally.itemCount)
      terminal.note(
        LocalText(
          vi: "dongbo: \(failed) trên \(all) tệp không ghi được; chạy lại vào thư mục trống",
          en: "dongbo: \(failed) of \(all) files not written; run again into an empty directory"))
    }
    return tally.exitCode
  }

  private func outputDirectory(_ path: String) throws(CommandFailure) -> OutputDirectory {
    // One that is there is as good; whether it is one, opening it tells.
    _ = mkdir(path, 0o700)
    do throws(OutputFileError) { return try OutputDirectory(path) } catch {
      throw CommandFailure(.failed, error.description, hint: error.hint)
    }
  }

  private func write(
    _ file: ListedFile, as name: SafeFileName, into directory: borrowing OutputDirectory,
    _ client: AdminClient
  ) throws(FileFault) {
    guard file.isHere else {
      throw FileFault(
        exitCode: .tryAgain, code: "file-pending",
        title: LocalText(vi: "nội dung chưa đến điểm này", en: "its content is not here yet")
          .text(in: language),
        hint: LocalText(vi: "thử lại sau khi nó đến", en: "try again once it has come")
          .text(in: language))
    }
    var output: OutputFile
    do throws(OutputFileError) { output = try directory.create(name) } catch {
      throw fault(error)
    }
    let stream = OpenSSLHash().makeStream()
    var offset: Int64 = 0
    while offset < file.byteCount {
      let bytes = try piece(of: file, at: offset, client)
      guard !bytes.isEmpty else { break }
      do throws(OutputFileError) { try output.append(bytes.span) } catch { throw fault(error) }
      stream.update(bytes.span)
      offset += Int64(bytes.count)
    }
    guard offset == file.byteCount, stream.finish() == file.digest else {
      throw FileFault(
        exitCode: .failed, code: "file-digest-mismatch",
        title: LocalText(
          vi: "nội dung nhận được không khớp mã băm hoặc kích thước trong bản ghi",
          en: "what came is not of the digest and size in the record"
        ).text(in: language), hint: "")
    }
    do throws(OutputFileError) { try output.finish() } catch { throw fault(error) }
  }

  private func piece(
    of file: ListedFile, at offset: Int64, _ client: AdminClient
  ) throws(FileFault) -> [UInt8] {
    let limit = min(file.byteCount - offset, Int64(FileSource.pieceByteCount))
    let response: HTTPResponse
    do throws(CommandFailure) {
      response = try client.send(
        .get, ["files", "\(file.digest)"],
        query: [.init("offset", "\(offset)"), .init("limit", "\(limit)")])
    } catch {
      throw FileFault(
        exitCode: error.exitCode, code: "not-reachable", title: error.message.text(in: language),
        hint: error.hint?.text(in: language) ?? "")
    }
    guard response.status.code == 200 else {
      let problem = Problem(response)
      throw FileFault(
        exitCode: problem.exitCode, code: problem.code, title: problem.title,
        hint: problem.detail ?? "")
    }
    return response.body
  }

  private func fault(_ error: OutputFileError) -> FileFault {
    FileFault(
      exitCode: .failed, code: "output-failed", title: error.description, hint: error.hint)
  }
}
