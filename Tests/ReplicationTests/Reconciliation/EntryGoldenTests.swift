import Cryptography
import Foundation
import Testing

@testable import Replication

/// The bytes of an entry, field by field, in Golden/entry-*.txt: they are signed, stored and sent, so
/// they never change. Kills: any change of EntryCoding or of the digest's prefix.
@Suite struct EntryGoldenTests {
  @Test(arguments: ["entry-put", "entry-genesis"]) func bytesAreAsWritten(name: String) throws {
    let golden = try Golden(name)
    let entry = try Entry(
      headerBytes: golden.header, body: golden.body, hashing: OpenSSLHash())
    #expect(entry.header.encoded == golden.header)
    #expect(entry.digest.bytes == golden.digest)
    #expect(entry.stub.digest == entry.digest)
    for count in golden.header.indices {
      #expect(throws: ByteError.self) {
        try EntryHeader(decoding: Array(golden.header.prefix(count)))
      }
    }
  }

  @Test func fieldsAreAsWritten() throws {
    let header = try EntryHeader(decoding: Golden("entry-put").header)
    #expect(header == Golden.put)
    #expect(try Golden("entry-genesis").header == Golden.genesis.encoded)
  }
}

private struct Golden {
  var header: [UInt8] = []
  var body: [UInt8] = []
  var digest: [UInt8] = []

  /// Lines of hex and a comment after `#`; `body:` and `digest:` begin the other parts.
  init(_ name: String) throws {
    let url = Bundle.module.url(
      forResource: name, withExtension: "txt", subdirectory: "Golden")
    let text = try String(decoding: Data(contentsOf: #require(url)), as: UTF8.self)
    var part = \Golden.header
    for line in text.split(separator: "\n") {
      let hex = line.prefix { $0 != "#" }.filter { $0 != " " }
      switch hex {
      case "body:": part = \.body
      case "digest:": part = \.digest
      case _: self[keyPath: part] += try #require(hexBytes(hex))
      }
    }
  }

  static var put: EntryHeader {
    EntryHeader(
      identity: EntryIdentity(
        origin: site("lang-son"), incarnation: Incarnation(Bytes16(high: 1, low: 2)),
        sequence: SequenceNumber(3)),
      time: HybridTime(microseconds: 1_770_000_000_000_000, counter: 4), operation: .put,
      record: RecordKey(kind: .finance, id: RecordID(UniqueID(Bytes16(high: 5, low: 6)))),
      subject: .revision(Revision(7)), parents: [Digest(Bytes32(8, 9, 10, 11))],
      depth: Depth(12),
      registry: RegistryRevision(number: 13, digest: Digest(Bytes32(14, 15, 16, 17))),
      lane: .urgent, secrecy: .none, audience: ["ha-giang", "nghe-an"].map(site))
  }

  static var genesis: EntryHeader {
    EntryHeader(
      identity: EntryIdentity(
        origin: site("a"), incarnation: Incarnation(Bytes16(high: 1, low: 2)),
        sequence: SequenceNumber(1)),
      time: HybridTime(microseconds: 3, counter: 0), operation: .genesis, record: nil,
      subject: .none, parents: [], depth: Depth(1), registry: .builtIn, lane: .urgent,
      secrecy: .none, audience: [])
  }
}
