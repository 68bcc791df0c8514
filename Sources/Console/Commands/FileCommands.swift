import Cryptography
import Operations
import Replication
import Transport

extension CommandRun {
  /// Longest wait until a large file is synced.
  static let syncTime = Duration.seconds(300)

  /// `file put PATH`
  func putFile() throws(CommandFailure) -> ExitCode {
    let file = try LocalFile(name: "", path: invocation.operands[0])
    terminal.json(try upload(file, try client(waiting: Self.syncTime)))
    return .done
  }

  // MARK: Writing a record with its files

  /// The files of `--file NAME=PATH`, read once.
  func attachedFiles() throws(CommandFailure) -> [LocalFile] {
    var files: [LocalFile] = []
    for text in invocation.all(.file) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        let typed = visibleText(text)
        throw usageFailure(
          vi: "--file '\(typed)': viết như cong-van.pdf=/đường/dẫn/tệp.pdf",
          en: "--file '\(typed)': write it like letter.pdf=/path/of/file.pdf")
      }
      files.append(try LocalFile(name: String(parts[0]), path: String(parts[1])))
    }
    return files
  }

  /// The one record or event in a file, its attachments filled in.
  func bodyWithFiles(_ path: String, _ files: [LocalFile]) throws(CommandFailure) -> JSONObject {
    let json = try readWhole(path == "-" ? "/dev/stdin" : path)
    guard var body = (try? JSONValue.parse(json))?.object else {
      throw CommandFailure(
        .failed,
        LocalText(
          vi: "\(visibleText(path)) phải có đúng một đối tượng JSON khi dùng --file",
          en: "\(visibleText(path)) must hold one JSON object, as --file belongs to one record"))
    }
    try body.attach(files)
    return body
  }

  /// Judges the record, brings its files, then writes it: the record that names them comes last,
  /// and of one that would be refused, a secret one first of all, no file is sent.
  func writeWithFiles(
    _ operation: Replication.Operation, to path: [String], from operand: Int
  ) throws(CommandFailure) -> ExitCode {
    let operands = invocation.operands
    let files = try attachedFiles()
    let body = try bodyWithFiles(operands.count > operand ? operands[operand] : "-", files)
    let kindName = try kind()
    guard let kind = RecordKind(name: kindName) else {
      preconditionFailure("\(kindName) passed as a kind")
    }
    let id = operand == 2 ? RecordID(operands[1]) : nil
    _ = try readSubmission(kind, operation, id: id, body.bytes)
    let client = try client(waiting: Self.syncTime)
    for file in files where try !isHere(file, client) { _ = try upload(file, client) }
    return try writeOne(to: path, body)
  }

  /// Whether a record names it here already and its content is here: then it stays.
  private func isHere(_ file: LocalFile, _ client: AdminClient) throws(CommandFailure) -> Bool {
    let response = try client.send(.get, ["files", "\(file.digest)"])
    guard response.status.code == 200 else { return false }
    let known = (try? JSONValue.parse(response.body))?.object
    return known?["state"] == .string("here") && known?["named"] == .bool(true)
  }

  /// - Returns: the daemon's answer: the file is durable there.
  private func upload(
    _ file: LocalFile, _ client: AdminClient
  ) throws(CommandFailure) -> [UInt8] {
    let source = try FileSource(file.path)
    let begun = (try? JSONValue.parse(try client.call(.post, ["files"])))?.object
    guard let id = begun?["upload"]?.text?.string else {
      throw CommandFailure(.notReachable, "no upload in the answer of dongbod")
    }
    var progress = Progress(
      at: MonotonicClock.now(), isTerminal: terminal.isErrorTerminal,
      totalByteCount: Int(file.byteCount))
    var offset: Int64 = 0
    while offset < file.byteCount {
      let bytes = try source.piece(at: offset)
      // Shorter than it was: the daemon says so at the end.
      guard !bytes.isEmpty else { break }
      let response = try client.send(
        .post, ["files", id, "bytes"], query: [.init("offset", "\(offset)")], body: bytes,
        contentType: "application/octet-stream")
      guard response.status.code == 200 else { throw Problem(response).failure }
      offset += Int64(bytes.count)
      let shown = progress.step(
        at: MonotonicClock.now(), itemCount: 0, byteCount: Int(offset))
      if let shown { terminal.note(shown) }
    }
    let last = progress.end(at: MonotonicClock.now(), itemCount: 1, byteCount: Int(offset))
    if let last { terminal.note(last) }
    // What was hashed before is what must have come, should the file have changed meanwhile.
    let declared: JSONObject = [
      "digest": .string(file.digestText), "sizeBytes": .integer(file.byteCount),
    ]
    return try client.call(.post, ["files", id, "end"], body: declared.bytes)
  }
}
