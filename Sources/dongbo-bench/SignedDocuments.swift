import Cryptography
import Replication
import Transport

/// Documents of a lab's first province, each with the signatures that the registry requires of it:
/// a person's and the organ's.
struct SignedDocuments {
  static let roles: [Text] = ["person", "organ"]
  /// The put and its signatures.
  static let changesPerDocument = 1 + roles.count

  private let signers: [(role: Text, signer: RecordSigner)]
  private let hashing = OpenSSLHash()
  private var random: SplitMix64
  private var lastNumber = 0

  /// - Parameter place: the site's directory in its lab.
  init(signersOf place: String, seed: UInt64) throws(BenchFailure) {
    var signers: [(Text, RecordSigner)] = []
    for role in Self.roles {
      let path = "\(place)/signers/\(role.string)"
      guard let key = TextFile.read(path + ".key"), let certificate = TextFile.read(path + ".crt")
      else { throw BenchFailure("\(path).key and .crt cannot be read") }
      do throws(CryptographyError) {
        let signer = try RecordSigner(
          keyPEM: Array(key.utf8), certificatePEM: Array(certificate.utf8))
        signers.append((role, signer))
      } catch {
        throw BenchFailure("\(path): \(error)")
      }
    }
    self.signers = signers
    random = SplitMix64(seed: seed)
  }

  /// The changes of one more document, in the order they are sent.
  mutating func next() throws(BenchFailure) -> [WorkloadChange] {
    lastNumber += 1
    let time = Workload.firstMilliseconds + UInt64(lastNumber)
    let ids = (0..<2).map { _ in Workload.uniqueID(milliseconds: time, random: &random) }
    let body = Bodies.document(
      number: "\(lastNumber)", id: ids[0], naming: Workload.file, random: &random)
    let record = RecordKey(kind: .document, id: RecordID(ids[1]))
    let put = WorkloadChange.put(record, revision: 1, owner: Workload.owner, body)
    let content = try manifest(of: put).canonicalBytes
    var changes = [put]
    for (role, signer) in signers { changes.append(try event(role, signer, content, record)) }
    return changes
  }

  /// As the daemon makes it of the submitted record.
  private func manifest(of put: WorkloadChange) throws(BenchFailure) -> SignatureManifest {
    do throws(RecordError) {
      let submission = try Submission.read(kind: .document, operation: .put, json: put.json)
      return SignatureManifest(
        record: submission.record, revision: Revision(1), body: hashing.digest(submission.body),
        files: submission.facts.files.map(\.digest))
    } catch {
      throw BenchFailure("document \(put.record.id): \(error)")
    }
  }

  private mutating func event(
    _ role: Text, _ signer: RecordSigner, _ content: [UInt8], _ record: RecordKey
  ) throws(BenchFailure) -> WorkloadChange {
    let value: [UInt8]
    do throws(CryptographyError) {
      value = try signer.sign(content, at: WallClock.now())
    } catch {
      throw BenchFailure("document \(record.id) cannot be signed: \(error)")
    }
    let time = Workload.firstMilliseconds + UInt64(lastNumber)
    let event = Workload.uniqueID(milliseconds: time, random: &random)
    let body: JSONObject = [
      "eventId": .text(event.description), "type": .text("signature"), "revision": .integer(1),
      "signerRole": .string(role), "format": .text("CAdES-BES"),
      "covers": .string(hashing.digest(content).tagged),
      "value": .text(String(decoding: Base64.encode(value), as: UTF8.self)),
    ]
    return WorkloadChange(
      record: record, operation: .append, json: JSONValue.object(body).canonicalBytes)
  }
}
