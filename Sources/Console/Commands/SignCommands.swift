import Cryptography
import Operations
import Replication
import Transport

extension CommandRun {
  /// `sign KIND FILE --role ROLE --key FILE --certificate FILE`: the signature event for the put in
  /// FILE, as one line. Needs no daemon: the manifest follows from the put alone.
  func sign() throws(CommandFailure) -> ExitCode {
    let kindName = try kind()
    guard let kind = RecordKind(name: kindName) else {
      preconditionFailure("\(kindName) passed as a kind")
    }
    let role = try needed(.role)
    // With --file the digests are filled in as `put --file` fills them: the same body is signed.
    let json =
      invocation.has(.file)
      ? try bodyWithFiles(invocation.operands[1], try attachedFiles()).bytes
      : try readWhole(invocation.operands[1])
    let submission = try readSubmission(kind, .put, json)
    guard case .revision(let revision) = submission.subject else {
      preconditionFailure("a put without a revision: \(submission.subject)")
    }
    let hashing = OpenSSLHash()
    let manifest = SignatureManifest(
      record: submission.record, revision: revision, body: hashing.digest(submission.body),
      files: submission.facts.files.map(\.digest))
    let content = manifest.canonicalBytes
    let value = try signature(over: content)
    let name = hashing.digest(value).raw
    let event = UniqueID(Bytes16(high: name.first, low: name.second))
    let line: JSONObject = [
      "recordId": .string(Text(submission.record.id.description)),
      "eventId": .string(Text(event.description)), "type": .string("signature"),
      "signerRole": .string(Text(role)), "format": .string("CAdES-BES"),
      "revision": .integer(Int64(clamping: revision.value)),
      "covers": .string(hashing.digest(content).tagged),
      "value": .string(Text(String(decoding: Base64.encode(value), as: UTF8.self))),
    ]
    terminal.line(line.bytes)
    return .done
  }

  /// What the daemon would make of a record or event.
  func readSubmission(
    _ kind: RecordKind, _ operation: Replication.Operation, id: RecordID? = nil, _ json: [UInt8]
  ) throws(CommandFailure) -> Submission {
    do throws(RecordError) {
      return try Submission.read(kind: kind, operation: operation, id: id, json: json)
    } catch {
      throw CommandFailure(.failed, LocalText(vi: error.vietnamese, en: error.description))
    }
  }

  private func signature(over content: [UInt8]) throws(CommandFailure) -> [UInt8] {
    let key = try Files.read(try needed(.key), limit: 1 << 20)
    let certificate = try Files.read(try needed(.certificate), limit: 1 << 20)
    do throws(CryptographyError) {
      return try RecordSigner(keyPEM: key, certificatePEM: certificate).sign(
        content, at: WallClock.now())
    } catch {
      throw CommandFailure(.failed, error.description, hint: error.hint)
    }
  }

  /// The signature events of `--signature` files: each goes to the record that it names, once the
  /// records are written.
  func appendSignatures(of kind: String) throws(CommandFailure) {
    let client = try client()
    for path in invocation.all(.signature) {
      let bytes = try readWhole(path)
      guard let event = (try? JSONValue.parse(bytes))?.object,
        let record = event["recordId"]?.text?.string, RecordID(record) != nil
      else {
        throw CommandFailure(
          .failed,
          LocalText(
            vi: "\(visibleText(path)) không phải chữ ký do dongbo sign tạo",
            en: "\(visibleText(path)) is no signature made by dongbo sign"),
          hint: LocalText(vi: "dongbo sign --help", en: "dongbo sign --help"))
      }
      let answer = try client.call(.post, ["records", kind, record, "events"], body: bytes)
      terminal.line(JSONLayout.compact(answer))
    }
  }
}
