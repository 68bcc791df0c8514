import Cryptography
import Replication

extension FuzzTarget {
  /// An entry: two bytes for the header's length, the header, the body.
  static let change = FuzzTarget(
    name: "change", maximumByteCount: 6_144,
    memory: MemoryBound(fixedByteCount: 64 << 10, factor: 256),
    seeds: { try ChangeChecks.seeds() + SeedFiles.corpus("change") },
    makeCheck: { { input in try ChangeChecks.check(input) } })
}

enum ChangeChecks {
  static func check(_ input: [UInt8]) throws {
    guard input.count >= 2 else { return }
    let headerByteCount = min(Int(input[0]) << 8 | Int(input[1]), input.count - 2)
    let header = Array(input[2..<2 + headerByteCount])
    let body = Array(input[(2 + headerByteCount)...])
    let hashing = OpenSSLHash()
    let entry: Entry
    do throws(ByteError) {
      entry = try Entry(headerBytes: header, body: body, hashing: hashing)
    } catch {
      try require(
        throwsError { () throws(ByteError) in _ = try EntryHeader(decoding: header) },
        "an entry is refused, its header is not: \(error)")
      return
    }
    try require(entry.header.encoded == header, "a header is not encoded as it was decoded")
    var chance = InputChance(input)
    try checkWire(entry, &chance)
    try checkWire(entry.stub, &chance)
    try require(entry.stub.digest == entry.digest, "a stub has another digest")
    try checkBody(entry.header, body)
  }

  private static func checkWire(_ entry: Entry, _ chance: inout InputChance) throws {
    let wire = entry.wireBytes
    let hashing = OpenSSLHash()
    try require(try Entry(wireBytes: wire, hashing: hashing) == entry, "an entry is not as sent")
    let part = Array(wire.prefix(chance.below(wire.count)))
    for other in [part, wire + [0]] {
      try require(
        throwsError { () throws(ByteError) in
          _ = try Entry(wireBytes: other, hashing: hashing)
        }, "\(other.count) bytes decode as an entry of \(wire.count)")
    }
  }

  /// The body of a kind is judged, from a peer and from an application, and never traps.
  private static func checkBody(_ header: EntryHeader, _ body: [UInt8]) throws {
    guard let record = header.record else { return }
    _ = try? Submission.read(kind: record.kind, operation: header.operation, json: body)
    guard let object = (try? JSONValue.parseCanonical(body))?.object else { return }
    let operation = header.operation
    let known = try? EntryFacts.read(
      record: record, operation: operation, body: object, unknown: .refused)
    let kept = try? EntryFacts.read(
      record: record, operation: operation, body: object, unknown: .kept)
    try require(known == nil || known == kept, "what an application may write a peer may not send")
    guard record == RegistryRules.record else { return }
    _ = try? RegistrySnapshot(revision: header.registry, body: body)
  }

  /// A header of each golden file, and one for each sample with it as a put and as an event.
  static func seeds() throws -> [Seed] {
    let golden = try SeedFiles.bytes("Tests/Corpora/Golden/entry-header.hex")
    let header = try EntryHeader(decoding: golden)
    var seeds = [seed("golden", header, Array("{}".utf8))]
    let samples: [(RecordKind, String)] = [
      (.document, "documents"), (.directive, "directives"), (.finance, "finance"),
    ]
    for (kind, name) in samples {
      let lines = try SeedFiles.lines("Tests/ReplicationTests/Samples/\(name).jsonl")
      for (index, line) in lines.enumerated() {
        var sample = header
        sample.record = RecordKey(kind: kind, id: RecordID(UniqueID(Bytes16(high: 7, low: 7))))
        seeds.append(seed("\(name)-\(index)-application", sample, line))
        guard case .object(var body) = try JSONValue.parse(line) else { continue }
        for envelope in ["recordId", "kind", "ownerSite", "revision", "secrecyLevel"] {
          body[Text(envelope)] = nil
        }
        seeds.append(seed("\(name)-\(index)", sample, JSONValue.object(body).canonicalBytes))
      }
    }
    return seeds
  }

  private static func seed(_ name: String, _ header: EntryHeader, _ body: [UInt8]) -> Seed {
    let bytes = header.encoded
    let length = [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(bytes.count & 0xff)]
    return Seed(name: name, bytes: length + bytes + body)
  }
}
